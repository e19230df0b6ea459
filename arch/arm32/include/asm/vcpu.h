/* SPDX-License-Identifier: BSD-2-Clause */
/* What the architecture keeps of a vCPU.  First member of struct vcpu; entry.S knows the offsets
 * (asserted in switch.c). */
#ifndef ASM_VCPU_H
#define ASM_VCPU_H

#include "types.h"
#include <asm/sysreg.h>

/*
 * What every exit finds in the CPU's own registers.  An exit by HVC, or for emulated MMIO, leaves
 * r4-r11 to the compiler and saves them only before another vCPU may run: entry.S.  All other exits
 * that reach C save everything.  In FIQ mode r8-r12 are the other modes': the mode's own are
 * banked.
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
    struct guest_cp15 {
        SYSREGS_GUEST(X)
    } cp15;
#undef X
#define X(name) uint64_t name;
    struct guest_cp15_64 {
        SYSREGS_GUEST_64(X)
    } cp15_64;
#undef X
    uint32_t teecr, teehbr; /* ThumbEE, hidden from guests, but an emulator may not let it be
                               hidden: idregs.c */
    uint32_t fpexc;
    struct guest_fpsimd fp;
    /* Fixed for the vCPU, or written by Hyp mode only. */
    uint32_t hcr; /* HCR while it runs */
    uint32_t vmpidr;
    uint32_t actlr; /* as the guest reads it */
    uint32_t hsr;   /* HSR of the last synchronous exit */
    int fp_cpu;     /* CPU whose FP registers may still hold `fp`; -1 none */
};

struct vcpu;

/*
 * Accessors of arch.h that every exit uses; of the current vCPU, as its banked registers are in the
 * CPU.  struct vcpu begins with struct arch_vcpu (asserted in switch.c), whose definition comes
 * later: hence the cast.
 */
static inline struct guest_regs *arch_regs_(const struct vcpu *v)
{
    return (struct guest_regs *)(uintptr_t)v;
}

/*
 * What is not the same register in all modes: R8 to R12 of FIQ mode, R13, R14, R15; 16 to 30 are
 * the banked registers as the architecture maps them to X16 to X30 (DDI 0487, D1.20.1), for dumps.
 * switch.c
 */
uint32_t banked_reg_get(const struct vcpu *v, unsigned n);
void banked_reg_set(struct vcpu *v, unsigned n, uint32_t value);

static inline bool arch_reg_is_banked_(const struct vcpu *v, unsigned n)
{
    return n > 12 || (__builtin_expect((arch_regs_(v)->pstate & PSR_MODE) == PSR_FIQ, 0) && n > 7);
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

/* HVC is not for User mode, so the state of the caller is the state of its kernel. */
static inline uint64_t arch_hypercall_arg(const struct vcpu *v, unsigned n)
{
    return arch_reg_get(v, n < 5 ? n : 12);
}
static inline void arch_hypercall_set_arg(struct vcpu *v, unsigned n, uint64_t value)
{
    arch_reg_set(v, n, value);
}
static inline void arch_hypercall_return(struct vcpu *v, int64_t value)
{
    arch_reg_set(v, 0, (uint64_t)value);
}
static inline void arch_hypercall_restart(struct vcpu *v)
{
    arch_regs_(v)->pc -= 4;
} /* HVC has 4 bytes in both instruction sets */

static inline bool arch_vcpu_in_user_mode(const struct vcpu *v)
{
    return (arch_regs_(v)->pstate & PSR_MODE) == PSR_USR;
}

void skip_instruction_thumb(struct vcpu *v);
static inline void arch_skip_instruction(struct vcpu *v)
{
    struct guest_regs *r = arch_regs_(v);
    if (__builtin_expect((r->pstate & PSR_T) != 0, 0))
        skip_instruction_thumb(v);
    else
        r->pc += 4;
}

#endif
