/* SPDX-License-Identifier: BSD-2-Clause */
/* Types: a domain's stage 2 and its dirty log. p2m.h and dirty.h have the functions. */
#ifndef XL_P2M_TYPES_H
#define XL_P2M_TYPES_H

#include "cpu_types.h"
#include "pt_types.h"
#include "spinlock.h"

#define DIRTY_REGIONS (1u << (IPA_BITS - BLOCK_SHIFT))
/*
 * `region` has one bit per 2 MiB of guest-physical space: a page in it may be dirty.  The bits are
 * not kept if the hardware records dirty state.  The array lives as long as the domain: a
 * write-fault handler that has set its leaf writable may set the region's bit after logging was
 * turned off.
 */
struct dirty_log {
    enum { DIRTY_OFF, DIRTY_ENABLING, DIRTY_ON, DIRTY_DISABLING } state;
    /*
     * The log is being enabled for a domain that has never run: pages that its builder wrote start
     * dirty.
     */
    bool of_new_domain;
    uint64_t cursor; /* gfn: progress of enabling or disabling */
    uint64_t rounds;
    uint64_t *region; /* DIRTY_REGIONS bits */
    /* Background splitting (dirty_eager.c) is under way, at gfn split_cursor. */
    bool splitting;
    uint64_t split_cursor;
};

struct p2m {
    spinlock_t lock;
    struct pt pt;
    /* Slot for look-ups, read with vlpt_slot().  -1: look-ups walk the tables. */
    int vlpt_slot;
    int vlpt_window; /* the slot that this p2m owns, or -1 */
    /*
     * Leaf window of the slot, indexed with the gfn. entry.S reads it directly; C code uses
     * vlpt_leaves().  NULL: look-ups walk the tables.
     */
    uint64_t *window;
    uint64_t max_gfn; /* highest gfn mapped so far */
    /*
     * logging: new RAM leaves are logged. hw_dirty: the hardware records dirty state (DBM).
     * dirty.c.
     */
    bool logging, hw_dirty;
    struct dirty_log log;
    uint64_t relinquish_gfn; /* cursor of p2m_relinquish */
    /*
     * The table before the cursor: its descriptor, already out of the map, while its leaves are
     * dropped. 0: none.
     */
    uint64_t relinquish_table;
    /* Next entry of that table. */
    unsigned relinquish_entry;
    unsigned gone_count;
    /*
     * Leaves that p2m_unmap_later cleared and TLBs may still hold, gone_count of them: a page, or
     * NULL.
     */
    uint64_t *gone;
    struct timer gone_timer;
    uint64_t eager_count; /* blocks of split_count that were split in the background */
    uint64_t split_count, merge_count, fault_count, spurious_count, table_pages;
};

#endif
