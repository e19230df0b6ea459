/* SPDX-License-Identifier: BSD-2-Clause */
/* A minimal driver for the interrupt controller that the device tree names: GICv2 or GICv3. */
#include "bm.h"

#define GICC 0x08010000ul /* GICv2's CPU interface */

enum {
    GICD_IGROUPR = 0x80,
    GICD_ISENABLER = 0x100,
    GICD_ICENABLER = 0x180,
    GICD_IPRIORITYR = 0x400,
    GICD_SGIR = 0xf00,
    GICC_CTLR = 0x0,
    GICC_PMR = 0x4,
    GICC_BPR = 0x8,
    GICC_IAR = 0xc,
    GICC_EOIR = 0x10,
    GICC_RPR = 0x14,
    GICC_HPPIR = 0x18
};

static uint64_t redist(unsigned cpu) { return DOM0_GICR + (uint64_t)cpu * 0x20000; }
/* GICv2 keeps SGIs and PPIs in the distributor, banked per CPU; GICv3 in the redistributor. */
static uint64_t frame(unsigned cpu, uint32_t intid)
{
    return intid < 32 && gic_version == 3 ? redist(cpu) + 0x10000 : DOM0_GICD;
}

void gic_start(unsigned cpu)
{
    if (cpu == 0)
        mmio_write(DOM0_GICD, gic_version == 3 ? 0x12 : 1); /* ARE_NS, EnableGrp1; EnableGrp0 */
    if (gic_version == 3) {
        /* GICR_WAKER.ProcessorSleep */
        mmio_write(redist(cpu) + 0x14, mmio_read(redist(cpu) + 0x14) & ~2u);
        mmio_write(redist(cpu) + 0x10000 + GICD_IGROUPR, ~0u);
        icc_start(0xf0);
    } else {
        gic_mask(0xf0);
        mmio_write(GICC + GICC_CTLR, 1);
    }
}

void gic_mask(uint32_t priority)
{
    if (gic_version == 3)
        icc_write_pmr(priority);
    else
        mmio_write(GICC + GICC_PMR, priority);
}

void gic_enable(unsigned cpu, uint32_t intid, uint8_t priority)
{
    mmio_write8(frame(cpu, intid) + GICD_IPRIORITYR + intid, priority);
    mmio_write(frame(cpu, intid) + GICD_ISENABLER + intid / 32 * 4, 1u << intid % 32);
}

void gic_disable(unsigned cpu, uint32_t intid)
{
    mmio_write(frame(cpu, intid) + GICD_ICENABLER + intid / 32 * 4, 1u << intid % 32);
}

void gic_sgi(unsigned cpu, uint32_t intid)
{
    if (gic_version == 3) {
        icc_send(1ull << cpu | (uint64_t)intid << 24);
    } else {
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        mmio_write(DOM0_GICD + GICD_SGIR, 1u << (16 + cpu) | intid);
    }
}

uint32_t gic_acknowledge(void)
{
    return gic_version == 3 ? icc_acknowledge() : mmio_read(GICC + GICC_IAR);
}

void gic_end(uint32_t iar)
{
    if (gic_version == 3)
        icc_end(iar);
    else
        mmio_write(GICC + GICC_EOIR, iar);
}

void gic_look_around(void)
{
    if (gic_version == 3) {
        icc_look_around();
        return;
    }
    gic_mask(0x80);
    (void)mmio_read(GICC + GICC_RPR);
    (void)mmio_read(GICC + GICC_HPPIR);
    (void)mmio_read(GICC + GICC_IAR);
    mmio_write(GICC + GICC_BPR, 3);
    gic_mask(0xf0);
}
