/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of domains: look-up and references.  domain_ref.c */
#ifndef XL_DOMAIN_REF_H
#define XL_DOMAIN_REF_H

#include "domain_types.h"

extern struct domain *dom0;

/*
 * The domain with this id (DOMID_SELF is allowed), with a reference.  NULL: none, or its teardown
 * is complete.
 */
struct domain *domain_get(domid_t id);
/*
 * The domain with the lowest id >= first, with a reference; NULL: none.  Includes dying domains,
 * for listings.
 */
struct domain *domain_get_next(domid_t first);
/* Takes another reference.  False: the last reference is gone already. */
bool domain_ref(struct domain *d);
/*
 * Drops a reference.  The last one only queues the domain for domain_reap, so any lock may be held.
 */
void domain_put(struct domain *d);
domid_t domain_free_id(void);        /* a free domain id; DOMID_INVALID: none */
int domain_insert(struct domain *d); /* enters d in the list; 0, -XEN_EEXIST, -XEN_ENOMEM */
/* Takes one domain without references off the queue, to free it.  NULL: none. */
struct domain *domain_take_dead(void);

/* True for dom0.  Without XSM, dom0 may act on every domain, and a guest only on itself. */
static inline bool domain_is_control(const struct domain *d) { return d->privileged; }

#endif
