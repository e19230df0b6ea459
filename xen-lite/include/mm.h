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
 * where it is in its owner's map, and how many writable mappings others have of it (grants, foreign
 * maps).
 */
struct page {
    uint32_t refs;
    uint16_t owner; /* domid; DOMID_XEN for the hypervisor's own, DOMID_INVALID free */
    union {
        uint8_t order, written;
    }; /* free: of the block.  A guest's: it may have been written since it was zeroed, by others
          than it */
    uint8_t flags;
    union {
        struct {
            uint32_t next, prev;
        };
        struct {
            uint32_t gfn, ext_writers;
        };
    }; /* gfn, ext_writers: owner's p2m lock */
};
_Static_assert(sizeof(struct page) == 16, "struct page");
enum {
    PAGE_FREE = 1 /* heads a free block of `order` */,
    PAGE_RESERVED = 2,
    PAGE_CLEAN = 4 /* free, and all zero */,
    PAGE_ALLOCATED = 8,
    PAGE_UNCOUNTED = 16
};
#define PAGE_NO_GFN 0xffffffffu

extern struct page *frame_table;
extern uint64_t frame_base, frame_count; /* first frame number, number */
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
 * Where EL2 has a page.  The hypervisor's own pages (page_alloc(NULL, ...), mem_alloc) are in the
 * direct map, always.  A domain's may be outside it, where addresses are few: page_map for a
 * moment, on this CPU, at most four at a time and the last first to be unmapped; page_map_lasting
 * for what goes on being written, NULL when there is no room for it.  To unmap, any address in the
 * page will do.
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
/* Zero `count` pages from p on; with `clean`, to the point of coherency too. */
void page_clear(const struct page *p, size_t count, bool clean);

/* Boot: places the frame table at the end of the highest free range that holds it; all that is
 * `ram` and not `reserved` is free then. */
struct mem_region {
    uint64_t start, end;
};
void page_init(const struct mem_region *ram, unsigned ram_count, const struct mem_region *reserved,
               unsigned reserved_count);

enum {
    ALLOC_ZERO = 1,
    ALLOC_NO_COUNT = 2 /* not counted in owner's tot_pages */,
    ALLOC_RAW =
        4 /* a domain's pages as they are: dom0's at boot, from memory that no domain has had */
};
#define PAGE_MAX_ORDER 18u /* 1 GiB */
/*
 * 2^order pages, aligned to their size, one reference each, owned by `d` (NULL: the hypervisor).
 * NULL: no memory, or d->max_pages would be exceeded.  Pages of a block may be put singly.
 * A domain's pages are always zeroed (but for ALLOC_RAW), and clean to the point of coherency (it
 * may look with its caches off); the hypervisor's are with ALLOC_ZERO, and come from the direct
 * map; a domain's come from outside it first.  page_alloc_at does neither: the builder of dom0
 * fills what it needs, before anyone else ran.
 */
struct page *page_alloc(struct domain *d, unsigned order, unsigned flags);
/* The same, for whoever clears it himself, to the point of coherency, piece by piece: not needed if
 * *clean. */
struct page *page_alloc_uncleared(struct domain *d, unsigned order, bool *clean);
struct page *page_alloc_at(struct domain *d, paddr_t pa,
                           unsigned order); /* a given place, for dom0; NULL when not free */
void page_put(struct page *p); /* the last reference frees, and uncounts it at its owner */
void page_put_block(
    struct page *p,
    unsigned order); /* page_put of each in an aligned block, at a fraction of the cost */
bool page_get(struct page *p,
              const struct domain *owner); /* a reference if it belongs to owner and is live */
void page_get_known(struct page *p);       /* caller holds one already */
/* The domain that owns p, referenced; NULL: none (the hypervisor, or it is gone).  Safe under any
 * lock. */
struct domain *page_owner_get(const struct page *p);
/* Before a struct domain is freed: pages that others still hold lose their owner, and are freed
 * uncounted by their last reference. */
void page_forget_owner(struct domain *d);
/* The same in pieces, from frame *next (0 at first) on, of a domain that gets no pages any more.
 * True: that is all. */
bool page_forget_some(struct domain *d, uint64_t *next);
/* Clear a little of what is free, for later; false: there is nothing to clear.  For CPUs with
 * nothing else to do. */
bool page_scrub(void);
uint64_t page_free_count(void);
uint64_t page_total_count(void);
uint64_t page_free_own_count(void); /* of the free ones, what the hypervisor could have: tables */
/* Zeroed memory, rounded up to a power of two of pages. NULL when out of memory. Aligned to its
 * size. */
void *mem_alloc(size_t bytes);
void *mem_alloc_uncleared(size_t bytes); /* for whoever writes all that is read of it */
void mem_free(void *p, size_t bytes);
/* Give a reserved range back (modules after boot). */
void page_free_region(uint64_t start, uint64_t end);
/*
 * Reserved memory (whole pages) becomes the domain's as it is, one reference each, without having
 * been free in between: what is free, other CPUs clear.  False, and nothing changed: not all of it
 * is reserved, or the domain may not have so much.
 */
bool page_adopt(struct domain *d, uint64_t start, uint64_t end);
/* Puts back the block that an interrupted populate has kept in d->populating: d is torn down. */
void page_forget_block(struct domain *d);
void page_dump(void);

#endif
