/* SPDX-License-Identifier: BSD-2-Clause */
/* The vGIC of a domain and of a vCPU: made, reset, and taken apart. */
#include "abi.h"
#include "domain_types.h"
#include "mm.h"
#include "panic.h"
#include "vgic_internal.h"

/*
 * State after power-on, except where stock Xen differs from it, because guests that run on Xen rely
 * on that.  GICv3: interrupts are in group 1 (such guests never write IGROUPR).  GICv2: interrupts
 * are in group 0, SGIs are enabled, and SPIs are routed to vCPU 0.
 */
static void irq_reset(const struct domain *d, struct vgic_irq *irq, uint32_t intid)
{
    bool v2 = d->vgic.version == 2;

    irq->intid = intid;
    irq->lr = -1;
    irq->lr_op = irq->priority = irq->sources = irq->sources_dropped = irq->active_source = 0;
    irq->pending = irq->active = irq->line = irq->linked = irq->lr_pending = irq->lr_latch = false;
    irq->edge = intid < 16;
    irq->sourced = irq->enabled = v2 && intid < 16;
    irq->pulse = intid < INTID_SPI && intid != INTID_PPI_PTIMER;
    irq->group1 = !v2;
    irq->affinity = v2 ? 1 : 0;
    list_init(&irq->link);
}

/* MMIO regions for the registers, and what else this version has at guest-physical addresses. */
static int register_version(struct domain *d)
{
    return d->vgic.version == 2 ? vgic_v2_register(d) : vgic_v3_register(d);
}

int vgic_domain_init(struct domain *d, unsigned version, unsigned spi_count)
{
    struct vgic_dist *g = &d->vgic;

    if (version != gic->version || (version != 2 && version != 3))
        return -XEN_ENODEV;
    if (spi_count > 992)
        return -XEN_EINVAL;
    *g = (struct vgic_dist){ .version = version, .spi_count = ROUND_UP(spi_count, 32u) };
    g->ctlr = vgic_ctlr_fixed(d);
    if (g->spi_count) {
        g->spi = mem_alloc(g->spi_count * sizeof(*g->spi));
        if (!g->spi)
            return -XEN_ENOMEM;
    }
    for (unsigned i = 0; i < g->spi_count; i++)
        irq_reset(d, &g->spi[i], INTID_SPI + i);
    int ret = register_version(d);
    if (ret)
        vgic_domain_destroy(d);
    return ret;
}

void vgic_domain_destroy(struct domain *d)
{
    struct vgic_dist *g = &d->vgic;

    if (!g->spi)
        return;
    vgic_unmap_all_hw(d);
    mem_free(g->spi, g->spi_count * sizeof(*g->spi));
    g->spi = NULL;
    g->spi_count = 0;
}

static void private_reset(struct vcpu *v)
{
    struct vgic_vcpu *g = &v->vgic;
    bool v2 = v->domain->vgic.version == 2;

    for (unsigned i = 0; i < ARRAY_SIZE(g->irq); i++) {
        if (g->irq[i].linked)
            list_del(&g->irq[i].link);
        irq_reset(v->domain, &g->irq[i], i);
        g->irq[i].vcpu = g->irq[i].target = v;
        g->irq[i].affinity = v2 ? 1u << v->id : v->id;
    }
    memset(&g->regs, 0, sizeof(g->regs));
    g->waker = v2 ? 0 : 6; /* asleep: ProcessorSleep and ChildrenAsleep */
    g->dirty = true;
}

int vgic_vcpu_init(struct vcpu *v)
{
    struct domain *d = v->domain;
    struct vgic_vcpu *g = &v->vgic;

    memset(g, 0, sizeof(*g));
    list_init(&g->pending);
    g->cpu = g->routed_cpu = -1;
    private_reset(v);
    /* Routes reset to vCPU 0, and every SPI must have an owner. */
    for (unsigned i = 0; v->id == 0 && i < d->vgic.spi_count; i++)
        d->vgic.spi[i].vcpu = d->vgic.spi[i].target = v;
    return 0;
}

void vgic_vcpu_reset(struct vcpu *v)
{
    spin_lock(&v->vgic.lock);
    BUG_ON(v->vgic.cpu >= 0);
    private_reset(v);
    spin_unlock(&v->vgic.lock);
}
