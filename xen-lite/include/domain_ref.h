/* SPDX-License-Identifier: BSD-2-Clause */
/* Domains: the list, finding, references.  domain_ref.c */
#ifndef XL_DOMAIN_REF_H
#define XL_DOMAIN_REF_H

#include "domain_types.h"

extern struct domain *dom0;

struct domain *domain_get(domid_t id); /* by id, DOMID_SELF allowed; takes a reference; NULL: none,
                                          or killed to the end */
struct domain *domain_get_next(
    domid_t first); /* lowest id >= first, referenced, or NULL; for lists, dying ones included */
bool domain_ref(struct domain *d); /* another reference to a known live struct */
void domain_put(
    struct domain *d); /* any lock may be held: the last reference only queues it for domain_reap */
domid_t domain_free_id(void);          /* a free id, or DOMID_INVALID */
int domain_insert(struct domain *d);   /* into the list.  0, -XEN_EEXIST, -XEN_ENOMEM */
struct domain *domain_take_dead(void); /* one that nobody refers to, to be freed; NULL: none */

/* Is `d` allowed to act on `target`? Xen without XSM: dom0 on all, a guest on itself. */
static inline bool domain_is_control(const struct domain *d) { return d->privileged; }

#endif
