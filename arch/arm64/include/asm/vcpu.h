/* SPDX-License-Identifier: BSD-2-Clause */
/* What the architecture keeps of a vCPU.  First member of struct vcpu; entry.S knows the offsets
 * (asserted in switch.c). */
#ifndef ASM_VCPU_H
#define ASM_VCPU_H

#include "types.h"
#include "records.h"

/*
 * In the layout of AArch64; AArch32 guests: R0-R14 are in x0-x14 and banked registers in x15-x30 as
 * the architecture maps them (Arm ARM D1.20.1).  An exit from AArch64 by HVC, or for emulated MMIO,
 * leaves x19-x28 to the compiler and saves them only before another vCPU may run: entry.S.  All
 * other exits that reach C save everything.
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
    uint8_t put_off; /* how often work was put off in a row: traps.c */
};

struct vcpu;

/*
 * Accessors of arch.h that every exit uses.  struct vcpu begins with struct arch_vcpu (asserted in
 * switch.c), whose definition comes later: hence the cast.
 */
static inline struct guest_regs *arch_regs_(const struct vcpu *v)
{
    return (struct guest_regs *)(uintptr_t)v;
}

#define ARCH_PSTATE_A32 (1ull << 4)

static inline uint64_t arch_reg_get(const struct vcpu *v, unsigned n)
{
    const struct guest_regs *r = arch_regs_(v);
    uint64_t value = n < 31 ? r->x[n] : 0;
    return __builtin_expect((r->pstate & ARCH_PSTATE_A32) != 0, 0) ? (uint32_t)value : value;
}

static inline void arch_reg_set(struct vcpu *v, unsigned n, uint64_t value)
{
    struct guest_regs *r = arch_regs_(v);
    if (n < 31)
        r->x[n] = __builtin_expect((r->pstate & ARCH_PSTATE_A32) != 0, 0) ? (uint32_t)value : value;
}

/* EL0 cannot make hypercalls, so the state of the caller is the state of its EL1. */
static inline uint64_t arch_hypercall_arg(const struct vcpu *v, unsigned n)
{
    return arch_reg_get(v, n < 5 ? n : arch_regs_(v)->pstate & ARCH_PSTATE_A32 ? 12 : 16);
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
} /* HVC has 4 bytes in every instruction set */

/* EL0t, or AArch32's User mode. */
static inline bool arch_vcpu_in_user_mode(const struct vcpu *v)
{
    return (arch_regs_(v)->pstate & 0xf) == 0;
}

void skip_instruction_a32(struct vcpu *v);
static inline void arch_skip_instruction(struct vcpu *v)
{
    struct guest_regs *r = arch_regs_(v);
    if (__builtin_expect((r->pstate & ARCH_PSTATE_A32) != 0, 0)) {
        skip_instruction_a32(v);
        return;
    }
    uint64_t pstate = r->pstate & ~(1ull << 21); /* SS, then BTYPE: as if executed: one step done */
    __asm__("" : "+r"(pstate));                  /* two immediates are shorter than one constant */
    r->pstate = pstate & ~(3ull << 10);
    r->pc += 4;
}

#endif
