/* SPDX-License-Identifier: BSD-2-Clause */
/* Types of the virtual interrupt controller, per domain and per vCPU.  vgic.h explains them. */
#ifndef XL_VGIC_TYPES_H
#define XL_VGIC_TYPES_H

#include "hw.h"
#include "lib.h"
#include "spinlock.h"
struct domain;
struct vcpu;

#define VGIC_LRS           16u
#define VGIC_PRIORITY_MASK 0xf8u /* five priority bits, as in every GIC's virtual interface */

/*
 * What to do with the content of a list register when it is pulled: the guest wrote a register
 * about an interrupt that was in an LR.
 */
enum { VGIC_OP_DROP_PENDING = 1, VGIC_OP_DROP_ACTIVE = 2, VGIC_OP_SET_ACTIVE = 4 };

struct vgic_irq {
    struct list link;  /* in its owner's list if `linked` */
    struct vcpu *vcpu; /* owner: its lock guards this struct, and its list holds the interrupt */
    /* SPI: the vCPU that it is routed to; NULL: none.  Differs from `vcpu` only while linked */
    struct vcpu *target;
    uint32_t intid, phys; /* phys: if hw */
    uint32_t affinity;    /* SPI: IROUTER as records.h packs it, or GICv2's mask */
    uint8_t priority;
    uint8_t
        sources; /* if sourced: CPUs from which it is pending; `pending` is set if there are any */
    /* If sourced: these are not pending any more if the LR shows them pending when it is pulled. */
    uint8_t sources_dropped;
    /* If sourced: source of the active SGI; the LR needs it for the guest's EOI. */
    uint8_t active_source;
    /* While active: priority when it was acknowledged, which orders the EOIs. */
    uint8_t taken_priority;
    int8_t lr;     /* index of its list register, or -1 */
    uint8_t lr_op; /* VGIC_OP_* */
    bool enabled, pending, active, edge, line, group1, hw, linked;
    bool pulse;   /* raised by calls, not by a line: event channels, virtual timer */
    bool sourced; /* a GICv2 SGI: pending per source CPU, and delivered once per source */
    bool lr_pending,
        /* lr_pending: pending in the LR when last seen; lr_latch: that came from the latch */
        lr_latch;
};
struct vgic_vcpu {
    spinlock_t lock;
    struct list pending; /* of vgic_irq that are active, or enabled and pending; unordered */
    struct vgic_irq irq[32];
    struct gic_vcpu_regs regs;
    struct vgic_irq *lr[VGIC_LRS];  /* interrupt in each list register */
    struct gic_lr shadow[VGIC_LRS]; /* content of each when last seen */
    uint32_t waker;
    int cpu;          /* CPU where its list registers are live, or -1 */
    int routed_cpu;   /* CPU that gets its physical interrupts */
    bool dirty;       /* the model changed: flush before entry */
    bool sync_wanted; /* another CPU waits for a flush */
    uint64_t flush_count, write_count, spill_count, maintenance_count;
};
struct vgic_dist {
    spinlock_t lock;
    unsigned version; /* 2, 3 */
    uint32_t ctlr;
    uint32_t typer; /* GICD_TYPER: constant */
    unsigned spi_count;
    struct vgic_irq *spi;            /* spi_count */
    uint64_t dist_base, redist_base; /* guest-physical */
    unsigned hw_count;               /* physical ties */
    uint64_t allocated[16];          /* INTIDs in use (vgic_reserve) */
};

#endif
