/* SPDX-License-Identifier: BSD-2-Clause */
/* Event channels: ports and how they are bound.  Locks and references: see evtchn.h. */
#include "abi.h"
#include "domain_ref.h"
#include "evtchn.h"
#include "log.h"
#include "mm.h"
#include "panic.h"
#include "preempt.h"
#include "rights.h"

#define CLOSES_A_LOOK 64u

struct evtchn *evtchn_port(struct domain *d, uint32_t port)
{
    if (port >= d->evtchn.valid)
        return NULL;
    return &d->evtchn.page[port / EVTCHN_PAGE_PORTS][port % EVTCHN_PAGE_PORTS];
}

static struct vcpu *vcpu_of(struct domain *d, uint32_t id)
{
    return id < MAX_VCPUS ? d->vcpu[id] : NULL;
}

/* ---- allocation ---- */

static int add_page(struct evtchn_table *t)
{
    struct evtchn *page = mem_alloc(EVTCHN_PAGE_PORTS * sizeof(*page));

    if (!page)
        return -XEN_ENOMEM;
    t->page[t->valid / EVTCHN_PAGE_PORTS] = page;
    t->valid += EVTCHN_PAGE_PORTS;
    return 0;
}

/* The lowest free port: a domain built the same way gets the same numbers.  The caller
 * sets the state. */
static int alloc_port(struct domain *d, uint32_t *port)
{
    ASSERT_LOCKED(&d->evtchn.lock);
    struct evtchn_table *t = &d->evtchn;

    if (d->state >= DOM_DYING)
        return -XEN_EINVAL;
    for (uint32_t p = t->next_free; p <= t->max_port && p < EVTCHN_PORTS; p++) {
        int rc = p < t->valid ? 0 : add_page(t);

        if (rc)
            return rc;
        if (!evtchn_in_use(evtchn_port(d, p))) {
            t->next_free = p + 1;
            *port = p;
            return 0;
        }
    }
    return -XEN_ENOSPC;
}

static unsigned free_port(struct domain *d, uint32_t port, struct evtchn *c)
{
    ASSERT_LOCKED(&d->evtchn.lock);
    *c = (struct evtchn){ .state = EVTCHNSTAT_closed };
    if (port < d->evtchn.next_free)
        d->evtchn.next_free = port;
    return evtchn_2l_clear_pending(d, port);
}

/* Lock the event channels of two domains, lower domain id first. */
static void lock_pair(struct domain *a, struct domain *b)
{
    if (a == b) {
        spin_lock(&a->evtchn.lock);
        return;
    }
    bool a_first = a->id != b->id ? a->id < b->id : a < b;
    spin_lock(a_first ? &a->evtchn.lock : &b->evtchn.lock);
    spin_lock(a_first ? &b->evtchn.lock : &a->evtchn.lock);
}

static void unlock_pair(struct domain *a, struct domain *b)
{
    spin_unlock(&a->evtchn.lock);
    if (a != b)
        spin_unlock(&b->evtchn.lock);
}

int evtchn_alloc_consumer(struct domain *d, domid_t remote, uint8_t consumer, uint32_t *port)
{
    spin_lock(&d->evtchn.lock);
    int rc = alloc_port(d, port);
    if (rc == 0)
        *evtchn_port(d, *port) = (struct evtchn){
            .state = EVTCHNSTAT_unbound,
            .remote_dom = remote,
            .consumer = consumer,
        };
    spin_unlock(&d->evtchn.lock);
    return rc;
}

int evtchn_alloc_unbound(struct domain *d, domid_t remote, uint32_t *port)
{
    return evtchn_alloc_consumer(d, remote, 0, port);
}

/* ---- bind ---- */

static int connect(struct domain *d, struct domain *rd, uint32_t rport, uint32_t *port)
{
    ASSERT_LOCKED(&d->evtchn.lock);
    ASSERT_LOCKED(&rd->evtchn.lock);
    struct evtchn *rc_chn = evtchn_port(rd, rport);
    int rc;

    if (!rc_chn || rc_chn->state != EVTCHNSTAT_unbound || rc_chn->remote_dom != d->id)
        return -XEN_EINVAL;
    if (rd->state >= DOM_DYING)
        return -XEN_EINVAL;
    if (!may_talk(d, rd))
        return -XEN_EPERM;
    rc = alloc_port(d, port);
    if (rc)
        return rc;
    /*
     * Each end holds a reference to the other's domain.  The caller holds both, so this cannot
     * fail.
     */
    BUG_ON(!domain_ref(rd) || !domain_ref(d));
    *evtchn_port(d, *port) = (struct evtchn){
        .state = EVTCHNSTAT_interdomain,
        .remote_dom = rd->id,
        .remote_port = rport,
        .remote = rd,
    };
    rc_chn->state = EVTCHNSTAT_interdomain;
    rc_chn->remote_port = *port;
    rc_chn->remote = d;
    return 0;
}

int evtchn_bind_interdomain(struct domain *d, domid_t remote, uint32_t remote_port, uint32_t *port)
{
    struct domain *rd = domain_get(remote);
    unsigned wrote = 0;

    if (!rd)
        return -XEN_ESRCH;
    lock_pair(d, rd);
    int rc = connect(d, rd, remote_port, port);
    if (rc == 0) /* the peer may have sent an event before this port existed */
        wrote = evtchn_2l_set_pending(d, *port, 0);
    unlock_pair(d, rd);
    evtchn_mark(d, 0, wrote);
    domain_put(rd);
    return rc;
}

int evtchn_bind_virq(struct domain *d, uint32_t virq, uint32_t vcpu, uint32_t *port)
{
    int rc;

    if (virq >= NR_VIRQS || (evtchn_virq_is_global(virq) && vcpu != 0))
        return -XEN_EINVAL;
    if (!vcpu_of(d, vcpu))
        return -XEN_ENOENT;
    spin_lock(&d->evtchn.lock);
    uint16_t *bound = &d->evtchn.virq_port[vcpu][virq];
    rc = *bound ? -XEN_EEXIST : alloc_port(d, port);
    if (rc == 0) {
        *evtchn_port(d, *port) = (struct evtchn){
            .state = EVTCHNSTAT_virq,
            .virq = (uint16_t)virq,
            .vcpu = (uint16_t)vcpu,
        };
        *bound = (uint16_t)*port;
    }
    spin_unlock(&d->evtchn.lock);
    return rc;
}

int evtchn_bind_ipi(struct domain *d, uint32_t vcpu, uint32_t *port)
{
    if (!vcpu_of(d, vcpu))
        return -XEN_ENOENT;
    spin_lock(&d->evtchn.lock);
    int rc = alloc_port(d, port);
    if (rc == 0)
        *evtchn_port(d, *port) = (struct evtchn){ .state = EVTCHNSTAT_ipi, .vcpu = (uint16_t)vcpu };
    spin_unlock(&d->evtchn.lock);
    return rc;
}

int evtchn_bind_vcpu(struct domain *d, uint32_t port, uint32_t vcpu)
{
    int rc = -XEN_EINVAL;

    if (!vcpu_of(d, vcpu))
        return -XEN_ENOENT;
    spin_lock(&d->evtchn.lock);
    struct evtchn *c = evtchn_port(d, port);
    if (c && !c->consumer &&
        (c->state == EVTCHNSTAT_unbound || c->state == EVTCHNSTAT_interdomain ||
         (c->state == EVTCHNSTAT_virq && evtchn_virq_is_global(c->virq)))) {
        c->vcpu = (uint16_t)vcpu;
        rc = 0;
    }
    spin_unlock(&d->evtchn.lock);
    return rc;
}

int evtchn_status(struct domain *d, uint32_t port, struct evtchn_status *status)
{
    spin_lock(&d->evtchn.lock);
    const struct evtchn *c = evtchn_port(d, port);
    if (c) {
        status->status = c->state == EVTCHN_RESERVED ? EVTCHNSTAT_closed : c->state;
        status->vcpu = c->vcpu;
        if (c->state == EVTCHNSTAT_unbound) {
            status->u.unbound.dom = c->remote_dom;
        } else if (c->state == EVTCHNSTAT_interdomain) {
            status->u.interdomain.dom = c->remote_dom;
            status->u.interdomain.port = c->remote_port;
        } else if (c->state == EVTCHNSTAT_virq) {
            status->u.virq = c->virq;
        }
    }
    spin_unlock(&d->evtchn.lock);
    return c ? 0 : -XEN_EINVAL;
}

/* ---- close ---- */

/* All kinds but interdomain. */
static unsigned close_local(struct domain *d, uint32_t port, struct evtchn *c)
{
    ASSERT_LOCKED(&d->evtchn.lock);
    if (c->state == EVTCHNSTAT_virq)
        d->evtchn.virq_port[evtchn_virq_is_global(c->virq) ? 0 : c->vcpu][c->virq] = 0;
    return free_port(d, port, c);
}

/* The peer's end waits for us to bind again.  The caller drops the two references. */
static unsigned disconnect(struct domain *d, uint32_t port, struct evtchn *c)
{
    ASSERT_LOCKED(&c->remote->evtchn.lock);
    struct evtchn *peer = evtchn_port(c->remote, c->remote_port);

    peer->state = EVTCHNSTAT_unbound;
    peer->remote_dom = d->id;
    peer->remote_port = 0;
    peer->remote = NULL;
    return free_port(d, port, c);
}

static int close_interdomain(struct domain *d, struct domain *rd, uint32_t port, unsigned *wrote)
{
    lock_pair(d, rd);
    struct evtchn *c = evtchn_port(d, port);
    bool same = c && c->state == EVTCHNSTAT_interdomain && c->remote == rd;
    if (same)
        *wrote = disconnect(d, port, c);
    unlock_pair(d, rd);
    if (same) { /* drop the references that the two ports held */
        domain_put(rd);
        domain_put(d);
    }
    return same ? 0 : -XEN_EAGAIN;
}

int evtchn_close(struct domain *d, uint32_t port, bool guest)
{
    struct domain *rd;
    unsigned wrote = 0;
    int rc;

    /*
     * Repeat only if the port changed between the two looks: its peer closed it, or it was reused.
     */
    do {
        rd = NULL;
        rc = 0;
        spin_lock(&d->evtchn.lock);
        struct evtchn *c = evtchn_port(d, port);
        if (!c || !evtchn_in_use(c) || c->state == EVTCHN_RESERVED || (guest && c->consumer)) {
            rc = -XEN_EINVAL;
        } else if (c->state == EVTCHNSTAT_interdomain) {
            rd = c->remote;
            BUG_ON(!domain_ref(rd));
        } else {
            wrote = close_local(d, port, c);
        }
        spin_unlock(&d->evtchn.lock);
        if (rd) {
            rc = close_interdomain(d, rd, port, &wrote);
            domain_put(rd);
        }
    } while (rc == -XEN_EAGAIN);
    evtchn_mark(d, 0, wrote & EVTCHN_WROTE_SHARED);
    return rc;
}

static int close_from(struct domain *d, uint32_t *next, bool guest)
{
    for (uint32_t port = MAX(*next, 1u); port < d->evtchn.valid; port++) {
        evtchn_close(d, port, guest);
        *next = port + 1;
        if (port % CLOSES_A_LOOK == 0 && hypercall_preempt_check())
            return -XEN_ERESTART;
    }
    return 0;
}

/*
 * A guest that resets from two vCPUs at once, or binds ports meanwhile, may find fewer ports closed
 * than it expects.
 */
int evtchn_reset(struct domain *d)
{
    int rc = close_from(d, &d->evtchn.reset_next, true);

    if (!rc)
        d->evtchn.reset_next = 0;
    return rc;
}

int evtchn_relinquish(struct domain *d) { return close_from(d, &d->evtchn.relinquish_next, false); }

/* ---- life ---- */

int evtchn_init(struct domain *d)
{
    struct evtchn_table *t = &d->evtchn;
    uint32_t limit = t->max_port ? MIN(t->max_port, EVTCHN_PORTS - 1) : EVTCHN_PORTS - 1;

    *t = (struct evtchn_table){ .max_port = limit, .next_free = 1 };
    int rc = add_page(t);
    if (rc == 0)
        t->page[0][0].state = EVTCHN_RESERVED;
    return rc;
}

void evtchn_destroy(struct domain *d)
{
    struct evtchn_table *t = &d->evtchn;
    uint32_t valid = t->valid;

    for (uint32_t port = MAX(t->relinquish_next, 1u); port < valid; port++)
        evtchn_close(d, port, false);
    spin_lock(&t->lock);
    t->valid = 0;
    spin_unlock(&t->lock);
    for (unsigned i = 0; i < ARRAY_SIZE(t->page); i++) {
        if (t->page[i])
            mem_free(t->page[i], EVTCHN_PAGE_PORTS * sizeof(*t->page[i]));
        t->page[i] = NULL;
    }
}

void evtchn_dump(struct domain *d)
{
    static const char *const name[] = { "closed", "unbound", "interdomain", "pirq",
                                        "virq",   "ipi",     "reserved" };

    log_info("event channels of domain %u: port [pending/mask]\n", d->id);
    for (uint32_t port = 1; port < d->evtchn.valid; port++) {
        spin_lock(&d->evtchn.lock);
        const struct evtchn *at = evtchn_port(d, port);
        struct evtchn c = at ? *at : (struct evtchn){ .state = EVTCHNSTAT_closed };
        spin_unlock(&d->evtchn.lock);
        if (!evtchn_in_use(&c))
            continue;
        const struct shared_info *s = d->shared_info;
        log_info("  %4u [%u/%u]: %s vcpu %u dom %u port %u virq %u%s\n", port,
                 s ? (unsigned)(s->evtchn_pending[port / 64] >> (port % 64)) & 1u : 0u,
                 s ? (unsigned)(s->evtchn_mask[port / 64] >> (port % 64)) & 1u : 0u, name[c.state],
                 c.vcpu, c.remote_dom, c.remote_port, c.virq, c.consumer ? " (hypervisor)" : "");
    }
}
