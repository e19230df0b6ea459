/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake drivers/gicv2.c
// libs: -lcmocka
/* EL2's GICv2 driver with plain memory as the device: which values it writes, and which registers
 * it leaves alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "hw.h"
#include "fake.h"
#include <xen/errno.h>
#include "dt.h"
#include <asm/io.h>

enum { DIST, CPU_IF, HYP_IF, VCPU_IF, FRAMES };
enum {
    GICD_CTLR = 0x0,
    GICD_TYPER = 0x4,
    ISACTIVER = 0x300,
    ICACTIVER = 0x380,
    ITARGETSR = 0x800,
    SGIR = 0xf00,
    GICC_CTLR = 0x0,
    GICC_PMR = 0x4,
    GICC_IAR = 0xc,
    GICC_EOIR = 0x10,
    GICC_IIDR = 0xfc,
    GICC_DIR = 0x1000,
    GICH_HCR = 0x0,
    GICH_VTR = 0x4,
    GICH_VMCR = 0x8,
    GICH_ELRSR0 = 0x30,
    GICH_APR = 0xf0,
    GICH_LR = 0x100
};
#define FRAME_BYTES 0x20000u

struct gic_info gic_info;
static uint8_t memory[3][FRAME_BYTES] __attribute__((aligned(8)));
static struct {
    paddr_t pa;
    uint64_t bytes;
} frame[FRAMES];
static unsigned writes; /* register writes since the counter was last reset */
static const struct gic_driver *driver;

uint64_t fake_io_read(const volatile void *at, unsigned bytes)
{
    uint64_t v = 0;
    memcpy(&v, (const void *)(uintptr_t)at, bytes);
    return v;
}
void fake_io_write(volatile void *at, unsigned bytes, uint64_t v)
{
    memcpy((void *)(uintptr_t)at, &v, bytes);
    writes++;
}
static uint32_t reg(unsigned which, uint32_t offset) { return io_read32(memory[which], offset); }
static void set_reg(unsigned which, uint32_t offset, uint32_t v)
{
    io_write32(memory[which], offset, v);
}

int dt_reg(const void *fdt, int node, unsigned n, paddr_t *base, uint64_t *bytes)
{
    (void)fdt, (void)node;
    if (n >= FRAMES || !frame[n].bytes)
        return -XEN_ENOENT;
    *base = frame[n].pa;
    *bytes = frame[n].bytes;
    return 0;
}
bool dt_interrupt(const void *fdt, int node, unsigned n, uint32_t *intid, bool *edge)
{
    (void)fdt, (void)node, (void)n;
    *intid = 25;
    *edge = false;
    return true;
}
void *arch_map_device(paddr_t pa, uint64_t bytes)
{
    for (unsigned i = DIST; i < VCPU_IF; i++)
        if (frame[i].pa.v == pa.v && bytes <= FRAME_BYTES)
            return memory[i];
    return NULL;
}

static int start(void **state)
{
    (void)state;
    fake_init(1 << 20, MAX_CPUS);
    fake_cpu_set(0);
    memset(memory, 0, sizeof(memory));
    gic_info = (struct gic_info){ 0 };
    frame[DIST].pa = PA(0x8000000), frame[DIST].bytes = 0x1000;
    frame[CPU_IF].pa = PA(0x8010000), frame[CPU_IF].bytes = 0x2000;
    frame[HYP_IF].pa = PA(0x8030000), frame[HYP_IF].bytes = 0x2000;
    frame[VCPU_IF].pa = PA(0x8040000), frame[VCPU_IF].bytes = 0x2000;
    set_reg(DIST, GICD_TYPER, 2);         /* 96 interrupts */
    set_reg(DIST, ITARGETSR, 0x02020202); /* this CPU has the second bit */
    set_reg(HYP_IF, GICH_VTR, 4u << 29 | 4u << 26 | 3);
    driver = gicv2_probe(NULL, 0);
    if (driver)
        driver->cpu_init();
    writes = 0;
    return driver ? 0 : 1;
}

static void test_probe_finds_frames(void **state)
{
    (void)state;
    assert_int_equal(gic_info.lr_count, 4);
    assert_int_equal(gic_info.pre_bits, 5);
    assert_int_equal(gic_info.priority_bits, 5);
    assert_int_equal(gic_info.irq_count, 96);
    assert_int_equal(gic_info.alias_offset, 0);
    assert_int_equal(gic_info.hyp_if.v, 0x8030000);
    assert_int_equal(gic_info.vcpu_if_bytes, 0x2000);
    assert_int_equal(reg(DIST, GICD_CTLR), 1);
    assert_int_equal(reg(DIST, ITARGETSR + 32), 0x02020202);
    assert_int_equal(reg(DIST, ITARGETSR), 0x02020202); /* not written */
    assert_int_equal(reg(DIST, 0x100), 1u << 0 | 1u << 25 | 1u << 26 | 1u << 27);
    assert_int_equal(reg(CPU_IF, GICC_CTLR), 1u << 9 | 1); /* EOImode, on */
    assert_int_equal(reg(CPU_IF, GICC_PMR), 0xff);
    /* Machines that cannot be used are refused. */
    for (unsigned i = 0; i < FRAMES; i++) {
        uint64_t bytes = frame[i].bytes;
        frame[i].bytes = 0;
        assert_null(gicv2_probe(NULL, 0));
        frame[i].bytes = bytes;
    }
    frame[VCPU_IF].bytes = 0x1000; /* GICV without the page that has GICV_DIR */
    assert_null(gicv2_probe(NULL, 0));
    frame[VCPU_IF].bytes = 0x2000, frame[VCPU_IF].pa = PA(0x8040800);
    assert_null(gicv2_probe(NULL, 0));
    frame[VCPU_IF].pa = PA(0x8040000);
    assert_non_null(gicv2_probe(NULL, 0));
}

static void test_aliased_frames(void **state)
{
    (void)state;
    frame[CPU_IF].bytes = frame[VCPU_IF].bytes = 0x20000;
    assert_non_null(gicv2_probe(NULL, 0));
    assert_int_equal(gic_info.alias_offset, 0); /* large, but without an alias */
    set_reg(CPU_IF, GICC_IIDR, 0x0202143b);
    set_reg(CPU_IF, 0xf000 + GICC_IIDR, 0x0202143b);
    assert_non_null(gicv2_probe(NULL, 0));
    assert_int_equal(gic_info.alias_offset, 0xf000);
    driver->deactivate(40);
    assert_int_equal(reg(CPU_IF, 0x10000), 40); /* the second page is 64 KiB after the first */
    driver->cpu_init();
    assert_int_equal(reg(CPU_IF, 0xf000 + GICC_PMR), 0xff);
}

static void assert_same_lr(const struct gic_lr *a, const struct gic_lr *b)
{
    assert_true(a->virt == b->virt && a->phys == b->phys && a->priority == b->priority &&
                a->source == b->source && a->hw == b->hw && a->pending == b->pending &&
                a->active == b->active && a->group1 == b->group1 && a->eoi == b->eoi);
}

static void test_lr_layout(void **state)
{
    static const struct {
        struct gic_lr lr;
        uint32_t bits;
    } known[] = {
        { { .virt = 27, .priority = 0xa0, .pending = true }, 1u << 28 | 20u << 23 | 27 },
        { { .virt = 50, .phys = 77, .priority = 0xf8, .hw = true, .active = true, .group1 = true },
          7u << 29 | 31u << 23 | 77u << 10 | 50 },
        { { .virt = 5, .source = 6, .priority = 8, .pending = true, .active = true, .eoi = true },
          3u << 28 | 1u << 23 | 1u << 19 | 6u << 10 | 5 },
        { { .virt = 1019, .phys = 1019, .hw = true, .pending = true },
          9u << 28 | 1019u << 10 | 1019 },
        { { .virt = 33, .eoi = true, .pending = true }, 1u << 28 | 1u << 19 | 33 },
    };
    struct gic_lr back;
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
        unsigned n = i % 4;
        driver->lr_write(n, &known[i].lr);
        assert_int_equal(reg(HYP_IF, GICH_LR + 4 * n), known[i].bits);
        driver->lr_read(n, &back);
        assert_same_lr(&back, &known[i].lr);
        driver->lr_clear(n);
        assert_int_equal(reg(HYP_IF, GICH_LR + 4 * n), 0);
    }
    set_reg(HYP_IF, GICH_ELRSR0, 0xffffffff);
    assert_int_equal(driver->lr_empty(), 0xf); /* only the existing list registers */
}

static void test_every_lr(void **state)
{
    struct gic_lr lr, back;
    (void)state;
    for (uint32_t x = 0; x < 1u << 16; x++) {
        lr = (struct gic_lr){ 0 };
        lr.virt = x * 2654435761u >> 22;
        lr.priority = (uint8_t)((x >> 3 & 31) << 3);
        lr.hw = x & 1 && lr.virt >= 16, lr.pending = x & 2, lr.active = x & 4, lr.group1 = x & 256;
        lr.eoi = !lr.hw && (x & 512), lr.phys = lr.hw ? x >> 6 : 0;
        lr.source = lr.virt < 16 ? (uint8_t)(x >> 10 & 7) : 0;
        driver->lr_write(x & 3, &lr);
        driver->lr_read(x & 3, &back);
        assert_same_lr(&back, &lr);
    }
}

/* Only registers that differ from this CPU's are written.  VMCR is in GICv3's format. */
static void test_load_writes_differences(void **state)
{
    struct gic_vcpu_regs r = { .hcr = 1, .vmcr = 0xf8000003, .ap1r = { 0x10 } }, got;
    (void)state;
    driver->load(&r);
    assert_int_equal(writes, 3);
    assert_int_equal(reg(HYP_IF, GICH_VMCR), 0xf8000003);
    assert_int_equal(reg(HYP_IF, GICH_APR), 0x10);
    assert_int_equal(reg(HYP_IF, GICH_HCR), 1);
    driver->load(&r);
    driver->set_hcr(1);
    assert_int_equal(writes, 3);
    driver->set_hcr(9);
    assert_int_equal(reg(HYP_IF, GICH_HCR), 9);
    set_reg(HYP_IF, GICH_VMCR, 0xa7000001); /* written by the guest, with bits that GICv2 lacks */
    set_reg(HYP_IF, GICH_APR, 0x30);
    memset(&got, 0, sizeof(got));
    driver->save(&got);
    assert_int_equal(got.vmcr, 0xa0000001);
    assert_int_equal(got.ap1r[0], 0x30);
    assert_int_equal(got.ap0r[0], 0);
    assert_int_equal(got.hcr, 9);
    writes = 0;
    driver->load(&got);
    assert_int_equal(writes, 0);
    driver->load(&r);
    assert_int_equal(writes, 3);
    fake_cpu_set(1); /* another CPU has its own registers */
    driver->cpu_init();
    writes = 0;
    driver->load(&r);
    assert_int_equal(writes, 3);
    fake_cpu_set(0);
}

/* The end of an SGI must name its source CPU. */
static void test_acknowledge(void **state)
{
    (void)state;
    set_reg(CPU_IF, GICC_IAR, 3u << 10);
    assert_int_equal(driver->ack(), 0);
    driver->eoi(0);
    driver->deactivate(0);
    assert_int_equal(reg(CPU_IF, GICC_EOIR), 3u << 10);
    assert_int_equal(reg(CPU_IF, GICC_DIR), 3u << 10);
    set_reg(CPU_IF, GICC_IAR, 42);
    assert_int_equal(driver->ack(), 42);
    driver->eoi(42);
    assert_int_equal(reg(CPU_IF, GICC_EOIR), 42);
    set_reg(CPU_IF, GICC_IAR, 1023);
    assert_int_equal(driver->ack(), 1023);
    driver->send_sgi(0, 4);
    assert_int_equal(reg(DIST, SGIR), 2u << 16 | 4); /* CPU 0 has the second bit */
}

/* An SPI that another CPU acknowledged is ended in the distributor; a CPU that takes over an SPI
 * finds it inactive. */
static void test_spi_changes_cpu(void **state)
{
    (void)state;
    set_reg(CPU_IF, GICC_IAR, 50);
    assert_int_equal(driver->ack(), 50);
    driver->deactivate(50);
    assert_int_equal(reg(CPU_IF, GICC_DIR), 50);
    assert_int_equal(reg(DIST, ICACTIVER + 4), ~0u); /* as after reset */
    set_reg(DIST, ICACTIVER + 4, 0);
    set_reg(DIST, ITARGETSR, 0x08080808);
    fake_cpu_set(1);
    driver->cpu_init();
    driver->deactivate(50);
    assert_int_equal(reg(DIST, ICACTIVER + 4), 1u << 18);
    set_reg(DIST, ICACTIVER + 4, 0);
    set_reg(DIST, ISACTIVER + 4, 1u << 18 | 1u << 19);
    driver->route(50, 0); /* routed there already */
    assert_int_equal(reg(DIST, ICACTIVER + 4), 0);
    driver->route(50, 1);
    assert_int_equal(reg(DIST, ITARGETSR + 48), 0x02080202);
    assert_int_equal(reg(DIST, ICACTIVER + 4), 1u << 18);
    set_reg(DIST, ICACTIVER + 4, 0);
    set_reg(DIST, ISACTIVER + 4, 0);
    driver->route(50, 0); /* not active */
    assert_int_equal(reg(DIST, ITARGETSR + 48), 0x02020202);
    assert_int_equal(reg(DIST, ICACTIVER + 4), 0);
    driver->route(20, 1); /* a PPI: nothing to route */
    assert_int_equal(reg(DIST, ITARGETSR + 20), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, start)
    const struct CMUnitTest tests[] = {
        T(test_probe_finds_frames), T(test_aliased_frames),          T(test_lr_layout),
        T(test_every_lr),           T(test_load_writes_differences), T(test_acknowledge),
        T(test_spi_changes_cpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
