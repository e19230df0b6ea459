/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Grant tables, version 1.  public/grant_table.h
 *   grant.c         the table: frames, pins, state records
 *   grant_map.c     map, unmap, cache flush
 *   grant_copy.c    copy
 *   grant_op.c      the hypercall, and the calls about the table itself
 *
 * Theory of operation.  A domain (the granter) writes entries into frames that it shares with the
 * hypervisor; another (the grantee) names one and gets at the page behind it.  While anybody uses
 * an entry it is *pinned*: grant_pin keeps the page that it named at that time, who uses it, and
 * how many readers and writers there are, whatever the granter writes into the entry meanwhile;
 * each use holds a reference on the page.  The granter sees GTF_reading and GTF_writing in the
 * entry, set and cleared together with the first and last pin.
 *
 * A mapping is one pin and one handle.  The handle remembers the granter (referenced, so that a
 * domain stays as long as its pages are mapped), the page and the place in the grantee's map.  A
 * stage-2 entry of type P2M_GRANT holds no reference: its handle does, and a handle goes only when
 * the entry at its place is gone.
 *
 * Locks: a granter's grant.lock covers frames, gfn[] and pins; a grantee's covers its handles.  No
 * two grant locks are ever held together: a handle in the state BUSY belongs to the one who made it
 * so.
 */
#ifndef XL_GRANT_H
#define XL_GRANT_H
#include "types.h"
#include <xen/xen.h>
#include <xen/grant_table.h>
#include "grant_types.h"
struct domain;
struct page;
/*
 * Limits as in struct xen_domctl_createdomain: frames of the table, and of the maptrack. Negative
 * (as int32): default. One frame is there from the start. 0, -XEN_EINVAL, -XEN_ENOMEM.
 */
int grant_init(struct domain *d, uint32_t max_frames, uint32_t max_maptrack);
/* What d mapped of others; d is dying and none of its vCPUs runs. Preemptible: -XEN_ERESTART. */
int grant_release_mappings(struct domain *d);
void grant_destroy(
    struct domain *d); /* with the last reference on d, not before: others' handles need the pins */
long do_grant_table_op(unsigned cmd, uint64_t arg, unsigned count);
/*
 * XENMAPSPACE_grant_table: frame idx (grown if need be) at gfn. Idempotent for the same gfn; moves
 * otherwise. `page`, if not NULL, gets the frame. As grant_grow.
 */
int grant_map_frame(struct domain *d, uint64_t idx, uint64_t gfn, struct page **page);
/* Frame idx with a reference (grown if need be), for XENMEM_acquire_resource. As grant_grow. */
int grant_get_frame(struct domain *d, uint64_t idx, struct page **page);
void grant_dump(struct domain *d);

/* Among grant*.c. */
/* Pin an entry for `by`. GNTST_okay with a reference on *page; else why not. No lock held. */
int16_t grant_acquire(struct domain *granter, uint32_t ref, domid_t by, bool readonly,
                      struct page **page);
void grant_release(struct domain *granter, uint32_t ref, bool readonly); /* pin and reference */
int16_t grant_swap(struct domain *d, uint32_t a, uint32_t b);
int grant_grow(struct domain *d,
               uint32_t frames); /* to at least that many. lock held. 0, -XEN_EINVAL, -XEN_ENOMEM,
                                    -XEN_ERESTART: not yet */
void grant_map_one(struct domain *d, struct gnttab_map_grant_ref *op); /* sets op->status */
int16_t grant_unmap(struct domain *d, uint32_t handle, uint64_t host_addr);
void grant_copy_one(struct domain *d, struct gnttab_copy *op);
int grant_cache_flush(struct domain *d, const struct gnttab_cache_flush *op);

/* State records: the frames come up empty on the new host; the guest grants anew. check says
 * whether set will find room. */
struct xlr_grant;
void grant_get(struct domain *d, struct xlr_grant *r);
int grant_check(struct domain *d, const struct xlr_grant *r);
int grant_set(struct domain *d, const struct xlr_grant *r);
#endif
