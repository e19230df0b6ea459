/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page-table walker, one for every translation regime.  pt.c The geometry is constant data.
 * Descriptors have 64 bits, 512 per 4 KiB table, on both widths.  One function, pt_write, writes
 * live descriptors and does break-before-make.
 */
#ifndef XL_PT_H
#define XL_PT_H

#include "types.h"
#include "pt_types.h"

extern const struct pt_geometry pt_geometry_stage2;
extern const struct pt_geometry pt_geometry_el2; /* of the architecture */

/*
 * For all functions: the caller serialises writers of one `pt`.  Addresses and sizes are multiples
 * of the page size and inside the input range (-XEN_EINVAL otherwise).  `attrs` are a leaf's bits
 * without PTE_VALID, PTE_TABLE and the address.  The functions end with the barrier that makes new
 * entries visible to the walkers of all CPUs (for EL2's own map the caller adds its ISB).
 */
/*
 * Maps a range and replaces what was mapped.  Uses blocks where alignment allows, at `min_level` or
 * deeper (1: 1 GiB, 2: 2 MiB, 3: pages only).  0; -XEN_ENOMEM: no address has changed its
 * translation, but tables or splits may be left over.
 */
int pt_map(struct pt *pt, uint64_t addr, paddr_t pa, uint64_t bytes, uint64_t attrs,
           unsigned min_level);
/*
 * The entry that decides about addr, and its level: a leaf, or an invalid entry (whose other bits
 * belong to the caller).  No lock is needed if no table can be freed meanwhile.
 */
uint64_t pt_lookup(const struct pt *pt, uint64_t addr, unsigned *level);
uint64_t *pt_entry(const struct pt *pt, uint64_t addr, unsigned *level);
/* The same, but not below level `until`: the entry may be a table. */
uint64_t *pt_entry_upto(const struct pt *pt, uint64_t addr, unsigned until, unsigned *level);
/*
 * Makes addr decided at `level`: allocates tables and splits blocks, which keep their attributes.
 * NULL: no memory.
 */
uint64_t *pt_entry_at(struct pt *pt, uint64_t addr, unsigned level);
/*
 * If the table below addr at level+1 maps one contiguous, aligned range with equal attributes,
 * replaces it by a block at `level`.  True if there is a block now.
 */
bool pt_merge(struct pt *pt, uint64_t addr, unsigned level);
/*
 * The only writer of live descriptors; does break-before-make.  From invalid: a store.  From valid:
 * a store and a flush if only permissions or software bits differ (no flush for software bits
 * alone); otherwise invalid, flush, store.  Does NOT free the page of a replaced table (see
 * pt_free_below).  Returns the old descriptor.
 */
uint64_t pt_write(struct pt *pt, uint64_t addr, unsigned level, uint64_t *entry, uint64_t desc);
/*
 * Makes a leaf invalid without a flush.  The caller flushes before anything is mapped there, and
 * before the memory that the leaf mapped is given away.
 */
static inline uint64_t pt_clear_unflushed(uint64_t *entry)
{
    return __atomic_exchange_n(entry, 0, __ATOMIC_SEQ_CST);
}
/*
 * After pt_write has replaced a table descriptor: calls table_gone, then frees the table and those
 * below it.
 */
void pt_free_below(struct pt *pt, uint64_t addr, unsigned level, uint64_t old);
/*
 * Visits each deciding entry (leaf or invalid) in [addr, addr+bytes); the visitor's addr is the
 * entry's own.  A non-zero return value stops the walk and is returned.  The visitor may pt_write a
 * leaf, but may not free tables.
 */
typedef int pt_visitor(struct pt *pt, uint64_t addr, unsigned level, uint64_t *entry, void *arg);
int pt_walk(struct pt *pt, uint64_t addr, uint64_t bytes, pt_visitor *visit, void *arg);
/*
 * Frees all tables below the root, whatever their leaves contain, and clears the root.  The map is
 * no longer in use.
 */
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
#define PTE_S2_W       (1ull << 7) /* S2AP[1]: the dirty bit while the leaf is logged */
#define PTE_S2_XN      (1ull << 54)
#define PTE_S2_XN_MASK (3ull << 53)
#define PTE_DBM        (1ull << 51)
/*
 * EL2's stage 1 also reads stage-2 table descriptors, as page descriptors, through the VLPT
 * windows.  These bits make them valid pages there: MAIR index 0, AP[1] set, read-write, inner
 * shareable, accessed, not executable.  Stage 2 ignores all of them in a table descriptor.
 */
#define PTE_S2_TABLE_BITS (PTE_AF | PTE_SH_INNER | PTE_EL2_AP1 | PTE_EL2_XN)
/* Software bits 55..58 of stage 2 leaves. */
#define PTE_SW_LOGGED (1ull << 55) /* writable by right, and logged: dirty if S2_W is set */
/* Has external writers: writable, always dirty while logged; never together with LOGGED. */
#define PTE_SW_EXT (1ull << 56)
#define PTE_SW_TYPE_SHIFT \
    57 /* enum p2m_type in bits 57..60 (software and ignored bits), also in invalid leaves */
#define PTE_SW_TYPE (0xfull << PTE_SW_TYPE_SHIFT)
#define PTE_SW_BITS (PTE_SW_LOGGED | PTE_SW_EXT | PTE_SW_TYPE)
/* EL2 stage 1 */
#define PTE_EL2_ATTR(i) ((uint64_t)(i) << 2) /* MAIR index: 0 normal WB, 1 Device-nGnRE */
#define PTE_EL2_AP1     (1ull << 6)          /* RES1 */
#define PTE_EL2_RO      (1ull << 7)
#define PTE_EL2_XN      (1ull << 54)

#endif
