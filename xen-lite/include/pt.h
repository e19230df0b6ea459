/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page-table walker, for stage 2 and for EL2's own stage 1 (pt.c).  A constant pt_geometry
 * describes the shape of a table tree.  Descriptors have 64 bits, 512 per 4 KiB table, on both
 * widths.  Only pt_write writes live descriptors, and it does break-before-make.
 */
#ifndef XL_PT_H
#define XL_PT_H

#include "types.h"
#include "pt_types.h"

extern const struct pt_geometry pt_geometry_stage2;
extern const struct pt_geometry pt_geometry_el2; /* supplied by the architecture */

/*
 * For all functions below: the caller serialises writers of one `pt`.  Addresses and sizes are in
 * bytes, multiples of the page size, inside the input range (-XEN_EINVAL otherwise).  `attrs` are a
 * leaf's bits without PTE_VALID, PTE_TABLE and the address.  The functions end with the barrier
 * that makes new entries visible to the walkers of all CPUs; for EL2's own map the caller adds an
 * ISB.
 */
/*
 * Maps a range and replaces earlier entries.  Uses blocks where alignment allows, at level
 * `min_level` or deeper (1: 1 GiB, 2: 2 MiB, 3: pages only).  0; -XEN_ENOMEM: no address has
 * changed its translation, but new tables or split blocks may remain.
 */
int pt_map(struct pt *pt, uint64_t addr, paddr_t pa, uint64_t bytes, uint64_t attrs,
           unsigned min_level);
/*
 * The entry that a translation of addr ends at, and its level: a leaf or an invalid entry.  The
 * caller owns the other bits of an invalid entry.  No lock is needed while no table can be freed.
 * pt_entry returns the entry's address instead.
 */
uint64_t pt_lookup(const struct pt *pt, uint64_t addr, unsigned *level);
uint64_t *pt_entry(const struct pt *pt, uint64_t addr, unsigned *level);
/* Like pt_entry, but stops at level `until`, so the entry may be a table descriptor. */
uint64_t *pt_entry_upto(const struct pt *pt, uint64_t addr, unsigned until, unsigned *level);
/*
 * Returns addr's entry at `level`.  Allocates the tables above it and splits blocks, which keep
 * their attributes.  NULL: no memory.
 */
uint64_t *pt_entry_at(struct pt *pt, uint64_t addr, unsigned level);
/*
 * Replaces the table below addr's entry at `level` by one block, if the table maps one contiguous,
 * aligned range with equal attributes.  True: the entry is a block now.
 */
bool pt_merge(struct pt *pt, uint64_t addr, unsigned level);
/*
 * Writes a live descriptor, with break-before-make where needed, and returns the old one.  Over an
 * invalid entry: a store.  Over a valid entry: a store and a flush if only permissions change, a
 * store alone if only software bits change; otherwise invalid, flush, store.  Does NOT free the
 * table of a replaced table descriptor (see pt_free_below).
 */
uint64_t pt_write(struct pt *pt, uint64_t addr, unsigned level, uint64_t *entry, uint64_t desc);
/*
 * Clears a leaf without a flush and returns it.  The caller flushes before it writes the entry
 * again and before it frees the page that the leaf mapped.
 */
static inline uint64_t pt_clear_unflushed(uint64_t *entry)
{
    return __atomic_exchange_n(entry, 0, __ATOMIC_SEQ_CST);
}
/*
 * For `old`, a table descriptor that pt_write has replaced: calls table_gone, then frees the table
 * and all tables below it.
 */
void pt_free_below(struct pt *pt, uint64_t addr, unsigned level, uint64_t old);
/*
 * Calls `visit` for each leaf or invalid entry that decides a part of [addr, addr+bytes); the
 * visitor's addr is the first that its entry covers.  The first non-zero result ends the walk and
 * is returned.  A visitor may pt_write a leaf, but must not free tables.
 */
typedef int pt_visitor(struct pt *pt, uint64_t addr, unsigned level, uint64_t *entry, void *arg);
int pt_walk(struct pt *pt, uint64_t addr, uint64_t bytes, pt_visitor *visit, void *arg);
/*
 * Frees all tables below the root, whatever the leaves map, and clears the root.  No CPU may use
 * the map any more.
 */
void pt_free_all(struct pt *pt);

static inline unsigned pt_shift(unsigned level) { return PAGE_SHIFT + 9u * (3u - level); }
static inline uint64_t pt_span(unsigned level) { return 1ull << pt_shift(level); }

/*
 * Descriptor bits (Arm ARM D8.3, VMSAv8-64).  The long descriptors of AArch32 are equal (G5; ARMv7:
 * B3.6).
 */
#define PTE_VALID    (1ull << 0)
#define PTE_TABLE    (1ull << 1) /* levels 0-2: table; level 3: page (must be 1) */
#define PTE_AF       (1ull << 10)
#define PTE_SH_INNER (3ull << 8)
#define PTE_ADDR     0x0000fffffffff000ull
/* Stage 2. */
#define PTE_S2_MEM_WB  (0xfull << 2)
#define PTE_S2_MEM_DEV (0x1ull << 2) /* Device-nGnRE */
#define PTE_S2_R       (1ull << 6)
#define PTE_S2_W       (1ull << 7) /* S2AP[1]; the dirty bit while the leaf is logged */
#define PTE_S2_XN      (1ull << 54)
#define PTE_S2_XN_MASK (3ull << 53)
#define PTE_DBM        (1ull << 51)
/*
 * EL2's stage 1 also reads the table descriptors of a stage 2, as page descriptors, through the
 * VLPT windows.  These bits make them valid pages: MAIR index 0, AP[1] set, read-write, inner
 * shareable, accessed, not executable.  Stage 2 ignores all of them in a table descriptor.
 */
#define PTE_S2_TABLE_BITS (PTE_AF | PTE_SH_INNER | PTE_EL2_AP1 | PTE_EL2_XN)
/* Software bits 55 and up of stage 2 leaves. */
/* The domain may write, and the log is on: dirty if PTE_S2_W is set. */
#define PTE_SW_LOGGED (1ull << 55)
/*
 * The page has external writers: the leaf is writable, and always dirty while logging.  Never set
 * together with PTE_SW_LOGGED.
 */
#define PTE_SW_EXT (1ull << 56)
/* The p2m_type of a leaf, in bits 57 to 60 (software and ignored bits), also of invalid leaves. */
#define PTE_SW_TYPE_SHIFT 57
#define PTE_SW_TYPE       (0xfull << PTE_SW_TYPE_SHIFT)
#define PTE_SW_BITS       (PTE_SW_LOGGED | PTE_SW_EXT | PTE_SW_TYPE)
/* EL2 stage 1. */
#define PTE_EL2_ATTR(i) ((uint64_t)(i) << 2) /* MAIR index: 0 normal write-back, 1 Device-nGnRE */
#define PTE_EL2_AP1     (1ull << 6)          /* RES1 */
#define PTE_EL2_RO      (1ull << 7)
#define PTE_EL2_XN      (1ull << 54)

#endif
