/* SPDX-License-Identifier: BSD-2-Clause */
/* The vGIC's model: who owns an interrupt, what state it is in, what a change of it brings about.
 * See vgic.h. */
#include "arch.h"
#include "domain_types.h"
#include "hooks.h"
#include "lib.h"
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
    if (irq->linked)
        list_del(&irq->link);
    irq->linked = false;
    if (irq->target && irq->target != irq->vcpu)
        __atomic_store_n(&irq->vcpu, irq->target,
                         __ATOMIC_RELEASE); /* from here on another lock guards it */
}

bool vgic_irq_update(struct vgic_irq *irq)
{
    struct vcpu *v = irq->vcpu;

    if (irq->lr >= 0) { /* the next flush sorts it out */
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

    /* A vCPU that moves meanwhile is loaded from the model, with what we just put there. */
    if (cpu >= 0)
        __atomic_fetch_or(&cpus[cpu].work, WORK_VGIC, __ATOMIC_RELEASE);
    __atomic_thread_fence(
        __ATOMIC_SEQ_CST); /* the interrupt is linked before we look whether it sleeps */
    vcpu_unblock(v);
    if (cpu >= 0 && (unsigned)cpu != cpu_id())
        vcpu_kick(v);
}

/*
 * The other CPU serves the request when it next flushes, saves, or takes our kick (host_irq); while
 * we wait we serve requests for ours, so two that wait for each other both get on.
 */
void vgic_settle(struct vcpu *v)
{
    struct vgic_vcpu *g = &v->vgic;

    spin_lock(&g->lock);
    int cpu = g->cpu;
    if (cpu >= 0) {
        g->dirty = true;
        __atomic_store_n(&g->settle, true, __ATOMIC_RELEASE);
    }
    spin_unlock(&g->lock);
    if (cpu >= 0 && (unsigned)cpu != cpu_id()) {
        __atomic_fetch_or(&cpus[cpu].work, WORK_VGIC, __ATOMIC_RELEASE);
        arch_kick_cpu((unsigned)cpu);
    }
    vgic_serve();
    while (__atomic_load_n(&g->settle, __ATOMIC_ACQUIRE)) {
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
        change = false; /* a falling edge means nothing */
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
    irq->sources_dropped |= in_lr
                                ? sources
                                : 0; /* and what the list register has of them, when it is pulled */
    bool tell = vgic_irq_update(irq);
    spin_unlock(&v->vgic.lock);
    if (tell)
        vgic_notify(v);
    if (in_lr)
        vgic_settle(v);
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

/* ---- what register writes do --------------------------------------------------------------------
 */

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
        vgic_settle(owner); /* once the write is done it cannot be taken any more */
}

void vgic_set_pending(struct vgic_irq *irq, bool on)
{
    struct vcpu *owner = vgic_irq_lock(irq);
    bool settle = false;

    if (!owner)
        return;
    if (irq->hw)
        gic->set_pending(irq->phys, on); /* set: comes back as an interrupt of the machine */
    if (!on) {
        /* It was acknowledged at EL2 and nobody will deactivate it now. In an LR: see pull_one. */
        if (irq->hw && irq->lr < 0 && !irq->active && irq->pending)
            gic->deactivate(irq->phys);
        irq->pending = false;
        if (irq->lr >= 0) {
            irq->lr_op |= VGIC_OP_DROP_PENDING;
            settle = true;
        }
    } else if (!irq->hw) {
        irq->pending = true;
    }
    bool tell = vgic_irq_update(irq);
    spin_unlock(&owner->vgic.lock);
    if (tell)
        vgic_notify(owner);
    if (settle)
        vgic_settle(owner);
}

void vgic_set_active(struct vgic_irq *irq, bool on)
{
    struct vcpu *owner = vgic_irq_lock(irq);

    if (!owner)
        return;
    bool settle = irq->lr >= 0;
    if (irq->hw && !settle && on && !irq->active)
        gic->set_active(irq->phys, true);
    if (irq->hw && !settle && !on && irq->active)
        gic->deactivate(irq->phys);
    if (settle) {
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
    if (settle)
        vgic_settle(owner);
}

/*
 * GICv2: of the CPUs in the mask the first takes it.  GICv3: vCPU n answers to affinity 0.0.0.n
 * (arch_vcpu_init); bit 31: any, which is vCPU 0.
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

    irq->affinity = affinity; /* without an owner the domain is still being built */
    if (!owner)
        return;
    irq->target = vgic_affinity_target(d, affinity);
    if (irq->hw)
        gic->route(irq->phys, vgic_cpu_of(irq->target));
    bool stays = irq->lr >= 0 || irq->active; /* leaves when it is flushed and not active */
    if (stays)
        owner->vgic.dirty = true;
    else
        vgic_irq_unlink(irq); /* takes up the route */
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
            vgic_settle(v);
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
