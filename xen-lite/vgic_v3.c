/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GICv3 as a guest sees it: distributor and redistributors, single security state (DS = 1), affinity routing always on,
 * no LPIs, no message-based SPIs.  GIC architecture specification (IHI 0069), chapter 12.  An access of a width that a
 * register does not have aborts; reserved registers read as zero and ignore writes.
 */
#include "hypercall.h"
#include "domain.h"
#include "records.h"

enum {  /* distributor; those below 0x1000 that are arrays are the same in SGI_base of a redistributor */
    GICD_CTLR = 0x0, GICD_TYPER = 0x4, GICD_IIDR = 0x8, GICD_IGROUPR = 0x80, GICD_ISENABLER = 0x100, GICD_ICENABLER = 0x180,
    GICD_ISPENDR = 0x200, GICD_ICPENDR = 0x280, GICD_ISACTIVER = 0x300, GICD_ICACTIVER = 0x380, GICD_IPRIORITYR = 0x400,
    GICD_ITARGETSR = 0x800, GICD_ICFGR = 0xc00, GICD_IGRPMODR = 0xd00, GICD_IROUTER = 0x6000, GICD_IROUTER_END = 0x7fe0,
    GIC_PIDR4 = 0xffd0, GIC_PIDR0 = 0xffe0, GIC_PIDR1 = 0xffe4, GIC_PIDR2 = 0xffe8, GIC_CIDR0 = 0xfff0,
    GICR_CTLR = 0x0, GICR_IIDR = 0x4, GICR_TYPER = 0x8, GICR_WAKER = 0x14, GICR_PROPBASER = 0x70, GICR_PENDBASER = 0x78,
    GICR_FRAME = 0x10000, GICR_STRIDE = 0x20000,
};
#define GIC_IIDR_ARM 0x0000043bu

/* Identification registers are the same in both: Arm's JEP106 code, architecture version 3. */
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

/* ---- registers with a field per interrupt ------------------------------------------------------- */

/* A list register may be ahead of the model: have its CPU bring the model up to date. */
static void settle_for_read(struct vgic_irq *irq)
{
    struct vcpu *owner = irq->lr >= 0 ? __atomic_load_n(&irq->vcpu, __ATOMIC_ACQUIRE) : NULL;

    if (owner)
        vgic_settle(owner);
}

static bool read_bit(struct vgic_irq *irq, uint32_t reg)
{
    if (reg == GICD_IGROUPR)
        return irq->group1;
    if (reg < GICD_ISPENDR)
        return irq->enabled;
    settle_for_read(irq);
    struct vcpu *owner = vgic_irq_lock(irq);    /* pending moves between the model and a list register */
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

static void access_bits(struct domain *d, struct vcpu *v, uint32_t reg, uint32_t first, struct mmio_access *a)
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
        if (irq->hw)                    /* guests change it while it is disabled, which the machine's wants too */
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
        else if (first + i >= 16)       /* SGIs are edge for ever */
            write_config(irq, a->value >> (2 * i + 1) & 1);
    }
    if (!a->write)
        a->value = value;
}

/* [GICD_IGROUPR, 0x1000). `limit`: INTIDs that live here: the distributor's are 32.., a redistributor's 0..31. */
static bool access_arrays(struct domain *d, struct vcpu *v, uint32_t offset, uint32_t from, uint32_t limit, struct mmio_access *a)
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
    if (offset >= GICD_ICFGR && offset < GICD_IGRPMODR) {
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
        a->value = 0;                   /* ITARGETSR, IGRPMODR, NSACR, reserved */
    else
        access_bits(d, v, reg, first, a);
    return true;
}

/* ---- distributor -------------------------------------------------------------------------------- */

static uint64_t router_value(const struct vgic_irq *irq)
{
    uint32_t a = irq->affinity;

    if (a & (1u << 31))
        return (uint64_t)1 << 31;
    return (a & 0xffffffu) | (uint64_t)(a >> 24) << 32;
}

/* Records pack Aff3 into bits 31:24, where bit 31 says "any": guests have no Aff3 (TYPER.A3V is 0). */
static __attribute__((noinline)) bool access_router(struct vcpu *v, uint32_t offset, struct mmio_access *a)
{
    struct vgic_irq *irq = vgic_irq_get(v->domain, NULL, INTID_SPI + (offset - GICD_IROUTER - 8 * INTID_SPI) / 8);
    uint64_t value = irq ? router_value(irq) : 0;
    unsigned shift = (offset & 4) * 8;

    if (a->size != 8 && a->size != 4)
        return false;
    if (!a->write) {
        a->value = value >> shift;
        return true;
    }
    if (!irq || shift)                  /* the high half is Aff3 */
        return true;
    uint32_t affinity = a->value & (1u << 31) ? 1u << 31 : (uint32_t)a->value & 0xffffffu;
    if (affinity != irq->affinity)
        vgic_set_route(v->domain, irq, affinity);
    return true;
}

static uint32_t typer(const struct domain *d)
{
    uint32_t lines = d->vgic.spi_count / 32, cpu_number = MIN(d->max_vcpus ? d->max_vcpus - 1 : 0, 7u);

    return lines | cpu_number << 5 | 9u << 19;      /* ten bits of INTID */
}

/* Those that are not arrays: no lock, they are constants but for CTLR. */
static inline bool dist_control(struct domain *d, struct mmio_access *a)
{
    if (a->size != 4)
        return false;
    if (a->write) {
        if (a->offset == GICD_CTLR)
            vgic_set_ctlr(d, (uint32_t)a->value);
        return true;
    }
    switch (a->offset) {
    case GICD_CTLR: a->value = __atomic_load_n(&d->vgic.ctlr, __ATOMIC_RELAXED); break;
    case GICD_TYPER: a->value = d->vgic.typer; break;
    case GICD_IIDR: a->value = GIC_IIDR_ARM; break;
    default: a->value = id_register((uint32_t)a->offset); break;
    }
    return true;
}

static __attribute__((noinline)) bool dist_beyond(struct vcpu *v, void *arg, struct mmio_access *a)
{
    struct domain *d = arg;
    uint32_t offset = (uint32_t)a->offset;

    if (offset >= GICD_IROUTER + 8 * INTID_SPI && offset < GICD_IROUTER_END)
        return access_router(v, offset, a);
    if (offset < 0x1000)
        return access_arrays(d, NULL, offset, INTID_SPI, INTID_SPI + d->vgic.spi_count, a);
    return dist_control(d, a);
}

static bool dist_access(struct vcpu *v, void *arg, struct mmio_access *a)
{
    return a->offset < GICD_IGROUPR ? dist_control(arg, a) : dist_beyond(v, arg, a);
}

/* ---- redistributors ----------------------------------------------------------------------------- */

/* Affinity 0.0.0.id in [63:32], number in [23:8], Last in [4]. */
static uint64_t redist_typer(const struct vcpu *t)
{
    return (uint64_t)t->id << 32 | (uint64_t)t->id << 8 | (t->id + 1 == t->domain->max_vcpus ? 1u << 4 : 0);
}

static bool redist_control(struct vcpu *t, uint32_t offset, struct mmio_access *a)
{
    if (offset == GICR_TYPER || offset == GICR_TYPER + 4 || (offset >= GICR_PROPBASER && offset < GICR_PENDBASER + 8)) {
        if (a->size != 8 && a->size != 4)
            return false;
        if (!a->write)
            a->value = offset < GICR_PROPBASER ? redist_typer(t) >> ((offset & 4) * 8) : 0;
        return true;
    }
    if (a->size != 4)
        return false;
    if (offset == GICR_WAKER && a->write)       /* ChildrenAsleep follows ProcessorSleep at once */
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
        return access_arrays(d, t, offset, 0, INTID_SPI, a);
    if (a->size != 4)
        return false;
    a->value = a->write ? a->value : 0;
    return true;
}

int vgic_v3_register(struct domain *d)
{
    uint64_t redist_bytes = (uint64_t)MAX_VCPUS * GICR_STRIDE;

    d->vgic.typer = typer(d);
    if (d->privileged && gic_info.redist_bytes)
        redist_bytes = MIN(redist_bytes, gic_info.redist_bytes);
    int ret = mmio_register(d, IPA(d->vgic.dist_base), 0x10000, dist_access, d);
    return ret ? ret : mmio_register(d, IPA(d->vgic.redist_base), redist_bytes, redist_access, d);
}

/* ---- SGIs --------------------------------------------------------------------------------------- */

static void send_sgi(struct vcpu *t, uint32_t intid, unsigned group)
{
    struct vgic_irq *irq = &t->vgic.irq[intid];

    /* Group 1 writes reach either group (single security state), group 0 writes only group 0. */
    if (group == 1 || !irq->group1)
        vgic_inject(t->domain, t, intid, true);
}

bool vgic_sgi_write(struct vcpu *v, uint64_t value, unsigned group)
{
    struct domain *d = v->domain;
    uint32_t intid = value >> 24 & 0xf, targets = value & 0xffff, first = (value >> 44 & 0xf) * 16;
    bool all_but_self = value >> 40 & 1, other_cluster = value & (0xffull << 16 | 0xffull << 32 | 0xffull << 48);

    for (unsigned i = 0; i < MIN(d->max_vcpus, MAX_VCPUS); i++) {
        struct vcpu *t = d->vcpu[i];
        bool named = !other_cluster && i >= first && i < first + 16 && (targets >> (i - first) & 1);
        if (t && (all_but_self ? t != v : named))
            send_sgi(t, intid, group);
    }
    return true;
}
