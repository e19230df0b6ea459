/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free frames: a buddy allocator over the frame table.
 *
 * A free block of 2^n frames is aligned to its size.  Its first frame is its head: the head has
 * PAGE_FREE and `order`, and is in the list of that order.  List links are frame indices and end
 * with NIL.  The block's other frames are all zero.
 *
 * Memory is zeroed before it is given out, and free memory can be zeroed ahead of time: idle CPUs
 * clear free blocks (page_scrub) and mark them PAGE_CLEAN.  A clean block and a dirty one do not
 * join, so that the clean one stays known as clean.  The exception is an allocation that finds no
 * block large enough.
 *
 * Zones.  Frames that EL2 has in its direct map form one zone, all others the second (empty on
 * 64-bit).  The hypervisor's own memory comes from the first.  Domains are served from the second
 * as long as it has some.  No block is in both zones.
 */
#include "arch.h"
#include "lib.h"
#include "log.h"
#include "page_free.h"
#include "panic.h"
#include "spinlock.h"
#include <xen/xen.h>

#define SCRUB_ORDER 4u

spinlock_t page_lock;
uint64_t page_total;
enum zone { DIRECT, BEYOND, ZONES };
static uint32_t free_head[ZONES][2][PAGE_MAX_ORDER + 1]; /* index: [zone][clean][order] */
static uint64_t free_in[ZONES], clean_in[ZONES];

static enum zone zone_of(uint32_t i)
{
    return pa_in_direct_map(pfn_pa(frame_base + i)) ? DIRECT : BEYOND;
}
bool page_free_same_zone(uint32_t a, uint32_t b) { return zone_of(a) == zone_of(b); }
uint64_t page_free_count(void) { return free_in[DIRECT] + free_in[BEYOND]; }
uint64_t page_free_own_count(void) { return free_in[DIRECT]; }

void page_free_reset(void)
{
    memset(free_in, 0, sizeof(free_in));
    memset(clean_in, 0, sizeof(clean_in));
    memset(free_head, 0xff, sizeof(free_head)); /* NIL in all entries */
}

static bool is_clean(const struct page *p) { return p->flags & PAGE_CLEAN; }

static void list_push(uint32_t i, unsigned order, bool clean)
{
    struct page *p = &frame_table[i];
    uint32_t *head = &free_head[zone_of(i)][clean][order];
    *p = (struct page){ .owner = DOMID_INVALID,
                        .order = (uint8_t)order,
                        .flags = (uint8_t)(PAGE_FREE | (clean ? PAGE_CLEAN : 0)) };
    p->next = *head;
    p->prev = NIL;
    if (p->next != NIL)
        frame_table[p->next].prev = i;
    *head = i;
    clean_in[zone_of(i)] += clean ? 1ull << order : 0;
}

static void list_remove(uint32_t i)
{
    struct page *p = &frame_table[i];
    if (p->prev != NIL)
        frame_table[p->prev].next = p->next;
    else
        free_head[zone_of(i)][is_clean(p)][p->order] = p->next;
    if (p->next != NIL)
        frame_table[p->next].prev = p->prev;
    clean_in[zone_of(i)] -= is_clean(p) ? 1ull << p->order : 0;
    p->flags = 0;
}

/* Buddies are found by frame number, not by index, because the table may start at any frame. */
static void insert_block(uint32_t i, unsigned order, bool clean)
{
    ASSERT_LOCKED(&page_lock);
    for (; order < PAGE_MAX_ORDER; order++) {
        uint64_t buddy = ((frame_base + i) ^ (1ull << order)) - frame_base;
        if (buddy >= frame_count || !(frame_table[buddy].flags & PAGE_FREE) ||
            frame_table[buddy].order != order || is_clean(&frame_table[buddy]) != clean ||
            zone_of((uint32_t)buddy) != zone_of(i))
            break;
        list_remove((uint32_t)buddy);
        frame_table[i] = (struct page){ .owner = DOMID_INVALID };
        if (buddy < i)
            i = (uint32_t)buddy;
    }
    list_push(i, order, clean);
}

void page_free_give(uint32_t i, unsigned order)
{
    ASSERT_LOCKED(&page_lock);
    free_in[zone_of(i)] += 1ull << order;
    insert_block(i, order, false);
}

/*
 * Splits block i of order `from`, which is in no list any more, down to the block of `order` that
 * holds frame `want`.
 */
static uint32_t split_block(uint32_t i, unsigned from, unsigned order, uint32_t want, bool clean)
{
    while (from > order) {
        uint32_t half = i + (1u << --from);
        if (want >= half) {
            list_push(i, from, clean);
            i = half;
        } else {
            list_push(half, from, clean);
        }
    }
    return i;
}

static uint32_t take_of(enum zone zone, unsigned order, bool clean)
{
    for (unsigned o = order; o <= PAGE_MAX_ORDER; o++) {
        uint32_t i = free_head[zone][clean][o];
        if (i != NIL) {
            list_remove(i);
            return split_block(i, o, order, i, clean);
        }
    }
    return NIL;
}

/* Marks all free blocks dirty, so that buddies join. */
static void forget_clean(enum zone zone)
{
    for (unsigned o = 0; o <= PAGE_MAX_ORDER; o++)
        for (uint32_t i; (i = free_head[zone][1][o]) != NIL;) {
            list_remove(i);
            insert_block(i, o, false);
        }
}

/* *clean: in, the preferred kind; out, the kind of the block. */
static uint32_t take_in(enum zone zone, unsigned order, bool *clean)
{
    bool wanted = *clean;
    uint32_t i = take_of(zone, order, wanted);
    if (i != NIL)
        return i;
    *clean = !wanted;
    i = take_of(zone, order, *clean);
    if (i == NIL && order && clean_in[zone]) {
        forget_clean(zone);
        *clean = false;
        i = take_of(zone, order, false);
    }
    if (i == NIL)
        *clean = wanted;
    return i;
}

/* The block no longer counts as free. */
static uint32_t taken(uint32_t i, unsigned order)
{
    if (i != NIL)
        free_in[zone_of(i)] -= 1ull << order;
    return i;
}

uint32_t page_free_take(bool own, unsigned order, bool *clean)
{
    ASSERT_LOCKED(&page_lock);
    uint32_t i = own || !free_in[BEYOND] ? NIL : take_in(BEYOND, order, clean);
    return taken(i != NIL ? i : take_in(DIRECT, order, clean), order);
}

uint32_t page_free_take_at(uint64_t pfn, unsigned order, bool *clean)
{
    ASSERT_LOCKED(&page_lock);
    for (unsigned o = order; o <= PAGE_MAX_ORDER; o++) {
        uint64_t head = pfn & ~((1ull << o) - 1);
        if (head < frame_base)
            break;
        struct page *p = &frame_table[head - frame_base];
        if ((p->flags & PAGE_FREE) && p->order >= o) {
            uint32_t i = page_index(p);
            unsigned from = p->order;
            *clean = is_clean(p);
            list_remove(i);
            return taken(split_block(i, from, order, (uint32_t)(pfn - frame_base), *clean), order);
        }
    }
    return NIL;
}

/* Takes a dirty block off the lists, split down to at most SCRUB_ORDER; NIL if there is none. */
static uint32_t take_dirty(enum zone zone, unsigned *order)
{
    for (unsigned o = 0; o <= PAGE_MAX_ORDER; o++) {
        uint32_t i = free_head[zone][0][o];
        if (i == NIL)
            continue;
        list_remove(i);
        *order = MIN(o, SCRUB_ORDER);
        return split_block(i, o, *order, i, false);
    }
    return NIL;
}

static bool is_all_clean(enum zone zone)
{
    return __atomic_load_n(&clean_in[zone], __ATOMIC_RELAXED) ==
           __atomic_load_n(&free_in[zone], __ATOMIC_RELAXED);
}

/*
 * Clears one piece.  It is on no list meanwhile, but counts as free.  The piece is small, so that
 * other work of this CPU does not wait long.
 */
bool page_scrub(void)
{
    enum zone zone = is_all_clean(DIRECT) ? BEYOND : DIRECT;
    unsigned order;
    if (zone == BEYOND && is_all_clean(BEYOND))
        return false;
    spin_lock(&page_lock);
    uint32_t i = take_dirty(zone, &order);
    spin_unlock(&page_lock);
    if (i == NIL)
        return false;
    page_clear(&frame_table[i], (size_t)1 << order, true);
    spin_lock(&page_lock);
    insert_block(i, order, true);
    spin_unlock(&page_lock);
    return true;
}

void page_free_dump(void)
{
    log_info("pages: %llu of %llu free, of them %llu clear, %llu beyond the direct map\n",
             (unsigned long long)page_free_count(), (unsigned long long)page_total,
             (unsigned long long)(clean_in[DIRECT] + clean_in[BEYOND]),
             (unsigned long long)free_in[BEYOND]);
    for (unsigned o = 0; o <= PAGE_MAX_ORDER; o++) {
        unsigned n = 0;
        for (unsigned list = 0; list < 2 * ZONES; list++)
            for (uint32_t i = free_head[list / 2][list % 2][o]; i != NIL; i = frame_table[i].next)
                n++;
        if (n)
            log_info("  order %2u: %u free\n", o, n);
    }
}
