/* SPDX-License-Identifier: BSD-2-Clause */
/* The vCPU of a 64-bit host.  Part of <asm/vcpu.h>; entry.S knows the offsets (asserted in
 * width/switch.h). */
#include <asm/vcpu.h> /* outside the guard: that file includes this one */
#ifndef ASM_WIDTH_VCPU_H
#define ASM_WIDTH_VCPU_H

/*
 * In the layout of AArch64.  AArch32 guests: R0-R14 are in x0-x14, banked registers are in x15-x30
 * as the architecture maps them (Arm ARM D1.20.1).  An exit from AArch64 by HVC, or for emulated
 * MMIO, leaves x19-x28 to the compiler and saves them only before another vCPU may run: entry.S.
 * All other exits that reach C save everything.
 */
struct guest_regs {
    uint64_t x[31];
    uint64_t pc;     /* ELR_EL2 */
    uint64_t pstate; /* SPSR_EL2 */
    uint64_t pad;    /* pairs: STP/LDP */
};

struct guest_fpsimd {
    uint64_t v[64]; /* V0..V31, low doubleword first */
    uint32_t fpsr, fpcr;
    uint64_t pad;
};

struct arch_vcpu {
    struct guest_regs regs;
    /* Below: valid in memory only while the vCPU is not loaded (arch_vcpu_save). */
    uint64_t sp_el0, sp_el1, elr_el1, spsr_el1;
    uint64_t spsr_abt, spsr_und, spsr_irq, spsr_fiq;
    uint64_t sysreg[XLR_SYS_COUNT];
    struct guest_fpsimd fp;
    /* Fixed for the vCPU, or written by EL2 only. */
    uint64_t hcr; /* HCR_EL2 while it runs */
    uint64_t vmpidr;
    uint32_t esr;    /* ESR_EL2 of the last synchronous exit */
    int fp_cpu;      /* CPU whose FP registers may still hold `fp`; -1 none */
    uint8_t put_off; /* how often in a row work was put off: traps.c */
};

static inline uint64_t arch_reg_get(const struct vcpu *v, unsigned n)
{
    const struct guest_regs *r = arch_regs_(v);
    uint64_t value = n < 31 ? r->x[n] : 0;
    return __builtin_expect((r->pstate & PSR_A32) != 0, 0) ? (uint32_t)value : value;
}
static inline void arch_reg_set(struct vcpu *v, unsigned n, uint64_t value)
{
    struct guest_regs *r = arch_regs_(v);
    if (n < 31)
        r->x[n] = __builtin_expect((r->pstate & PSR_A32) != 0, 0) ? (uint32_t)value : value;
}
static inline unsigned hypercall_number_reg(const struct guest_regs *r)
{
    return r->pstate & PSR_A32 ? 12 : 16;
}

static inline bool skips_slowly(const struct guest_regs *r) { return (r->pstate & PSR_A32) != 0; }
/* One of AArch64: as if it was executed, so SS (one step is done) and BTYPE are cleared. */
static inline void skip_whole_instruction(struct guest_regs *r)
{
    uint64_t pstate = r->pstate & ~PSR_SS;
    __asm__("" : "+r"(pstate)); /* two immediates are shorter than one constant */
    r->pstate = pstate & ~(3ull << 10);
    r->pc += 4;
}

#endif
