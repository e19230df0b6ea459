/* SPDX-License-Identifier: BSD-2-Clause */
/* What the vGIC's own files share.  vgic.h has the interface for all others. */
#ifndef XL_VGIC_INTERNAL_H
#define XL_VGIC_INTERNAL_H

#include "vgic.h"

#define GICD_CTLR_GRP0 1u
#define GICD_CTLR_GRP1 2u
#define GICD_CTLR_ARE  (1u << 4)
#define GICD_CTLR_DS   (1u << 6)
struct vgic_irq *vgic_irq_get(struct domain *d, struct vcpu *v, uint32_t intid); /* NULL: none */
/* Returns the owner, locked.  NULL: an SPI before vCPU 0 exists. */
struct vcpu *vgic_irq_lock(struct vgic_irq *irq);
/*
 * After a change under the owner's lock: links or unlinks the interrupt and sets `dirty`.  True if
 * the owner must be notified (vgic_notify).
 */
bool vgic_irq_update(struct vgic_irq *irq);
void vgic_irq_unlink(struct vgic_irq *irq); /* Owner's lock held.  A new route takes effect. */
void vgic_notify(struct vcpu *v); /* No lock held.  Makes the vCPU flush soon, and ends WFI. */
/* No lock held at all.  Returns when v's LRs have been flushed since the call. */
void vgic_sync_lrs(struct vcpu *v);
/* No lock held.  Delivers the interrupt at its new owner. */
void vgic_relocate(struct vgic_irq *irq);
/* No lock held.  These four do all that a register write does. */
void vgic_set_enabled(struct vgic_irq *irq, bool on);
void vgic_set_pending(struct vgic_irq *irq, bool on);
void vgic_set_active(struct vgic_irq *irq, bool on);
void vgic_set_route(struct domain *d, struct vgic_irq *irq, uint32_t affinity);
void vgic_set_ctlr(struct domain *d, uint32_t value);
/* No lock held.  A GICv2 SGI becomes pending from these source CPUs. */
void vgic_send_sourced(struct vcpu *v, uint32_t intid, uint8_t sources);
/* No lock held.  The SGI is no longer pending from these source CPUs. */
void vgic_drop_sourced(struct vcpu *v, uint32_t intid, uint8_t sources);
struct vcpu *vgic_affinity_target(struct domain *d, uint32_t affinity);
static inline bool vgic_irq_latches(const struct vgic_irq *irq)
{
    return irq->edge || irq->hw || irq->pulse;
}
/* Pending in the model.  An interrupt that is pending in a list register does not count. */
static inline bool vgic_irq_pends(const struct vgic_irq *irq)
{
    return irq->pending || (irq->line && !vgic_irq_latches(irq));
}
/* CPU that gets the physical interrupts of this vCPU; CPU 0 if v is NULL. */
unsigned vgic_cpu_of(const struct vcpu *v);
void vgic_hw_follow(struct vcpu *v);
/* No vCPU of the domain runs; its vCPUs may be freed already. */
void vgic_unmap_all_hw(struct domain *d);
int vgic_v2_register(struct domain *d); /* addresses, MMIO regions, CPU interface */
int vgic_v3_register(struct domain *d); /* addresses, MMIO regions */
/* Bits of GICD_CTLR that a guest cannot change: GICv3 has affinity routing and one security state.
 */
uint32_t vgic_ctlr_fixed(const struct domain *d);

#endif
