/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual interrupt controller, of the same version as the machine's: vGICv2 or vGICv3.
 *   vgic.c        the model: state, injection, routing
 *   vgic_lr.c     list registers
 *   vgic_hw.c     physical interrupts tied to virtual ones
 *   vgic_create.c creation
 *   vgic_dist.c   registers that both versions have
 *   vgic_v2.c, vgic_v3.c  registers of one version
 *   vgic_state.c  state records
 *
 * Theory of operation.  The model is the state in memory.  It is complete for a vCPU that is not
 * loaded on a CPU.  For a loaded vCPU the list registers (LRs) are ahead of the model: an interrupt
 * that an LR holds as pending has been removed from `pending` (the latch), and the guest changes
 * its state without an exit.  No CPU reads or writes the LRs of another CPU.  To change an
 * interrupt, a CPU changes the model under the vCPU's lock, sets `dirty` and kicks.  The vCPU's CPU
 * then pulls its LRs into the model and pushes the model into the LRs (vgic_flush); it writes only
 * LRs whose content changes.  A caller that needs the result at once (a register read of pending or
 * active state, a disable) waits with vgic_sync_lrs().
 *
 * Locks: the lock of an interrupt's owner, `irq->vcpu`, guards the interrupt.  The owner changes
 * only while the interrupt is in no list, under the old owner's lock, so vgic_irq_lock() compares
 * the owner again after locking.  At most one vCPU's lock is held at a time. d->vgic.lock is taken
 * before it, and guards the distributor's own fields and the physical ties.
 */
#ifndef XL_VGIC_H
#define XL_VGIC_H

#include "hw.h"
#include "vgic_types.h"
struct domain;
struct vcpu;

/*
 * Creates the distributor and registers its MMIO handlers.  Guests have it at the addresses
 * GUEST_GICV3_*, GUEST_GICD_* and GUEST_GICC_* of public/arch-arm.h, dom0 (d->privileged) at the
 * machine's.  GICv2: also maps the virtual CPU interface, so the p2m is created before the vGIC and
 * destroyed after it.  spi_count: at most 992, rounded up to a multiple of 32.  0; -XEN_EINVAL;
 * -XEN_ENODEV: the machine's GIC has another version; -XEN_ENOMEM.
 */
int vgic_domain_init(struct domain *d, unsigned version, unsigned spi_count);
void vgic_domain_destroy(struct domain *d);
/* v is in d->vcpu[], or will be before an interrupt is injected.  0 or an error. */
int vgic_vcpu_init(struct vcpu *v);
/* SGIs, PPIs and CPU interface as after power-on. v is not loaded on a CPU. */
void vgic_vcpu_reset(struct vcpu *v);
/*
 * Changes the input of an interrupt.  Edge-triggered: `level` true latches it, false has no effect.
 * Level-sensitive: sets the line.  The interrupts of event channels and the virtual timer latch
 * with any configured type.  Wakes and kicks the vCPU.  On any CPU; no vGIC lock is held.
 */
void vgic_inject(struct domain *d, struct vcpu *v /* for intid < 32 */, uint32_t intid, bool level);
/*
 * Ties a physical SPI to a virtual one: the guest's EOI deactivates the physical interrupt.  0;
 * -XEN_EBUSY: one of the two is tied already; -XEN_EINVAL: no such SPI.  vgic_unmap_hw unties it.
 */
int vgic_map_hw(struct domain *d, uint32_t virt, uint32_t phys);
void vgic_unmap_hw(struct domain *d, uint32_t virt);
void vgic_set_type(struct domain *d, uint32_t intid, bool edge); /* an SPI's initial trigger type */
/*
 * Injects a physical interrupt that is tied to a domain's.  False: it is not tied.  Called by
 * host_irq.
 */
bool vgic_hw_irq(uint32_t phys);
/* Marks a virtual INTID as in use.  False: it was in use already, or does not exist. */
bool vgic_reserve(struct domain *d, uint32_t intid);
void vgic_unreserve(struct domain *d, uint32_t intid);
/*
 * Called around a run of the vCPU: vgic_load when it gets this CPU, vgic_save when it leaves it,
 * vgic_flush before entry to the guest if v->vgic.dirty.
 */
void vgic_load(struct vcpu *v);
void vgic_save(struct vcpu *v);
void vgic_flush(struct vcpu *v);
/*
 * True if an enabled pending interrupt would be delivered, which ends WFI.  Exact unless v is
 * loaded on another CPU.  A vCPU that is going to wait is marked blocked first and checked then,
 * because a later interrupt calls vcpu_unblock.
 */
bool vgic_has_pending(struct vcpu *v);
void vgic_maintenance(void); /* handles the maintenance interrupt, for host_irq */
/*
 * Handles a trapped write of ICC_SGI1R (group 1), ICC_ASGI1R or ICC_SGI0R (group 0).  True:
 * handled.
 */
bool vgic_sgi_write(struct vcpu *v, uint64_t value, unsigned group);
void vgic_dump(struct domain *d);
/* State records.  The domain is paused and its vCPUs are off their CPUs. */
struct xlr_vgic_dist;
struct xlr_irq;
struct xlr_vgic_cpu;
void vgic_get_dist(struct domain *d, struct xlr_vgic_dist *r,
                   struct xlr_irq *irq);                              /* irq[spi_count] */
int vgic_check_dist(struct domain *d, const struct xlr_vgic_dist *r); /* 0, -XEN_EINVAL */
/* Checks the irq[] that follows the distributor's record.  0, -XEN_EINVAL. */
int vgic_check_spis(struct domain *d, const struct xlr_irq *irq, unsigned count);
/* Only after both checks have succeeded. */
void vgic_set_dist(struct domain *d, const struct xlr_vgic_dist *r, const struct xlr_irq *irq);
void vgic_get_cpu(struct vcpu *v, struct xlr_vgic_cpu *r);
int vgic_check_cpu(const struct domain *d, const struct xlr_vgic_cpu *r); /* 0, -XEN_EINVAL */
/* Includes vgic_check_cpu.  0, -XEN_EINVAL; -XEN_EBUSY: v is loaded on a CPU. */
int vgic_set_cpu(struct vcpu *v, const struct xlr_vgic_cpu *r);

#endif
