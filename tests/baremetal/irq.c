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
        *reg32(DOM0_GICD) = 0x12;                       /* ARE_NS, EnableGrp1 */
    *reg32(redist(cpu) + 0x14) &= ~2u;                  /* GICR_WAKER.ProcessorSleep */
    *reg32(redist(cpu) + 0x10080) = ~0u;                /* GICR_IGROUPR0: group 1 */
    __asm__ volatile("msr S3_0_C12_C12_5, %0\n\tisb\n\t"        /* ICC_SRE_EL1 */
                     "msr S3_0_C4_C6_0, %1\n\t"                 /* ICC_PMR_EL1 */
                     "msr S3_0_C12_C12_7, %0\n\tisb" : : "r"(1ul), "r"(0xf0ul));    /* ICC_IGRPEN1_EL1 */
}

void gic_enable(unsigned cpu, uint32_t intid, uint8_t priority)
{
    uint64_t base = intid < 32 ? redist(cpu) + 0x10000 : DOM0_GICD;
    *(volatile uint8_t *)(base + 0x400 + intid) = priority;
    *reg32(base + 0x100 + intid / 32 * 4) = 1u << intid % 32;
}

void gic_disable(unsigned cpu, uint32_t intid)
{
    uint64_t base = intid < 32 ? redist(cpu) + 0x10000 : DOM0_GICD;
    *reg32(base + 0x180 + intid / 32 * 4) = 1u << intid % 32;
}

void gic_sgi(unsigned cpu, uint32_t intid)
{
    uint64_t v = 1ul << cpu | (uint64_t)intid << 24;
    __asm__ volatile("dsb sy\n\tmsr S3_0_C12_C11_5, %0\n\tisb" : : "r"(v) : "memory");     /* ICC_SGI1R_EL1 */
}

void gic_tick(uint64_t ticks)
{
    bm_tick = ticks;
    __asm__ volatile("msr cntv_tval_el0, %0\n\tmsr cntv_ctl_el0, %1\n\tisb" : : "r"(ticks), "r"(ticks ? 1ul : 2ul));
}

void bm_irq(void);
void bm_irq(void)
{
    uint64_t intid;
    __asm__ volatile("mrs %0, S3_0_C12_C12_0" : "=r"(intid));   /* ICC_IAR1_EL1 */
    if (intid >= 1020)
        return;
    bm_irq_count[intid]++;
    if (bm_irq_hook)
        bm_irq_hook((uint32_t)intid);
    if (intid == 27 && bm_tick)
        __asm__ volatile("msr cntv_tval_el0, %0\n\tmsr cntv_ctl_el0, %1\n\tisb" : : "r"(bm_tick), "r"(1ul));
    else if (intid == 27)
        __asm__ volatile("msr cntv_ctl_el0, %0\n\tisb" : : "r"(2ul));
    if (intid == 30)
        __asm__ volatile("msr cntp_ctl_el0, %0\n\tisb" : : "r"(2ul));
    __asm__ volatile("msr S3_0_C12_C12_1, %0\n\tisb" : : "r"(intid));   /* ICC_EOIR1_EL1 */
}
