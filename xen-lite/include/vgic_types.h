/* SPDX-License-Identifier: BSD-2-Clause */
/* Types: the virtual interrupt controller of a domain and of a vCPU.  vgic.h explains it. */
#ifndef XL_VGIC_TYPES_H
#define XL_VGIC_TYPES_H

#include "hw.h"
#include "lib.h"
#include "spinlock.h"
struct domain;
struct vcpu;

#define VGIC_LRS           16u
#define VGIC_PRIORITY_MASK 0xf8u /* five priority bits, as every GIC virtual interface has */

/* What to do to the content of a list register when it is next pulled (the guest wrote while it was
 * there). */
enum { VGIC_OP_DROP_PENDING = 1, VGIC_OP_DROP_ACTIVE = 2, VGIC_OP_SET_ACTIVE = 4 };

struct vgic_irq {
    struct list link;  /* in its owner's list while `linked` */
    struct vcpu *vcpu; /* owner: whose lock guards this, in whose list it is */
    struct vcpu
        *target; /* SPIs: as routed; NULL: nowhere.  Differs from `vcpu` only while linked */
    uint32_t intid, phys; /* phys: when hw */
    uint32_t affinity;    /* SPI: IROUTER as records.h packs it, or GICv2 mask */
    uint8_t priority;
    uint8_t
        sources; /* sourced: CPUs from which it is pending; `pending` says whether there are any */
    uint8_t sources_dropped; /* sourced: not pending any more from these, if the list register says
                                so when it is pulled */
    uint8_t active_source;  /* sourced: whose is handled; the list register needs it for the guest's
                               EOI */
    uint8_t taken_priority; /* while active: what it had when it was acknowledged, which orders the
                               EOIs */
    int8_t lr;              /* list register while in one, else -1 */
    uint8_t lr_op;          /* VGIC_OP_* */
    bool enabled, pending, active, edge, line, group1, hw, linked;
    bool pulse;   /* raised by calls, not by a line: event channels, virtual timer */
    bool sourced; /* a GICv2 SGI: pending by source CPU, each of which is delivered */
    bool lr_pending,
        lr_latch; /* the LR held it pending when last seen; and that came from the latch */
};
struct vgic_vcpu {
    spinlock_t lock;
    struct list pending; /* of vgic_irq: active, or enabled and pending; no order */
    struct vgic_irq irq[32];
    struct gic_vcpu_regs regs;
    struct vgic_irq *lr[VGIC_LRS];  /* what each list register holds */
    struct gic_lr shadow[VGIC_LRS]; /* its content when last seen */
    uint32_t waker;
    int cpu;          /* where its list registers are live, or -1 */
    int routed_cpu;   /* where its physical interrupts are sent */
    bool dirty;       /* the model changed: flush before entry */
    bool sync_wanted; /* somebody waits for a flush */
    uint64_t flush_count, write_count, spill_count, maintenance_count;
};
struct vgic_dist {
    spinlock_t lock;
    unsigned version; /* 2, 3 */
    uint32_t ctlr;
    uint32_t typer; /* GICD_TYPER: does not change */
    unsigned spi_count;
    struct vgic_irq *spi;            /* spi_count */
    uint64_t dist_base, redist_base; /* GPA */
    unsigned hw_count;               /* physical ties */
    uint64_t allocated[16];          /* virtual INTIDs in use (vgic_reserve) */
};

#endif
