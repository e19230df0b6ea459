/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the architecture keeps of a vCPU.  <asm/width/vcpu.h> has struct guest_regs, struct
 * guest_fpsimd, struct arch_vcpu, and access to general-purpose registers; this file has the
 * accessors of arch.h that every exit uses.
 */
#ifndef ASM_VCPU_H
#define ASM_VCPU_H

#include "types.h"
#include "records.h"
#include <asm/sysreg.h>

struct vcpu;
struct guest_regs;

/* struct vcpu begins with struct arch_vcpu, and that with struct guest_regs (asserted in switch.c).
 * The definition of struct vcpu comes later: hence the cast. */
static inline struct guest_regs *arch_regs_(const struct vcpu *v)
{
    return (struct guest_regs *)(uintptr_t)v;
}

#include <asm/width/vcpu.h>

/* EL0 cannot make hypercalls, so the caller's instruction set is that of its kernel. */
static inline uint64_t arch_hypercall_arg(const struct vcpu *v, unsigned n)
{
    return arch_reg_get(v, n < 5 ? n : hypercall_number_reg(arch_regs_(v)));
}
static inline void arch_hypercall_set_arg(struct vcpu *v, unsigned n, uint64_t value)
{
    arch_reg_set(v, n, value);
}
static inline void arch_hypercall_return(struct vcpu *v, int64_t value)
{
    arch_reg_set(v, 0, (uint64_t)value);
}
/* HVC has 4 bytes in every instruction set. */
static inline void arch_hypercall_restart(struct vcpu *v) { arch_regs_(v)->pc -= 4; }

/* EL0t, or AArch32's User mode: both end in four zeros, and no other mode does. */
static inline bool arch_vcpu_in_user_mode(const struct vcpu *v)
{
    return (arch_regs_(v)->pstate & 0xf) == 0;
}

void skip_instruction_a32(struct vcpu *v); /* in any state of AArch32 */
static inline void arch_skip_instruction(struct vcpu *v)
{
    struct guest_regs *r = arch_regs_(v);

    if (__builtin_expect(skips_slowly(r), 0))
        skip_instruction_a32(v);
    else
        skip_whole_instruction(r);
}

#endif
