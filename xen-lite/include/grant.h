/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Grant tables, version 1.  public/grant_table.h
 *   grant.c         the table: frames, pins, state records
 *   grant_map.c     map, unmap, cache flush
 *   grant_copy.c    copy
 *   grant_op.c      the hypercall, and the calls about the table itself
 *
 * Theory of operation.  A domain (the granter) writes entries into frames that it shares with the
 * hypervisor.  Another domain (the grantee) names an entry and gets access to the page behind it.
 * While an entry is in use it is *pinned*.  Its struct grant_pin keeps the page that the entry
 * named when it was pinned, the grantee, and the numbers of readers and writers; what the granter
 * writes into the entry meanwhile has no effect.  Each use holds a reference to the page.  The
 * granter sees GTF_reading and GTF_writing in the entry.  They are set with the first pin and
 * cleared with the last.
 *
 * A mapping has one pin and one handle.  The handle remembers the granter, the page, and the place
 * in the grantee's map.  It holds a reference to the granter, so a domain exists as long as its
 * pages are mapped.  A stage-2 entry of type P2M_GRANT holds no reference itself.  A handle is
 * freed only after the entry at its place is gone.
 *
 * Locks: a granter's grant.lock covers frames, gfn[] and pins; a grantee's grant.lock covers its
 * handles.  Two grant locks are never held together.  A handle in state BUSY belongs to the call
 * that made it BUSY.
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
 * Limits as in struct xen_domctl_createdomain: frames of the table and of the maptrack.  A negative
 * value (as int32) selects the default.  One frame exists from the start.  0, -XEN_EINVAL,
 * -XEN_ENOMEM.
 */
int grant_init(struct domain *d, uint32_t max_frames, uint32_t max_maptrack);
/*
 * Drops everything that d has mapped of other domains.  d is dying and none of its vCPUs runs.
 * Preemptible: -XEN_ERESTART.
 */
int grant_release_mappings(struct domain *d);
/* Called with the last reference to d, not before: other domains' handles need the pins. */
void grant_destroy(struct domain *d);
long do_grant_table_op(unsigned cmd, uint64_t arg, unsigned count);
/*
 * XENMAPSPACE_grant_table: maps frame idx at gfn; the table grows if needed.  The same call again
 * has no effect; another gfn moves the frame.  `page`, if not NULL, gets the frame.  Errors as
 * grant_grow.
 */
int grant_map_frame(struct domain *d, uint64_t idx, uint64_t gfn, struct page **page);
/*
 * Frame idx with a reference, for XENMEM_acquire_resource; the table grows if needed.  Errors as
 * grant_grow.
 */
int grant_get_frame(struct domain *d, uint64_t idx, struct page **page);
void grant_dump(struct domain *d);

/* ---- among grant*.c ---- */
/* Pin an entry for `by`. GNTST_okay with a reference on *page; else why not.
 * The caller holds no grant lock. */
int16_t grant_acquire(struct domain *granter, uint32_t ref, domid_t by, bool readonly,
                      struct page **page);
/* Drops pin and reference. */
void grant_release(struct domain *granter, uint32_t ref, bool readonly);
int16_t grant_swap(struct domain *d, uint32_t a, uint32_t b);
/*
 * Grows the table to at least `frames` frames.  The caller holds d->grant.lock.  0, -XEN_EINVAL,
 * -XEN_ENOMEM; -XEN_ERESTART: call again.
 */
int grant_grow(struct domain *d, uint32_t frames);
void grant_map_one(struct domain *d, struct gnttab_map_grant_ref *op); /* sets op->status */
int16_t grant_unmap(struct domain *d, uint32_t handle, uint64_t host_addr);
void grant_copy_one(struct domain *d, struct gnttab_copy *op);
int grant_cache_flush(struct domain *d, const struct gnttab_cache_flush *op);

/*
 * State records.  On the new host the frames are empty and the guest grants anew.  "check" tells
 * whether "set" will find room.
 */
struct xlr_grant;
void grant_get(struct domain *d, struct xlr_grant *r);
int grant_check(struct domain *d, const struct xlr_grant *r);
int grant_set(struct domain *d, const struct xlr_grant *r);
#endif
