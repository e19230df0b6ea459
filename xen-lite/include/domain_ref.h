/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of domains: look-up and references.  domain_ref.c */
#ifndef XL_DOMAIN_REF_H
#define XL_DOMAIN_REF_H

#include "domain_types.h"

extern struct domain *dom0;

/* By id, or DOMID_SELF.  With a reference; NULL: no such domain, or it is dead. */
struct domain *domain_get(domid_t id);
/* Lowest id >= first, with a reference, or NULL.  For lists: includes dying domains. */
struct domain *domain_get_next(domid_t first);
/* Another reference to a domain that exists; false if it is being freed. */
bool domain_ref(struct domain *d);
/* Any lock may be held: the last reference only queues the domain for domain_reap. */
void domain_put(struct domain *d);
domid_t domain_free_id(void);          /* a free id, or DOMID_INVALID */
int domain_insert(struct domain *d);   /* adds it to the list; 0, -XEN_EEXIST, -XEN_ENOMEM */
struct domain *domain_take_dead(void); /* a domain without references, to be freed; NULL: none */

/* May `d` act on `target`?  As Xen without XSM: dom0 on every domain, a guest on itself. */
static inline bool domain_is_control(const struct domain *d) { return d->privileged; }

#endif
