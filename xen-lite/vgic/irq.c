/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts of the machine: whose they are.  host_irq.c takes them. */
#include "abi.h"
#include "domain_types.h"
#include "irq.h"
#include "lib.h"
#include "vgic_internal.h"

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
