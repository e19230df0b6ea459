/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * List registers (LRs) of the vCPU that is loaded on this CPU.  "Pull" reads the LRs into the model
 * in memory (struct vgic_irq); "push" writes the model into the LRs.
 *
 * Both happen under the vCPU's lock, pull first.  Between pull and push the model is complete.
 * Outside the lock, a pending state that is in an LR is not also in the model, so an interrupt
 * cannot be delivered twice.
 *
 * More interrupts can be active or pending than there are LRs.  Then:
 * - Active interrupts come first.  Without an LR, the guest's EOI would find nothing to end.
 *   Those of the highest priority get the LRs, because the guest ends them first.  The
 *   underflow maintenance interrupt (UIE) asks for the next ones.
 * - One LR is kept for the most urgent pending interrupt, because it may preempt the active
 *   ones.  The "no pending" maintenance interrupt (NPIE) asks for the next one.
 */
#include "arch.h"
#include "domain_types.h"
#include "hooks.h"
#include "panic.h"
#include "vgic_internal.h"

/* Per CPU: the vCPU whose list registers are live there.  Only that CPU writes its entry. */
static struct vcpu *loaded[MAX_CPUS];

/*
 * Interrupts that a flush took from this vCPU because they are routed to another one.  They are
 * delivered there after this vCPU's lock is dropped: at most one vCPU's lock is held at a time.
 */
#define MOVED_MAX 16u
struct moved {
    unsigned count;
    struct vgic_irq *irq[MOVED_MAX];
};

static void pull_source(struct vgic_irq *irq, const struct gic_lr *lr)
{
    if (lr->active)
        irq->active_source = lr->source;
    if (lr->pending)
        irq->sources |= (uint8_t)(1u << lr->source & ~irq->sources_dropped);
    irq->sources_dropped = 0;
    irq->pending = irq->sources;
}

static void pull_one(struct vgic_vcpu *g, unsigned n)
{
    struct vgic_irq *irq = g->lr[n];
    struct gic_lr lr;

    gic->lr_read(n, &lr);
    g->shadow[n].pending = lr.pending;
    g->shadow[n].active = lr.active;
    /*
     * If the guest wrote ICPENDR or ICACTIVER while the interrupt was in an LR, that state is
     * dropped from the LR.  No EOI of the guest will deactivate the physical interrupt then, so
     * deactivate it here.
     */
    if (irq->hw && ((lr.active && (irq->lr_op & VGIC_OP_DROP_ACTIVE)) ||
                    (lr.pending && (irq->lr_op & VGIC_OP_DROP_PENDING))))
        gic->deactivate(irq->phys);
    if (irq->hw && !lr.active && (irq->lr_op & VGIC_OP_SET_ACTIVE))
        gic->set_active(irq->phys, true);
    if (!irq->active)
        irq->taken_priority = g->shadow[n].priority;
    irq->active = (lr.active && !(irq->lr_op & VGIC_OP_DROP_ACTIVE)) ||
                  (irq->lr_op & VGIC_OP_SET_ACTIVE);
    if (irq->sourced)
        pull_source(irq, &lr);
    else if (lr.pending && irq->lr_latch && !(irq->lr_op & VGIC_OP_DROP_PENDING))
        irq->pending = true;
    irq->lr_op = 0;
    irq->lr_pending = irq->lr_latch = false;
}

static void pull(struct vcpu *v)
{
    ASSERT_LOCKED(&v->vgic.lock);
    for (unsigned n = 0; n < gic_info.lr_count; n++)
        if (v->vgic.lr[n])
            pull_one(&v->vgic, n);
}

static void forget_lr(struct vgic_vcpu *g, unsigned n)
{
    g->lr[n]->lr = -1;
    g->lr[n]->lr_pending = g->lr[n]->lr_latch = false;
    g->lr[n] = NULL;
    /*
     * An LR that is neither pending nor active is empty already.  One with the EOI bit must be
     * cleared all the same: it keeps the EOI maintenance interrupt asserted.
     */
    if (g->shadow[n].pending || g->shadow[n].active || g->shadow[n].eoi) {
        gic->lr_clear(n);
        g->write_count++;
    }
    memset(&g->shadow[n], 0, sizeof(g->shadow[n]));
}

static bool deliverable(const struct vgic_irq *irq, uint32_t ctlr)
{
    return irq->enabled && irq->target == irq->vcpu && vgic_irq_pends(irq) &&
           (ctlr & (irq->group1 ? GICD_CTLR_GRP1 : GICD_CTLR_GRP0));
}

/*
 * Unlink the interrupts that this vCPU must no longer receive.  Those with a new target go to
 * `moved`.
 */
static void prune(struct vcpu *v, struct moved *moved)
{
    ASSERT_LOCKED(&v->vgic.lock);
    list_for_each_safe(it, &v->vgic.pending)
    {
        struct vgic_irq *irq = list_entry(it, struct vgic_irq, link);
        bool wanted = irq->enabled && irq->target && vgic_irq_pends(irq),
             moves = wanted && irq->target != v;
        if (irq->active || (wanted && !moves) || (moves && moved->count == MOVED_MAX))
            continue;
        if (irq->lr >= 0)
            forget_lr(&v->vgic, (unsigned)irq->lr);
        if (moves)
            moved->irq[moved->count++] = irq;
        vgic_irq_unlink(irq);
    }
}

static void send_moved(struct vcpu *v, struct moved *moved)
{
    for (;;) {
        for (unsigned i = 0; i < moved->count; i++)
            vgic_relocate(moved->irq[i]);
        if (moved->count < MOVED_MAX)
            return;
        moved->count = 0; /* `moved` was full: more interrupts may have to move */
        spin_lock(&v->vgic.lock);
        if (v->vgic.cpu < 0 || v->vgic.cpu == (int)cpu_id())
            prune(v, moved);
        spin_unlock(&v->vgic.lock);
    }
}

static uint8_t rank(const struct vgic_irq *irq)
{
    return irq->active ? irq->taken_priority : irq->priority;
}

static struct vgic_irq *best(struct vcpu *v, bool active, uint32_t ctlr, uint64_t *taken)
{
    struct vgic_irq *found = NULL;
    unsigned i = 0, found_at = 0;

    list_for_each(it, &v->vgic.pending)
    {
        struct vgic_irq *irq = list_entry(it, struct vgic_irq, link);
        unsigned at = i++;
        if (bit_test(taken, at) || irq->active != active || (!active && !deliverable(irq, ctlr)))
            continue;
        if (!found || rank(irq) < rank(found) ||
            (rank(irq) == rank(found) && irq->intid < found->intid)) {
            found = irq;
            found_at = at;
        }
    }
    if (found)
        bit_set(taken, found_at);
    return found;
}

/*
 * Choose the interrupts that get an LR.  Returns their count.  If some interrupts got no LR, sets
 * in *hcr the enable bits of the maintenance interrupts that will ask for them.
 */
static unsigned choose(struct vcpu *v, struct vgic_irq **want, uint32_t *hcr)
{
    uint32_t ctlr = __atomic_load_n(&v->domain->vgic.ctlr, __ATOMIC_ACQUIRE);
    unsigned room = gic_info.lr_count, active = 0, pending = 0, n = 0;

    list_for_each(it, &v->vgic.pending)
    {
        struct vgic_irq *irq = list_entry(it, struct vgic_irq, link);
        if (irq->active || deliverable(irq, ctlr)) {
            if (n < room)
                want[n++] = irq;
            active += irq->active;
            pending += !irq->active;
        }
    }
    if (active + pending <= room)
        return n;
    v->vgic.spill_count++;
    uint64_t taken[(1024 + 63) / 64] = {
        0
    }; /* One bit per position in the list, which has at most one entry per INTID. */
    unsigned active_room = pending ? room - 1 : room;
    for (n = 0; n < MIN(active, active_room); n++)
        want[n] = best(v, true, ctlr, taken);
    unsigned pending_room = room - n;
    for (unsigned i = 0; i < MIN(pending, pending_room); i++)
        want[n++] = best(v, false, ctlr, taken);
    *hcr |= (active > active_room ? GICH_HCR_UIE : 0) |
            (pending > pending_room ? GICH_HCR_NPIE : 0);
    return n;
}

static bool same_lr(const struct gic_lr *a, const struct gic_lr *b)
{
    return a->virt == b->virt && a->phys == b->phys && a->priority == b->priority &&
           a->source == b->source && a->hw == b->hw && a->pending == b->pending &&
           a->active == b->active && a->group1 == b->group1 && a->eoi == b->eoi;
}

/*
 * An LR holds one source CPU of a GICv2 SGI.  While the guest handles one source, no second one can
 * be pending in the same LR.  If other sources wait, the LR asks for a maintenance interrupt at
 * EOI, and the flush that follows pushes the next source.
 */
static void push_source(struct vgic_irq *irq, struct gic_lr *lr)
{
    lr->source = irq->active ? irq->active_source : (uint8_t)__builtin_ctz(irq->sources);
    lr->pending = lr->pending && (irq->sources >> lr->source & 1);
    if (lr->pending)
        irq->sources &= (uint8_t) ~(1u << lr->source);
    lr->eoi = irq->sources;
}

static void push_one(struct vgic_vcpu *g, struct vgic_irq *irq, unsigned n, uint32_t ctlr)
{
    bool latches = vgic_irq_latches(irq);
    /*
     * A level-triggered line that is still high is examined again at the guest's EOI, so it is not
     * pushed as pending while active.  The same holds for an interrupt whose LR is linked to a
     * physical interrupt (hw): the physical GIC raises it again after deactivation.
     */
    bool pend = irq->active ? irq->pending && latches && !irq->hw && deliverable(irq, ctlr) : true;
    struct gic_lr lr = { .virt = irq->intid,
                         .phys = irq->hw ? irq->phys : 0,
                         .priority = irq->priority,
                         .hw = irq->hw,
                         .pending = pend,
                         .active = irq->active,
                         .group1 = irq->group1,
                         .eoi = !irq->hw &&
                                (!latches || (irq->active && irq->target != irq->vcpu)) };

    if (irq->sourced)
        push_source(irq, &lr);
    irq->lr = (int8_t)n;
    irq->lr_op = 0;
    irq->lr_pending = lr.pending;
    irq->lr_latch = lr.pending && irq->pending;
    if (irq->sourced)
        irq->pending = irq->sources;
    else if (lr.pending)
        irq->pending = false;
    g->lr[n] = irq;
    if (!same_lr(&lr, &g->shadow[n])) {
        gic->lr_write(n, &lr);
        g->shadow[n] = lr;
        g->write_count++;
    }
}

/* Empties the LRs whose interrupt is not in want[].  Returns a mask with one bit for each LR whose
 * interrupt is in want[]. */
static uint32_t keep_wanted(struct vgic_vcpu *g, struct vgic_irq *const *want, unsigned count)
{
    uint32_t kept = 0;
    for (unsigned i = 0; i < count; i++)
        kept |= want[i]->lr >= 0 ? 1u << want[i]->lr : 0;
    for (unsigned i = 0; i < gic_info.lr_count; i++)
        if (g->lr[i] && !(kept & (1u << i)))
            forget_lr(g, i);
    return kept;
}

static void push(struct vcpu *v)
{
    ASSERT_LOCKED(&v->vgic.lock);
    struct vgic_vcpu *g = &v->vgic;
    struct vgic_irq *want[VGIC_LRS];
    uint32_t hcr = GICH_HCR_EN, ctlr = __atomic_load_n(&v->domain->vgic.ctlr, __ATOMIC_ACQUIRE);
    unsigned count = choose(v, want, &hcr);
    uint32_t used = keep_wanted(g, want, count);

    for (unsigned i = 0; i < count; i++) {
        unsigned n = want[i]->lr >= 0 ? (unsigned)want[i]->lr : (unsigned)__builtin_ctz(~used);
        used |= 1u << n;
        push_one(g, want[i], n, ctlr);
    }
    if (hcr != g->regs.hcr) {
        g->regs.hcr = hcr;
        gic->set_hcr(hcr);
    }
    g->dirty = false;
    __atomic_store_n(&g->sync_wanted, false, __ATOMIC_RELEASE);
}

void vgic_flush(struct vcpu *v)
{
    struct moved moved = { .count = 0 };

    if (v->vgic.cpu != (int)cpu_id())
        return;
    spin_lock(&v->vgic.lock);
    v->vgic.flush_count++;
    pull(v);
    prune(v, &moved);
    push(v);
    spin_unlock(&v->vgic.lock);
    send_moved(v, &moved);
}

void vgic_load(struct vcpu *v)
{
    struct moved moved = { .count = 0 };
    unsigned cpu = cpu_id();

    if (loaded[cpu] == v) {
        vgic_flush(v);
        return;
    }
    if (loaded[cpu])
        vgic_save(loaded[cpu]);
    spin_lock(&v->vgic.lock);
    BUG_ON(v->vgic.cpu >= 0); /* still live on another CPU: a bug of the scheduler */
    loaded[cpu] = v;
    __atomic_store_n(&v->vgic.cpu, (int)cpu, __ATOMIC_RELEASE);
    v->vgic.regs.hcr = GICH_HCR_EN;
    gic->load(&v->vgic.regs);
    prune(v, &moved);
    push(v);
    vgic_hw_follow(v);
    spin_unlock(&v->vgic.lock);
    send_moved(v, &moved);
}

void vgic_save(struct vcpu *v)
{
    struct vgic_vcpu *g = &v->vgic;
    struct moved moved = { .count = 0 };
    unsigned cpu = cpu_id();

    spin_lock(&g->lock);
    if (loaded[cpu] == v) {
        gic->save(&g->regs);
        pull(v);
        for (unsigned n = 0; n < gic_info.lr_count; n++)
            if (g->lr[n])
                forget_lr(g, n);
        /*
         * With no LR in use, no maintenance interrupt is wanted.  The next vCPU's load expects this
         * value.
         */
        gic->set_hcr(GICH_HCR_EN);
        g->regs.hcr = GICH_HCR_EN;
        prune(v, &moved);
        loaded[cpu] = NULL;
        g->dirty = false; /* vgic_load pushes everything */
        __atomic_store_n(&g->cpu, -1, __ATOMIC_RELEASE);
        __atomic_store_n(&g->sync_wanted, false, __ATOMIC_RELEASE);
    }
    spin_unlock(&g->lock);
    send_moved(v, &moved);
}

void vgic_serve(void)
{
    struct vcpu *v = loaded[cpu_id()];

    if (v && __atomic_load_n(&v->vgic.sync_wanted, __ATOMIC_ACQUIRE))
        vgic_flush(v);
}

void vgic_maintenance(void)
{
    struct vcpu *v = loaded[cpu_id()];

    if (!v) {
        gic->set_hcr(0);
        return;
    }
    v->vgic.maintenance_count++;
    vgic_flush(v);
    arch_isb(); /* the cause is gone before the maintenance interrupt is deactivated */
}

/* ---- would the guest take it? ---- */

/* Binary point of the guest's CPU interface, from VMCR.  GICv2 and GICv3 define it alike. */
static unsigned binary_point(uint32_t vmcr, bool group1)
{
    unsigned least = 7u - MIN(gic_info.pre_bits, 7u), bpr0 = MAX((vmcr >> 21) & 7u, least);

    if (!group1 || (vmcr & (1u << 4))) /* VCBPR: group 1 uses group 0's binary point */
        return bpr0 + 1;
    return MAX((vmcr >> 18) & 7u, least + 1);
}

/*
 * Priority of the interrupt that the guest handles, from the active-priority bits; 0x100 if none.
 */
static unsigned running_priority(const struct gic_vcpu_regs *r)
{
    unsigned shift = 8u - MIN(MAX(gic_info.pre_bits, 5u), 7u);

    for (unsigned i = 0; i < 4; i++) {
        uint32_t bits = r->ap0r[i] | r->ap1r[i];
        if (bits)
            return (i * 32u + (unsigned)__builtin_ctz(bits)) << shift;
    }
    return 0x100;
}

static bool would_take(const struct vgic_irq *irq, const struct gic_vcpu_regs *r)
{
    unsigned group_mask = ~0u << binary_point(r->vmcr, irq->group1);

    return (r->vmcr & (irq->group1 ? 2u : 1u)) && irq->priority < (r->vmcr >> 24) &&
           (irq->priority & group_mask) < (running_priority(r) & ~(~group_mask & 0xffu));
}

bool vgic_has_pending(struct vcpu *v)
{
    struct vgic_vcpu *g = &v->vgic;
    bool found = false;

    /*
     * The vCPU is marked blocked before its interrupts are examined.  This fence pairs with the one
     * in vgic_notify: either this CPU sees the new interrupt, or vgic_notify sees the vCPU blocked
     * and wakes it.
     */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    /* The CPU that adds an interrupt to `pending` after this check also wakes the vCPU. */
    if (list_empty(&g->pending))
        return false;
    spin_lock(&g->lock);
    bool here = g->cpu == (int)cpu_id();
    struct gic_vcpu_regs regs = g->regs;
    struct moved moved = { .count = 0 };
    uint32_t ctlr = __atomic_load_n(&v->domain->vgic.ctlr, __ATOMIC_ACQUIRE);
    if (here) {
        gic->save(&regs);
        pull(v);
        prune(v, &moved);
    }
    list_for_each(it, &g->pending)
    {
        struct vgic_irq *irq = list_entry(it, struct vgic_irq, link);
        if (g->cpu >= 0 && !here)
            found |= irq->lr_pending || (!irq->active && deliverable(irq, ctlr));
        else
            found |= !irq->active && deliverable(irq, ctlr) && would_take(irq, &regs);
    }
    if (here)
        push(v);
    spin_unlock(&g->lock);
    send_moved(v, &moved);
    return found;
}
