/* SPDX-License-Identifier: BSD-2-Clause */
/* The generic timer: Hyp mode's own one-shot, and the guest's virtual timer for
 * xen-lite/vgic/vtimer.c. */
#include "internal.h"

uint64_t counter_hz;

void arch_timer_set(uint64_t deadline)
{
    static bool on[MAX_CPUS];
    bool *is_on = &on[cpu_id()], wanted = deadline != ~0ull;

    if (wanted)
        WRITE_SYSREG(cnthp_cval, deadline);
    if (*is_on != wanted)
        WRITE_SYSREG(cnthp_ctl, wanted);
    *is_on = wanted;
    arch_isb(); /* a WFI that follows must see the timer as set */
}

/*
 * The timer is off or masked (arch_vtimer_mask), so it does not fire on a half-loaded comparison;
 * CTL last.  ERET synchronises the rest.
 */
void arch_vtimer_write(uint64_t cval, uint32_t ctl, uint64_t voff, uint32_t cntkctl)
{
    if (READ_SYSREG(cntvoff) != voff)
        WRITE_SYSREG(cntvoff, voff);
    WRITE_SYSREG(cntv_cval, cval);
    if (READ_SYSREG(cntkctl) != cntkctl)
        WRITE_SYSREG(cntkctl, cntkctl);
    arch_isb();
    WRITE_SYSREG(cntv_ctl, ctl & 3);
    arch_isb();
}

/* Reads only; the caller masks or rewrites the timer when the vCPU leaves the CPU. */
void arch_vtimer_read(uint64_t *cval, uint32_t *ctl, uint32_t *cntkctl)
{
    *ctl = READ_SYSREG(cntv_ctl);
    *cval = READ_SYSREG(cntv_cval);
    *cntkctl = READ_SYSREG(cntkctl);
}

void arch_vtimer_mask(void)
{
    WRITE_SYSREG(cntv_ctl, READ_SYSREG(cntv_ctl) | 2);
    arch_isb(); /* the level drops before the interrupt is deactivated */
}
