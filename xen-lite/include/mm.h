/* SPDX-License-Identifier: BSD-2-Clause */
/* Physical memory: pages with owners and references (page.c), and small objects. */
#ifndef XL_MM_H
#define XL_MM_H

#include "types.h"
#include "arch.h"
struct domain;
struct vcpu;

/*
 * One per page of RAM, 16 bytes.  Free: links of the buddy list, as frame numbers.  A guest's page:
 * its address in the owner's map, and the number of writable mappings that other domains have of it
 * (grants, foreign maps).
 */
struct page {
    uint32_t refs;
    uint16_t owner; /* domain id; DOMID_XEN for the hypervisor, DOMID_INVALID if free */
    union {
        uint8_t order, written;
    }; /* free: order of the block.  A guest's: others may have written it since it was zeroed */
    uint8_t flags;
    union {
        struct {
            uint32_t next, prev;
        };
        struct {
            uint32_t gfn, ext_writers;
        };
    }; /* gfn and ext_writers: under the owner's p2m lock */
};
_Static_assert(sizeof(struct page) == 16, "struct page");
enum {
    PAGE_FREE = 1 /* head of a free block of `order` */,
    PAGE_RESERVED = 2,
    PAGE_CLEAN = 4 /* free and all zero */,
    PAGE_ALLOCATED = 8,
    PAGE_UNCOUNTED = 16
};
#define PAGE_NO_GFN 0xffffffffu

extern struct page *frame_table;
extern uint64_t frame_base, frame_count; /* first frame number, and number of frames */
static inline bool pfn_valid(uint64_t pfn)
{
    return pfn - frame_base < frame_count && !(frame_table[pfn - frame_base].flags & PAGE_RESERVED);
}
static inline struct page *pfn_page(uint64_t pfn) { return &frame_table[pfn - frame_base]; }
static inline uint64_t page_pfn(const struct page *p)
{
    return frame_base + (uint64_t)(p - frame_table);
}
static inline paddr_t page_pa(const struct page *p) { return pfn_pa(page_pfn(p)); }
/*
 * EL2's address of a page.  The hypervisor's own pages (page_alloc(NULL, ...), mem_alloc) are
 * always in the direct map.  A domain's page may be outside it where virtual addresses are scarce.
 * page_map maps a page for a moment: on this CPU, at most four at a time, the last one unmapped
 * first.  page_map_lasting maps a page that will be written for long; NULL if there is no room.
 * Any address in the page serves to unmap it.
 */
void *page_va(const struct page *p);
static inline void *page_map(const struct page *p)
{
    return pa_in_direct_map(page_pa(p)) ? pa_to_va(page_pa(p)) : arch_map_page(page_pa(p));
}
static inline void page_unmap(const struct page *p, const void *va)
{
    if (!pa_in_direct_map(page_pa(p)))
        arch_unmap_page(va);
}
static inline void *page_map_lasting(const struct page *p)
{
    return pa_in_direct_map(page_pa(p)) ? pa_to_va(page_pa(p)) : arch_map_lasting(page_pa(p));
}
static inline void page_unmap_lasting(const struct page *p, const void *va)
{
    if (!pa_in_direct_map(page_pa(p)))
        arch_unmap_lasting(va);
}
/* Zeroes `count` pages from p on; with `clean`, to the point of coherency, too. */
void page_clear(const struct page *p, size_t count, bool clean);

/*
 * Boot: puts the frame table at the end of the highest free range that can hold it.  Everything
 * that is `ram` and not `reserved` becomes free.
 */
struct mem_region {
    uint64_t start, end;
};
void page_init(const struct mem_region *ram, unsigned ram_count, const struct mem_region *reserved,
               unsigned reserved_count);

enum {
    ALLOC_ZERO = 1,
    ALLOC_NO_COUNT = 2 /* not counted in the owner's tot_pages */,
    ALLOC_RAW =
        4 /* a domain's pages, not zeroed: for dom0 at boot, from memory that no domain has had */
};
#define PAGE_MAX_ORDER 18u /* 1 GiB */
/*
 * Allocates 2^order pages, aligned to their size, with one reference each, owned by `d` (NULL: the
 * hypervisor).  NULL: no memory, or d->max_pages would be exceeded.  The pages of a block may be
 * put one by one.
 *
 * A domain's pages are zeroed (unless ALLOC_RAW) and cleaned to the point of coherency, because the
 * domain may read them with its caches off.  The hypervisor's pages are zeroed with ALLOC_ZERO, and
 * come from the direct map.  A domain's pages come from outside the direct map first.
 * page_alloc_at neither zeroes nor cleans: the builder of dom0 fills what it needs, before any
 * domain ran.
 */
struct page *page_alloc(struct domain *d, unsigned order, unsigned flags);
/*
 * The same for a caller that clears the block itself, piece by piece, to the point of coherency.
 * Not needed if *clean.
 */
struct page *page_alloc_uncleared(struct domain *d, unsigned order, bool *clean);
/* The block at a given address, for dom0; NULL if it is not free. */
struct page *page_alloc_at(struct domain *d, paddr_t pa, unsigned order);
/* Drops a reference; the last one frees the page and uncounts it at its owner. */
void page_put(struct page *p);
/* Calls page_put() for each page of an aligned block, at a fraction of the cost. */
void page_put_block(struct page *p, unsigned order);
/* Takes a reference if the page belongs to owner and is in use. */
bool page_get(struct page *p, const struct domain *owner);
void page_get_known(struct page *p); /* the caller holds a reference already */
/*
 * The domain that owns p, with a reference.  NULL: none (the hypervisor, or a domain that is gone).
 * May be called with any lock held.
 */
struct domain *page_owner_get(const struct page *p);
/*
 * Before a struct domain is freed: pages that others still hold lose their owner.  Their last
 * reference frees them uncounted.
 */
void page_forget_owner(struct domain *d);
/*
 * The same in pieces, from frame *next (0 at first) on, for a domain that gets no more pages.  True
 * when it is done.
 */
bool page_forget_some(struct domain *d, uint64_t *next);
/* For idle CPUs: clears some free memory ahead of time.  False: nothing is left to clear. */
bool page_scrub(void);
uint64_t page_free_count(void);
uint64_t page_total_count(void);
/* Free pages that the hypervisor itself could use, for tables. */
uint64_t page_free_own_count(void);
/*
 * Zeroed memory, rounded up to a power of two of pages and aligned to that size.  NULL: out of
 * memory.
 */
void *mem_alloc(size_t bytes);
/* Not zeroed, for callers that write everything that is read. */
void *mem_alloc_uncleared(size_t bytes);
void mem_free(void *p, size_t bytes);
/* Frees a reserved range (modules after boot). */
void page_free_region(uint64_t start, uint64_t end);
/*
 * Reserved memory (whole pages) becomes the domain's as it is, with one reference per page.  It is
 * never free in between, because other CPUs would clear free memory.  False, with nothing changed:
 * not all of it is reserved, or the domain may not have so much.
 */
bool page_adopt(struct domain *d, uint64_t start, uint64_t end);
/* Puts back the block that a preempted populate keeps in d->populating.  d is being torn down. */
void page_forget_block(struct domain *d);
void page_dump(void);

#endif
