/* SPDX-License-Identifier: BSD-2-Clause */
/* Types: a page table. pt.h has the functions. */
#ifndef XL_PT_TYPES_H
#define XL_PT_TYPES_H

#include "types.h"

struct pt_geometry {
    /* root_pages: concatenated tables at the root (stage 2). */
    uint8_t input_bits, root_level, root_pages;
    bool stage2;
};

struct pt {
    const struct pt_geometry *geo;
    paddr_t root;        /* geo->root_pages consecutive pages */
    uint64_t table_bits; /* extra bits of table descriptors (PTE_S2_TABLE_BITS for a p2m) */
    /*
     * TLB flush for a live entry that changed, on all CPUs, complete on return.  `table`: the entry
     * was a table descriptor, so TLBs may hold translations for its whole span.  Otherwise only for
     * the one block or page at addr.
     */
    void (*flush)(struct pt *pt, uint64_t addr, unsigned level, bool table);
    /* Called when addr's root entry has become the table descriptor `desc`.  NULL: no call. */
    void (*table_linked)(struct pt *pt, uint64_t addr, uint64_t desc);
    /*
     * Called when a table of `level` is unlinked, before it is freed.  When it returns, no CPU may
     * access the table any more.  NULL: no call.
     */
    void (*table_gone)(struct pt *pt, uint64_t addr, unsigned level);
    /*
     * Allocates a zeroed page for a table; PA(0): no memory.  NULL: mem_alloc() and mem_free().
     * free_table frees such a page.
     */
    paddr_t (*alloc_table)(struct pt *pt);
    void (*free_table)(struct pt *pt, paddr_t table);
    void *owner;
    uint64_t *table_pages; /* number of tables below the root, or NULL */
};

#endif
