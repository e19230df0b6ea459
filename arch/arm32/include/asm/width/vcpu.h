/* SPDX-License-Identifier: BSD-2-Clause */
/* The vCPU of a 32-bit host.  Part of <asm/vcpu.h>; entry.S knows the offsets (asserted in
 * width/switch.h). */
#include <asm/vcpu.h> /* outside the guard: that file includes this one */
#ifndef ASM_WIDTH_VCPU_H
#define ASM_WIDTH_VCPU_H

/*
 * What every exit finds in the CPU's own registers.  All exits that reach C save everything.  In
 * FIQ mode r8-r12 are those of the other modes: FIQ mode's own are banked.
 */
struct guest_regs {
    uint32_t r[13];
    uint32_t lr;     /* LR_usr */
    uint32_t pc;     /* ELR_hyp */
    uint32_t pstate; /* CPSR, from SPSR_hyp */
};

struct guest_fpsimd {
    uint64_t d[32]; /* zero from 16 up where the CPU has 16 */
    uint32_t fpscr, pad;
};

struct arch_vcpu {
    struct guest_regs regs;
    /* Below: valid in memory only while the vCPU is not loaded (arch_vcpu_save). */
#define X(name) uint32_t name;
    struct guest_banked {
        SYSREGS_BANKED(X)
    } banked;
#undef X
    /* ThumbEE: hidden from guests, but an emulator may not let it be hidden: idregs.c */
    uint32_t teecr, teehbr;
    uint64_t sysreg[XLR_SYS_COUNT]; /* upper halves of registers of 32 bits are zero */
    struct guest_fpsimd fp;
    /* Fixed for the vCPU, or written by Hyp mode only. */
    uint32_t hcr; /* HCR_EL2 while it runs */
    uint32_t vmpidr;
    uint32_t esr; /* ESR_EL2 of the last synchronous exit */
    int fp_cpu;   /* CPU whose FP registers may still hold `fp`; -1 none */
};

/*
 * Registers that differ among modes: R8 to R12 of FIQ mode, R13, R14, R15.  16 to 30 are the banked
 * registers under the numbers of X16 to X30, as the architecture maps them (DDI 0487, D1.20.1), for
 * dumps.  Of the current vCPU they are in the CPU.  switch.c
 */
uint32_t banked_reg_get(const struct vcpu *v, unsigned n);
void banked_reg_set(struct vcpu *v, unsigned n, uint32_t value);

static inline bool arch_reg_is_banked_(const struct vcpu *v, unsigned n)
{
    return n > 12 ||
           (__builtin_expect((arch_regs_(v)->pstate & PSR_MODE) == PSR_A32_FIQ, 0) && n > 7);
}
static inline uint64_t arch_reg_get(const struct vcpu *v, unsigned n)
{
    return arch_reg_is_banked_(v, n) ? banked_reg_get(v, n) : arch_regs_(v)->r[n];
}
static inline void arch_reg_set(struct vcpu *v, unsigned n, uint64_t value)
{
    if (arch_reg_is_banked_(v, n))
        banked_reg_set(v, n, (uint32_t)value);
    else
        arch_regs_(v)->r[n] = (uint32_t)value;
}
static inline unsigned hypercall_number_reg(const struct guest_regs *r)
{
    (void)r;
    return 12;
}

/* Of Thumb state the instruction's length is not known here. */
static inline bool skips_slowly(const struct guest_regs *r) { return (r->pstate & PSR_A32_T) != 0; }
static inline void skip_whole_instruction(struct guest_regs *r) { r->pc += 4; }

#endif
