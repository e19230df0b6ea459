/* SPDX-License-Identifier: BSD-2-Clause */
/* What common/traps.c needs of arm32. */
#ifndef ARCH_WIDTH_TRAPS_H
#define ARCH_WIDTH_TRAPS_H

#include "internal.h"

static inline uint32_t fault_va(bool instruction)
{
    return instruction ? READ_SYSREG(hifar) : READ_SYSREG(far_el2);
}

enum { FSC_ASYNC = 0x11, FSC_ASYNC_PARITY = 0x19 };

/* Asynchronous aborts come by the vector of data aborts. */
static inline bool abort_is_serror(uint32_t fsc)
{
    return fsc == FSC_ASYNC || fsc == FSC_ASYNC_PARITY;
}

static inline bool condition_holds(const struct vcpu *v, uint32_t esr)
{
    return a32_condition_holds(v->arch.regs.pstate, esr);
}

/*
 * A load or store that met an empty level-3 entry, most likely that of an emulated page.  The look
 * at the leaf may take an abort of our own, which overwrites the guest's addresses: put them back
 * for the long way.
 */
static inline bool emulated(struct vcpu *v, uint32_t esr)
{
    uint32_t hpfar = READ_SYSREG(hpfar_el2), far = READ_SYSREG(far_el2);

    if (likely(mmio_leaf_access(v, esr, IPA(fault_page(hpfar) | (far & (PAGE_SIZE - 1))))))
        return true;
    WRITE_SYSREG(hpfar_el2, hpfar);
    WRITE_SYSREG(far_el2, far);
    return false;
}

/* There is no MSR or MRS of system registers, and EC_SYSREG does not come. */
static inline void sysreg_trap(struct vcpu *v, uint32_t iss)
{
    (void)iss;
    arch_inject_undef(v);
}

/* Every function has a frame (-fno-omit-frame-pointer), so one function is cheaper than two. */
#define TRAP_SYNC_OTHER inline __attribute__((always_inline))

#define EL2_VECTOR_NAMES                                                                         \
    "reset", "undefined instruction", "hypervisor call", "prefetch abort", "data abort", "trap", \
        "IRQ", "FIQ"

#endif
