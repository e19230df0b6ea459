/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vGIC in state records (records.h) and in the dump of the debug keys.  The model of a saved
 * vCPU is complete: no LR holds anything of it.
 */
#include "abi.h"
#include "domain_types.h"
#include "lib.h"
#include "log.h"
#include "records.h"
#include "vgic_internal.h"

#define ALL_FLAGS                                                                       \
    (XLR_IRQ_ENABLED | XLR_IRQ_PENDING | XLR_IRQ_ACTIVE | XLR_IRQ_EDGE | XLR_IRQ_LINE | \
     XLR_IRQ_GROUP1)
/* VENG0, VENG1, VAckCtl, VFIQEn, VCBPR, VEOIM, VBPR1, VBPR0, VPMR */
#define VMCR_BITS    0xfffc021fu
#define VMCR_BITS_V2 0xf8fc021fu /* five bits of priority */

static void get_irq(const struct vgic_irq *irq, struct xlr_irq *r)
{
    unsigned flags = (irq->enabled ? XLR_IRQ_ENABLED : 0) |
                     (irq->pending || irq->lr_latch ? XLR_IRQ_PENDING : 0) |
                     (irq->active ? XLR_IRQ_ACTIVE : 0) | (irq->edge ? XLR_IRQ_EDGE : 0) |
                     (irq->line ? XLR_IRQ_LINE : 0) | (irq->group1 ? XLR_IRQ_GROUP1 : 0);

    *r = (struct xlr_irq){ .flags = (uint8_t)flags,
                           .priority = irq->priority,
                           .sources = irq->sources,
                           .affinity = irq->affinity,
                           .active_source = irq->active ? irq->active_source : 0 };
}

/*
 * Affinity as IROUTER has it.  There is no Aff3, so bits 30:24 are zero; with bit 31 ("any PE") all
 * others are zero, too.  GICv2: a mask of CPUs that exist.
 */
static bool route_ok(const struct domain *d, uint32_t affinity)
{
    if (d->vgic.version == 2)
        return !(affinity >> MIN(d->max_vcpus, MAX_VCPUS));
    return affinity & (1u << 31) ? affinity == 1u << 31 : !(affinity >> 24);
}

/* Only SGIs of a GICv2 have source CPUs. */
static bool sources_ok(const struct domain *d, const struct xlr_irq *r, uint32_t intid)
{
    unsigned count = MIN(d->max_vcpus, MAX_VCPUS);

    if (d->vgic.version != 2 || intid >= 16)
        return !r->sources && !r->active_source;
    return !(r->sources >> count) && r->active_source < count &&
           !r->sources == !(r->flags & XLR_IRQ_PENDING) &&
           (!r->active_source || (r->flags & XLR_IRQ_ACTIVE));
}

static bool irq_ok(const struct domain *d, const struct xlr_irq *r, uint32_t intid)
{
    bool sgi = intid < 16;

    if ((r->flags & ~ALL_FLAGS) || (r->priority & ~VGIC_PRIORITY_MASK) || !sources_ok(d, r, intid))
        return false;
    if (sgi && (!(r->flags & XLR_IRQ_EDGE) || (r->flags & XLR_IRQ_LINE)))
        return false;
    return route_ok(d, r->affinity);
}

/* The owner's lock is held.  The owner stays the same until vgic_irq_unlink applies the route. */
static void set_irq(struct vgic_irq *irq, const struct xlr_irq *r)
{
    irq->priority = irq->taken_priority = r->priority & VGIC_PRIORITY_MASK;
    irq->enabled = r->flags & XLR_IRQ_ENABLED;
    irq->pending = r->flags & XLR_IRQ_PENDING;
    irq->active = r->flags & XLR_IRQ_ACTIVE;
    irq->edge = irq->intid < 16 || (r->flags & XLR_IRQ_EDGE);
    irq->line = r->flags & XLR_IRQ_LINE;
    irq->group1 = r->flags & XLR_IRQ_GROUP1;
    irq->sources = r->sources;
    irq->active_source = r->active_source;
}

static bool same_irq(const struct xlr_irq *a, const struct xlr_irq *b)
{
    return a->flags == b->flags && a->priority == b->priority && a->sources == b->sources &&
           a->affinity == b->affinity && a->active_source == b->active_source;
}

void vgic_get_dist(struct domain *d, struct xlr_vgic_dist *r, struct xlr_irq *irq)
{
    *r = (struct xlr_vgic_dist){ .ctlr = d->vgic.ctlr, .spi_count = d->vgic.spi_count };
    for (unsigned i = 0; i < d->vgic.spi_count; i++)
        get_irq(&d->vgic.spi[i], &irq[i]);
}

int vgic_check_dist(struct domain *d, const struct xlr_vgic_dist *r)
{
    const uint32_t fixed = vgic_ctlr_fixed(d);

    if (r->spi_count != d->vgic.spi_count || (r->ctlr & fixed) != fixed ||
        (r->ctlr & ~(fixed | GICD_CTLR_GRP0 | GICD_CTLR_GRP1)))
        return -XEN_EINVAL;
    return 0;
}

int vgic_check_spis(struct domain *d, const struct xlr_irq *irq, unsigned count)
{
    if (count != d->vgic.spi_count)
        return -XEN_EINVAL;
    for (unsigned i = 0; i < count; i++)
        if (!irq_ok(d, &irq[i], INTID_SPI + i))
            return -XEN_EINVAL;
    return 0;
}

void vgic_set_dist(struct domain *d, const struct xlr_vgic_dist *r, const struct xlr_irq *rec)
{
    for (unsigned i = 0; i < MIN(d->vgic.spi_count, r->spi_count); i++) {
        struct vgic_irq *irq = &d->vgic.spi[i];
        struct xlr_irq now;
        get_irq(irq, &now);
        if (same_irq(&now, &rec[i])) /* true for most interrupts: they were never used */
            continue;
        struct vcpu *owner = vgic_irq_lock(irq);
        if (!owner)
            continue;
        irq->affinity = rec[i].affinity;
        irq->target = vgic_affinity_target(d, irq->affinity);
        set_irq(irq, &rec[i]);
        /*
         * Applies the route.  From here on the owner may be another vCPU, so vgic_relocate looks it
         * up.
         */
        if (irq->lr < 0)
            vgic_irq_unlink(irq);
        spin_unlock(&owner->vgic.lock);
        vgic_relocate(irq);
    }
    vgic_set_ctlr(d, r->ctlr);
}

void vgic_get_cpu(struct vcpu *v, struct xlr_vgic_cpu *r)
{
    const struct vgic_vcpu *g = &v->vgic;

    *r = (struct xlr_vgic_cpu){ .vmcr = g->regs.vmcr, .waker = g->waker };
    memcpy(r->ap0r, g->regs.ap0r, sizeof(r->ap0r));
    memcpy(r->ap1r, g->regs.ap1r, sizeof(r->ap1r));
    for (unsigned i = 0; i < ARRAY_SIZE(g->irq); i++)
        get_irq(&g->irq[i], &r->irq[i]);
}

/*
 * Preemption levels that this machine does not have cannot be loaded.  A GICv2 has one
 * active-priority register for both groups.
 */
static bool active_priorities_ok(const struct domain *d, const struct xlr_vgic_cpu *r)
{
    unsigned apr_count = gic_info.pre_bits > 5 ? 1u << (gic_info.pre_bits - 5) : 1;

    if (d->vgic.version == 2 && r->ap0r[0])
        return false;
    for (unsigned i = MIN(apr_count, 4u); i < 4; i++)
        if (r->ap0r[i] || r->ap1r[i])
            return false;
    return true;
}

int vgic_check_cpu(const struct domain *d, const struct xlr_vgic_cpu *r)
{
    bool v2 = d->vgic.version == 2;

    if ((r->vmcr & ~(v2 ? VMCR_BITS_V2 : VMCR_BITS)) || (r->waker != 0 && (v2 || r->waker != 6)) ||
        !active_priorities_ok(d, r))
        return -XEN_EINVAL;
    for (unsigned i = 0; i < ARRAY_SIZE(r->irq); i++)
        if (!irq_ok(d, &r->irq[i], i))
            return -XEN_EINVAL;
    return 0;
}

int vgic_set_cpu(struct vcpu *v, const struct xlr_vgic_cpu *r)
{
    struct vgic_vcpu *g = &v->vgic;
    int ret = vgic_check_cpu(v->domain, r);

    if (ret)
        return ret;
    spin_lock(&g->lock);
    if (g->cpu >= 0) {
        spin_unlock(&g->lock);
        return -XEN_EBUSY;
    }
    g->regs.vmcr = r->vmcr;
    g->waker = r->waker;
    memcpy(g->regs.ap0r, r->ap0r, sizeof(g->regs.ap0r));
    memcpy(g->regs.ap1r, r->ap1r, sizeof(g->regs.ap1r));
    for (unsigned i = 0; i < ARRAY_SIZE(g->irq); i++) {
        set_irq(&g->irq[i], &r->irq[i]);
        vgic_irq_update(&g->irq[i]);
    }
    spin_unlock(&g->lock);
    vgic_notify(v);
    return 0;
}

/* ---- dump ---- */

static void dump_irq(const struct vgic_irq *irq)
{
    log_info("      %u: prio %02x sources %02x lr %d%s%s%s%s%s%s%s\n", irq->intid, irq->priority,
             irq->sources, irq->lr, irq->enabled ? " enabled" : "", irq->pending ? " pending" : "",
             irq->lr_pending ? " pending-in-lr" : "", irq->active ? " active" : "",
             irq->line ? " line" : "", irq->edge ? " edge" : " level", irq->hw ? " hw" : "");
}

void vgic_dump(struct domain *d)
{
    log_info("d%u: vGICv%u ctlr %x, %u SPIs, %u physical\n", d->id, d->vgic.version, d->vgic.ctlr,
             d->vgic.spi_count, d->vgic.hw_count);
    for (unsigned i = 0; i < MIN(d->max_vcpus, MAX_VCPUS); i++) {
        struct vcpu *v = d->vcpu[i];
        if (!v)
            continue;
        spin_lock(&v->vgic.lock);
        log_info("    v%u: cpu %d vmcr %08x hcr %x flushes %llu lr-writes %llu spills %llu "
                 "maintenance %llu\n",
                 v->id, v->vgic.cpu, v->vgic.regs.vmcr, v->vgic.regs.hcr,
                 (unsigned long long)v->vgic.flush_count, (unsigned long long)v->vgic.write_count,
                 (unsigned long long)v->vgic.spill_count,
                 (unsigned long long)v->vgic.maintenance_count);
        list_for_each(it, &v->vgic.pending) dump_irq(list_entry(it, struct vgic_irq, link));
        spin_unlock(&v->vgic.lock);
    }
}
