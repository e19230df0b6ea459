/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GICv2 as a guest sees it (IHI 0048, chapter 4): a distributor without Security Extensions, and
 * the machine's virtual CPU interface mapped where the guest expects GICC.  SGIs and PPIs are
 * banked.  SGIs are pending per source CPU; vgic_lr.c delivers the sources one after the other.
 * ISPENDR cannot make an SGI pending.  An access of a width that a register does not support
 * aborts.  Reserved registers read as zero and ignore writes.
 */
#include "domain_types.h"
#include "lib.h"
#include "mmio.h"
#include "p2m.h"
#include "vgic_regs.h"
#include <xen/arch-arm.h>

enum {
    GICD_SGIR = 0xf00,
    GICD_CPENDSGIR = 0xf10,
    GICD_SPENDSGIR = 0xf20,
    GICD_SGI_END = 0xf30,
    GICD_PIDR4 = 0xfd0,
    GICD_PIDR0 = 0xfe0,
    GICD_PIDR1 = 0xfe4,
    GICD_PIDR2 = 0xfe8,
    GICD_CIDR0 = 0xff0,
    GICD_BYTES = 0x1000,
};
#define SGI_BITS 0xffffu

/* Arm's JEP106 code, architecture version 2. */
static uint32_t id_register(uint32_t offset)
{
    switch (offset) {
    case GICD_PIDR4: return 0x04;
    case GICD_PIDR0: return 0x90;
    case GICD_PIDR1: return 0xb4;
    case GICD_PIDR2: return 0x2b;
    case GICD_CIDR0: return 0x0d;
    case GICD_CIDR0 + 4: return 0xf0;
    case GICD_CIDR0 + 8: return 0x05;
    case GICD_CIDR0 + 12: return 0xb1;
    default: return 0;
    }
}

static uint32_t cpu_mask(const struct domain *d)
{
    return (1u << MIN(d->max_vcpus, MAX_VCPUS)) - 1;
}

/*
 * GICD_ITARGETSR: one byte per interrupt.  For SGIs and PPIs it reads as the bit of the CPU that
 * reads it.
 */
static bool access_targets(struct vcpu *v, uint32_t first, struct mmio_access *a)
{
    uint64_t value = 0;

    if (a->size != 1 && a->size != 4)
        return false;
    for (uint32_t i = 0; i < a->size; i++) {
        struct vgic_irq *irq = vgic_irq_get(v->domain, v, first + i);
        uint32_t mask = (uint32_t)(a->value >> (8 * i)) & cpu_mask(v->domain);
        if (irq && a->write && first >= INTID_SPI && mask != irq->affinity)
            vgic_set_route(v->domain, irq, mask);
        if (irq)
            value |= (uint64_t)irq->affinity << (8 * i);
    }
    if (!a->write)
        a->value = value;
    return true;
}

static void software_generate(struct vcpu *v, uint32_t value)
{
    struct domain *d = v->domain;
    uint32_t filter = value >> 24 & 3, self = 1u << v->id, targets = 0;

    if (filter == 0)
        targets = value >> 16 & 0xff;
    else if (filter == 1)
        targets = ~self;
    else if (filter == 2)
        targets = self;
    for (unsigned i = 0; i < MIN(d->max_vcpus, MAX_VCPUS); i++)
        if ((targets >> i & 1) && d->vcpu[i])
            vgic_send_sourced(d->vcpu[i], value & 0xf, (uint8_t)self);
    v->exits[EXIT_SGI]++; /* counted as an SGI write, not as an MMIO access */
    v->exits[EXIT_MMIO]--;
}

/* Source CPUs from which this SGI is pending for this vCPU. */
static uint8_t sources_of(struct vcpu *v, struct vgic_irq *irq)
{
    vgic_sync_for_read(irq);
    spin_lock(&v->vgic.lock);
    uint8_t sources = irq->sources;
    if (irq->lr_pending)
        sources |= (uint8_t)(1u << v->vgic.shadow[irq->lr].source);
    spin_unlock(&v->vgic.lock);
    return sources;
}

static bool access_sgi_pending(struct vcpu *v, uint32_t offset, struct mmio_access *a)
{
    bool set = offset >= GICD_SPENDSGIR;
    uint32_t first = offset & 0xf;
    uint64_t value = 0;

    if (a->size != 1 && a->size != 4)
        return false;
    for (uint32_t i = 0; i < a->size; i++) {
        uint8_t sources = (uint8_t)(a->value >> (8 * i) & cpu_mask(v->domain));
        if (!a->write)
            value |= (uint64_t)sources_of(v, &v->vgic.irq[first + i]) << (8 * i);
        else if (sources && set)
            vgic_send_sourced(v, first + i, sources);
        else if (sources)
            vgic_drop_sourced(v, first + i, sources);
    }
    if (!a->write)
        a->value = value;
    return true;
}

static bool access_sgis(struct vcpu *v, uint32_t offset, struct mmio_access *a)
{
    if (offset >= GICD_CPENDSGIR)
        return access_sgi_pending(v, offset, a);
    if (a->size != 4)
        return false;
    if (a->write && offset == GICD_SGIR)
        software_generate(v, (uint32_t)a->value);
    else if (!a->write)
        a->value = 0;
    return true;
}

static __attribute__((noinline)) bool beyond_control(struct vcpu *v, struct domain *d,
                                                     struct mmio_access *a)
{
    uint32_t offset = (uint32_t)a->offset;

    if (offset >= GICD_SGIR && offset < GICD_SGI_END)
        return access_sgis(v, offset, a);
    if (offset >= GICD_SGI_END)
        return vgic_dist_control(d, a, id_register);
    if (offset >= GICD_ITARGETSR && offset < GICD_ICFGR)
        return access_targets(v, offset - GICD_ITARGETSR, a);
    if (a->write && (offset == GICD_ISPENDR || offset == GICD_ICPENDR))
        a->value &= ~(uint64_t)SGI_BITS;
    return vgic_access_arrays(d, v, offset, 0, INTID_SPI + d->vgic.spi_count, a);
}

static bool access(struct vcpu *v, void *arg, struct mmio_access *a)
{
    return a->offset < GICD_IGROUPR ? vgic_dist_control(arg, a, id_register)
                                    : beyond_control(v, arg, a);
}

/*
 * Control domain: GICC is as large as the machine's device tree says.  Guests: the two pages that
 * have registers.
 */
static int map_cpu_interface(struct domain *d)
{
    uint64_t all = ROUND_UP(MIN(gic_info.cpu_if_bytes, gic_info.vcpu_if_bytes),
                            (uint64_t)PAGE_SIZE);
    uint64_t bytes = d->privileged ? all : GUEST_GICC_SIZE;
    paddr_t pa = d->privileged ? gic_info.vcpu_if : PA(gic_info.vcpu_if.v + gic_info.alias_offset);

    return p2m_map(d, IPA(d->privileged ? gic_info.cpu_if.v : GUEST_GICC_BASE), pa,
                   bytes >> PAGE_SHIFT, P2M_DEVICE);
}

int vgic_v2_register(struct domain *d)
{
    d->vgic.dist_base = d->privileged ? gic_info.dist.v : GUEST_GICD_BASE;
    d->vgic.typer = vgic_dist_typer(d);
    int ret = mmio_register(d, IPA(d->vgic.dist_base), GICD_BYTES, access, d);
    return ret ? ret : map_cpu_interface(d);
}
