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
 * state, a disable) waits for that with vgic_sync_lrs().
 *
 * Locks: an interrupt is guarded by the lock of its owner `irq->vcpu`.  The owner changes only
 * while the interrupt is in no list, with the old owner's lock held: vgic_irq_lock() looks again
 * after locking.  At most one vCPU's lock is held at a time.  d->vgic.lock (outer) guards the
 * distributor's own fields and the physical ties.
 */
#ifndef XL_VGIC_H
#define XL_VGIC_H

#include "hw.h"
#include "vgic_types.h"
struct domain;
struct vcpu;

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

#endif
