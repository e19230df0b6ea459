/* SPDX-License-Identifier: BSD-2-Clause */
/* Types: a page table.  pt.h has its functions. */
#ifndef XL_PT_TYPES_H
#define XL_PT_TYPES_H

#include "types.h"

struct pt_geometry {
    uint8_t input_bits, root_level, root_pages; /* root_pages: concatenated (stage 2) */
    bool stage2;
};

struct pt {
    const struct pt_geometry *geo;
    paddr_t root;        /* geo->root_pages consecutive pages */
    uint64_t table_bits; /* or'ed into table descriptors (PTE_S2_TABLE_BITS for a p2m) */
    /*
     * TLB maintenance after a live entry has changed; broadcast, and complete on return.  `table`:
     * the old entry was a table, so everything in its span may be cached; otherwise only the block
     * or page at addr.
     */
    void (*flush)(struct pt *pt, uint64_t addr, unsigned level, bool table);
    /* The root entry of addr has become `desc`, a table.  NULL: nothing to do. */
    void (*table_linked)(struct pt *pt, uint64_t addr, uint64_t desc);
    /*
     * A table page of `level` is unlinked and will be freed.  After this returns, no CPU may still
     * read it.  NULL: nothing to do.
     */
    void (*table_gone)(struct pt *pt, uint64_t addr, unsigned level);
    /*
     * Allocates a zeroed page for a table; PA(0): out of memory.  NULL: mem_alloc() does it.
     * free_table is the counterpart.
     */
    paddr_t (*alloc_table)(struct pt *pt);
    void (*free_table)(struct pt *pt, paddr_t table);
    void *owner;
    uint64_t *table_pages; /* count of tables below the root, or NULL */
};

#endif
