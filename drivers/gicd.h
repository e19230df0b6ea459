/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The distributor's registers that GICv2, GICv3 and the SGI frame of each GICv3 redistributor have
 * in common.
 */
#ifndef DRIVERS_GICD_H
#define DRIVERS_GICD_H

#include "hw.h"

enum {
    GICD_CTLR = 0x000,
    GICD_TYPER = 0x004,
    GICD_IGROUPR = 0x080,
    GICD_ISENABLER = 0x100,
    GICD_ICENABLER = 0x180,
    GICD_ISPENDR = 0x200,
    GICD_ICPENDR = 0x280,
    GICD_ISACTIVER = 0x300,
    GICD_ICACTIVER = 0x380,
    GICD_IPRIORITYR = 0x400,
    GICD_ITARGETSR = 0x800,
    GICD_ICFGR = 0xc00,
    GICD_SGIR = 0xf00,
    GICD_IROUTER = 0x6000,
};
#define GIC_PRIORITY \
    0xa0u /* Priority of all interrupts at first: one level, so nothing preempts at EL2. */

/* Set-and-clear registers have one bit per interrupt. */
static inline uint32_t gicd_bit(uint32_t intid) { return 1u << (intid % 32); }
/* PPIs that host_irq() handles itself, enabled on each CPU from the start. */
static inline uint32_t gicd_own_ppis(void)
{
    return gicd_bit(INTID_SGI_KICK) | gicd_bit(INTID_PPI_HYP_TIMER) | gicd_bit(INTID_PPI_VTIMER) |
           gicd_bit(gic_info.maintenance_intid);
}
static inline uint32_t gicd_word(uint32_t reg, uint32_t intid) { return reg + intid / 32 * 4; }

#endif
