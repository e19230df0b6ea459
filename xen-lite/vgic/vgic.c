/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vGIC's model: who owns an interrupt, its state, and the effects of each change.  Theory of
 * operation: vgic.h.
 */
#include "arch.h"
#include "domain_types.h"
#include "hooks.h"
#include "lib.h"
#include "panic.h"
#include "sched.h"
#include "vgic_internal.h"

struct vgic_irq *vgic_irq_get(struct domain *d, struct vcpu *v, uint32_t intid)
{
    if (intid < INTID_SPI)
        return v ? &v->vgic.irq[intid] : NULL;
    return intid - INTID_SPI < d->vgic.spi_count ? &d->vgic.spi[intid - INTID_SPI] : NULL;
}

struct vcpu *vgic_irq_lock(struct vgic_irq *irq)
{
    for (;;) {
        struct vcpu *v = __atomic_load_n(&irq->vcpu, __ATOMIC_ACQUIRE);
        if (!v)
            return NULL;
        spin_lock(&v->vgic.lock);
        if (likely(__atomic_load_n(&irq->vcpu, __ATOMIC_RELAXED) == v))
            return v;
        spin_unlock(&v->vgic.lock);
    }
}

void vgic_irq_unlink(struct vgic_irq *irq)
{
    ASSERT(!irq->linked || spin_held_here(&irq->vcpu->vgic.lock));
    if (irq->linked)
        list_del(&irq->link);
    irq->linked = false;
    /* From here on another vCPU's lock guards the interrupt. */
    if (irq->target && irq->target != irq->vcpu)
        __atomic_store_n(&irq->vcpu, irq->target, __ATOMIC_RELEASE);
}

bool vgic_irq_update(struct vgic_irq *irq)
{
    struct vcpu *v = irq->vcpu;
    ASSERT_LOCKED(&v->vgic.lock);

    if (irq->lr >= 0) { /* in an LR: the next flush takes it out */
        v->vgic.dirty = true;
        return true;
    }
    bool wanted = irq->active || (irq->enabled && irq->target && vgic_irq_pends(irq));
    if (wanted == irq->linked)
        return false;
    if (!wanted) {
        vgic_irq_unlink(irq);
        return false;
    }
    list_add_tail(&v->vgic.pending, &irq->link);
    irq->linked = true;
    v->vgic.dirty = true;
    return true;
}

void vgic_notify(struct vcpu *v)
{
    int cpu = __atomic_load_n(&v->vgic.cpu, __ATOMIC_ACQUIRE);

    /*
     * If the vCPU moves to another CPU meanwhile, vgic_load there pushes the model, which has the
     * new state already.
     */
    if (cpu >= 0)
        __atomic_fetch_or(&cpus[cpu].work, WORK_VGIC, __ATOMIC_RELEASE);
    /*
     * The interrupt is linked before this CPU looks whether the vCPU sleeps.  Pairs with the fence
     * in vgic_has_pending.
     */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    vcpu_unblock(v);
    if (cpu >= 0 && (unsigned)cpu != cpu_id())
        vcpu_kick(v);
}

/*
 * The vCPU's CPU answers the request when it next flushes, saves, or takes the kick (host_irq).
 * While this CPU waits, it answers requests for its own list registers, so two CPUs that wait for
 * each other both go on.
 */
void vgic_sync_lrs(struct vcpu *v)
{
    struct vgic_vcpu *g = &v->vgic;

    spin_lock(&g->lock);
    int cpu = g->cpu;
    if (cpu >= 0) {
        g->dirty = true;
        __atomic_store_n(&g->sync_wanted, true, __ATOMIC_RELEASE);
    }
    spin_unlock(&g->lock);
    if (cpu >= 0 && (unsigned)cpu != cpu_id()) {
        __atomic_fetch_or(&cpus[cpu].work, WORK_VGIC, __ATOMIC_RELEASE);
        arch_kick_cpu((unsigned)cpu);
    }
    vgic_serve();
    while (__atomic_load_n(&g->sync_wanted, __ATOMIC_ACQUIRE)) {
        cpu_relax_();
        vgic_serve();
    }
}

void vgic_inject(struct domain *d, struct vcpu *v, uint32_t intid, bool level)
{
    struct vgic_irq *irq = vgic_irq_get(d, v, intid);
    struct vcpu *owner = irq ? vgic_irq_lock(irq) : NULL;

    if (!owner)
        return;
    bool change = true;
    if (!vgic_irq_latches(irq)) {
        change = irq->line != level;
        irq->line = level;
    } else if (level) {
        irq->pending = true;
    } else if (irq->edge || irq->hw) {
        change = false; /* a falling edge has no effect */
    } else {
        irq->pending = false;
        irq->lr_op |= irq->lr >= 0 ? VGIC_OP_DROP_PENDING : 0;
    }
    bool tell = change && vgic_irq_update(irq);
    spin_unlock(&owner->vgic.lock);
    if (tell)
        vgic_notify(owner);
}

void vgic_send_sourced(struct vcpu *v, uint32_t intid, uint8_t sources)
{
    struct vgic_irq *irq = &v->vgic.irq[intid];

    spin_lock(&v->vgic.lock);
    irq->sources |= sources;
    irq->pending = irq->sources;
    bool tell = vgic_irq_update(irq);
    spin_unlock(&v->vgic.lock);
    if (tell)
        vgic_notify(v);
}

void vgic_drop_sourced(struct vcpu *v, uint32_t intid, uint8_t sources)
{
    struct vgic_irq *irq = &v->vgic.irq[intid];

    spin_lock(&v->vgic.lock);
    bool in_lr = irq->lr >= 0;
    irq->sources &= (uint8_t)~sources;
    irq->pending = irq->sources;
    /* What the LR holds of these sources is dropped when it is pulled. */
    irq->sources_dropped |= in_lr ? sources : 0;
    bool tell = vgic_irq_update(irq);
    spin_unlock(&v->vgic.lock);
    if (tell)
        vgic_notify(v);
    if (in_lr)
        vgic_sync_lrs(v);
}

void vgic_relocate(struct vgic_irq *irq)
{
    struct vcpu *owner = vgic_irq_lock(irq);

    if (!owner)
        return;
    bool tell = vgic_irq_update(irq);
    spin_unlock(&owner->vgic.lock);
    if (tell)
        vgic_notify(owner);
}

/* ---- effects of register writes ---- */

void vgic_set_enabled(struct vgic_irq *irq, bool on)
{
    struct vcpu *owner = vgic_irq_lock(irq);

    if (!owner)
        return;
    bool change = irq->enabled != on, was_in_lr = irq->lr >= 0, tell = false;
    if (change) {
        irq->enabled = on;
        tell = vgic_irq_update(irq);
        if (irq->hw && on) {
            gic->route(irq->phys, vgic_cpu_of(irq->target));
            gic->enable(irq->phys);
        } else if (irq->hw) {
            gic->disable(irq->phys);
        }
    }
    spin_unlock(&owner->vgic.lock);
    if (tell)
        vgic_notify(owner);
    if (tell && !on && was_in_lr)
        vgic_sync_lrs(owner); /* after the write, the guest must not be able to acknowledge it */
}

void vgic_set_pending(struct vgic_irq *irq, bool on)
{
    struct vcpu *owner = vgic_irq_lock(irq);
    bool sync = false;

    if (!owner)
        return;
    /* Setting: the GIC raises it, and it comes back through host_irq. */
    if (irq->hw)
        gic->set_pending(irq->phys, on);
    if (!on) {
        /*
         * EL2 has acknowledged the interrupt and the guest will not see it, so it must be
         * deactivated here.  If it is in an LR, pull_one does this.
         */
        if (irq->hw && irq->lr < 0 && !irq->active && irq->pending)
            gic->deactivate(irq->phys);
        irq->pending = false;
        if (irq->lr >= 0) {
            irq->lr_op |= VGIC_OP_DROP_PENDING;
            sync = true;
        }
    } else if (!irq->hw) {
        irq->pending = true;
    }
    bool tell = vgic_irq_update(irq);
    spin_unlock(&owner->vgic.lock);
    if (tell)
        vgic_notify(owner);
    if (sync)
        vgic_sync_lrs(owner);
}

void vgic_set_active(struct vgic_irq *irq, bool on)
{
    struct vcpu *owner = vgic_irq_lock(irq);

    if (!owner)
        return;
    bool sync = irq->lr >= 0;
    if (irq->hw && !sync && on && !irq->active)
        gic->set_active(irq->phys, true);
    if (irq->hw && !sync && !on && irq->active)
        gic->deactivate(irq->phys);
    if (sync) {
        irq->lr_op &= (uint8_t) ~(VGIC_OP_SET_ACTIVE | VGIC_OP_DROP_ACTIVE);
        irq->lr_op |= on ? VGIC_OP_SET_ACTIVE : VGIC_OP_DROP_ACTIVE;
    } else {
        irq->active = on;
        irq->taken_priority = irq->priority;
    }
    bool tell = vgic_irq_update(irq);
    spin_unlock(&owner->vgic.lock);
    if (tell)
        vgic_notify(owner);
    if (sync)
        vgic_sync_lrs(owner);
}

/*
 * The vCPU that an affinity value names.  GICv2: the lowest CPU in the mask.  GICv3: vCPU n has
 * affinity 0.0.0.n (arch_vcpu_init); bit 31 means any PE, for which vCPU 0 is taken.
 */
struct vcpu *vgic_affinity_target(struct domain *d, uint32_t affinity)
{
    if (d->vgic.version == 2)
        affinity = affinity ? (uint32_t)__builtin_ctz(affinity) : MAX_VCPUS;
    if (affinity & (1u << 31))
        return d->vcpu[0];
    return affinity < MAX_VCPUS ? d->vcpu[affinity] : NULL;
}

void vgic_set_route(struct domain *d, struct vgic_irq *irq, uint32_t affinity)
{
    struct vcpu *owner = vgic_irq_lock(irq);

    irq->affinity = affinity; /* no owner: the domain is still being built */
    if (!owner)
        return;
    irq->target = vgic_affinity_target(d, affinity);
    if (irq->hw)
        gic->route(irq->phys, vgic_cpu_of(irq->target));
    /* It leaves this vCPU at a flush that finds it inactive. */
    bool stays = irq->lr >= 0 || irq->active;
    if (stays)
        owner->vgic.dirty = true;
    else
        vgic_irq_unlink(irq); /* the new route takes effect */
    spin_unlock(&owner->vgic.lock);
    if (stays)
        vgic_notify(owner);
    else
        vgic_relocate(irq);
}

uint32_t vgic_ctlr_fixed(const struct domain *d)
{
    return d->vgic.version == 2 ? 0 : GICD_CTLR_ARE | GICD_CTLR_DS;
}

void vgic_set_ctlr(struct domain *d, uint32_t value)
{
    spin_lock(&d->vgic.lock);
    uint32_t enables = value & (GICD_CTLR_GRP0 | GICD_CTLR_GRP1),
             old = d->vgic.ctlr & (GICD_CTLR_GRP0 | GICD_CTLR_GRP1);
    __atomic_store_n(&d->vgic.ctlr, vgic_ctlr_fixed(d) | enables, __ATOMIC_RELEASE);
    spin_unlock(&d->vgic.lock);
    if (enables == old)
        return;
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        struct vcpu *v = d->vcpu[i];
        if (!v)
            continue;
        spin_lock(&v->vgic.lock);
        bool tell = !list_empty(&v->vgic.pending);
        v->vgic.dirty |= tell;
        spin_unlock(&v->vgic.lock);
        if (tell)
            vgic_notify(v);
        if (tell && (old & ~enables))
            vgic_sync_lrs(v);
    }
}

bool vgic_reserve(struct domain *d, uint32_t intid)
{
    if (intid >= INTID_SPI + d->vgic.spi_count)
        return false;
    spin_lock(&d->vgic.lock);
    bool taken = bit_test(d->vgic.allocated, intid);
    bit_set(d->vgic.allocated, intid);
    spin_unlock(&d->vgic.lock);
    return !taken;
}

void vgic_unreserve(struct domain *d, uint32_t intid)
{
    if (intid >= INTID_SPI + d->vgic.spi_count)
        return;
    spin_lock(&d->vgic.lock);
    bit_clear(d->vgic.allocated, intid);
    spin_unlock(&d->vgic.lock);
}
