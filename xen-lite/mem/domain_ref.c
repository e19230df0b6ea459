/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Domains: the list, look-up, and references.
 *
 * References.  The list holds one reference from creation until domain_kill is complete.  Each
 * stored pointer holds another.  The last domain_put may happen under any lock, so it only queues
 * the domain; guest_prepare frees it (domain_reap) with no lock held.  Pages that other domains
 * still map then outlive their owner: the page allocator removes their owner (page_forget_owner),
 * and the last unmapping frees them.
 *
 * list_lock guards the list and the drop of the last reference.  No other lock is taken under it.
 */
#include "abi.h"
#include "arch.h"
#include "cpu.h"
#include "domain_ref.h"
#include "panic.h"

struct domain *dom0;

static spinlock_t list_lock = SPINLOCK_INIT;
static struct list domains = LIST_INIT(domains), corpses = LIST_INIT(corpses);
static unsigned domain_count;

static struct domain *entry(struct list *l) { return list_entry(l, struct domain, link); }

/* ---- look-up ---- */

/* The first with an id of at least `id`. */
static struct domain *at_least(domid_t id)
{
    ASSERT_LOCKED(&list_lock);
    list_for_each(l, &domains) if (entry(l)->id >= id) return entry(l);
    return NULL;
}

/* False if the count has reached zero: the domain is being freed. */
bool domain_ref(struct domain *d)
{
    uint32_t refs = __atomic_load_n(&d->refs, __ATOMIC_RELAXED);
    while (refs)
        if (__atomic_compare_exchange_n(&d->refs, &refs, refs + 1, true, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

/* With a reference, or NULL. */
static struct domain *find(domid_t id)
{
    spin_lock(&list_lock);
    struct domain *d = at_least(id);
    if (d && (d->id != id || !domain_ref(d)))
        d = NULL;
    spin_unlock(&list_lock);
    return d;
}

struct domain *domain_get(domid_t id)
{
    if (id == DOMID_SELF) {
        struct vcpu *v = current_vcpu();
        return v && domain_ref(v->domain) ? v->domain : NULL;
    }
    struct domain *d = find(id);
    if (d && __atomic_load_n(&d->state, __ATOMIC_ACQUIRE) == DOM_DEAD) {
        domain_put(d);
        return NULL;
    }
    return d;
}

struct domain *domain_get_next(domid_t first)
{
    spin_lock(&list_lock);
    struct domain *d = at_least(first);
    while (d && !domain_ref(d))
        d = d->link.next == &domains ? NULL : entry(d->link.next);
    spin_unlock(&list_lock);
    return d;
}

/*
 * Ids are used in turn, as in Xen: a tool that holds the id of a dead domain should not soon meet a
 * new domain with that id.
 */
domid_t domain_free_id(void)
{
    static domid_t last;
    domid_t found = DOMID_INVALID;
    spin_lock(&list_lock);
    for (unsigned tries = 0; tries < DOMID_FIRST_RESERVED && found == DOMID_INVALID; tries++) {
        last = last + 1u < DOMID_FIRST_RESERVED ? (domid_t)(last + 1) : 1;
        struct domain *d = at_least(last);
        if (!d || d->id != last)
            found = last;
    }
    spin_unlock(&list_lock);
    return found;
}

/* Commit: from here on the domain can be found. */
int domain_insert(struct domain *d)
{
    int rc = 0;
    spin_lock(&list_lock);
    struct domain *next = at_least(d->id);
    if (next && next->id == d->id)
        rc = -XEN_EEXIST;
    else if (domain_count >= MAX_DOMAINS)
        rc = -XEN_ENOMEM;
    else
        list_add_before(next ? &next->link : &domains, &d->link), domain_count++;
    spin_unlock(&list_lock);
    return rc;
}

/* ---- references ---- */

static void queue_corpse(struct domain *d)
{
    spin_lock(&list_lock);
    list_del(&d->link);
    domain_count--;
    list_add_tail(&corpses, &d->link);
    spin_unlock(&list_lock);
    __atomic_fetch_or(&this_cpu()->work, WORK_REAP, __ATOMIC_RELAXED);
}

void domain_put(struct domain *d)
{
    uint32_t before = __atomic_fetch_sub(&d->refs, 1, __ATOMIC_ACQ_REL);
    BUG_ON(before == 0);
    if (before == 1)
        queue_corpse(d);
}

struct domain *domain_take_dead(void)
{
    spin_lock(&list_lock);
    struct domain *d = list_empty(&corpses) ? NULL : entry(corpses.next);
    if (d)
        list_del(&d->link);
    spin_unlock(&list_lock);
    return d;
}
