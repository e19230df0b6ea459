/* SPDX-License-Identifier: BSD-2-Clause */
/* Types: a domain's stage 2, and its dirty log.  p2m.h and dirty.h have their functions. */
#ifndef XL_P2M_TYPES_H
#define XL_P2M_TYPES_H

#include "cpu_types.h"
#include "pt_types.h"
#include "spinlock.h"

#define DIRTY_REGIONS (1u << (IPA_BITS - BLOCK_SHIFT))
/*
 * One bit for each 2 MiB of guest-physical space: something in it may be dirty (not kept when the
 * hardware sets dirty state).  It lives as long as its domain: a handler that has set its W may be
 * on the way to the region's bit when logging has long been turned off.
 */
struct dirty_log {
    enum { DIRTY_OFF, DIRTY_ENABLING, DIRTY_ON, DIRTY_DISABLING } state;
    bool of_new_domain; /* ENABLING, and it has never run: what its builder wrote starts dirty */
    uint64_t cursor;    /* gfn: progress of enabling and disabling */
    uint64_t rounds;
    uint64_t *region; /* DIRTY_REGIONS bits */
    bool splitting;   /* dirty_eager.c: in the background, gfns from split_cursor on */
    uint64_t split_cursor;
};

struct p2m {
    spinlock_t lock;
    struct pt pt;
    int vlpt_slot;    /* for look-ups, by vlpt_slot(); -1: walk */
    int vlpt_window;  /* the one it has, or -1 */
    uint64_t *window; /* leaf window of vlpt_slot: index with gfn (entry.S does), vlpt_leaves()
                         gives it; NULL: walk */
    uint64_t max_gfn; /* highest mapped so far */
    bool logging, hw_dirty; /* dirty.c: new RAM leaves are logged; by DBM */
    struct dirty_log log;
    uint64_t relinquish_gfn;   /* cursor of p2m_relinquish */
    uint64_t relinquish_table; /* descriptor of the table before it, out of the map, whose leaves
                                  are being dropped; 0: none */
    unsigned relinquish_entry; /* which is next */
    unsigned gone_count;
    uint64_t *gone; /* p2m_unmap_later: leaves that TLBs may still have, some hundred at most; a
                       page, or NULL */
    struct timer gone_timer;
    uint64_t eager_count; /* of split_count, in the background */
    uint64_t split_count, merge_count, fault_count, spurious_count, table_pages;
};

#endif
