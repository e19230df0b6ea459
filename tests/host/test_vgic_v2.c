/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @vgic xen-lite/stage2/mmio.c
// libs: -lcmocka
/* The parts that only the vGICv2 has: banked registers, targets, SGIs per source, and the mapped
 * CPU interface.  test_vgic.c covers the parts that both versions share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "vgic_machine.h"
#include "records.h"

enum {
    ISENABLER = 0x100,
    ICENABLER = 0x180,
    ISPENDR = 0x200,
    ICPENDR = 0x280,
    ISACTIVER = 0x300,
    IPRIORITYR = 0x400,
    ITARGETSR = 0x800,
    ICFGR = 0xc00,
    SGIR = 0xf00,
    CPENDSGIR = 0xf10,
    SPENDSGIR = 0xf20
};
#define FROM(cpu) ((uint32_t)(cpu) << 10) /* the source field of IAR */

static int start(void **state)
{
    (void)state;
    fake_init(1 << 20, MAX_CPUS);
    machine_gic.version = 2;
    machine_start(4);
    wr_dist(true);
    sync_all();
    return 0;
}
static int stop(void **state)
{
    (void)state;
    for (unsigned i = 0; i < VCPUS; i++)
        set_loaded(i, false);
    vgic_domain_destroy(&dom);
    on_cpu(0);
    return 0;
}

static void test_identification(void **state)
{
    (void)state;
    assert_int_equal(rd(GICD, 2), 1);
    assert_int_equal(rd(GICD + 4, 2), SPIS / 32 | (VCPUS - 1) << 5); /* no security extensions */
    assert_int_equal(rd(GICD + 8, 2), 0x43b);
    assert_int_equal(rd(GICD + 0xfe8, 2) >> 4 & 0xf, 2);
    assert_int_equal(rd(GICD + ISENABLER, 2), 0xffff); /* SGIs are always enabled */
    wr(GICD, 2, 0xffffffff);
    assert_int_equal(rd(GICD, 2), 3); /* two groups, and nothing else */
}

static void test_widths(void **state)
{
    uint64_t value = 0;
    (void)state;
    assert_false(try_access(GICD, 3, false, &value));
    assert_false(try_access(GICD + 1, 0, false, &value));
    assert_false(try_access(GICD + ISENABLER + 4, 0, true, &value));
    assert_false(try_access(GICD + ITARGETSR + 32, 1, true, &value));
    assert_false(try_access(GICD + SGIR, 0, true, &value));
    assert_false(try_access(GICD + SPENDSGIR, 1, true, &value));
    assert_true(try_access(GICD + ITARGETSR + 33, 0, true, &value));
    assert_true(try_access(GICD + CPENDSGIR + 3, 0, true, &value));
    /* The CPU interface is not emulated. */
    assert_false(try_access(GICD + 0x1000, 2, false, &value));
    for (uint64_t offset = 0; offset < 0x1000; offset++)
        for (unsigned size = 0; size < 4; size++) {
            value = 0;
            try_access(GICD + offset, size, offset & 1, &value);
        }
}

static void test_banked_registers(void **state)
{
    (void)state;
    for (unsigned n = 0; n < VCPUS; n++) {
        on_cpu(n);
        assert_int_equal(rd(GICD + ITARGETSR, 2), 0x01010101u << n);
        assert_int_equal(rd(GICD + ITARGETSR + 29, 0), 1u << n);
        wr(GICD + ITARGETSR + 28, 2, 0xffffffff); /* read-only: the bit of the reading CPU */
        assert_int_equal(rd(GICD + ITARGETSR + 28, 2), 0x01010101u << n);
        wr(GICD + IPRIORITYR + 27, 0, n * 16);
        wr(GICD + ISENABLER, 2, 1u << (24 + n));
    }
    for (unsigned n = 0; n < VCPUS; n++) {
        on_cpu(n);
        assert_int_equal(rd(GICD + IPRIORITYR + 27, 0), n * 16);
        assert_int_equal(rd(GICD + ISENABLER, 2), 0xffff | 1u << (24 + n));
    }
}

static void test_spi_targets(void **state)
{
    (void)state;
    assert_int_equal(rd(GICD + ITARGETSR + 32, 2), 0x01010101);
    wr(GICD + ITARGETSR + 40, 2, 0x0c80ff02);
    assert_int_equal(rd(GICD + ITARGETSR + 40, 2), 0x0c000f02); /* only existing CPUs */
    assert_ptr_equal(dom.vgic.spi[8].vcpu, &vcpu_of[1]);
    assert_ptr_equal(dom.vgic.spi[9].vcpu, &vcpu_of[0]); /* the first of several targets */
    assert_ptr_equal(dom.vgic.spi[10].target, NULL);
    assert_ptr_equal(dom.vgic.spi[11].vcpu, &vcpu_of[2]);
    wr_bit(0, ISENABLER, 42);
    wr_bit(0, ISPENDR, 42);
    sync_all();
    for (unsigned n = 0; n < VCPUS; n++)
        assert_int_equal(m_best(&mc[n]), -1);
    wr(GICD + ITARGETSR + 42, 0, 8);
    sync_all();
    on_cpu(3);
    assert_int_equal(m_ack(), 42);
    assert_int_equal(rd(GICD + ITARGETSR + 32 + SPIS, 2), 0); /* beyond the last line */
}

static unsigned offered(uint32_t intid)
{
    unsigned who = 0;
    sync_all();
    for (unsigned n = 0; n < VCPUS; n++) {
        int best = m_best(&mc[n]);
        who |= best >= 0 && mc[n].lr[best].virt == intid ? 1u << n : 0;
    }
    return who;
}

static void test_sgir(void **state)
{
    (void)state;
    for (unsigned n = 0; n < VCPUS; n++) {
        on_cpu(n);
        wr(GICD + IPRIORITYR, 2, 0x60504000); /* a lower value is a higher priority */
        wr(GICD + IPRIORITYR + 4, 0, 0x70);
    }
    on_cpu(2);
    wr(GICD + SGIR, 2, 0xau << 16 | 4);
    assert_int_equal(offered(4), 0xa);
    wr(GICD + SGIR, 2, 1u << 24 | 0xffu << 16 | 3); /* all CPUs but itself */
    assert_int_equal(offered(3), 0xb);
    wr(GICD + SGIR, 2, 2u << 24 | 2); /* itself */
    assert_int_equal(offered(2), 0x4);
    wr(GICD + SGIR, 2, 3u << 24 | 0xfu << 16 | 1); /* reserved */
    wr(GICD + SGIR, 2, 0xf0u << 16 | 1);           /* no such CPUs */
    assert_int_equal(offered(1), 0);
    assert_int_equal(rd(GICD + SGIR, 2), 0);
    assert_int_equal(m_ack(), 2 | FROM(2));
    on_cpu(3);
    assert_int_equal(m_ack(), 3 | FROM(2));
}

static void take(unsigned cpu, uint32_t iar)
{
    on_cpu(cpu);
    assert_int_equal(m_ack(), iar);
    sync_all();
    assert_true(m_eoi(iar));
    sync_all();
}

/* Each source makes one interrupt; the same source twice still makes one. */
static void test_sgi_once_per_source(void **state)
{
    (void)state;
    for (unsigned n = 0; n < VCPUS; n++) {
        on_cpu(n);
        send_sgi(1, 7);
        send_sgi(1, 7);
        sync_all();
    }
    on_cpu(1);
    assert_int_equal(rd(GICD + SPENDSGIR + 7, 0), 0xf);
    assert_true(rd_bit(1, ISPENDR, 7));
    for (unsigned n = 0; n < VCPUS; n++)
        take(1, 7 | FROM(n));
    on_cpu(1);
    assert_int_equal(m_ack(), 1023);
    assert_false(rd_bit(1, ISPENDR, 7));
}

/* While an SGI from one source is active, more come, also from the same source: all are delivered
 * afterwards, without further requests. */
static void test_sgi_sources_while_active(void **state)
{
    (void)state;
    on_cpu(3);
    send_sgi(0, 6);
    sync_all();
    on_cpu(0);
    assert_int_equal(m_ack(), 6 | FROM(3));
    for (unsigned n = 2; n < 4; n++) {
        on_cpu(n);
        send_sgi(0, 6);
        sync_all();
    }
    on_cpu(0);
    assert_int_equal(m_ack(), 1023);
    assert_int_equal(rd(GICD + SPENDSGIR + 4, 2), 0x0c0000);
    assert_true(rd_bit(0, ISACTIVER, 6));
    assert_true(m_eoi(6 | FROM(3)));
    sync_all();
    /* CPU 3's second SGI is pending in the list register of the active one.  The architecture does
     * not define which source comes first. */
    uint32_t first = m_ack();
    assert_true(first == (6 | FROM(2)) || first == (6 | FROM(3)));
    sync_all();
    assert_true(m_eoi(first));
    sync_all();
    take(0, first ^ FROM(2) ^ FROM(3));
    assert_int_equal(m_ack(), 1023);
}

static void test_pending_registers(void **state)
{
    (void)state;
    on_cpu(1);
    wr(GICD + SPENDSGIR + 8, 2, 0x01000500); /* 9 from 0 and 2, 11 from 0 */
    sync_all();
    assert_int_equal(rd(GICD + SPENDSGIR + 8, 2), 0x01000500);
    assert_int_equal(rd(GICD + CPENDSGIR + 8, 2), 0x01000500);
    wr(GICD + CPENDSGIR + 9, 0, 1); /* it is in a list register now */
    assert_int_equal(rd(GICD + SPENDSGIR + 8, 2), 0x01000400);
    wr(GICD + CPENDSGIR + 9, 0, 4);
    assert_int_equal(rd(GICD + SPENDSGIR + 9, 0), 0);
    wr(GICD + ISPENDR, 2, 0xffff); /* ISPENDR and ICPENDR do not affect SGIs */
    wr(GICD + ICPENDR, 2, 0xffff);
    sync_all();
    assert_int_equal(rd(GICD + ISPENDR, 2), 1u << 11);
    on_cpu(1);
    assert_int_equal(m_ack(), 11 | FROM(0));
    assert_int_equal(rd(GICD + SPENDSGIR + 8, 2), 0); /* taken without an exit since */
    assert_true(m_eoi(11 | FROM(0)));
    sync_all();
    wr(GICD + SPENDSGIR + 10, 0, 1);
    sync_all();
    assert_true(m_best(&mc[1]) >= 0);
    wr(GICD + CPENDSGIR + 10, 0, 1);
    assert_int_equal(m_ack(), 1023); /* effective when the write returns */
    wr(GICD + SPENDSGIR + 10, 0, 1);
    on_cpu(0);
    assert_int_equal(rd(GICD + SPENDSGIR + 8, 2), 0); /* banked */
}

static void test_disabled_sgi(void **state)
{
    (void)state;
    on_cpu(0);
    wr(GICD + ICENABLER, 2, 1u << 5);
    send_sgi(0, 5);
    sync_all();
    assert_int_equal(m_ack(), 1023);
    wr(GICD + ISENABLER, 2, 1u << 5);
    sync_all();
    take(0, 5 | FROM(0));
}

/* A guest is moved to another machine while its SGI is pending from several CPUs and active from
 * one. */
static void test_sgi_records(void **state)
{
    struct xlr_vgic_dist dist;
    struct xlr_irq spi[SPIS];
    struct xlr_vgic_cpu cpu[VCPUS], again, bad;
    (void)state;
    for (unsigned n = 1; n < VCPUS; n++) {
        on_cpu(n);
        send_sgi(0, 6);
    }
    sync_all();
    on_cpu(0);
    uint32_t handled = m_ack();
    wr(GICD + ITARGETSR + 33, 0, 6);
    for (unsigned i = 0; i < VCPUS; i++) {
        set_loaded(i, false);
        vgic_get_cpu(&vcpu_of[i], &cpu[i]);
    }
    vgic_get_dist(&dom, &dist, spi);
    assert_int_equal(handled, 6 | FROM(1));
    assert_int_equal(cpu[0].irq[6].flags,
                     XLR_IRQ_ENABLED | XLR_IRQ_PENDING | XLR_IRQ_ACTIVE | XLR_IRQ_EDGE);
    assert_int_equal(cpu[0].irq[6].sources, 0xc);
    assert_int_equal(cpu[0].irq[6].active_source, 1);
    assert_int_equal(spi[1].affinity, 6);
    assert_int_equal(dist.ctlr, 1);
    assert_int_equal(cpu[0].waker, 0);
    assert_int_equal(cpu[0].ap1r[0], 1);
    vgic_domain_destroy(&dom);
    machine_start(4);
    for (unsigned i = 0; i < VCPUS; i++)
        set_loaded(i, false);
    assert_int_equal(vgic_check_dist(&dom, &dist), 0);
    assert_int_equal(vgic_check_spis(&dom, spi, SPIS), 0);
    for (unsigned i = 0; i < VCPUS; i++)
        assert_int_equal(vgic_set_cpu(&vcpu_of[i], &cpu[i]), 0);
    vgic_set_dist(&dom, &dist, spi);
    assert_ptr_equal(dom.vgic.spi[1].vcpu, &vcpu_of[1]);
    for (unsigned i = 0; i < VCPUS; i++) {
        vgic_get_cpu(&vcpu_of[i], &again);
        assert_memory_equal(&again, &cpu[i], sizeof(again));
        set_loaded(i, true);
    }
    sync_all();
    on_cpu(0);
    assert_true(m_eoi(handled));
    sync_all();
    take(0, 6 | FROM(2));
    take(0, 6 | FROM(3));
#define REFUSED(change)                                            \
    do {                                                           \
        bad = cpu[0];                                              \
        bad.change;                                                \
        assert_int_equal(vgic_check_cpu(&dom, &bad), -XEN_EINVAL); \
    } while (0)
    REFUSED(irq[6].sources = 0x1c); /* a source CPU that does not exist */
    REFUSED(irq[6].sources = 0);    /* pending without a source */
    REFUSED(irq[5].sources = 1);    /* a source, but not pending */
    REFUSED(irq[6].active_source = 4);
    REFUSED(irq[5].active_source = 1); /* not active */
    REFUSED(irq[27].sources = 1);
    REFUSED(ap0r[0] = 1);
    REFUSED(ap1r[1] = 1);
    REFUSED(waker = 6);
    REFUSED(vmcr |= 1u << 24); /* a finer priority mask than a GICv2 has */
    spi[0].affinity = 0x10;
    assert_int_equal(vgic_check_spis(&dom, spi, SPIS), -XEN_EINVAL);
    dist.ctlr = 0x51;
    assert_int_equal(vgic_check_dist(&dom, &dist), -XEN_EINVAL); /* a GICv3's */
}

static void test_cpu_interface(void **state)
{
    struct domain other = { .max_vcpus = 1 };
    (void)state;
    assert_int_equal(mapped.ipa, 0x03002000);
    assert_int_equal(mapped.pa, 0x8040000);
    assert_int_equal(mapped.pages, 2);
    assert_int_equal(mapped.type, P2M_DEVICE);
    /* Frames spaced for 64 KiB pages: a guest gets the two pages adjacent; the control domain gets
     * the whole frame in place of its own. */
    gic_info.dist = PA(0x8000000), gic_info.cpu_if = PA(0x8010000),
    gic_info.cpu_if_bytes = gic_info.vcpu_if_bytes = 0x20000;
    gic_info.alias_offset = 0xf000;
    assert_int_equal(vgic_domain_init(&other, 2, 32), 0);
    assert_int_equal(mapped.pa, 0x804f000);
    assert_int_equal(mapped.pages, 2);
    assert_int_equal(other.vgic.dist_base, 0x03001000);
    vgic_domain_destroy(&other);
    other = (struct domain){ .max_vcpus = 1, .privileged = true };
    assert_int_equal(vgic_domain_init(&other, 2, 32), 0);
    assert_int_equal(mapped.ipa, 0x8010000);
    assert_int_equal(mapped.pa, 0x8040000);
    assert_int_equal(mapped.pages, 0x20);
    assert_int_equal(other.vgic.dist_base, 0x8000000);
    vgic_domain_destroy(&other);
    assert_int_equal(vgic_domain_init(&other, 3, 32), -XEN_ENODEV); /* not on this machine */
    /* No domain may map the GIC's frames as a device. */
    gic_info.hyp_if = PA(0x8030000), gic_info.hyp_if_bytes = 0x1000, gic_info.dist_bytes = 0x1000;
    assert_true(gic_owns(0x8030, 0x8030) && gic_owns(0x805f, 0x8070) && gic_owns(0x7ff0, 0x8000) &&
                gic_owns(0x8020, 0x8020));
    assert_false(gic_owns(0x8001, 0x800f) || gic_owns(0x8031, 0x803f) || gic_owns(0x8060, 0x9000));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, start, stop)
    const struct CMUnitTest tests[] = {
        T(test_identification),
        T(test_widths),
        T(test_banked_registers),
        T(test_spi_targets),
        T(test_sgir),
        T(test_sgi_once_per_source),
        T(test_sgi_sources_while_active),
        T(test_pending_registers),
        T(test_disabled_sgi),
        T(test_sgi_records),
        T(test_cpu_interface),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
