/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual interrupt controller: vGICv2 or vGICv3, the same version as the machine's GIC.
 * vgic.c has the model (state, injection, routing, physical ties), vgic_lr.c the list registers,
 * vgic_hw.c physical interrupts, vgic_dist.c the registers of both versions, vgic_v2.c and
 * vgic_v3.c those of one version, vgic_state.c the state records.
 *
 * Theory of operation.  The model in memory is complete for a vCPU that is not loaded on a CPU.
 * For a loaded vCPU, the list registers (LRs) run ahead of the model.  When an LR holds an
 * interrupt as pending, the latch `pending` in the model is clear, and the guest changes the LR's
 * state without an exit.  No CPU reads or writes another CPU's LRs.  Instead it changes the model
 * under the vCPU's lock, sets `dirty`, and kicks the vCPU's CPU.  That CPU pulls its LRs into the
 * model and pushes the model into them (vgic_flush); it writes only LRs whose content changes.
 * Code that needs the result at once (a read of pending or active state, a disable) waits for it
 * with vgic_sync_lrs().
 *
 * Locks: an interrupt is guarded by the lock of its owner, `irq->vcpu`.  The owner changes only
 * while the interrupt is in no list and the old owner's lock is held.  So vgic_irq_lock() checks
 * the owner again after it has taken the lock.  At most one vCPU's lock is held at a time.
 * d->vgic.lock is taken before a vCPU's lock; it guards the distributor's own fields and the
 * physical ties.
 */
#ifndef XL_VGIC_H
#define XL_VGIC_H

#include "hw.h"
#include "vgic_types.h"
struct domain;
struct vcpu;

/*
 * Guests get the addresses GUEST_GICV3_*, GUEST_GICD_* and GUEST_GICC_* of public/arch-arm.h; the
 * control domain (d->privileged) gets the machine's.  Registers MMIO handlers.  For GICv2 it also
 * maps the virtual CPU interface, so the p2m must exist, and must be destroyed later than the vGIC.
 * spi_count is rounded up to a multiple of 32, at most 992.  0, -EINVAL, -ENODEV (the machine has
 * no GIC of this version), -ENOMEM.
 */
int vgic_domain_init(struct domain *d, unsigned version, unsigned spi_count);
void vgic_domain_destroy(struct domain *d);
/* v is in d->vcpu[] already, or will be before an interrupt is injected. */
int vgic_vcpu_init(struct vcpu *v);
/* As after power-on: SGIs, PPIs and the CPU interface.  v is off its CPU. */
void vgic_vcpu_reset(struct vcpu *v);
/*
 * Raises or lowers an interrupt's line.  An edge-triggered interrupt is latched, for a
 * level-triggered one `level` is the state of the line.  Event-channel and timer PPIs latch
 * whatever type is configured.  `v` is used for intid < 32.  Any CPU may call this; it wakes and
 * kicks the vCPU.
 */
void vgic_inject(struct domain *d, struct vcpu *v /* for intid < 32 */, uint32_t intid, bool level);
/*
 * Ties a physical interrupt to a virtual one (devices of the control domain): the guest's EOI
 * deactivates it.  -EBUSY, -EINVAL.
 */
int vgic_map_hw(struct domain *d, uint32_t virt, uint32_t phys);
void vgic_unmap_hw(struct domain *d, uint32_t virt);
/* Initial trigger type of an SPI. */
void vgic_set_type(struct domain *d, uint32_t intid, bool edge);
/* For host_irq: delivers an interrupt that belongs to a domain.  False: it belongs to none. */
bool vgic_hw_irq(uint32_t phys);
/* Reserves an INTID.  False if it is reserved already, or does not exist. */
bool vgic_reserve(struct domain *d, uint32_t intid);
void vgic_unreserve(struct domain *d, uint32_t intid);
/*
 * Around running a vCPU: load when it gets a CPU, save when it leaves the CPU, flush before the
 * guest is entered if v->vgic.dirty.
 */
void vgic_load(struct vcpu *v);
void vgic_save(struct vcpu *v);
void vgic_flush(struct vcpu *v);
/*
 * True if an enabled pending interrupt would be delivered, which ends WFI.  Exact for a vCPU that
 * is not loaded on another CPU.  To wait: mark the vCPU blocked first, then call this.  An
 * interrupt that comes later calls vcpu_unblock.
 */
bool vgic_has_pending(struct vcpu *v);
void vgic_maintenance(void); /* for host_irq, on the maintenance interrupt */
/*
 * A trapped write to ICC_SGI1R (group 1), or to ICC_ASGI1R or ICC_SGI0R (group 0).  True if
 * handled.
 */
bool vgic_sgi_write(struct vcpu *v, uint64_t value, unsigned group);
void vgic_dump(struct domain *d);
/* State records.  The domain is paused and its vCPUs are off their CPUs. */
struct xlr_vgic_dist;
struct xlr_irq;
struct xlr_vgic_cpu;
/* Fills r and irq[spi_count]. */
void vgic_get_dist(struct domain *d, struct xlr_vgic_dist *r, struct xlr_irq *irq);
int vgic_check_dist(struct domain *d, const struct xlr_vgic_dist *r); /* -EINVAL */
/* Checks the irq[] that follow the distributor's record.  0, -XEN_EINVAL. */
int vgic_check_spis(struct domain *d, const struct xlr_irq *irq, unsigned count);
/* Only after both checks have succeeded. */
void vgic_set_dist(struct domain *d, const struct xlr_vgic_dist *r, const struct xlr_irq *irq);
void vgic_get_cpu(struct vcpu *v, struct xlr_vgic_cpu *r);
int vgic_check_cpu(const struct domain *d, const struct xlr_vgic_cpu *r); /* -EINVAL */
int vgic_set_cpu(struct vcpu *v, const struct xlr_vgic_cpu *r);           /* includes the check */

#endif
