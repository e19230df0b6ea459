/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @vgic xen-lite/stage2/mmio.c
// libs: -lcmocka
/* Compares the vGIC with the behaviour of hardware: single cases, and random operations against a
 * flat model of the architecture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <threads.h>
#include <cmocka.h>
#include "vgic_machine.h"
#include "records.h"

enum {
    IGROUPR = 0x80,
    ISENABLER = 0x100,
    ICENABLER = 0x180,
    ISPENDR = 0x200,
    ICPENDR = 0x280,
    ISACTIVER = 0x300,
    ICACTIVER = 0x380,
    IPRIORITYR = 0x400,
    ICFGR = 0xc00,
    IROUTER = 0x6000,
    CPENDSGIR = 0xf10,
    SPENDSGIR = 0xf20
};

static int start(unsigned version)
{
    fake_init(1 << 20, MAX_CPUS);
    machine_gic.version = version;
    machine_start(4);
    wr_dist(true);
    sync_all();
    return 0;
}
static int start_v2(void **state)
{
    (void)state;
    return start(2);
}
static int start_v3(void **state)
{
    (void)state;
    return start(3);
}
/* The flag of the group that interrupts belong to. */
static uint8_t group_flag(void) { return is_v2() ? 0 : XLR_IRQ_GROUP1; }
static int stop(void **state)
{
    (void)state;
    for (unsigned i = 0; i < VCPUS; i++)
        set_loaded(i, false);
    vgic_domain_destroy(&dom);
    return 0;
}

static void test_identification(void **state)
{
    (void)state;
    assert_int_equal(rd(GICD, 2), 0x52); /* ARE, DS, group 1 */
    assert_int_equal(rd(GICD + 4, 2) & 0x1f, SPIS / 32);
    assert_int_equal(rd(GICD + 0xffe8, 2) >> 4 & 0xf, 3);
    assert_int_equal(rd(GICR(0) + 0xffe8, 2) >> 4 & 0xf, 3);
    for (unsigned n = 0; n < VCPUS; n++) {
        uint64_t typer = rd(GICR(n) + 8, 3);
        assert_int_equal(typer >> 32, n);
        assert_int_equal(typer >> 8 & 0xffff, n);
        assert_int_equal(typer >> 4 & 1, n == VCPUS - 1);
        assert_int_equal(rd(GICR(n) + 12, 2), n);
    }
    assert_int_equal(rd(GICR(1) + 0x14, 2), 6);
    wr(GICR(1) + 0x14, 2, 0);
    assert_int_equal(rd(GICR(1) + 0x14, 2), 0);
}

static void test_widths(void **state)
{
    uint64_t value = 0;
    (void)state;
    assert_false(try_access(GICD, 3, false, &value));
    assert_false(try_access(GICD + 1, 0, false, &value));
    assert_false(try_access(GICD + ISENABLER + 4, 0, true, &value));
    assert_false(try_access(GICD + IPRIORITYR + 32, 1, true, &value));
    assert_false(try_access(GICD + IROUTER + 8 * 32, 1, false, &value));
    assert_false(try_access(GICD + 2, 2, false, &value));    /* not aligned */
    assert_false(try_access(GICR(VCPUS), 2, false, &value)); /* no such redistributor */
    assert_true(try_access(GICD + IPRIORITYR + 33, 0, true, &value));
    /* All offsets, all widths, both frames: each access gets a value or an abort. */
    for (uint64_t offset = 0; offset < 0x10000; offset++)
        for (unsigned size = 0; size < 4; size++) {
            value = 0;
            try_access(GICD + offset, size, offset & 1, &value);
            value = 0;
            try_access(GICR(1) + offset, size, false, &value);
            value = 0;
            try_access(GICR(1) + SGI_FRAME + offset, size, false, &value);
        }
}

static void test_register_fields(void **state)
{
    (void)state;
    wr(GICD + IPRIORITYR + 32, 2, 0xa7605010);
    assert_int_equal(rd(GICD + IPRIORITYR + 32, 2), 0xa0605010);
    assert_int_equal(rd(GICD + IPRIORITYR + 33, 0), 0x50);
    wr(GICD + ICFGR + 8, 2, 0xaaaaaaaa);
    assert_int_equal(rd(GICD + ICFGR + 8, 2), 0xaaaaaaaa);
    wr(GICR(0) + SGI_FRAME + ICFGR, 2, 0);
    assert_int_equal(rd(GICR(0) + SGI_FRAME + ICFGR, 2), 0xaaaaaaaa); /* SGIs stay edge-triggered */
    wr(GICD + IROUTER + 8 * 40, 3, 2);
    assert_int_equal(rd(GICD + IROUTER + 8 * 40, 3), 2);
    assert_ptr_equal(dom.vgic.spi[8].vcpu, &vcpu_of[2]);
    wr(GICD + IROUTER + 8 * 40, 3, 1u << 31);
    assert_int_equal(rd(GICD + IROUTER + 8 * 40, 3), 1u << 31);
    assert_ptr_equal(dom.vgic.spi[8].vcpu, &vcpu_of[0]);
    wr(GICD + IGROUPR + 4, 2, 0);
    assert_int_equal(rd(GICD + IGROUPR + 4, 2), 0);
    assert_int_equal(rd(GICD + ISENABLER, 2), 0); /* INTIDs 0..31 are not the distributor's */
}

static void test_inject_and_end(void **state)
{
    (void)state;
    assert_int_equal(m_ack(), 1023);
    vgic_inject(&dom, &vcpu_of[0], 27, true);
    sync_all();
    assert_int_equal(m_ack(), 1023); /* not enabled */
    assert_true(rd_bit(0, ISPENDR, 27));
    wr_bit(0, ISENABLER, 27);
    sync_all();
    assert_true(rd_bit(0, ISPENDR, 27));
    assert_int_equal(m_ack(), 27);
    assert_false(rd_bit(0, ISPENDR, 27));
    assert_true(rd_bit(0, ISACTIVER, 27));
    vgic_inject(&dom, &vcpu_of[0], 27, true); /* again, while active */
    sync_all();
    assert_int_equal(m_ack(), 1023);
    assert_true(m_eoi(27));
    sync_all();
    assert_int_equal(m_ack(), 27);
    assert_true(m_eoi(27));
    sync_all();
    assert_int_equal(m_ack(), 1023);
    assert_false(rd_bit(0, ISACTIVER, 27));
    assert_true(list_empty(&vcpu_of[0].vgic.pending) || !vcpu_of[0].vgic.dirty);
}

/* Nothing changed: a CPU that re-enters its guest does not write its list registers. */
static void test_unchanged_lrs_not_written(void **state)
{
    (void)state;
    wr_bit(0, ISENABLER, 27);
    vgic_inject(&dom, &vcpu_of[0], 27, true);
    sync_all();
    unsigned writes = mc[0].writes, reads = mc[0].reads;
    assert_int_equal(m_ack(), 27);
    sync_all();
    assert_true(m_eoi(27));
    sync_all();
    assert_int_equal(mc[0].writes, writes);
    assert_int_equal(mc[0].reads, reads);
    assert_int_equal(writes, 1);
}

static void test_level_line(void **state)
{
    (void)state;
    wr_bit(0, ISENABLER, 33);
    vgic_inject(&dom, NULL, 33, true);
    sync_all();
    assert_int_equal(m_ack(), 33);
    assert_true(rd_bit(0, ISPENDR, 33)); /* the line is still high */
    assert_true(m_eoi(33));
    sync_all(); /* the EOI maintenance interrupt samples the line again */
    assert_int_equal(m_ack(), 33);
    vgic_inject(&dom, NULL, 33, false);
    sync_all();
    assert_true(m_eoi(33));
    sync_all();
    assert_int_equal(m_ack(), 1023);
    vgic_inject(&dom, NULL, 33, true);
    sync_all();
    vgic_inject(&dom, NULL, 33, false); /* withdrawn before it is acknowledged */
    sync_all();
    assert_int_equal(m_ack(), 1023);
}

static void test_disable_in_lr(void **state)
{
    (void)state;
    wr_route(34, 3);
    wr_bit(0, ISENABLER, 34);
    wr(GICD + ICFGR + 8, 2, 0xaaaaaaaa);
    vgic_inject(&dom, NULL, 34, true);
    sync_all();
    assert_true(m_best(&mc[3]) >= 0);
    wr_bit(0, ICENABLER, 34); /* written on CPU 0: gone from CPU 3 when the write returns */
    assert_int_equal(m_best(&mc[3]), -1);
    assert_true(rd_bit(0, ISPENDR, 34));
    wr_bit(0, ISENABLER, 34);
    sync_all();
    assert_true(m_best(&mc[3]) >= 0);
    wr_bit(0, ICPENDR, 34);
    assert_int_equal(m_best(&mc[3]), -1);
    assert_false(rd_bit(0, ISPENDR, 34));
}

static void test_read_elsewhere(void **state)
{
    (void)state;
    wr_route(35, 2);
    wr_bit(0, ISENABLER, 35);
    wr_bit(0, ISPENDR, 35);
    sync_all();
    on_cpu(2);
    assert_int_equal(m_ack(), 35);
    on_cpu(0);
    assert_true(rd_bit(0, ISACTIVER, 35)); /* in CPU 2's list register, without an exit since */
    assert_false(rd_bit(0, ISPENDR, 35));
    on_cpu(2);
    assert_true(m_eoi(35));
    on_cpu(0);
    assert_false(rd_bit(0, ISACTIVER, 35));
}

static void test_route_while_pending(void **state)
{
    (void)state;
    wr_bit(0, ISENABLER, 36);
    wr_bit(0, ISPENDR, 36);
    sync_all();
    assert_true(m_best(&mc[0]) >= 0);
    wr_route(36, 1);
    sync_all();
    assert_int_equal(m_best(&mc[0]), -1);
    assert_true(m_best(&mc[1]) >= 0);
    on_cpu(1);
    assert_int_equal(m_ack(), 36);
    wr_route(36, 0); /* active: stays; the next interrupt goes to the new target */
    wr_bit(1, ISPENDR, 36);
    sync_all();
    assert_int_equal(m_best(&mc[0]), -1);
    on_cpu(1);
    assert_true(m_eoi(36));
    sync_all();
    assert_true(m_best(&mc[0]) >= 0);
    wr_route(36, 77); /* to no vCPU */
    sync_all();
    for (unsigned n = 0; n < VCPUS; n++)
        assert_int_equal(m_best(&mc[n]), -1);
    wr_route(36, 3);
    sync_all();
    assert_true(m_best(&mc[3]) >= 0);
}

static void test_sgi(void **state)
{
    (void)state;
    for (unsigned n = 0; n < VCPUS; n++)
        wr_bit(n, ISENABLER, 5);
    vgic_sgi_write(&vcpu_of[0], 5ull << 24 | 0xa, 1);
    sync_all();
    assert_int_equal(m_best(&mc[0]), -1);
    assert_true(m_best(&mc[1]) >= 0);
    assert_int_equal(m_best(&mc[2]), -1);
    assert_true(m_best(&mc[3]) >= 0);
    vgic_sgi_write(&vcpu_of[2], 5ull << 24 | 1ull << 40, 1); /* all CPUs but itself */
    sync_all();
    assert_true(m_best(&mc[0]) >= 0);
    assert_int_equal(m_best(&mc[2]), -1);
    vgic_sgi_write(&vcpu_of[0], 5ull << 24 | 0x4 | 1ull << 16, 1); /* another cluster */
    vgic_sgi_write(&vcpu_of[0], 5ull << 24 | 0x4, 0);              /* group 0 */
    vgic_sgi_write(&vcpu_of[0], 5ull << 24 | 0x4 | 1ull << 44, 1); /* range selector */
    sync_all();
    assert_int_equal(m_best(&mc[2]), -1);
}

/* More interrupts than list registers: delivered in order of priority, and none is lost. */
static void test_more_irqs_than_lrs(void **state)
{
    (void)state;
    for (uint32_t i = 32; i < 32 + 20; i++) {
        wr_priority(0, i, (uint8_t)((51 - i) * 8));
        wr_bit(0, ISENABLER, i);
        wr_bit(0, ISPENDR, i);
    }
    sync_all();
    for (uint32_t i = 51; i >= 32; i--) {
        assert_int_equal(m_ack(), i);
        sync_all();
        assert_true(m_eoi(i));
        sync_all();
    }
    assert_int_equal(m_ack(), 1023);
    /* Nested: each preempts the one before, and more are active than there are list registers. */
    for (uint32_t i = 32; i < 32 + 12; i++) {
        wr_bit(0, ISPENDR, i);
        sync_all();
        assert_int_equal(m_ack(), i);
        sync_all();
    }
    for (uint32_t i = 43; i >= 32; i--) {
        assert_true(m_eoi(i));
        sync_all();
    }
    assert_int_equal(rd(GICD + ISACTIVER + 4, 2), 0);
}

static void test_pending_ends_wfi(void **state)
{
    (void)state;
    assert_false(vgic_has_pending(&vcpu_of[0]));
    wr_bit(0, ISENABLER, 27);
    wr_priority(0, 27, 0x80);
    vgic_inject(&dom, &vcpu_of[0], 27, true);
    sync_all();
    assert_true(vgic_has_pending(&vcpu_of[0]));
    assert_true(m_best(&mc[0]) >= 0); /* the read had no side effect */
    mc[0].regs.vmcr = 0x80000003;
    assert_false(vgic_has_pending(&vcpu_of[0])); /* masked by PMR */
    mc[0].regs.vmcr = is_v2() ? 0xf8000002 : 0xf8000001;
    assert_false(vgic_has_pending(&vcpu_of[0])); /* its group is disabled */
    mc[0].regs.vmcr = 0xf8000003;
    wr_dist(false);
    assert_false(vgic_has_pending(&vcpu_of[0])); /* the distributor is disabled */
    wr_dist(true);
    assert_true(vgic_has_pending(&vcpu_of[0]));
    sync_all();
    assert_int_equal(m_ack(), 27);
    assert_false(vgic_has_pending(&vcpu_of[0]));
    wr_bit(0, ISENABLER, 33);
    wr_priority(0, 33, 0x80);
    wr_bit(0, ISPENDR, 33);
    assert_false(vgic_has_pending(&vcpu_of[0])); /* equal priority does not preempt */
    wr_priority(0, 33, 0x78);
    assert_true(vgic_has_pending(&vcpu_of[0]));
    set_loaded(0, false);
    assert_true(vgic_has_pending(&vcpu_of[0]));
    /* An interrupt wakes a blocked vCPU. */
    vcpu_of[1].blocked = true;
    wr_bit(1, ISENABLER, 27);
    vgic_inject(&dom, &vcpu_of[1], 27, true);
    assert_false(vcpu_of[1].blocked);
}

static void test_physical_interrupts(void **state)
{
    (void)state;
    assert_int_equal(vgic_map_hw(&dom, 50, 50), 0);
    assert_int_equal(vgic_map_hw(&dom, 51, 50), -XEN_EBUSY);
    assert_int_equal(vgic_map_hw(&dom, 20, 50), -XEN_EINVAL);
    assert_false(vgic_hw_irq(51));
    wr_route(50, 1);
    assert_false(phys[50].enabled);
    wr_bit(0, ISENABLER, 50);
    assert_true(phys[50].enabled);
    assert_int_equal(phys[50].cpu, 1);
    phys[50].active = true; /* acknowledged by the hypervisor */
    assert_true(vgic_hw_irq(50));
    sync_all();
    on_cpu(1);
    assert_int_equal(m_ack(), 50);
    assert_true(phys[50].active);
    assert_true(m_eoi(50));
    assert_false(phys[50].active); /* no exit in between */
    sync_all();
    phys[50].active = true;
    assert_true(vgic_hw_irq(50));
    sync_all();
    wr_bit(1, ICPENDR, 50); /* cleared before the guest took it */
    sync_all();
    assert_int_equal(m_ack(), 1023);
    assert_false(phys[50].active);
    phys[50].active = true;
    assert_true(vgic_hw_irq(50));
    sync_all();
    assert_int_equal(m_ack(), 50);
    wr_bit(1, ICACTIVER, 50);
    assert_false(phys[50].active);
    wr_bit(1, ICENABLER, 50);
    assert_false(phys[50].enabled);
    wr(GICD + ICFGR + 12, 2, 2u << 4);
    assert_true(phys[50].edge);
    vgic_unmap_hw(&dom, 50);
    assert_false(vgic_hw_irq(50));
    on_cpu(0);
}

static void test_records(void **state)
{
    struct xlr_irq spi[SPIS];
    struct xlr_vgic_dist dist;
    struct xlr_vgic_cpu cpu[VCPUS], again;
    (void)state;
    wr_bit(0, ISENABLER, 27);
    wr_bit(0, ISENABLER, 33);
    wr_bit(0, ISENABLER, 34);
    wr_priority(0, 33, 0x40);
    wr_priority(0, 27, 0x80);
    wr_route(34, 2);
    vgic_inject(&dom, NULL, 34, true);
    wr_bit(0, ISPENDR, 33);
    sync_all();
    assert_int_equal(m_ack(), 33);
    vgic_inject(&dom, &vcpu_of[0], 27, true);
    sync_all();
    for (unsigned i = 0; i < VCPUS; i++) {
        set_loaded(i, false);
        vgic_get_cpu(&vcpu_of[i], &cpu[i]);
    }
    vgic_get_dist(&dom, &dist, spi);
    assert_int_equal(spi[1].flags, XLR_IRQ_ENABLED | XLR_IRQ_ACTIVE | group_flag());
    assert_int_equal(spi[2].flags, XLR_IRQ_ENABLED | XLR_IRQ_LINE | group_flag());
    assert_int_equal(cpu[0].irq[27].flags, XLR_IRQ_ENABLED | XLR_IRQ_PENDING | group_flag());
    assert_int_equal(cpu[0].ap1r[0], 1u << 8);
    /* Loaded into a new machine. */
    vgic_domain_destroy(&dom);
    machine_start(4);
    for (unsigned i = 0; i < VCPUS; i++)
        set_loaded(i, false);
    assert_int_equal(vgic_check_dist(&dom, &dist), 0);
    assert_int_equal(vgic_check_spis(&dom, spi, SPIS), 0);
    for (unsigned i = 0; i < VCPUS; i++)
        assert_int_equal(vgic_set_cpu(&vcpu_of[i], &cpu[i]), 0);
    vgic_set_dist(&dom, &dist, spi);
    for (unsigned i = 0; i < VCPUS; i++) {
        vgic_get_cpu(&vcpu_of[i], &again);
        assert_memory_equal(&again, &cpu[i], sizeof(again));
        set_loaded(i, true);
    }
    sync_all();
    assert_true(m_eoi(33));
    sync_all();
    assert_int_equal(m_ack(), 27);
    assert_true(m_best(&mc[2]) >= 0);
    /* Refusals. */
    struct xlr_vgic_cpu bad = cpu[0];
    bad.irq[3].flags &= (uint8_t)~XLR_IRQ_EDGE;
    assert_int_equal(vgic_check_cpu(&dom, &bad), -XEN_EINVAL);
    bad = cpu[0];
    bad.ap1r[1] = 1;
    assert_int_equal(vgic_check_cpu(&dom, &bad), -XEN_EINVAL);
    bad = cpu[0];
    bad.vmcr |= 1u << 12;
    assert_int_equal(vgic_check_cpu(&dom, &bad), -XEN_EINVAL);
    dist.spi_count += 32;
    assert_int_equal(vgic_check_dist(&dom, &dist), -XEN_EINVAL);
    spi[0].flags = 0x80;
    assert_int_equal(vgic_check_spis(&dom, spi, SPIS), -XEN_EINVAL);
}

/* ---- random operations against the architecture ---- */

struct flat {
    bool enabled, pending, line, active, edge, pulse, hw;
    uint8_t priority, sources;
    int target, active_on;
};
static struct flat flat_private[VCPUS][32], flat_spi[SPIS];
static uint32_t stack[VCPUS][32]; /* active interrupts of each vCPU */
static unsigned depth[VCPUS];
static uint8_t level_of[VCPUS][32];
static uint64_t seed;

static uint32_t rnd(uint32_t n)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(seed >> 33) % n;
}
static struct flat *flat_of(unsigned vcpu, uint32_t intid)
{
    return intid < 32 ? &flat_private[vcpu][intid] : &flat_spi[intid - 32];
}
static bool flat_latches(const struct flat *f) { return f->edge || f->pulse || f->hw; }
static bool flat_pends(const struct flat *f)
{
    return f->sources || f->pending || (f->line && !flat_latches(f));
}
/* On a GICv2, SGIs are pending per source CPU. */
static bool is_sourced(uint32_t intid) { return is_v2() && intid < 16; }

/* The highest priority that the vCPU must be offered; 0x100: none. */
static unsigned flat_best(unsigned vcpu, bool distributor_on)
{
    unsigned best = 0x100, running = depth[vcpu] ? level_of[vcpu][depth[vcpu] - 1] : 0x100;
    for (uint32_t i = 0; i < 32 + SPIS; i++) {
        const struct flat *f = flat_of(vcpu, i);
        if (f->enabled && f->target == (int)vcpu && flat_pends(f) && !f->active &&
            f->priority < best)
            best = f->priority;
    }
    return distributor_on && best < running && best < 0xf8 ? best : 0x100;
}

/* A physical interrupt reaches the hypervisor when it is enabled and not active. */
static void run_physical(void)
{
    for (uint32_t i = 32; i < 32 + SPIS; i++)
        if (flat_spi[i - 32].hw && phys[i].pending && phys[i].enabled && !phys[i].active) {
            phys[i].active = true;
            phys[i].pending = false;
            if (!vgic_hw_irq(i))
                abort();
            flat_spi[i - 32].pending = true;
        }
    sync_all();
}

static void check_all(bool on)
{
    for (unsigned n = 0; n < VCPUS; n++) {
        if (!is_loaded[n])
            continue;
        int best = m_best(&mc[n]);
        unsigned got = best < 0 ? 0x100 : mc[n].lr[best].priority, want = flat_best(n, on);
        if (got != want)
            fail_msg("vCPU %u is offered priority %x instead of %x", n, got, want);
        if (vgic_has_pending(&vcpu_of[n]) != (want < 0x100) && fake_cpu == n)
            fail_msg("vCPU %u: has_pending", n);
    }
}

static void random_ack(unsigned n)
{
    on_cpu(n);
    uint32_t iar = m_ack(), intid = iar & 0x3ff;
    if (intid == 1023)
        return;
    struct flat *f = flat_of(n, intid);
    if (is_sourced(intid) && !(f->sources >> (iar >> 10) & 1))
        fail_msg("vCPU %u: SGI %u comes from %u, but sources are %x", n, intid, iar >> 10,
                 f->sources);
    assert_true(f->enabled && f->target == (int)n && flat_pends(f) && !f->active);
    f->active = true;
    f->active_on = (int)n;
    f->pending = false;
    f->sources &= (uint8_t) ~(1u << (iar >> 10));
    level_of[n][depth[n]] = f->priority;
    stack[n][depth[n]++] = iar;
}

static void random_eoi(unsigned n)
{
    on_cpu(n);
    if (!depth[n])
        return;
    uint32_t iar = stack[n][--depth[n]];
    if (!m_eoi(iar))
        fail_msg("vCPU %u ends interrupt %x, which no list register holds", n, iar);
    flat_of(n, iar & 0x3ff)->active = false;
}

/* SGIs of a GICv2 are sent, set pending and cleared per source.  The registers of other interrupts
 * do not affect them. */
static void random_sourced(unsigned n, uint32_t intid)
{
    struct flat *f = flat_of(n, intid);
    uint8_t mask = (uint8_t)rnd(1u << VCPUS);
    unsigned was = fake_cpu;

    switch (rnd(4)) {
    case 0:
        send_sgi(n, intid);
        f->sources |= (uint8_t)(1u << fake_cpu);
        break;
    case 1:
        wr_of(n, intid, SPENDSGIR + intid, 0, mask);
        f->sources |= mask;
        break;
    case 2:
        wr_of(n, intid, CPENDSGIR + intid, 0, mask);
        f->sources &= (uint8_t)~mask;
        break;
    default:
        wr_bit(n, rnd(2) ? ISPENDR : ICPENDR, intid);
        on_cpu(n);
        assert_int_equal(rd(GICD + SPENDSGIR + intid, 0), f->sources);
        on_cpu(was);
        break;
    }
}

static void random_step(bool *on)
{
    static const uint32_t pool[] = { 1,  5,  27, 30, 32, 33, 34, 35, 36, 37, 38,
                                     39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49 };
    unsigned n = rnd(VCPUS), me = rnd(VCPUS);
    uint32_t intid = pool[rnd(ARRAY_SIZE(pool))];
    struct flat *f = flat_of(n, intid);
    uint32_t action = rnd(16);
    on_cpu(me);
    if (is_sourced(intid) && (action < 3 || action == 6 || action == 7)) {
        random_sourced(n, intid);
        return;
    }
    switch (action) {
    case 0:
    case 1:
    case 2: {
        bool level = rnd(3) > 0;
        if (f->hw) {
            phys[intid].pending |= level;
            break;
        }
        vgic_inject(&dom, &vcpu_of[n], intid, level);
        if (!flat_latches(f))
            f->line = level;
        else if (level)
            f->pending = true;
        else if (!f->edge)
            f->pending = false;
        break;
    }
    case 3:
    case 4:
        wr_bit(n, ISENABLER, intid);
        f->enabled = true;
        break;
    case 5:
        wr_bit(n, ICENABLER, intid);
        f->enabled = false;
        break;
    case 6:
        wr_bit(n, ISPENDR, intid);
        if (!f->hw)
            f->pending = true;
        break;
    case 7:
        wr_bit(n, ICPENDR, intid);
        f->pending = false;
        break;
    case 8: {
        uint8_t priority = (uint8_t)(rnd(31) << 3);
        wr_priority(n, intid, priority);
        f->priority = priority;
        break;
    }
    case 9:
        if (intid >= 32) {
            unsigned target = rnd(VCPUS + 1);
            wr_route(intid, target);
            f->target = target < VCPUS ? (int)target : -1;
        }
        break;
    case 10:
    case 11:
        if (is_loaded[n] && depth[n] < 30)
            random_ack(n);
        break;
    case 12:
    case 13:
        if (is_loaded[n])
            random_eoi(n);
        break;
    case 14: set_loaded(n, !is_loaded[n]); break;
    default:
        if (rnd(8) == 0) {
            *on = !*on;
            wr_dist(*on);
        } else {
            bool pends = rd_bit(n, ISPENDR, intid), active = rd_bit(n, ISACTIVER, intid);
            if (pends != flat_pends(f) || active != f->active)
                fail_msg("interrupt %u of vCPU %u reads pending %d active %d", intid, n, pends,
                         active);
        }
        break;
    }
}

static void test_random_against_model(void **state)
{
    (void)state;
    for (unsigned run = 0; run < 60; run++) {
        if (run) {
            stop(NULL);
            machine_start(run % 5 == 4 ? 16 : 2 + run % 5);
            on_cpu(0);
            wr_dist(true);
        }
        seed = 1000 + run;
        memset(flat_private, 0, sizeof(flat_private));
        memset(flat_spi, 0, sizeof(flat_spi));
        memset(depth, 0, sizeof(depth));
        for (unsigned n = 0; n < VCPUS; n++)
            for (uint32_t i = 0; i < 32; i++)
                flat_private[n][i] = (struct flat){
                    .edge = i < 16, .pulse = i != 30, .target = (int)n, .enabled = is_sourced(i)
                };
        for (uint32_t i = 0; i < SPIS; i++)
            flat_spi[i] = (struct flat){ .edge = i % 3 == 0, .hw = i % 5 == 4 };
        for (uint32_t i = 0; i < SPIS; i++) {
            vgic_set_type(&dom, 32 + i, flat_spi[i].edge);
            if (flat_spi[i].hw)
                assert_int_equal(vgic_map_hw(&dom, 32 + i, 32 + i), 0);
        }
        bool on = true;
        for (unsigned i = 0; i < 4000; i++) {
            random_step(&on);
            sync_all();
            run_physical();
            check_all(on);
        }
        /* Handle all that is pending: nothing may be left. */
        for (unsigned n = 0; n < VCPUS; n++)
            set_loaded(n, true);
        sync_all();
        for (unsigned n = 0; n < VCPUS; n++)
            while (depth[n]) {
                random_eoi(n);
                sync_all();
                run_physical();
                check_all(on);
            }
    }
    on_cpu(0);
}

/* ---- all CPUs at once ---- */

static unsigned signalled[VCPUS], cpus_busy;

static void handle_all(unsigned n)
{
    for (;;) {
        settle_cpu(n);
        uint32_t intid = m_ack();
        if (intid == 1023)
            return;
        if ((intid & 0x3ff) == 1)
            __atomic_store_n(&signalled[n], 0, __ATOMIC_SEQ_CST);
        settle_cpu(n);
        if (!m_eoi(intid))
            abort();
    }
}

static int cpu_thread(void *arg)
{
    unsigned n = (unsigned)(uintptr_t)arg;
    uint64_t r = n * 7919 + 1;
    on_cpu(n);
    for (unsigned i = 0; i < 5000; i++) {
        r = r * 6364136223846793005ull + 1442695040888963407ull;
        uint32_t x = (uint32_t)(r >> 33), spi = 32 + x / 16 % 12, other = x / 1024 % VCPUS;
        switch (x % 16) {
        case 0: wr_route(spi, other); break;
        case 1: wr_bit(n, ICENABLER, spi); break;
        case 2: wr_bit(n, ISENABLER, spi); break;
        case 3: wr_bit(n, ICPENDR, spi); break;
        case 4: wr_bit(n, ISPENDR, spi); break;
        case 5: (void)rd_bit(n, ISACTIVER, spi); break;
        case 6: (void)rd_bit(n, ISPENDR, spi); break;
        case 7: vgic_inject(&dom, NULL, spi, x & 4096); break;
        case 8:
            set_loaded(n, false);
            set_loaded(n, true);
            break;
        case 9: wr_priority(0, spi, (uint8_t)(other * 8)); break;
        case 10: (void)vgic_has_pending(&vcpu_of[n]); break;
        case 11:
        case 12:
        case 13:
            __atomic_store_n(&signalled[other], 1, __ATOMIC_SEQ_CST);
            send_sgi(other, 1);
            break;
        default: handle_all(n); break;
        }
    }
    /* Serve the other CPUs' requests until all are done. */
    __atomic_sub_fetch(&cpus_busy, 1, __ATOMIC_SEQ_CST);
    for (unsigned long i = 0; __atomic_load_n(&cpus_busy, __ATOMIC_SEQ_CST); i++) {
        handle_all(n);
        if (i % 64 == 0)
            thrd_yield();
    }
    return 0;
}

static void test_all_cpus_at_once(void **state)
{
    thrd_t t[VCPUS];
    (void)state;
    fake_on_kick = NULL; /* each CPU polls for requests, as after a kick */
    for (unsigned n = 0; n < VCPUS; n++)
        wr_bit(n, ISENABLER, 1);
    wr(GICD + ICFGR + 8, 2, 0x00aaaaaa);
    cpus_busy = VCPUS;
    for (unsigned n = 0; n < VCPUS; n++)
        assert_int_equal(thrd_create(&t[n], cpu_thread, (void *)(uintptr_t)n), thrd_success);
    for (unsigned n = 0; n < VCPUS; n++)
        thrd_join(t[n], NULL);
    fake_on_kick = kicked;
    /* At rest: every signal was taken.  To show that no SPI is stuck, lower all lines, then raise
     * each once more. */
    on_cpu(0);
    for (uint32_t i = 32; i < 44; i++) {
        vgic_inject(&dom, NULL, i, false);
        wr_bit(0, ISENABLER, i);
        wr_route(i, i % VCPUS);
        wr_priority(0, i, 0x80);
        wr_bit(0, ISPENDR, i);
    }
    sync_all(); /* interrupts pending elsewhere move now */
    for (unsigned n = 0; n < VCPUS; n++) {
        on_cpu(n);
        handle_all(n);
        assert_int_equal(signalled[n], 0);
    }
    on_cpu(0);
    assert_int_equal(rd(GICD + ISPENDR + 4, 2), 0);
    assert_int_equal(rd(GICD + ISACTIVER + 4, 2), 0);
    for (unsigned n = 0; n < VCPUS; n++)
        assert_true(list_empty(&vcpu_of[n].vgic.pending));
}

int main(void)
{
#define V3(f)                             \
    {                                     \
#f "_v3", f, start_v3, stop, NULL \
    }
#define BOTH(f) { #f "_v2", f, start_v2, stop, NULL }, V3(f)
    const struct CMUnitTest tests[] = {
        V3(test_identification),
        V3(test_widths),
        V3(test_register_fields),
        BOTH(test_inject_and_end),
        BOTH(test_unchanged_lrs_not_written),
        BOTH(test_level_line),
        BOTH(test_disable_in_lr),
        BOTH(test_read_elsewhere),
        BOTH(test_route_while_pending),
        V3(test_sgi),
        BOTH(test_more_irqs_than_lrs),
        BOTH(test_pending_ends_wfi),
        BOTH(test_physical_interrupts),
        BOTH(test_records),
        BOTH(test_random_against_model),
        BOTH(test_all_cpus_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
