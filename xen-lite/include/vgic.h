/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual interrupt controller, of the machine's version: vGICv2 or vGICv3.  vgic.c (the model:
 * state, injection, routing, physical ties), vgic_lr.c (list registers), vgic_hw.c (physical
 * interrupts), vgic_dist.c (registers of both versions), vgic_v2.c and vgic_v3.c (those of one),
 * vgic_state.c (state records).
 *
 * Theory of operation.  The model in memory is complete for a vCPU that is not loaded on a CPU. For
 * a loaded one the list registers (LRs) run ahead of it: what an LR holds pending has been taken
 * out of `pending` (the latch), and the guest moves it on without an exit.  Nobody reads or writes
 * another CPU's LRs: he changes the model under the vCPU's lock, sets `dirty` and kicks; the vCPU's
 * CPU then pulls its LRs into the model and pushes the model into them (vgic_flush), writing only
 * LRs whose content changes.  Who needs the result at once (a register read of pending or active
 * state, a disable) waits for that with vgic_settle().
 *
 * Locks: an interrupt is guarded by the lock of its owner `irq->vcpu`.  The owner changes only
 * while the interrupt is in no list, with the old owner's lock held: vgic_irq_lock() looks again
 * after locking.  At most one vCPU's lock is held at a time.  d->vgic.lock (outer) guards the
 * distributor's own fields and the physical ties.
 */
#ifndef XL_VGIC_H
#define XL_VGIC_H

#include "lib.h"
#include "spinlock.h"
#include "hw.h"
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
    int cpu;        /* where its list registers are live, or -1 */
    int routed_cpu; /* where its physical interrupts are sent */
    bool dirty;     /* the model changed: flush before entry */
    bool settle;    /* somebody waits for a flush */
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

/*
 * Guests: GUEST_GICV3_*, GUEST_GICD_* and GUEST_GICC_* places of public/arch-arm.h; dom0
 * (d->privileged): the machine's. Registers MMIO handlers; GICv2: maps the virtual CPU interface,
 * so the p2m is there, and goes later. spi_count: rounded up to a multiple of 32, at most 992.  0,
 * -EINVAL, -ENODEV (no such version here), -ENOMEM.
 */
int vgic_domain_init(struct domain *d, unsigned version, unsigned spi_count);
void vgic_domain_destroy(struct domain *d);
int vgic_vcpu_init(
    struct vcpu *v); /* v is in d->vcpu[] already, or will be before anything is injected */
void vgic_vcpu_reset(
    struct vcpu *v); /* v is off its CPU: SGIs, PPIs and CPU interface as after power-on */
/*
 * Raise (edge: latch; level: line up) or lower the line of an interrupt. Any CPU; wakes and kicks
 * the vCPU. Event-channel and timer PPIs latch whatever their configured type.
 */
void vgic_inject(struct domain *d, struct vcpu *v /* for intid < 32 */, uint32_t intid, bool level);
/* Tie a physical interrupt to a virtual one (dom0's devices): guest's EOI deactivates. -EBUSY,
 * -EINVAL */
int vgic_map_hw(struct domain *d, uint32_t virt, uint32_t phys);
void vgic_unmap_hw(struct domain *d, uint32_t virt);
void vgic_set_type(struct domain *d, uint32_t intid, bool edge); /* an SPI's initial trigger type */
bool vgic_hw_irq(
    uint32_t phys); /* host_irq: an interrupt that belongs to a domain came; false: not mapped */
bool vgic_reserve(struct domain *d,
                  uint32_t intid); /* mark as taken; false: it was, or there is none */
void vgic_unreserve(struct domain *d, uint32_t intid);
/* Called around running: load when a vCPU gets the CPU, save when it leaves it, flush before entry
 * if v->vgic.dirty. */
void vgic_load(struct vcpu *v);
void vgic_save(struct vcpu *v);
void vgic_flush(struct vcpu *v);
/*
 * An enabled pending interrupt that would be delivered: ends WFI. Exact for a vCPU that is not
 * loaded elsewhere. To wait: mark the vCPU blocked first, then ask; an interrupt that comes later
 * calls vcpu_unblock.
 */
bool vgic_has_pending(struct vcpu *v);
void vgic_maintenance(void); /* host_irq on the maintenance interrupt */
void vgic_serve(
    void); /* host_irq on a kick: flush if somebody waits for this CPU's list registers */
/* ICC_SGI1R (group 1), ASGI1R and SGI0R (group 0) write trapped. true: handled */
bool vgic_sgi_write(struct vcpu *v, uint64_t value, unsigned group);
void vgic_dump(struct domain *d);
/* State records.  The domain is paused and its vCPUs are off their CPUs. */
struct xlr_vgic_dist;
struct xlr_irq;
struct xlr_vgic_cpu;
void vgic_get_dist(struct domain *d, struct xlr_vgic_dist *r,
                   struct xlr_irq *irq);                              /* irq[spi_count] */
int vgic_check_dist(struct domain *d, const struct xlr_vgic_dist *r); /* -EINVAL */
int vgic_check_spis(struct domain *d, const struct xlr_irq *irq,
                    unsigned count); /* -EINVAL; the irq[] that follow */
void vgic_set_dist(struct domain *d, const struct xlr_vgic_dist *r,
                   const struct xlr_irq *irq); /* after both checks */
void vgic_get_cpu(struct vcpu *v, struct xlr_vgic_cpu *r);
int vgic_check_cpu(const struct domain *d, const struct xlr_vgic_cpu *r); /* -EINVAL */
int vgic_set_cpu(struct vcpu *v, const struct xlr_vgic_cpu *r);           /* checks first */

/* ---- between the vGIC's own files ---------------------------------------------------------------
 */
#define GICD_CTLR_GRP0 1u
#define GICD_CTLR_GRP1 2u
#define GICD_CTLR_ARE  (1u << 4)
#define GICD_CTLR_DS   (1u << 6)
struct vgic_irq *vgic_irq_get(struct domain *d, struct vcpu *v, uint32_t intid); /* NULL: none */
struct vcpu *vgic_irq_lock(
    struct vgic_irq *irq); /* returns the owner, locked; NULL: an SPI before vCPU 0 exists */
/* After a change under the owner's lock: link or unlink, set dirty. true: the owner must be told
 * (vgic_notify). */
bool vgic_irq_update(struct vgic_irq *irq);
void vgic_irq_unlink(struct vgic_irq *irq); /* owner's lock; takes up a new route */
void vgic_notify(struct vcpu *v);           /* no lock: flush soon, end WFI */
void vgic_settle(
    struct vcpu *v); /* no lock held at all: returns when v's LRs have been flushed since */
void vgic_relocate(struct vgic_irq *irq); /* no lock: deliver at the new owner */
void vgic_set_enabled(struct vgic_irq *irq,
                      bool on); /* no lock; these four do all that a register write does */
void vgic_set_pending(struct vgic_irq *irq, bool on);
void vgic_set_active(struct vgic_irq *irq, bool on);
void vgic_set_route(struct domain *d, struct vgic_irq *irq, uint32_t affinity);
void vgic_set_ctlr(struct domain *d, uint32_t value);
void vgic_send_sourced(struct vcpu *v, uint32_t intid,
                       uint8_t sources); /* no lock; a GICv2 SGI, pending from these CPUs */
void vgic_drop_sourced(struct vcpu *v, uint32_t intid,
                       uint8_t sources); /* no lock; and no longer from these */
struct vcpu *vgic_affinity_target(struct domain *d, uint32_t affinity);
static inline bool vgic_irq_latches(const struct vgic_irq *irq)
{
    return irq->edge || irq->hw || irq->pulse;
}
/* Pending by the model: what sits pending in a list register is not counted. */
static inline bool vgic_irq_pends(const struct vgic_irq *irq)
{
    return irq->pending || (irq->line && !vgic_irq_latches(irq));
}
unsigned vgic_cpu_of(
    const struct vcpu *v); /* where to send physical interrupts for it; NULL: CPU 0 */
void vgic_hw_follow(struct vcpu *v);
void vgic_unmap_all_hw(struct domain *d); /* nobody runs in it, vCPUs may be gone */
int vgic_v2_register(struct domain *d);   /* places, MMIO regions, CPU interface */
int vgic_v3_register(struct domain *d);   /* places, MMIO regions */
/* Bits of GICD_CTLR that a guest cannot change: GICv3 has affinity routing and one security state.
 */
uint32_t vgic_ctlr_fixed(const struct domain *d);
#endif
