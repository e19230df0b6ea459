/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical pages at boot: where the frame table is placed, which frames are free at first, and
 * reserved ranges that become free later.
 */
#include "arch.h"
#include "page_free.h"
#include "panic.h"
#include "spinlock.h"
#include <xen/xen.h>

struct ranges {
    const struct mem_region *reserved;
    unsigned count;
};

/*
 * Finds the first piece of [*start, end) that overlaps no reserved range: *start becomes its start,
 * its end is returned; 0 if there is none.
 */
static uint64_t next_free(const struct ranges *r, uint64_t *start, uint64_t end)
{
    uint64_t stop = end;
    for (unsigned i = 0; i < r->count; i++) {
        uint64_t from = r->reserved[i].start & PAGE_MASK,
                 to = ROUND_UP(r->reserved[i].end, (uint64_t)PAGE_SIZE);
        if (to <= *start || from >= end || to <= from)
            continue;
        if (from <= *start) {
            *start = to;
            return to < end ? next_free(r, start, end) : 0;
        }
        stop = MIN(stop, from);
    }
    return *start < stop ? stop : 0;
}

/* Where [start, end) leaves the direct map.  `end` may be beyond it. */
static uint64_t direct_end(uint64_t start, uint64_t end)
{
    while (end > start && !pa_in_direct_map(PA(end - 1)))
        end = ROUND_DOWN(end - 1, (uint64_t)BLOCK_SIZE);
    return end;
}

/*
 * Place of the frame table: the end of the highest free piece that can hold it, away from where
 * kernels are loaded.
 */
static uint64_t place_table(const struct mem_region *ram, unsigned ram_count,
                            const struct ranges *r, uint64_t bytes)
{
    uint64_t best = 0;
    for (unsigned i = 0; i < ram_count; i++) {
        uint64_t start = ROUND_UP(ram[i].start, (uint64_t)PAGE_SIZE), end = ram[i].end & PAGE_MASK,
                 stop;
        for (; start < end && (stop = next_free(r, &start, end)) != 0; start = stop) {
            uint64_t direct = direct_end(start, stop);
            if (direct > start && direct - start >= bytes)
                best = MAX(best, direct - bytes);
        }
    }
    return best;
}

/*
 * The largest block of reserved frames that can be freed at pfn: aligned, in one zone, and not
 * beyond `end`.
 */
static unsigned reserved_order(uint64_t pfn, uint64_t end)
{
    unsigned order = 0;
    uint32_t first = (uint32_t)(pfn - frame_base);
    while (order < PAGE_MAX_ORDER && !(pfn & ((2ull << order) - 1)) &&
           pfn + (2ull << order) <= end &&
           page_free_same_zone(first, (uint32_t)(pfn + (2ull << order) - 1 - frame_base)))
        order++;
    for (uint64_t i = 0; i < 1ull << order; i++)
        if (!(frame_table[pfn - frame_base + i].flags & PAGE_RESERVED))
            while (order && 1ull << order > i)
                order--;
    return order;
}

static void add_free(uint64_t start, uint64_t end)
{
    uint64_t last = end >> PAGE_SHIFT;
    for (uint64_t pfn = MAX(start >> PAGE_SHIFT, 1ull), count; pfn < last;
         pfn += count) { /* frame 0 is left out: PA 0 means "none" */
        struct page *p = &frame_table[pfn - frame_base];
        unsigned order = reserved_order(pfn, last);
        count = 1ull << order;
        if (!(p->flags & PAGE_RESERVED)) /* overlapping ranges count once */
            continue;
        for (uint64_t i = 0; i < count; i++)
            p[i].flags = 0;
        page_total += count;
        page_free_give((uint32_t)(pfn - frame_base), order);
    }
}

void page_free_region(uint64_t start, uint64_t end)
{
    uint64_t low = frame_base << PAGE_SHIFT, high = (frame_base + frame_count) << PAGE_SHIFT;
    start = MAX(ROUND_UP(start, (uint64_t)PAGE_SIZE), low);
    end = MIN(end & PAGE_MASK, high);
    spin_lock(&page_lock);
    if (start < end)
        add_free(start, end);
    spin_unlock(&page_lock);
}

void page_init(const struct mem_region *ram, unsigned ram_count, const struct mem_region *reserved,
               unsigned reserved_count)
{
    struct ranges r = { reserved, reserved_count };
    uint64_t low = ~0ull, high = 0;
    for (unsigned i = 0; i < ram_count; i++) {
        low = MIN(low, ROUND_UP(ram[i].start, (uint64_t)PAGE_SIZE));
        high = MAX(high, ram[i].end & PAGE_MASK);
    }
    BUG_ON(low >= high || (high - low) >> PAGE_SHIFT >= NIL);
    frame_base = low >> PAGE_SHIFT;
    frame_count = (high - low) >> PAGE_SHIFT;
    page_total = 0;
    page_free_reset();
    page_accounts_reset();

    uint64_t bytes = ROUND_UP(frame_count * sizeof(struct page), (uint64_t)PAGE_SIZE);
    uint64_t at = place_table(ram, ram_count, &r, bytes);
    if (!at)
        panic("no room for the frame table: %llu KiB\n", (unsigned long long)bytes >> 10);
    frame_table = pa_to_va(PA(at));
    for (uint64_t i = 0; i < frame_count; i++)
        frame_table[i] = (struct page){ .owner = DOMID_INVALID, .flags = PAGE_RESERVED };
    /* No other CPU runs yet, but the functions of page_free.c require the lock. */
    spin_lock(&page_lock);
    for (unsigned i = 0; i < ram_count; i++) {
        uint64_t start = ROUND_UP(ram[i].start, (uint64_t)PAGE_SIZE), end = ram[i].end & PAGE_MASK,
                 stop;
        for (; start < end && (stop = next_free(&r, &start, end)) != 0; start = stop) {
            if (at >= start && at < stop) { /* leave out the table itself */
                add_free(start, at);
                add_free(at + bytes, stop);
            } else {
                add_free(start, stop);
            }
        }
    }
    spin_unlock(&page_lock);
}
