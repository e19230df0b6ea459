/* SPDX-License-Identifier: BSD-2-Clause */
/* A GICv3, as little of it as the tests need. */
#include "bm.h"

volatile uint32_t bm_irq_count[1024];
void (*bm_irq_hook)(uint32_t intid);
volatile uint64_t bm_tick;

static uint64_t redist(unsigned cpu) { return DOM0_GICR + (uint64_t)cpu * 0x20000; }

void gic_start(unsigned cpu)
{
    if (cpu == 0)
        mmio_write(DOM0_GICD, 0x12);                    /* ARE_NS, EnableGrp1 */
    mmio_write(redist(cpu) + 0x14, mmio_read(redist(cpu) + 0x14) & ~2u);        /* GICR_WAKER.ProcessorSleep */
    mmio_write(redist(cpu) + 0x10080, ~0u);             /* GICR_IGROUPR0: group 1 */
    icc_start(0xf0);
}

void gic_enable(unsigned cpu, uint32_t intid, uint8_t priority)
{
    uint64_t base = intid < 32 ? redist(cpu) + 0x10000 : DOM0_GICD;
    mmio_write8(base + 0x400 + intid, priority);
    mmio_write(base + 0x100 + intid / 32 * 4, 1u << intid % 32);
}

void gic_disable(unsigned cpu, uint32_t intid)
{
    uint64_t base = intid < 32 ? redist(cpu) + 0x10000 : DOM0_GICD;
    mmio_write(base + 0x180 + intid / 32 * 4, 1u << intid % 32);
}

void gic_sgi(unsigned cpu, uint32_t intid)
{
    icc_send(1ull << cpu | (uint64_t)intid << 24);
}

void gic_tick(uint64_t ticks)
{
    bm_tick = ticks;
    if (ticks)
        virtual_timer_start(ticks);
    else
        virtual_timer_stop();
}

void bm_irq(void);
void bm_irq(void)
{
    uint32_t intid = icc_acknowledge();
    if (intid >= 1020)
        return;
    bm_irq_count[intid]++;
    if (bm_irq_hook)
        bm_irq_hook(intid);
    if (intid == 27 && bm_tick)
        virtual_timer_start(bm_tick);
    else if (intid == 27)
        virtual_timer_stop();
    if (intid == 30)
        physical_timer_stop();
    icc_end(intid);
}
