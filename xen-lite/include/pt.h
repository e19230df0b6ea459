/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page-table walker: one for every regime.  pt.c
 * Geometry is const data; descriptors are 64 bits, 512 to a 4 KiB table, the same on both widths.
 * One function writes live descriptors (pt_write) and owns break-before-make.
 */
#ifndef XL_PT_H
#define XL_PT_H

#include "types.h"
#include "pt_types.h"

extern const struct pt_geometry pt_geometry_stage2;
extern const struct pt_geometry pt_geometry_el2; /* the architecture's */

/*
 * All verbs: the caller serialises writers of one `pt`; addresses and sizes are multiples of the
 * page size and lie inside the input range (-XEN_EINVAL otherwise).  `attrs` are a leaf's bits
 * without PTE_VALID, PTE_TABLE and the address.  They end with the barrier that makes new entries
 * visible to the walkers of all CPUs (EL2's own map: the caller adds its ISB).
 */
/* Map, replacing what was there.  Blocks where alignment allows, at `min_level` or deeper (1: 1
 * GiB, 2: 2 MiB, 3: pages only). 0, or -XEN_ENOMEM: then no address has changed its meaning (tables
 * or splits may be left over). */
int pt_map(struct pt *pt, uint64_t addr, paddr_t pa, uint64_t bytes, uint64_t attrs,
           unsigned min_level);
/* The entry that decides about addr, and its level: a leaf, or an invalid entry (its other bits are
 * the caller's).  No lock needed as long as no table can be freed meanwhile. */
uint64_t pt_lookup(const struct pt *pt, uint64_t addr, unsigned *level);
uint64_t *pt_entry(const struct pt *pt, uint64_t addr, unsigned *level);
/* The same, but going no deeper than `until`: may be a table there. */
uint64_t *pt_entry_upto(const struct pt *pt, uint64_t addr, unsigned until, unsigned *level);
/* Make sure that addr is decided at `level`: allocates tables, splits blocks with their attributes.
 * NULL: no memory. */
uint64_t *pt_entry_at(struct pt *pt, uint64_t addr, unsigned level);
/* If all of the table below addr at level+1 is one contiguous, aligned range with the same
 * attributes: make it a block at `level`.  True if there is a block now. */
bool pt_merge(struct pt *pt, uint64_t addr, unsigned level);
/*
 * The one writer of live descriptors: owns break-before-make.  From invalid: a store.  From valid:
 * a store and the flush when only permissions or software bits differ (no flush for software bits
 * alone); otherwise invalid, flush, store.  A replaced table's page is NOT freed (see
 * pt_free_below).  Returns what stood there.
 */
uint64_t pt_write(struct pt *pt, uint64_t addr, unsigned level, uint64_t *entry, uint64_t desc);
/* A leaf away without the flush: the caller flushes before anything is put there, and before what
 * the leaf maps is given away. */
static inline uint64_t pt_clear_unflushed(uint64_t *entry)
{
    return __atomic_exchange_n(entry, 0, __ATOMIC_SEQ_CST);
}
/* After a table descriptor was replaced by pt_write: tell table_gone, then free it and the tables
 * below it. */
void pt_free_below(struct pt *pt, uint64_t addr, unsigned level, uint64_t old);
/* Visit each deciding entry (leaf or invalid) in [addr, addr+bytes); addr given is the entry's own.
 * A non-zero return stops and is returned.  The visitor may pt_write a leaf, but not free tables.
 */
typedef int pt_visitor(struct pt *pt, uint64_t addr, unsigned level, uint64_t *entry, void *arg);
int pt_walk(struct pt *pt, uint64_t addr, uint64_t bytes, pt_visitor *visit, void *arg);
/* Free all tables below the root (whatever the leaves say), and clear the root.  Nobody uses the
 * map any more. */
void pt_free_all(struct pt *pt);

static inline unsigned pt_shift(unsigned level) { return PAGE_SHIFT + 9u * (3u - level); }
static inline uint64_t pt_span(unsigned level) { return 1ull << pt_shift(level); }

/* Descriptor bits (Arm ARM D8.3, VMSAv8-64; G5/B3.6 long descriptors are the same). */
#define PTE_VALID    (1ull << 0)
#define PTE_TABLE    (1ull << 1) /* levels 0-2: table; level 3: page (must be 1) */
#define PTE_AF       (1ull << 10)
#define PTE_SH_INNER (3ull << 8)
#define PTE_ADDR     0x0000fffffffff000ull
/* Stage 2. */
#define PTE_S2_MEM_WB  (0xfull << 2)
#define PTE_S2_MEM_DEV (0x1ull << 2) /* Device-nGnRE */
#define PTE_S2_R       (1ull << 6)
#define PTE_S2_W       (1ull << 7) /* S2AP[1]: with logging, the dirty bit */
#define PTE_S2_XN      (1ull << 54)
#define PTE_S2_XN_MASK (3ull << 53)
#define PTE_DBM        (1ull << 51)
/*
 * Table descriptors of a stage 2 are also seen by EL2's stage 1, as page descriptors, through the
 * VLPT windows: valid page, MAIR index 0, AP[1] set, read-write, inner shareable, accessed, not
 * executable.  Stage 2 ignores all of these in a table descriptor.
 */
#define PTE_S2_TABLE_BITS (PTE_AF | PTE_SH_INNER | PTE_EL2_AP1 | PTE_EL2_XN)
/* Software bits 55..58 of stage 2 leaves. */
#define PTE_SW_LOGGED (1ull << 55) /* writable by right, and logged: dirty iff S2_W */
#define PTE_SW_EXT                                                                             \
    (1ull << 56) /* has external writers: writable, always dirty while logging; never together \
                    with LOGGED */
#define PTE_SW_TYPE_SHIFT \
    57 /* enum p2m_type in 57..60 (software and ignored bits), invalid leaves too */
#define PTE_SW_TYPE (0xfull << PTE_SW_TYPE_SHIFT)
#define PTE_SW_BITS (PTE_SW_LOGGED | PTE_SW_EXT | PTE_SW_TYPE)
/* EL2 stage 1 */
#define PTE_EL2_ATTR(i) ((uint64_t)(i) << 2) /* MAIR index: 0 normal WB, 1 Device-nGnRE */
#define PTE_EL2_AP1     (1ull << 6)          /* RES1 */
#define PTE_EL2_RO      (1ull << 7)
#define PTE_EL2_XN      (1ull << 54)

#endif
