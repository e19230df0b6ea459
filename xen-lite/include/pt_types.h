/* SPDX-License-Identifier: BSD-2-Clause */
/* Types: a page table.  pt.h has its verbs. */
#ifndef XL_PT_TYPES_H
#define XL_PT_TYPES_H

#include "types.h"

struct pt_geometry {
    uint8_t input_bits, root_level, root_pages; /* concatenated root pages (stage 2) */
    bool stage2;
};

struct pt {
    const struct pt_geometry *geo;
    paddr_t root;        /* geo->root_pages consecutive pages */
    uint64_t table_bits; /* or'ed into table descriptors (PTE_S2_TABLE_BITS for a p2m) */
    /*
     * TLB upkeep for a live entry that changed, broadcast and complete on return.  `table`: what
     * stood there was a table, so everything below (the entry's whole span) may be cached;
     * otherwise the one block or page at addr.
     */
    void (*flush)(struct pt *pt, uint64_t addr, unsigned level, bool table);
    /* Addr's root entry has become `desc`, a table.  NULL: nothing to do. */
    void (*table_linked)(struct pt *pt, uint64_t addr, uint64_t desc);
    /* A table page (of `level`) is unlinked and about to be freed: after it returns, nobody may
     * still look.  NULL: nothing to do. */
    void (*table_gone)(struct pt *pt, uint64_t addr, unsigned level);
    /* A zeroed page for a table, PA(0) when there is none; NULL: mem_alloc().  free_table is its
     * opposite. */
    paddr_t (*alloc_table)(struct pt *pt);
    void (*free_table)(struct pt *pt, paddr_t table);
    void *owner;
    uint64_t *table_pages; /* count of tables below the root, or NULL */
};

#endif
