/* SPDX-License-Identifier: BSD-2-Clause */
/* The vGIC's insides: what its own files share.  vgic.h has what others use. */
#ifndef XL_VGIC_INTERNAL_H
#define XL_VGIC_INTERNAL_H

#include "vgic.h"

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
void vgic_sync_lrs(
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
