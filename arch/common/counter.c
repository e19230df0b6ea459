/* SPDX-License-Identifier: BSD-2-Clause */
/* The generic timer: EL2's own one-shot timer, and the guest's virtual timer for vtimer.c. */
#include "internal.h"

uint64_t counter_hz;

void arch_timer_set(uint64_t deadline)
{
    static bool on[MAX_CPUS];
    bool *is_on = &on[cpu_id()], wanted = deadline != ~0ull;

    if (wanted)
        WRITE_SYSREG(cnthp_cval_el2, deadline);
    if (*is_on != wanted)
        WRITE_SYSREG(cnthp_ctl_el2, wanted);
    *is_on = wanted;
    arch_isb(); /* a WFI that follows must see the timer as set */
}

/*
 * The timer is off or masked (arch_vtimer_mask), so it does not fire on a half-loaded comparison.
 * CTL is written last, for the same reason.  ERET synchronises the rest.
 */
void arch_vtimer_write(uint64_t cval, uint32_t ctl, uint64_t voff, uint32_t cntkctl)
{
    if (READ_SYSREG(cntvoff_el2) != voff)
        WRITE_SYSREG(cntvoff_el2, voff);
    WRITE_SYSREG(cntv_cval_el0, cval);
    if (READ_SYSREG(cntkctl_el1) != cntkctl)
        WRITE_SYSREG(cntkctl_el1, cntkctl);
    arch_isb();
    WRITE_SYSREG(cntv_ctl_el0, ctl & 3);
    arch_isb();
}

/* Reads only; the caller masks or rewrites the timer when the vCPU leaves the CPU. */
void arch_vtimer_read(uint64_t *cval, uint32_t *ctl, uint32_t *cntkctl)
{
    *ctl = (uint32_t)READ_SYSREG(cntv_ctl_el0);
    *cval = READ_SYSREG(cntv_cval_el0);
    *cntkctl = (uint32_t)READ_SYSREG(cntkctl_el1);
}

void arch_vtimer_mask(void)
{
    WRITE_SYSREG(cntv_ctl_el0, READ_SYSREG(cntv_ctl_el0) | 2); /* IMASK */
    arch_isb(); /* the level drops before the interrupt is deactivated */
}
