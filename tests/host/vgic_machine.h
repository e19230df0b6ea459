/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A simulated GIC for the vGIC's tests.  List registers and CPU interface of each CPU behave as
 * hardware's, and a guest can acknowledge and end interrupts on them.  Physical SPIs have an active
 * and a pending state.  This header has definitions, because each test is a program of its own.
 */
#ifndef VGIC_MACHINE_H
#define VGIC_MACHINE_H

#include <stdlib.h>
#include <string.h>
#include "hypercall.h"
#include "domain.h"
#include "fake.h"

#define SPIS  64u
#define VCPUS 4u
struct machine_cpu {
    struct gic_lr lr[VGIC_LRS];
    bool eoi_seen[VGIC_LRS];
    struct gic_vcpu_regs regs;
    unsigned writes, reads;
};
static struct machine_cpu mc[MAX_CPUS];
static struct {
    bool enabled, pending, active, edge;
    unsigned cpu;
} phys[INTID_SPI + SPIS];
struct gic_info gic_info;

static struct machine_cpu *mine(void) { return &mc[cpu_id()]; }
static void m_lr_write(unsigned n, const struct gic_lr *lr)
{
    mine()->lr[n] = *lr;
    mine()->eoi_seen[n] = false;
    mine()->writes++;
}
static void m_lr_read(unsigned n, struct gic_lr *lr)
{
    *lr = mine()->lr[n];
    mine()->reads++;
}
static void m_lr_clear(unsigned n)
{
    memset(&mine()->lr[n], 0, sizeof(struct gic_lr));
    mine()->eoi_seen[n] = false;
    mine()->writes++;
}
static void m_load(const struct gic_vcpu_regs *r) { mine()->regs = *r; }
static void m_save(struct gic_vcpu_regs *r) { *r = mine()->regs; }
static void m_set_hcr(uint32_t hcr) { mine()->regs.hcr = hcr; }
static void m_enable(uint32_t i) { phys[i].enabled = true; }
static void m_disable(uint32_t i) { phys[i].enabled = false; }
static void m_set_type(uint32_t i, bool edge) { phys[i].edge = edge; }
static void m_route(uint32_t i, unsigned cpu) { phys[i].cpu = cpu; }
static void m_set_pending(uint32_t i, bool on) { phys[i].pending = on; }
static void m_set_active(uint32_t i, bool on) { phys[i].active = on; }
static void m_deactivate(uint32_t i) { phys[i].active = false; }
static struct gic_driver machine_gic = {
    /* machine_start sets the version */
    .name = "machine",
    .version = 3,
    .lr_write = m_lr_write,
    .lr_read = m_lr_read,
    .lr_clear = m_lr_clear,
    .load = m_load,
    .save = m_save,
    .set_hcr = m_set_hcr,
    .enable = m_enable,
    .disable = m_disable,
    .set_type = m_set_type,
    .route = m_route,
    .set_pending = m_set_pending,
    .set_active = m_set_active,
    .deactivate = m_deactivate,
};
const struct gic_driver *gic = &machine_gic;

static bool is_v2(void) { return machine_gic.version == 2; }

/* ---- the guest's side of a CPU ---- */
static unsigned m_running(const struct machine_cpu *c)
{
    uint32_t bits = c->regs.ap0r[0] | c->regs.ap1r[0];
    return bits ? (unsigned)__builtin_ctz(bits) << 3 : 0x100;
}
/* The list register that would be delivered now, or -1.  All five priority bits are group
 * priority. */
static int m_best(const struct machine_cpu *c)
{
    int best = -1;
    for (unsigned n = 0; n < gic_info.lr_count; n++) {
        const struct gic_lr *l = &c->lr[n];
        if (l->pending && !l->active && (c->regs.vmcr & (l->group1 ? 2 : 1)) &&
            l->priority < c->regs.vmcr >> 24 && l->priority < m_running(c) &&
            (best < 0 || l->priority < c->lr[best].priority))
            best = (int)n;
    }
    return (c->regs.hcr & GICH_HCR_EN) ? best : -1;
}
/* What the guest reads from IAR.  On a GICv2, an SGI has its source CPU in it. */
static uint32_t m_ack(void)
{
    struct machine_cpu *c = mine();
    int n = m_best(c);
    if (n < 0)
        return 1023;
    c->lr[n].pending = false;
    c->lr[n].active = true;
    *(c->lr[n].group1 || is_v2() ? c->regs.ap1r : c->regs.ap0r) |= 1u << (c->lr[n].priority >> 3);
    return c->lr[n].virt | (uint32_t)c->lr[n].source << 10;
}
/* Priority drop and deactivation.  False: no list register has the interrupt (hardware would
 * increment EOIcount). */
static bool m_eoi(uint32_t iar)
{
    struct machine_cpu *c = mine();
    unsigned level = m_running(c) >> 3;
    if (level < 32) {
        c->regs.ap0r[0] &= ~(1u << level);
        c->regs.ap1r[0] &= ~(1u << level);
    }
    for (unsigned n = 0; n < gic_info.lr_count; n++) {
        struct gic_lr *l = &c->lr[n];
        if (!l->active || (l->virt | (uint32_t)l->source << 10) != iar)
            continue;
        l->active = false;
        if (l->hw)
            phys[l->phys].active = false;
        else if (l->eoi && !l->pending)
            c->eoi_seen[n] = true;
        return true;
    }
    return false;
}
static bool m_maintenance(const struct machine_cpu *c)
{
    unsigned valid = 0, pending = 0, eoi = 0;
    for (unsigned n = 0; n < gic_info.lr_count; n++) {
        valid += c->lr[n].pending || c->lr[n].active;
        pending += c->lr[n].pending && !c->lr[n].active;
        eoi += c->eoi_seen[n];
    }
    return (c->regs.hcr & GICH_HCR_EN) && (eoi || ((c->regs.hcr & GICH_HCR_UIE) && valid <= 1) ||
                                           ((c->regs.hcr & GICH_HCR_NPIE) && !pending));
}

/* ---- the guest: one domain, vCPU n is loaded on CPU n or nowhere ---- */
static struct domain dom;
static struct vcpu vcpu_of[VCPUS];
static bool is_loaded[VCPUS];

static void on_cpu(unsigned cpu) { fake_cpu_set(cpu); }
/* The work of a CPU before it enters its guest. */
static void settle_cpu(unsigned n)
{
    unsigned was = fake_cpu;
    on_cpu(n);
    for (unsigned guard = 0; is_loaded[n]; guard++) {
        if (guard > 100)
            abort();
        __atomic_store_n(&cpus[n].work, 0, __ATOMIC_RELAXED);
        if (m_maintenance(&mc[n]))
            vgic_maintenance();
        else if (vcpu_of[n].vgic.dirty)
            vgic_flush(&vcpu_of[n]);
        else
            break;
    }
    on_cpu(was);
}
static void sync_all(void)
{
    for (unsigned round = 0; round < 3; round++)
        for (unsigned n = 0; n < VCPUS; n++)
            settle_cpu(n);
}
static void kicked(unsigned cpu)
{
    unsigned was = fake_cpu;
    on_cpu(cpu);
    vgic_serve();
    on_cpu(was);
}
static void set_loaded(unsigned n, bool on)
{
    unsigned was = fake_cpu;
    on_cpu(n);
    if (on && !is_loaded[n])
        vgic_load(&vcpu_of[n]);
    if (!on && is_loaded[n])
        vgic_save(&vcpu_of[n]);
    is_loaded[n] = on;
    cpus[n].current = on ? &vcpu_of[n] : NULL;
    on_cpu(was);
}
static void machine_start(unsigned lr_count)
{
    memset(mc, 0, sizeof(mc));
    memset(phys, 0, sizeof(phys));
    gic_info = (struct gic_info){ .lr_count = lr_count,
                                  .irq_count = INTID_SPI + SPIS,
                                  .priority_bits = 5,
                                  .pre_bits = 5,
                                  .maintenance_intid = 25,
                                  .vcpu_if = PA(0x8040000),
                                  .vcpu_if_bytes = 0x10000 };
    memset(&dom, 0, sizeof(dom));
    memset(vcpu_of, 0, sizeof(vcpu_of));
    memset(is_loaded, 0, sizeof(is_loaded));
    memset(cpus, 0, sizeof(cpus[0]) * MAX_CPUS);
    for (unsigned i = 0; i < MAX_CPUS; i++)
        cpus[i].id = i;
    fake_on_kick = kicked;
    dom.max_vcpus = VCPUS;
    if (vgic_domain_init(&dom, machine_gic.version, SPIS))
        abort();
    for (unsigned i = 0; i < VCPUS; i++) {
        vcpu_of[i].domain = &dom;
        vcpu_of[i].id = i;
        vcpu_of[i].sched.cpu = (int)i;
        dom.vcpu[i] = &vcpu_of[i];
        vgic_vcpu_init(&vcpu_of[i]);
        vcpu_of[i].vgic.regs.vmcr = 0xf8000003;
        set_loaded(i, true);
    }
}

/* There is no stage 2 here, so every look-up takes the slow path. */
struct m_mapping {
    uint64_t ipa, pa, pages;
    enum p2m_type type;
};
static struct m_mapping mapped; /* the last mapping */
uint64_t p2m_leaf(struct domain *d, ipa_t ipa, unsigned *level)
{
    (void)d;
    (void)ipa;
    *level = 1;
    return 0;
}
int p2m_map(struct domain *d, ipa_t ipa, paddr_t pa, uint64_t pages, enum p2m_type type)
{
    (void)d;
    mapped = (struct m_mapping){ ipa.v, pa.v, pages, type };
    return 0;
}
int p2m_mmio_set(struct domain *d, ipa_t ipa, uint64_t payload)
{
    (void)d;
    (void)ipa;
    (void)payload;
    return -XEN_ENOMEM;
}
void p2m_mmio_zap(struct domain *d) { (void)d; }

/* ---- register accesses by the vCPU of this CPU ---- */
#define GICD      0x03001000ull
#define GICR(n)   (0x03020000ull + (n)*0x20000ull)
#define SGI_FRAME 0x10000ull
static bool try_access(uint64_t ipa, unsigned size_log2, bool write, uint64_t *value)
{
    struct vcpu *v = &vcpu_of[fake_cpu];
    struct stage2_fault f = { .ipa = IPA(ipa),
                              .write = write,
                              .decoded = true,
                              .reg = 5,
                              .size_log2 = (uint8_t)size_log2,
                              .reg64 = true };
    v->arch.regs.x[5] = *value;
    bool done = mmio_dispatch(v, &f);
    *value = v->arch.regs.x[5];
    return done;
}
static uint64_t rd(uint64_t ipa, unsigned size_log2)
{
    uint64_t value = 0;
    if (!try_access(ipa, size_log2, false, &value))
        abort();
    return value;
}
static void wr(uint64_t ipa, unsigned size_log2, uint64_t value)
{
    if (!try_access(ipa, size_log2, true, &value))
        abort();
}
/*
 * The frame that has an interrupt's registers.  On a GICv3, SGIs and PPIs are in the vCPU's
 * redistributor.  On a GICv2 they are in the distributor, banked, so only that vCPU reaches them:
 * the access is made as vCPU `_of`.
 */
static uint64_t frame(unsigned vcpu, uint32_t intid)
{
    return intid < 32 && !is_v2() ? GICR(vcpu) + SGI_FRAME : GICD;
}
static unsigned take_place(unsigned vcpu, uint32_t intid)
{
    unsigned was = fake_cpu;
    if (is_v2() && intid < 32)
        on_cpu(vcpu);
    return was;
}
static void wr_of(unsigned vcpu, uint32_t intid, uint32_t reg, unsigned size_log2, uint64_t value)
{
    unsigned was = take_place(vcpu, intid);
    wr(frame(vcpu, intid) + reg, size_log2, value);
    on_cpu(was);
}
static void wr_bit(unsigned vcpu, uint32_t reg, uint32_t intid)
{
    wr_of(vcpu, intid, reg + intid / 32 * 4, 2, 1ull << (intid % 32));
}
static bool rd_bit(unsigned vcpu, uint32_t reg, uint32_t intid)
{
    unsigned was = take_place(vcpu, intid);
    bool bit = rd(frame(vcpu, intid) + reg + intid / 32 * 4, 2) >> (intid % 32) & 1;
    on_cpu(was);
    return bit;
}
static inline void wr_priority(unsigned vcpu, uint32_t intid, uint8_t priority)
{
    wr_of(vcpu, intid, 0x400 + intid, 0, priority);
}
/* Routes an SPI to a vCPU, or to none if there is no vCPU of this number. */
static inline void wr_route(uint32_t intid, unsigned vcpu)
{
    if (is_v2())
        wr(GICD + 0x800 + intid, 0, vcpu < VCPUS ? 1u << vcpu : 0);
    else
        wr(GICD + 0x6000 + 8 * intid, 3, vcpu);
}
/* Turns the distributor on or off, for the group that interrupts belong to after power-on. */
static void wr_dist(bool on) { wr(GICD, 2, on ? is_v2() ? 1 : 2 : 0); }
/* An SGI from the vCPU of this CPU to another. */
static void send_sgi(unsigned to, uint32_t intid)
{
    if (is_v2())
        wr(GICD + 0xf00, 2, 1ull << (16 + to) | intid);
    else
        vgic_sgi_write(&vcpu_of[fake_cpu], (uint64_t)intid << 24 | 1ull << to, 1);
}

#endif
