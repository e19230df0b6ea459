/* SPDX-License-Identifier: BSD-2-Clause */
/* The interrupt handler, and the periodic timer. */
#include "bm.h"

volatile uint32_t bm_irq_count[1024], bm_irq_sources[16];
void (*bm_irq_hook)(uint32_t intid);
volatile uint64_t bm_tick;

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
    uint32_t iar = gic_acknowledge(), intid = iar & 0xffffff;
    if (gic_version == 2)
        intid = iar & 0x3ff; /* the bits above are the CPU that sent an SGI */
    if (intid >= 1020)
        return;
    bm_irq_count[intid]++;
    bm_irq_sources[intid % 16] |= gic_version == 2 && intid < 16 ? 1u << (iar >> 10 & 7) : 0;
    if (bm_irq_hook)
        bm_irq_hook(intid);
    if (intid == 27 && bm_tick)
        virtual_timer_start(bm_tick);
    else if (intid == 27)
        virtual_timer_stop();
    if (intid == 30)
        physical_timer_stop();
    gic_end(iar);
}
