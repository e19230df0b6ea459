/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GICv3 as a guest sees it (IHI 0069, chapter 12): distributor and redistributors, a single
 * security state (DS = 1), affinity routing always on, no LPIs, no message-based SPIs.  An access
 * of a width that a register does not support aborts.  Reserved registers read as zero and ignore
 * writes.
 */
#include "domain_types.h"
#include "lib.h"
#include "mmio.h"
#include "vgic_regs.h"
#include <xen/arch-arm.h>

enum {
    GICD_IROUTER = 0x6000,
    GICD_IROUTER_END = 0x7fe0,
    GIC_PIDR4 = 0xffd0,
    GIC_PIDR0 = 0xffe0,
    GIC_PIDR1 = 0xffe4,
    GIC_PIDR2 = 0xffe8,
    GIC_CIDR0 = 0xfff0,
    GICR_CTLR = 0x0,
    GICR_IIDR = 0x4,
    GICR_TYPER = 0x8,
    GICR_WAKER = 0x14,
    GICR_PROPBASER = 0x70,
    GICR_PENDBASER = 0x78,
    GICR_FRAME = 0x10000,
    GICR_STRIDE = 0x20000,
};

/*
 * Identification registers of distributor and redistributors: Arm's JEP106 code, architecture
 * version 3.
 */
static uint32_t id_register(uint32_t offset)
{
    switch (offset) {
    case GIC_PIDR4: return 0x44;
    case GIC_PIDR0: return 0x92;
    case GIC_PIDR1: return 0xb4;
    case GIC_PIDR2: return 0x3b;
    case GIC_CIDR0: return 0x0d;
    case GIC_CIDR0 + 4: return 0xf0;
    case GIC_CIDR0 + 8: return 0x05;
    case GIC_CIDR0 + 12: return 0xb1;
    default: return 0;
    }
}

/* ---- distributor ---- */

static uint64_t router_value(const struct vgic_irq *irq)
{
    uint32_t a = irq->affinity;

    if (a & (1u << 31))
        return (uint64_t)1 << 31;
    return (a & 0xffffffu) | (uint64_t)(a >> 24) << 32;
}

/*
 * State records pack Aff3 into bits 31:24, and bit 31 means "any PE".  Guests have no Aff3
 * (TYPER.A3V is 0), so the two uses do not collide.
 */
static __attribute__((noinline)) bool access_router(struct vcpu *v, uint32_t offset,
                                                    struct mmio_access *a)
{
    struct vgic_irq *irq = vgic_irq_get(v->domain, NULL,
                                        INTID_SPI + (offset - GICD_IROUTER - 8 * INTID_SPI) / 8);
    uint64_t value = irq ? router_value(irq) : 0;
    unsigned shift = (offset & 4) * 8;

    if (a->size != 8 && a->size != 4)
        return false;
    if (!a->write) {
        a->value = value >> shift;
        return true;
    }
    if (!irq || shift) /* the high half has only Aff3 */
        return true;
    uint32_t affinity = a->value & (1u << 31) ? 1u << 31 : (uint32_t)a->value & 0xffffffu;
    if (affinity != irq->affinity)
        vgic_set_route(v->domain, irq, affinity);
    return true;
}

static __attribute__((noinline)) bool dist_beyond(struct vcpu *v, void *arg, struct mmio_access *a)
{
    struct domain *d = arg;
    uint32_t offset = (uint32_t)a->offset;

    if (offset >= GICD_IROUTER + 8 * INTID_SPI && offset < GICD_IROUTER_END)
        return access_router(v, offset, a);
    if (offset < 0x1000)
        return vgic_access_arrays(d, NULL, offset, INTID_SPI, INTID_SPI + d->vgic.spi_count, a);
    return vgic_dist_control(d, a, id_register);
}

static bool dist_access(struct vcpu *v, void *arg, struct mmio_access *a)
{
    return a->offset < GICD_IGROUPR ? vgic_dist_control(arg, a, id_register)
                                    : dist_beyond(v, arg, a);
}

/* ---- redistributors ---- */

/* GICR_TYPER: affinity 0.0.0.id in [63:32], processor number in [23:8], Last in [4]. */
static uint64_t redist_typer(const struct vcpu *t)
{
    return (uint64_t)t->id << 32 | (uint64_t)t->id << 8 |
           (t->id + 1 == t->domain->max_vcpus ? 1u << 4 : 0);
}

static bool redist_control(struct vcpu *t, uint32_t offset, struct mmio_access *a)
{
    if (offset == GICR_TYPER || offset == GICR_TYPER + 4 ||
        (offset >= GICR_PROPBASER && offset < GICR_PENDBASER + 8)) {
        if (a->size != 8 && a->size != 4)
            return false;
        if (!a->write)
            a->value = offset < GICR_PROPBASER ? redist_typer(t) >> ((offset & 4) * 8) : 0;
        return true;
    }
    if (a->size != 4)
        return false;
    if (offset == GICR_WAKER && a->write) /* ChildrenAsleep follows ProcessorSleep at once */
        t->vgic.waker = a->value & 2 ? 6 : 0;
    if (a->write)
        return true;
    switch (offset) {
    case GICR_CTLR: a->value = 0; break;
    case GICR_IIDR: a->value = GIC_IIDR_ARM; break;
    case GICR_WAKER: a->value = t->vgic.waker; break;
    default: a->value = id_register(offset); break;
    }
    return true;
}

static bool redist_access(struct vcpu *v, void *arg, struct mmio_access *a)
{
    struct domain *d = arg;
    uint64_t n = a->offset / GICR_STRIDE;
    uint32_t offset = (uint32_t)(a->offset % GICR_STRIDE);
    struct vcpu *t = n < MIN(d->max_vcpus, MAX_VCPUS) ? d->vcpu[n] : NULL;

    (void)v;
    if (!t)
        return false;
    if (offset < GICR_FRAME)
        return redist_control(t, offset, a);
    offset -= GICR_FRAME;
    if (offset >= GICD_IGROUPR && offset < 0x1000)
        return vgic_access_arrays(d, t, offset, 0, INTID_SPI, a);
    if (a->size != 4)
        return false;
    a->value = a->write ? a->value : 0;
    return true;
}

int vgic_v3_register(struct domain *d)
{
    uint64_t redist_bytes = (uint64_t)MAX_VCPUS * GICR_STRIDE;

    d->vgic.dist_base = d->privileged ? gic_info.dist.v : GUEST_GICV3_GICD_BASE;
    d->vgic.redist_base = d->privileged ? gic_info.redist.v : GUEST_GICV3_GICR0_BASE;
    d->vgic.typer = vgic_dist_typer(d) | 9u << 19; /* IDbits: INTIDs of ten bits */
    if (d->privileged && gic_info.redist_bytes)
        redist_bytes = MIN(redist_bytes, gic_info.redist_bytes);
    int ret = mmio_register(d, IPA(d->vgic.dist_base), 0x10000, dist_access, d);
    return ret ? ret : mmio_register(d, IPA(d->vgic.redist_base), redist_bytes, redist_access, d);
}

/* ---- SGIs ---- */

static void send_sgi(struct vcpu *t, uint32_t intid, unsigned group)
{
    struct vgic_irq *irq = &t->vgic.irq[intid];

    /*
     * With a single security state, a write to the group 1 register reaches SGIs of either group,
     * and a write to a group 0 register only those of group 0.
     */
    if (group == 1 || !irq->group1)
        vgic_inject(t->domain, t, intid, true);
}

bool vgic_sgi_write(struct vcpu *v, uint64_t value, unsigned group)
{
    struct domain *d = v->domain;
    uint32_t intid = value >> 24 & 0xf, targets = value & 0xffff, first = (value >> 44 & 0xf) * 16;
    bool all_but_self = value >> 40 & 1,
         other_cluster = value & (0xffull << 16 | 0xffull << 32 | 0xffull << 48);

    for (unsigned i = 0; i < MIN(d->max_vcpus, MAX_VCPUS); i++) {
        struct vcpu *t = d->vcpu[i];
        bool named = !other_cluster && i >= first && i < first + 16 && (targets >> (i - first) & 1);
        if (t && (all_but_self ? t != v : named))
            send_sgi(t, intid, group);
    }
    return true;
}
