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

int irq_route_to_domain(struct domain *d, uint32_t phys, uint32_t virt, bool edge)
{
    struct vgic_irq *irq = virt >= INTID_SPI ? vgic_irq_get(d, NULL, virt) : NULL;

    if (!irq || !is_spi(phys))
        return -XEN_EINVAL;
    if (phys == uart_intid || phys == gic_info.maintenance_intid)
        return -XEN_EBUSY;
    if (irq->hw)
        return irq->phys == phys ? 0 : -XEN_EBUSY;
    vgic_set_type(d, virt, edge);
    int ret = vgic_map_hw(d, virt, phys);
    if (!ret)
        vgic_reserve(d, virt);
    return ret;
}

int irq_give(struct domain *d, uint32_t intid, bool edge)
{
    int ret = irq_route_to_domain(d, intid, intid, edge);

    return ret ? ret : irq_permit(d, intid, true);
}

void irq_take_back(struct domain *d, uint32_t virt) { vgic_unmap_hw(d, virt); }
