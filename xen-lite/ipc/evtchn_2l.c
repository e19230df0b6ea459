/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 2-level ABI.  shared_info has one pending bit and one mask bit per port; each vCPU's
 * vcpu_info has a selector word and an upcall flag.  A port that becomes pending and is not masked
 * sets its word's bit in the selector.  A selector that gains a bit raises the upcall flag.  A flag
 * that rises raises the event interrupt.  The guest clears them in the same order, flag first, so
 * no event is lost.
 */
#include "dirty.h"
#include "domain_types.h"
#include "evtchn.h"
#include "guest_atomic.h"
#include "panic.h"
#include "sched.h"
#include "vgic.h"

static void raise_upcall(struct vcpu *v)
{
    if (guest_or8(v->domain, &v->info->evtchn_upcall_pending, 1) == 0)
        vgic_inject(v->domain, v, v->domain->evtchn_ppi, true);
    /* An event ends WFI and SCHEDOP_block even if the guest masks the interrupt. */
    vcpu_unblock(v);
}

/* Set the selector's bit, and raise the flag and the interrupt as needed. */
static unsigned select_word(struct domain *d, uint32_t port, unsigned vcpu)
{
    struct vcpu *v = vcpu < MAX_VCPUS ? d->vcpu[vcpu] : NULL;
    uint64_t bit = 1ull << (port / 64);

    if (!v || !v->info)
        return 0;
    if (guest_or64(d, &v->info->evtchn_pending_sel, bit) & bit)
        return 0;
    raise_upcall(v);
    return EVTCHN_WROTE_INFO;
}

/*
 * SCHEDOP_poll sets poll_mask and then reads the pending bits.  This side sets the pending bit and
 * then reads poll_mask, so one of the two sees the other.
 */
static void wake_pollers(struct domain *d, uint32_t port)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < MAX_VCPUS; i++) {
        struct vcpu *v = d->vcpu[i];

        if (!v || !__atomic_load_n(&v->poll_mask, __ATOMIC_RELAXED))
            continue;
        /* `poll_port` is the only port polled, or 0 if there are several. */
        if (v->poll_port != 0 && v->poll_port < EVTCHN_PORTS && v->poll_port != port)
            continue;
        vcpu_unblock(v);
    }
}

unsigned evtchn_2l_set_pending(struct domain *d, uint32_t port, unsigned vcpu)
{
    ASSERT_LOCKED(&d->evtchn.lock);
    struct shared_info *s = d->shared_info;
    uint64_t bit = 1ull << (port % 64);
    unsigned wrote = EVTCHN_WROTE_SHARED;

    if (!s)
        return 0;
    if (guest_or64(d, &s->evtchn_pending[port / 64], bit) & bit)
        return 0;
    if (!(__atomic_load_n(&s->evtchn_mask[port / 64], __ATOMIC_SEQ_CST) & bit))
        wrote |= select_word(d, port, vcpu);
    wake_pollers(d, port);
    return wrote;
}

unsigned evtchn_2l_clear_pending(struct domain *d, uint32_t port)
{
    ASSERT_LOCKED(&d->evtchn.lock);
    uint64_t bit = 1ull << (port % 64);

    if (!d->shared_info ||
        !(guest_and64(d, &d->shared_info->evtchn_pending[port / 64], ~bit) & bit))
        return 0;
    return EVTCHN_WROTE_SHARED;
}

unsigned evtchn_2l_unmask(struct domain *d, uint32_t port, unsigned vcpu)
{
    ASSERT_LOCKED(&d->evtchn.lock);
    struct shared_info *s = d->shared_info;
    uint64_t bit = 1ull << (port % 64);
    unsigned wrote = EVTCHN_WROTE_SHARED;

    if (!s || !(guest_and64(d, &s->evtchn_mask[port / 64], ~bit) & bit))
        return 0;
    if (__atomic_load_n(&s->evtchn_pending[port / 64], __ATOMIC_SEQ_CST) & bit)
        wrote |= select_word(d, port, vcpu);
    return wrote;
}

/*
 * Mark after the write: a harvest that comes between write and mark reports the page in the next
 * round.
 */
void evtchn_mark(struct domain *d, unsigned vcpu, unsigned wrote)
{
    ASSERT_UNLOCKED(&d->evtchn.lock);
    const struct vcpu *v = vcpu < MAX_VCPUS ? d->vcpu[vcpu] : NULL;
    bool in_shared = v && v->info_ipa.v == ~0ull;

    if (!wrote || !d->p2m.logging)
        return;
    if (d->shared_ipa.v != ~0ull && ((wrote & EVTCHN_WROTE_SHARED) || in_shared))
        dirty_mark(d, d->shared_ipa);
    if ((wrote & EVTCHN_WROTE_INFO) && v && !in_shared)
        dirty_mark(d, v->info_ipa);
}

bool evtchn_vcpu_pending(const struct vcpu *v)
{
    const struct vcpu_info *info = __atomic_load_n(&v->info, __ATOMIC_RELAXED);

    return info && __atomic_load_n(&info->evtchn_upcall_pending, __ATOMIC_SEQ_CST);
}

void evtchn_upcall(struct vcpu *v)
{
    spin_lock(&v->domain->evtchn.lock);
    if (evtchn_vcpu_pending(v)) {
        vgic_inject(v->domain, v, v->domain->evtchn_ppi, true);
        vcpu_unblock(v);
    }
    spin_unlock(&v->domain->evtchn.lock);
}
