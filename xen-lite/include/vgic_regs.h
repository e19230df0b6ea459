/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers of the distributors as guests see them (IHI 0048, chapter 4; IHI 0069, chapter 12).
 * Shared by the vGIC's decoders.
 */
#ifndef XL_VGIC_REGS_H
#define XL_VGIC_REGS_H

#include "domain_types.h"
#include "mmio.h"
#include "vgic_internal.h"

enum { /* in both versions, and in SGI_base of a redistributor */
       GICD_CTLR = 0x0,
       GICD_TYPER = 0x4,
       GICD_IIDR = 0x8,
       GICD_IGROUPR = 0x80,
       GICD_ISENABLER = 0x100,
       GICD_ICENABLER = 0x180,
       GICD_ISPENDR = 0x200,
       GICD_ICPENDR = 0x280,
       GICD_ISACTIVER = 0x300,
       GICD_ICACTIVER = 0x380,
       GICD_IPRIORITYR = 0x400,
       GICD_ITARGETSR = 0x800,
       GICD_ICFGR = 0xc00,
       GICD_ICFGR_END = 0xd00,
};
#define GIC_IIDR_ARM 0x0000043bu

/*
 * Access to a register with a field per interrupt, in [GICD_IGROUPR, 0x1000).  Reserved registers,
 * and those of the other version, read as zero.  `v`: the vCPU whose SGIs and PPIs are meant.  The
 * INTIDs from..limit-1 are served here.  False: no register has this width.
 */
bool vgic_access_arrays(struct domain *d, struct vcpu *v, uint32_t offset, uint32_t from,
                        uint32_t limit, struct mmio_access *a);
/* An LR may be ahead of the model: its CPU brings the model up to date.  No lock held. */
void vgic_sync_for_read(struct vgic_irq *irq);
/*
 * Access to the distributor's registers that are not arrays.  No lock: all but CTLR are constant.
 * `id_register` is the version's.  Inline, because a read of TYPER is the measure for the cost of
 * an emulated register.
 */
static inline bool vgic_dist_control(struct domain *d, struct mmio_access *a,
                                     uint32_t (*id_register)(uint32_t offset))
{
    if (a->size != 4)
        return false;
    if (a->write) {
        if (a->offset == GICD_CTLR)
            vgic_set_ctlr(d, (uint32_t)a->value);
        return true;
    }
    switch (a->offset) {
    case GICD_CTLR: a->value = __atomic_load_n(&d->vgic.ctlr, __ATOMIC_RELAXED); break;
    case GICD_TYPER: a->value = d->vgic.typer; break;
    case GICD_IIDR: a->value = GIC_IIDR_ARM; break;
    default: a->value = id_register((uint32_t)a->offset); break;
    }
    return true;
}
uint32_t vgic_dist_typer(const struct domain *d); /* ITLinesNumber, CPUNumber */
#endif
