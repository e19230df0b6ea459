/* SPDX-License-Identifier: BSD-2-Clause */
/* Types: a domain's grant table.  grant.h explains it. */
#ifndef XL_GRANT_TYPES_H
#define XL_GRANT_TYPES_H

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
#define GRANT_FRAME_HANDLES       256u /* handles per maptrack frame, as in Xen */
#define GRANT_NO_GFN              (~0ull)

struct grant_pin {     /* Per entry. */
    struct page *page; /* while pinned */
    uint16_t domid;    /* the grantee: one domain at a time */
    uint16_t readers, writers;
};
enum grant_map_state { GRANT_HANDLE_FREE, GRANT_HANDLE_BUSY, GRANT_HANDLE_MAPPED };
struct grant_map { /* one per handle */
    struct page *page;
    struct domain *granter; /* a reference is held */
    uint32_t gfn, ref;
    uint32_t next; /* free list */
    uint8_t state, readonly;
};
#define GRANT_CHUNK_HANDLES 128u
struct grant_table {
    spinlock_t lock;
    uint32_t max_frames, max_maptrack, frame_count; /* max_maptrack: handles */
    struct page *frame[GRANT_FRAMES_MAX];           /* of the hypervisor */
    uint64_t gfn[GRANT_FRAMES_MAX];          /* where each frame is mapped; GRANT_NO_GFN: nowhere */
    struct grant_pin *pin[GRANT_FRAMES_MAX]; /* GRANT_FRAME_ENTRIES per frame */
    struct grant_map **track; /* chunks of GRANT_CHUNK_HANDLES handles, allocated at first use */
    uint32_t track_count, track_free,
        release_next; /* handles that have a struct; head of the free list; cursor of teardown */
};

#endif
