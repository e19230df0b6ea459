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
#include "spinlock.h"
struct domain;
struct page;
#define GRANT_FRAMES_MAX    64u
#define GRANT_FRAME_ENTRIES (PAGE_SIZE / 8u)
_Static_assert(sizeof(struct grant_entry_v1) == 8, "512 entries a frame");
#define GRANT_MAPTRACK_FRAMES_MAX 1024u
#define GRANT_FRAME_HANDLES \
    256u /* handles that Xen has in a maptrack frame: the unit of max_maptrack */
#define GRANT_NO_GFN (~0ull)

struct grant_pin {     /* of one entry */
    struct page *page; /* while pinned */
    uint16_t domid;    /* who uses it; one domain at a time */
    uint16_t readers, writers;
};
enum grant_map_state { GRANT_HANDLE_FREE, GRANT_HANDLE_BUSY, GRANT_HANDLE_MAPPED };
struct grant_map { /* one per handle */
    struct page *page;
    struct domain *granter; /* referenced */
    uint32_t gfn, ref;
    uint32_t next; /* free list */
    uint8_t state, readonly;
};
#define GRANT_CHUNK_HANDLES 128u
struct grant_table {
    spinlock_t lock;
    uint32_t max_frames, max_maptrack, frame_count; /* max_maptrack: handles */
    struct page *frame[GRANT_FRAMES_MAX];           /* the hypervisor's pages */
    uint64_t gfn[GRANT_FRAMES_MAX];                 /* where mapped, GRANT_NO_GFN nowhere */
    struct grant_pin *pin[GRANT_FRAMES_MAX];        /* GRANT_FRAME_ENTRIES each */
    struct grant_map **track; /* chunks of GRANT_CHUNK_HANDLES; allocated when first used */
    uint32_t track_count, track_free,
        release_next; /* handles that have a struct; head of free list; teardown's cursor */
};

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
/* Pin an entry for `by`. GNTST_okay with a reference on *page; else why not.
 * The caller holds no grant lock. */
int16_t grant_acquire(struct domain *granter, uint32_t ref, domid_t by, bool readonly,
                      struct page **page);
void grant_release(struct domain *granter, uint32_t ref, bool readonly); /* pin and reference */
int16_t grant_swap(struct domain *d, uint32_t a, uint32_t b);
int grant_grow(struct domain *d,
               uint32_t frames); /* to at least that many; the caller holds d->grant.lock. 0,
                                    -XEN_EINVAL, -XEN_ENOMEM, -XEN_ERESTART: not yet */
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
