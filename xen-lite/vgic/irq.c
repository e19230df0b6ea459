/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts of the machine: acknowledged here, handled here or handed to a domain. */
#include "hypercall.h"
#include "domain.h"
#include "irq.h"

static uint64_t strange[16]; /* INTIDs that nobody wanted: logged and disabled once */

static void unexpected(uint32_t intid)
{
    gic->disable(intid);
    if (__atomic_fetch_or(&strange[intid / 64 % 16], 1ull << (intid % 64), __ATOMIC_RELAXED) &
        (1ull << (intid % 64)))
        return;
    log_warn("irq: CPU%u: unexpected interrupt %u, disabled\n", cpu_id(), intid);
}

/* true: the guest's deactivation will reach the machine's interrupt controller. */
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
 * Priority drop before handling (EOImode 1): the interrupt stays active, so it does not come again
 * before it is deactivated, here or by the guest that it was injected into.
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

static bool is_spi(uint32_t intid)
{
    return intid >= INTID_SPI && intid < INTID_SPURIOUS && intid < gic_info.irq_count;
}

int irq_permit(struct domain *d, uint32_t phys, bool allow)
{
    if (!is_spi(phys))
        return -XEN_EINVAL;
    uint64_t bit = 1ull << (phys % 64);
    if (allow)
        __atomic_fetch_or(&d->irq_granted[phys / 64], bit, __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&d->irq_granted[phys / 64], ~bit, __ATOMIC_RELAXED);
    return 0;
}

bool irq_permitted(const struct domain *d, uint32_t phys)
{
    return is_spi(phys) && bit_test(d->irq_granted, phys);
}

int irq_give(struct domain *d, uint32_t intid, bool edge)
{
    struct vgic_irq *irq = intid >= INTID_SPI ? vgic_irq_get(d, NULL, intid) : NULL;

    if (!irq || !is_spi(intid))
        return -XEN_EINVAL;
    if (intid == uart_intid || intid == gic_info.maintenance_intid)
        return -XEN_EBUSY;
    if (!irq->hw) {
        vgic_set_type(d, intid, edge);
        int ret = vgic_map_hw(d, intid, intid);
        if (ret)
            return ret;
        vgic_reserve(d, intid);
    } else if (irq->phys != intid) {
        return -XEN_EBUSY;
    }
    return irq_permit(d, intid, true);
}

int irq_bind(struct domain *d, uint32_t intid)
{
    if (!is_spi(intid) || intid == uart_intid)
        return -XEN_EINVAL;
    if (!vgic_reserve(d, intid))
        return -XEN_EBUSY;
    int ret = vgic_map_hw(d, intid, intid);
    if (ret)
        vgic_unreserve(d, intid);
    return ret;
}

int irq_unbind(struct domain *d, uint32_t intid)
{
    if (!is_spi(intid) || intid == uart_intid)
        return -XEN_EINVAL;
    vgic_unmap_hw(d, intid);
    vgic_unreserve(d, intid);
    return 0;
}
