/* SPDX-License-Identifier: BSD-2-Clause */
/* Physical interrupts: acknowledged here, then handled here or handed to a domain. */
#include "arch.h"
#include "console.h"
#include "hooks.h"
#include "log.h"
#include "timer.h"
#include "vgic.h"
#include "vtimer.h"

/*
 * One bit per INTID, set when an interrupt without a handler has been logged, so that each is
 * logged once.  Such an interrupt is disabled whenever it arrives.
 */
static uint64_t strange[16];

static void unexpected(uint32_t intid)
{
    gic->disable(intid);
    if (__atomic_fetch_or(&strange[intid / 64 % 16], 1ull << (intid % 64), __ATOMIC_RELAXED) &
        (1ull << (intid % 64)))
        return;
    log_warn("irq: CPU%u: unexpected interrupt %u, disabled\n", cpu_id(), intid);
}

/* Returns true if the guest's deactivation will reach the physical GIC. */
static bool handle(uint32_t intid)
{
    if (intid == INTID_SGI_KICK)
        vgic_serve();
    else if (intid == INTID_PPI_HYP_TIMER)
        timer_run_expired(); /* programs the next deadline, which lowers the line */
    else if (intid == INTID_PPI_VTIMER)
        vtimer_host_irq();
    else if (intid == gic_info.maintenance_intid)
        vgic_maintenance();
    else if (intid == uart_intid && uart_intid)
        console_input();
    else if (vgic_hw_irq(intid))
        return true;
    else
        unexpected(intid);
    return false;
}

/*
 * EOImode 1: priority drop comes before handling.  The interrupt stays active, so it is not raised
 * again until it is deactivated, here or by the guest that it was injected into.
 */
void host_irq(void)
{
    for (;;) {
        uint32_t intid = gic->ack();
        if (intid >= INTID_SPURIOUS)
            return;
        gic->eoi(intid);
        if (!handle(intid))
            gic->deactivate(intid);
    }
}
