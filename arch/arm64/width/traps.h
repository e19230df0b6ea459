/* SPDX-License-Identifier: BSD-2-Clause */
/* What common/traps.c needs of arm64. */
#ifndef ARCH_WIDTH_TRAPS_H
#define ARCH_WIDTH_TRAPS_H

#include "internal.h"

static inline uint64_t fault_va(bool instruction)
{
    (void)instruction;
    return READ_SYSREG(far_el2);
}

/* SErrors have a vector of their own. */
static inline bool abort_is_serror(uint32_t fsc)
{
    (void)fsc;
    return false;
}

static inline bool condition_holds(const struct vcpu *v, uint32_t esr)
{
    uint64_t pstate = v->arch.regs.pstate;
    return !(pstate & PSR_A32) || a32_condition_holds((uint32_t)pstate, esr);
}

/*
 * The look at the leaf took an abort of our own: the table that held the leaf went away after the
 * guest's fault.  Our abort has overwritten the guest's FAR_EL2, so the guest makes its access
 * again; the new fault is not at level 3.
 */
static inline bool table_gone(void) { return ESR_EC(READ_SYSREG(esr_el2)) == EC_DABT; }

static inline bool emulated(struct vcpu *v, uint32_t esr)
{
    return likely(trap_emulated(v, esr) != NULL) || table_gone();
}

/* trap_sync needs no frame if the rest of it is not in line. */
#define TRAP_SYNC_OTHER __attribute__((noinline))

#define EL2_VECTOR_NAMES "exception with SP_EL0", "IRQ", "FIQ", "SError"

#endif
