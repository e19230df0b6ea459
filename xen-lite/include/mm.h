/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical memory: pages with owners and references (page.c), and memory for the hypervisor's own
 * objects (mem_alloc).
 */
#ifndef XL_MM_H
#define XL_MM_H

#include "types.h"
#include "arch.h"
struct domain;
struct vcpu;

/*
 * One per page of RAM, 16 bytes.  A free page has the links of the buddy list, as frame numbers.  A
 * guest's page has its place in its owner's map, and the number of writable mappings that other
 * domains have of it (grants, foreign maps).
 */
struct page {
    uint32_t refs;
    uint16_t owner; /* domid; DOMID_XEN: the hypervisor; DOMID_INVALID: free */
    /*
     * order: of the free block.  written, for a guest's page: another domain or the hypervisor may
     * have written to it since it was zeroed.
     */
    union {
        uint8_t order, written;
    };
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
    PAGE_FREE = 1, /* first page of a free block of 2^order pages */
    PAGE_RESERVED = 2,
    PAGE_CLEAN = 4, /* free, and zeroed */
    PAGE_ALLOCATED = 8,
    PAGE_UNCOUNTED = 16
};
#define PAGE_NO_GFN 0xffffffffu

extern struct page *frame_table;
extern uint64_t frame_base, frame_count; /* first frame number of the table, and number of frames */
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
 * How EL2 reaches a page.  The hypervisor's own pages (page_alloc(NULL, ...), mem_alloc) are always
 * in the direct map: page_va().  A domain's page may be outside the direct map on a width with few
 * addresses, so it has to be mapped for each use.
 *
 * page_map: for a short use on this CPU.  At most four pages are mapped at a time, and the last one
 * is unmapped first. page_map_lasting: on all CPUs, for a page that stays in use; NULL if there is
 * no room.  The unmap functions accept any address inside the page.
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
/* Zeroes `count` pages from p on.  With `clean`, it also cleans them to the point of coherency.  */
void page_clear(const struct page *p, size_t count, bool clean);

/*
 * At boot: places the frame table at the end of the highest free range that is large enough.  Then
 * all RAM in `ram` that is not in `reserved` is free.  Addresses in bytes.
 */
struct mem_region {
    uint64_t start, end;
};
void page_init(const struct mem_region *ram, unsigned ram_count, const struct mem_region *reserved,
               unsigned reserved_count);

enum {
    ALLOC_ZERO = 1,
    ALLOC_NO_COUNT = 2, /* not counted in the owner's tot_pages */
    /* A domain's pages without zeroing: only dom0's, at boot, from memory that no domain has had.
     */
    ALLOC_RAW = 4
};
#define PAGE_MAX_ORDER 18u /* 1 GiB */
/*
 * Allocates 2^order pages, aligned to their total size, with one reference per page, owned by `d`
 * (NULL: the hypervisor).  Each page of the block may be put on its own.  NULL: no memory, or
 * d->max_pages would be exceeded.
 *
 * A domain's pages are zeroed (except with ALLOC_RAW) and clean to the point of coherency, because
 * the domain may read them with its caches off.  They come from outside the direct map first.  The
 * hypervisor's pages come from the direct map and are zeroed only with ALLOC_ZERO.
 */
struct page *page_alloc(struct domain *d, unsigned order, unsigned flags);
/*
 * Like page_alloc for a domain, but the pages may hold old data.  If *clean is false, the caller
 * must clear them to the point of coherency before the domain can reach them.
 */
struct page *page_alloc_uncleared(struct domain *d, unsigned order, bool *clean);
/*
 * Allocates the pages at `pa`, not zeroed, for dom0's builder.  NULL: one of them is not free, or
 * `d` may not have as many.
 */
struct page *page_alloc_at(struct domain *d, paddr_t pa, unsigned order);
/* Drops a reference.  The last one frees the page and takes it out of its owner's count.  */
void page_put(struct page *p);
/* page_put() for each page of an aligned block, at a fraction of the cost.  */
void page_put_block(struct page *p, unsigned order);
/* Takes a reference if the page is in use and belongs to `owner`.  Returns false otherwise.  */
bool page_get(struct page *p, const struct domain *owner);
/* Takes a reference; the caller already holds one.  */
void page_get_known(struct page *p);
/*
 * The domain that owns p, with a reference.  NULL: the owner is the hypervisor, or its domain is
 * gone.  Any lock above the page allocator's may be held.
 */
struct domain *page_owner_get(const struct page *p);
/*
 * Called before a struct domain is freed.  Pages to which others hold references lose their owner;
 * their last reference frees them without counting.
 */
void page_forget_owner(struct domain *d);
/*
 * page_forget_owner() in pieces, for a domain that is given no more pages.  *next is the next
 * frame's index in the frame table, 0 at first.  Returns true when all frames are done.
 */
bool page_forget_some(struct domain *d, uint64_t *next);
/*
 * Clears one free block, so that a later allocation does not have to.  For idle CPUs.  Returns
 * false if all free memory is clear.
 */
bool page_scrub(void);
uint64_t page_free_count(void);
uint64_t page_total_count(void);
/* Free pages in the direct map: memory for page tables and the hypervisor's other objects.  */
uint64_t page_free_own_count(void);
/*
 * Zeroed memory, rounded up to a power-of-two number of pages and aligned to that size.  NULL: no
 * memory.
 */
void *mem_alloc(size_t bytes);
void *mem_alloc_uncleared(size_t bytes); /* the caller writes each byte before reading it */
void mem_free(void *p, size_t bytes);
/* Frees a reserved range (boot modules after their last use).  Addresses in bytes.  */
void page_free_region(uint64_t start, uint64_t end);
/*
 * Gives reserved memory (whole pages) to the domain with its contents, one reference per page.  The
 * range is never free in between, because idle CPUs clear free memory.  False, with nothing
 * changed: a page is not reserved, or `d` may not have as many.
 */
bool page_adopt(struct domain *d, uint64_t start, uint64_t end);
/* For the teardown of d: frees the block that an interrupted populate left in d->populating.  */
void page_forget_block(struct domain *d);
void page_dump(void);

#endif
