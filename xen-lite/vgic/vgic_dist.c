/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers with a field per interrupt.  GICv2's distributor, GICv3's distributor and GICv3's
 * redistributors have them at the same offsets.  Registers that only one version has (targets,
 * routes, sources of SGIs) are in vgic_v2.c and vgic_v3.c.
 */
#include "domain_types.h"
#include "lib.h"
#include "vgic_regs.h"

/* An LR may be ahead of the model: the vCPU's CPU brings the model up to date. */
void vgic_sync_for_read(struct vgic_irq *irq)
{
    struct vcpu *owner = irq->lr >= 0 ? __atomic_load_n(&irq->vcpu, __ATOMIC_ACQUIRE) : NULL;

    if (owner)
        vgic_sync_lrs(owner);
}

static bool read_bit(struct vgic_irq *irq, uint32_t reg)
{
    if (reg == GICD_IGROUPR)
        return irq->group1;
    if (reg < GICD_ISPENDR)
        return irq->enabled;
    vgic_sync_for_read(irq);
    struct vcpu *owner = vgic_irq_lock(
        irq); /* pending may have moved between the model and an LR */
    bool bit = reg >= GICD_ISACTIVER ? irq->active : vgic_irq_pends(irq) || irq->lr_pending;
    if (owner)
        spin_unlock(&owner->vgic.lock);
    return bit;
}

static void write_group(struct vgic_irq *irq, bool group1)
{
    struct vcpu *owner = vgic_irq_lock(irq);

    if (!owner)
        return;
    bool change = irq->group1 != group1;
    irq->group1 = group1;
    if (change && irq->linked)
        owner->vgic.dirty = true;
    bool tell = change && irq->linked;
    spin_unlock(&owner->vgic.lock);
    if (tell)
        vgic_notify(owner);
}

static void write_bit(struct vgic_irq *irq, uint32_t reg)
{
    switch (reg) {
    case GICD_ISENABLER: vgic_set_enabled(irq, true); break;
    case GICD_ICENABLER: vgic_set_enabled(irq, false); break;
    case GICD_ISPENDR: vgic_set_pending(irq, true); break;
    case GICD_ICPENDR: vgic_set_pending(irq, false); break;
    case GICD_ISACTIVER: vgic_set_active(irq, true); break;
    default: vgic_set_active(irq, false); break;
    }
}

static void access_bits(struct domain *d, struct vcpu *v, uint32_t reg, uint32_t first,
                        struct mmio_access *a)
{
    uint32_t value = 0;

    for (uint32_t i = 0; i < 32; i++) {
        struct vgic_irq *irq = vgic_irq_get(d, v, first + i);
        if (!irq)
            break;
        if (!a->write) {
            value |= read_bit(irq, reg) ? 1u << i : 0;
        } else if (reg == GICD_IGROUPR) {
            write_group(irq, a->value >> i & 1);
        } else if (a->value >> i & 1) {
            write_bit(irq, reg);
        }
    }
    if (!a->write)
        a->value = value;
}

static void write_priority(struct vgic_irq *irq, uint8_t priority)
{
    struct vcpu *owner = vgic_irq_lock(irq);

    if (!owner)
        return;
    bool tell = irq->linked && irq->priority != priority;
    irq->priority = priority;
    owner->vgic.dirty |= tell;
    spin_unlock(&owner->vgic.lock);
    if (tell)
        vgic_notify(owner);
}

static void access_priority(struct domain *d, struct vcpu *v, uint32_t first, struct mmio_access *a)
{
    uint64_t value = 0;

    for (uint32_t i = 0; i < a->size; i++) {
        struct vgic_irq *irq = vgic_irq_get(d, v, first + i);
        if (!irq)
            break;
        if (a->write)
            write_priority(irq, (uint8_t)(a->value >> (8 * i)) & VGIC_PRIORITY_MASK);
        else
            value |= (uint64_t)irq->priority << (8 * i);
    }
    if (!a->write)
        a->value = value;
}

static void write_config(struct vgic_irq *irq, bool edge)
{
    struct vcpu *owner = vgic_irq_lock(irq);

    if (!owner)
        return;
    bool tell = false;
    if (irq->edge != edge) {
        irq->edge = edge;
        /* Guests change it while the interrupt is disabled, as the physical GIC requires. */
        if (irq->hw)
            gic->set_type(irq->phys, edge);
        tell = vgic_irq_update(irq);
    }
    spin_unlock(&owner->vgic.lock);
    if (tell)
        vgic_notify(owner);
}

static void access_config(struct domain *d, struct vcpu *v, uint32_t first, struct mmio_access *a)
{
    uint32_t value = 0;

    for (uint32_t i = 0; i < 16; i++) {
        struct vgic_irq *irq = vgic_irq_get(d, v, first + i);
        if (!irq)
            break;
        if (!a->write)
            value |= irq->edge ? 2u << (2 * i) : 0;
        else if (first + i >= 16) /* SGIs are always edge-triggered */
            write_config(irq, a->value >> (2 * i + 1) & 1);
    }
    if (!a->write)
        a->value = value;
}

bool vgic_access_arrays(struct domain *d, struct vcpu *v, uint32_t offset, uint32_t from,
                        uint32_t limit, struct mmio_access *a)
{
    uint32_t reg = 0, first = 0;

    if (offset >= GICD_IPRIORITYR && offset < GICD_ITARGETSR) {
        if (a->size != 1 && a->size != 4)
            return false;
        first = offset - GICD_IPRIORITYR;
        if (first < from || first >= limit)
            a->value = 0;
        else
            access_priority(d, v, first, a);
        return true;
    }
    if (a->size != 4 && !(a->size == 1 && offset >= GICD_ITARGETSR && offset < GICD_ICFGR))
        return false;
    if (offset >= GICD_ICFGR && offset < GICD_ICFGR_END) {
        first = (offset - GICD_ICFGR) * 4;
        if (first < from || first >= limit)
            a->value = 0;
        else
            access_config(d, v, first, a);
        return true;
    }
    if (offset < GICD_IPRIORITYR) {
        reg = offset & ~0x7fu;
        first = (offset & 0x7fu) * 8;
    }
    if (!reg || first < from || first >= limit)
        a->value = 0; /* reserved, or a register of the other version only */
    else
        access_bits(d, v, reg, first, a);
    return true;
}

uint32_t vgic_dist_typer(const struct domain *d)
{
    uint32_t lines = d->vgic.spi_count / 32,
             cpu_number = MIN(d->max_vcpus ? d->max_vcpus - 1 : 0, 7u);

    return lines | cpu_number << 5;
}
