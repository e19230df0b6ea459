/* SPDX-License-Identifier: BSD-2-Clause */
/* Types: the virtual interrupt controller's state of a domain and of a vCPU. vgic.h explains it. */
#ifndef XL_VGIC_TYPES_H
#define XL_VGIC_TYPES_H

#include "hw.h"
#include "lib.h"
#include "spinlock.h"
struct domain;
struct vcpu;

#define VGIC_LRS 16u
/* Five priority bits, the number that each GIC's virtual interface has. */
#define VGIC_PRIORITY_MASK 0xf8u

/*
 * A guest's register write while the interrupt is in a list register: how to change the content of
 * that register when it is next pulled.
 */
enum { VGIC_OP_DROP_PENDING = 1, VGIC_OP_DROP_ACTIVE = 2, VGIC_OP_SET_ACTIVE = 4 };

struct vgic_irq {
    struct list link; /* in its owner's list while `linked` */
    /* Owner: its lock guards this struct, and the interrupt is in its list. */
    struct vcpu *vcpu;
    /* SPIs: target of the route; NULL: none.  Differs from `vcpu` only while `linked`. */
    struct vcpu *target;
    uint32_t intid, phys; /* phys: valid if hw */
    uint32_t affinity;    /* SPI: GICD_IROUTER in the format of records.h, or GICv2's target mask */
    uint8_t priority;
    /* GICv2 SGI: CPUs from which it is pending.  `pending` is true if there is any. */
    uint8_t sources;
    /*
     * GICv2 SGI: sources to drop from the pending ones if the list register is still pending when
     * it is pulled.
     */
    uint8_t sources_dropped;
    /*
     * GICv2 SGI: source that the guest is handling.  The list register needs it for the guest's
     * EOI.
     */
    uint8_t active_source;
    /* While active: its priority when it was acknowledged, which determines the order of EOIs. */
    uint8_t taken_priority;
    int8_t lr;     /* index of the list register that it is in, or -1 */
    uint8_t lr_op; /* VGIC_OP_* */
    bool enabled, pending, active, edge, line, group1, hw, linked;
    /* Raised by calls and not by a line: event channels, virtual timer. */
    bool pulse;
    /* A GICv2 SGI: pending per source CPU, and delivered once per source. */
    bool sourced;
    /*
     * lr_pending: the list register held it as pending when last read.  lr_latch: that state came
     * from the latch.
     */
    bool lr_pending, lr_latch;
};
struct vgic_vcpu {
    spinlock_t lock;
    struct list pending; /* interrupts that are active, or enabled and pending; unordered */
    struct vgic_irq irq[32];
    struct gic_vcpu_regs regs;
    struct vgic_irq *lr[VGIC_LRS];  /* interrupt in each list register */
    struct gic_lr shadow[VGIC_LRS]; /* content of each list register when last read or written */
    uint32_t waker;
    int cpu;          /* CPU whose list registers are in use for it, or -1 */
    int routed_cpu;   /* CPU that its physical interrupts are routed to */
    bool dirty;       /* the model changed: flush before entry */
    bool sync_wanted; /* a CPU waits for a flush */
    uint64_t flush_count, write_count, spill_count, maintenance_count;
};
struct vgic_dist {
    spinlock_t lock;
    unsigned version; /* 2 or 3 */
    uint32_t ctlr;
    uint32_t typer; /* GICD_TYPER: constant */
    unsigned spi_count;
    struct vgic_irq *spi;            /* spi_count elements */
    uint64_t dist_base, redist_base; /* guest-physical */
    unsigned hw_count;               /* number of physical ties */
    uint64_t allocated[16];          /* virtual INTIDs in use (vgic_reserve) */
};

#endif
