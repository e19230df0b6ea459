/* SPDX-License-Identifier: BSD-2-Clause */
/* Internals of the vGIC, shared by vgic*.c. vgic.h has the interface for others. */
#ifndef XL_VGIC_INTERNAL_H
#define XL_VGIC_INTERNAL_H

#include "vgic.h"

#define GICD_CTLR_GRP0 1u
#define GICD_CTLR_GRP1 2u
#define GICD_CTLR_ARE  (1u << 4)
#define GICD_CTLR_DS   (1u << 6)
/* NULL: no such INTID. */
struct vgic_irq *vgic_irq_get(struct domain *d, struct vcpu *v, uint32_t intid);
/*
 * Locks the owner's vgic.lock and returns the owner.  NULL: the owner of this SPI does not exist
 * yet.
 */
struct vcpu *vgic_irq_lock(struct vgic_irq *irq);
/*
 * Called after a change, under the owner's lock: links or unlinks the interrupt, and sets the
 * owner's `dirty`.  True: the caller must call vgic_notify(owner) after it has dropped the lock.
 */
bool vgic_irq_update(struct vgic_irq *irq);
/*
 * Takes the interrupt out of its owner's list; a new route takes effect.  Under the owner's lock.
 */
void vgic_irq_unlink(struct vgic_irq *irq);
/* Makes v flush soon, and ends its WFI.  No vGIC lock is held. */
void vgic_notify(struct vcpu *v);
/* Returns when v's list registers have been flushed after the call.  The caller holds no lock. */
void vgic_sync_lrs(struct vcpu *v);
/* Delivers the interrupt at its new owner.  No vGIC lock is held. */
void vgic_relocate(struct vgic_irq *irq);
/* The four functions below do all that the guest's register write does.  No vGIC lock is held. */
void vgic_set_enabled(struct vgic_irq *irq, bool on);
void vgic_set_pending(struct vgic_irq *irq, bool on);
void vgic_set_active(struct vgic_irq *irq, bool on);
void vgic_set_route(struct domain *d, struct vgic_irq *irq, uint32_t affinity);
void vgic_set_ctlr(struct domain *d, uint32_t value);
/* Makes a GICv2 SGI pending from these source CPUs.  No vGIC lock is held. */
void vgic_send_sourced(struct vcpu *v, uint32_t intid, uint8_t sources);
/* Makes it no longer pending from these source CPUs.  No vGIC lock is held. */
void vgic_drop_sourced(struct vcpu *v, uint32_t intid, uint8_t sources);
struct vcpu *vgic_affinity_target(struct domain *d, uint32_t affinity);
static inline bool vgic_irq_latches(const struct vgic_irq *irq)
{
    return irq->edge || irq->hw || irq->pulse;
}
/* Pending in the model.  A pending state that is only in a list register does not count. */
static inline bool vgic_irq_pends(const struct vgic_irq *irq)
{
    return irq->pending || (irq->line && !vgic_irq_latches(irq));
}
/* CPU that receives physical interrupts for v; CPU 0 if v is NULL. */
unsigned vgic_cpu_of(const struct vcpu *v);
void vgic_hw_follow(struct vcpu *v);
/* For teardown: no vCPU of d runs, and the vCPUs may be freed already. */
void vgic_unmap_all_hw(struct domain *d);
int vgic_v2_register(struct domain *d); /* addresses, MMIO regions, CPU interface; 0 or an error */
int vgic_v3_register(struct domain *d); /* addresses, MMIO regions; 0 or an error */
/*
 * Bits of GICD_CTLR that are constant for the guest: with GICv3, affinity routing and a single
 * security state.
 */
uint32_t vgic_ctlr_fixed(const struct domain *d);

#endif
