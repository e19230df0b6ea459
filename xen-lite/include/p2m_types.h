/* SPDX-License-Identifier: BSD-2-Clause */
/* Types: a domain's stage 2, and its dirty log.  p2m.h and dirty.h have their functions. */
#ifndef XL_P2M_TYPES_H
#define XL_P2M_TYPES_H

#include "cpu_types.h"
#include "pt_types.h"
#include "spinlock.h"

#define DIRTY_REGIONS (1u << (IPA_BITS - BLOCK_SHIFT))
/*
 * One bit per 2 MiB of guest-physical space: a page in it may be dirty (not kept if the hardware
 * sets dirty state).  The bitmap lives as long as its domain: a fault handler that has set W may
 * set the region's bit long after logging was disabled.
 */
struct dirty_log {
    enum { DIRTY_OFF, DIRTY_ENABLING, DIRTY_ON, DIRTY_DISABLING } state;
    /* ENABLING, and the domain has never run: pages that its builder wrote start dirty */
    bool of_new_domain;
    uint64_t cursor; /* gfn: progress of enabling or disabling */
    uint64_t rounds;
    uint64_t *region; /* DIRTY_REGIONS bits */
    /* dirty_eager.c splits blocks in the background, from split_cursor (a gfn) on */
    bool splitting;
    uint64_t split_cursor;
};

struct p2m {
    spinlock_t lock;
    struct pt pt;
    int vlpt_slot;   /* slot that look-ups use, by vlpt_slot(); -1: they walk */
    int vlpt_window; /* slot that the domain has, or -1 */
    /*
     * Leaf window of vlpt_slot, indexed with the gfn (also by entry.S); vlpt_leaves() returns it;
     * NULL: walk.
     */
    uint64_t *window;
    uint64_t max_gfn;       /* highest gfn mapped so far */
    bool logging, hw_dirty; /* dirty.c: new RAM leaves are logged; hw_dirty: by DBM */
    struct dirty_log log;
    uint64_t relinquish_gfn; /* cursor of p2m_relinquish */
    /* Descriptor of an unlinked table whose leaves are being dropped; 0: none. */
    uint64_t relinquish_table;
    unsigned relinquish_entry; /* next entry of that table */
    unsigned gone_count;
    /* p2m_unmap_later: leaves that TLBs may still have (one page of them), or NULL */
    uint64_t *gone;
    struct timer gone_timer;
    uint64_t eager_count; /* splits in the background; part of split_count */
    uint64_t split_count, merge_count, fault_count, spurious_count, table_pages;
};

#endif
