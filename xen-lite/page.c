/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical pages: a buddy allocator over a table of 16 bytes a frame.
 *
 * A free block of 2^n frames is aligned to its size and headed by its first frame, which has PAGE_FREE and `order` and is in the list
 * of that order (links are frame indices, NIL ends them); its other frames are plain zeroes.  Frames of holes and reserved ranges
 * are PAGE_RESERVED and never change.  An allocated frame has a reference count and an owner; the last reference frees
 * it singly, and buddies join again on the way up.
 *
 * Who gets memory gets it zeroed, and free memory can be zeroed while nobody waits: CPUs with nothing else to do clear free blocks
 * (page_scrub), which are then PAGE_CLEAN.  A clean block and a dirty one do not join, so that what has been cleared stays known,
 * unless an allocation finds no block that is large enough otherwise.
 *
 * Zones.  What EL2 has in its direct map, and what not (none on 64-bit).  The hypervisor's own memory comes from the first;
 * domains take the second before they touch it.  No block is of both.
 */
#include "lib.h"
#include "domain.h"
#include "mm.h"

#define NIL 0xffffffffu
#define SCRUB_ORDER 4u
#define FORGET_A_PIECE 4096u            /* frames looked at between two looks at whether others need the CPU */

struct page *frame_table;
uint64_t frame_base, frame_count;

static spinlock_t page_lock;            /* lists, counts, owners; innermost but for the log */
enum zone { DIRECT, BEYOND, ZONES };
static uint32_t free_head[ZONES][2][PAGE_MAX_ORDER + 1];        /* dirty, clean */
static uint64_t free_in[ZONES], clean_in[ZONES], total_pages;

/* Domains that own pages, by domid: slot_of is 1 + index, 0 none. */
static struct { struct domain *d; uint64_t pages; } account[MAX_DOMAINS];
static uint8_t slot_of[DOMID_FIRST_RESERVED];
_Static_assert(MAX_DOMAINS < 256, "slot_of");

void *page_va(const struct page *p) { return pa_to_va(page_pa(p)); }
static enum zone zone_of(uint32_t i) { return pa_in_direct_map(pfn_pa(frame_base + i)) ? DIRECT : BEYOND; }
static uint32_t index_of(const struct page *p) { return (uint32_t)(p - frame_table); }

/* ---- free lists ---- */
static bool is_clean(const struct page *p) { return p->flags & PAGE_CLEAN; }

static void list_push(uint32_t i, unsigned order, bool clean)
{
    struct page *p = &frame_table[i];
    uint32_t *head = &free_head[zone_of(i)][clean][order];
    *p = (struct page){ .owner = DOMID_INVALID, .order = (uint8_t)order, .flags = (uint8_t)(PAGE_FREE | (clean ? PAGE_CLEAN : 0)) };
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

/* Buddies are so by frame number, not by index: the table may start anywhere. */
static void insert_block(uint32_t i, unsigned order, bool clean)
{
    for (; order < PAGE_MAX_ORDER; order++) {
        uint64_t buddy = ((frame_base + i) ^ (1ull << order)) - frame_base;
        if (buddy >= frame_count || !(frame_table[buddy].flags & PAGE_FREE) || frame_table[buddy].order != order ||
            is_clean(&frame_table[buddy]) != clean || zone_of((uint32_t)buddy) != zone_of(i))
            break;
        list_remove((uint32_t)buddy);
        frame_table[i] = (struct page){ .owner = DOMID_INVALID };
        if (buddy < i)
            i = (uint32_t)buddy;
    }
    list_push(i, order, clean);
}

static void free_block(uint32_t i, unsigned order)
{
    free_in[zone_of(i)] += 1ull << order;
    insert_block(i, order, false);
}

/* Cut block i of order `from`, no longer in a list, down to the one of `order` that holds frame `want`. */
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

/* All that is free is called dirty, so that buddies join. */
static void forget_clean(enum zone zone)
{
    for (unsigned o = 0; o <= PAGE_MAX_ORDER; o++)
        for (uint32_t i; (i = free_head[zone][1][o]) != NIL;) {
            list_remove(i);
            insert_block(i, o, false);
        }
}

/* *clean: which kind is wanted; which it is. */
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

static uint32_t take_any(bool own, unsigned order, bool *clean)
{
    uint32_t i = own || !free_in[BEYOND] ? NIL : take_in(BEYOND, order, clean);
    return i != NIL ? i : take_in(DIRECT, order, clean);
}

static uint32_t take_at(uint64_t pfn, unsigned order, bool *clean)
{
    for (unsigned o = order; o <= PAGE_MAX_ORDER; o++) {
        uint64_t head = pfn & ~((1ull << o) - 1);
        if (head < frame_base)
            break;
        struct page *p = &frame_table[head - frame_base];
        if ((p->flags & PAGE_FREE) && p->order >= o) {
            uint32_t i = index_of(p);
            unsigned from = p->order;
            *clean = is_clean(p);
            list_remove(i);
            return split_block(i, from, order, (uint32_t)(pfn - frame_base), *clean);
        }
    }
    return NIL;
}

void page_clear(const struct page *p, size_t count, bool clean)
{
    if (pa_in_direct_map(page_pa(p))) {
        arch_clear_pages(page_va(p), count, clean);
        return;
    }
    for (const struct page *end = p + count; p < end; p++) {
        void *va = page_map(p);
        arch_clear_pages(va, 1, clean);
        page_unmap(p, va);
    }
}

/* A dirty block out of the lists, cut down to SCRUB_ORDER at most, or NIL. */
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
    return __atomic_load_n(&clean_in[zone], __ATOMIC_RELAXED) == __atomic_load_n(&free_in[zone], __ATOMIC_RELAXED);
}

/*
 * A piece, of which nobody else knows while it is being cleared (it counts as free all the same): small, so that whatever this CPU
 * has to do meanwhile does not wait long.
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

/* ---- owners ---- */
static bool account_add(struct domain *d, uint64_t pages)
{
    if (!slot_of[d->id]) {
        unsigned n = 0;
        while (n < MAX_DOMAINS && account[n].d)
            n++;
        if (n == MAX_DOMAINS)
            return false;
        account[n].d = d;
        account[n].pages = 0;
        slot_of[d->id] = (uint8_t)(n + 1);
    }
    account[slot_of[d->id] - 1].pages += pages;
    return true;
}

static void account_sub(uint16_t owner, bool counted, uint32_t pages)
{
    if (owner >= DOMID_FIRST_RESERVED || !slot_of[owner])
        return;
    unsigned n = slot_of[owner] - 1u;
    if (counted)
        account[n].d->tot_pages -= pages;
    if (!(account[n].pages -= pages)) {
        account[n].d = NULL;
        slot_of[owner] = 0;
    }
}

struct domain *page_owner_get(const struct page *p)
{
    struct domain *d = NULL;
    spin_lock(&page_lock);
    if (p->owner < DOMID_FIRST_RESERVED && slot_of[p->owner])
        d = account[slot_of[p->owner] - 1].d;
    if (d && !domain_ref(d))            /* an atomic: takes no lock */
        d = NULL;
    spin_unlock(&page_lock);
    return d;
}

bool page_forget_some(struct domain *d, uint64_t *next)
{
    spin_lock(&page_lock);
    unsigned n = slot_of[d->id] - 1u;
    uint64_t end = MIN(*next + FORGET_A_PIECE, frame_count);
    for (; slot_of[d->id] && account[n].pages && *next < end; ++*next) {
        struct page *p = &frame_table[*next];
        if (!(p->flags & PAGE_ALLOCATED) || p->owner != d->id)
            continue;
        account_sub(p->owner, !(p->flags & PAGE_UNCOUNTED), 1);
        p->owner = DOMID_IO;            /* nobody's: no domain of the same number will get at it */
    }
    bool over = !slot_of[d->id] || *next == frame_count;
    spin_unlock(&page_lock);
    return over;
}

void page_forget_owner(struct domain *d)
{
    uint64_t next = 0;
    while (d->id < DOMID_FIRST_RESERVED && !page_forget_some(d, &next))
        ;
}

/* ---- allocation ---- */
static struct page *claim(struct domain *d, uint32_t i, unsigned order, unsigned flags)
{
    bool counted = d && !(flags & ALLOC_NO_COUNT);
    uint8_t state = (uint8_t)(PAGE_ALLOCATED | (counted ? 0 : PAGE_UNCOUNTED));
    for (uint32_t n = 0; n < 1u << order; n++) {
        struct page *p = &frame_table[i + n];
        *p = (struct page){ .owner = d ? d->id : DOMID_XEN, .flags = state };
        p->gfn = PAGE_NO_GFN;
        __atomic_store_n(&p->refs, 1, __ATOMIC_RELEASE);
    }
    free_in[zone_of(i)] -= 1ull << order;
    if (counted)
        d->tot_pages += 1u << order;
    return &frame_table[i];
}

static bool may_have(struct domain *d, unsigned order, unsigned flags)
{
    if (!d)
        return true;
    if (!(flags & ALLOC_NO_COUNT) && (d->tot_pages > d->max_pages || d->max_pages - d->tot_pages < 1u << order))
        return false;
    return account_add(d, 0);
}

static struct page *alloc(struct domain *d, bool at, paddr_t pa, unsigned order, unsigned flags, bool *clean)
{
    struct page *p = NULL;
    if (order > PAGE_MAX_ORDER)
        return NULL;
    spin_lock(&page_lock);
    if (may_have(d, order, flags)) {
        uint32_t i = at ? take_at(pa_pfn(pa), order, clean) : take_any(!d, order, clean);
        if (i != NIL) {
            p = claim(d, i, order, flags);
            if (d)
                account_add(d, 1ull << order);
        } else if (d && !account[slot_of[d->id] - 1].pages) {
            account[slot_of[d->id] - 1].d = NULL;       /* it has none, so it has no account */
            slot_of[d->id] = 0;
        }
    }
    spin_unlock(&page_lock);
    return p;
}

struct page *page_alloc(struct domain *d, unsigned order, unsigned flags)
{
    bool zeroed = (d && !(flags & ALLOC_RAW)) || (flags & ALLOC_ZERO), clean = zeroed;
    struct page *p = alloc(d, false, PA(0), order, flags, &clean);
    if (p && zeroed && !clean)
        page_clear(p, (size_t)1 << order, d != NULL);
    return p;
}

struct page *page_alloc_uncleared(struct domain *d, unsigned order, bool *clean)
{
    *clean = true;
    return alloc(d, false, PA(0), order, 0, clean);
}

struct page *page_alloc_at(struct domain *d, paddr_t pa, unsigned order)
{
    uint64_t pfn = pa_pfn(pa);
    if (order > PAGE_MAX_ORDER || (pa.v & (((uint64_t)PAGE_SIZE << order) - 1)) || pfn < frame_base ||
        pfn - frame_base >= frame_count)
        return NULL;
    bool clean;
    return alloc(d, true, pa, order, 0, &clean);
}

static void page_free(struct page *p)
{
    spin_lock(&page_lock);
    account_sub(p->owner, !(p->flags & PAGE_UNCOUNTED), 1);
    free_block(index_of(p), 0);
    spin_unlock(&page_lock);
}

/* All of an aligned block, of one owner, which nobody refers to any more. */
static void free_together(struct page *p, unsigned order)
{
    spin_lock(&page_lock);
    account_sub(p->owner, !(p->flags & PAGE_UNCOUNTED), 1u << order);
    for (uint32_t n = 1; n < 1u << order; n++)
        p[n] = (struct page){ .owner = DOMID_INVALID };
    free_block(index_of(p), order);
    spin_unlock(&page_lock);
}

void page_put(struct page *p)
{
    uint32_t before = __atomic_fetch_sub(&p->refs, 1, __ATOMIC_ACQ_REL);
    BUG_ON(before == 0);
    if (before == 1)
        page_free(p);
}

static bool same_kind(const struct page *a, const struct page *b)
{
    return a->owner == b->owner && !((a->flags ^ b->flags) & PAGE_UNCOUNTED);
}

void page_put_block(struct page *p, unsigned order)
{
    uint32_t n = 0, count = 1u << order;
    bool last = true;                   /* ours was the last reference of page n - 1 */

    while (n < count && last && same_kind(&p[n], p)) {
        uint32_t before = __atomic_fetch_sub(&p[n++].refs, 1, __ATOMIC_ACQ_REL);
        BUG_ON(before == 0);
        last = before == 1;
    }
    uint32_t gone = last ? n : n - 1;
    if (gone == count) {
        free_together(p, order);
        return;
    }
    for (uint32_t i = 0; i < gone; i++)
        page_free(&p[i]);
    for (; n < count; n++)
        page_put(&p[n]);
}

bool page_get(struct page *p, const struct domain *owner)
{
    uint32_t refs = __atomic_load_n(&p->refs, __ATOMIC_RELAXED);
    do {
        if (!refs || refs == UINT32_MAX)
            return false;
    } while (!__atomic_compare_exchange_n(&p->refs, &refs, refs + 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    /* Only now does the owner stand still: the page may have been freed and allocated anew before. */
    if (p->owner == owner->id)
        return true;
    page_put(p);
    return false;
}

void page_get_known(struct page *p)
{
    uint32_t before = __atomic_fetch_add(&p->refs, 1, __ATOMIC_RELAXED);
    BUG_ON(before == 0 || before == UINT32_MAX);
}

uint64_t page_free_count(void) { return free_in[DIRECT] + free_in[BEYOND]; }
uint64_t page_free_own_count(void) { return free_in[DIRECT]; }
uint64_t page_total_count(void) { return total_pages; }

static unsigned order_of(size_t bytes)
{
    unsigned order = 0;
    while (((size_t)PAGE_SIZE << order) < bytes)
        order++;
    return order;
}

static void *mem_alloc_as(size_t bytes, unsigned flags)
{
    if (bytes > (size_t)PAGE_SIZE << PAGE_MAX_ORDER)
        return NULL;
    struct page *p = page_alloc(NULL, order_of(bytes), flags);
    return p ? page_va(p) : NULL;
}

void *mem_alloc(size_t bytes) { return mem_alloc_as(bytes, ALLOC_ZERO); }
void *mem_alloc_uncleared(size_t bytes) { return mem_alloc_as(bytes, 0); }

void mem_free(void *mem, size_t bytes)
{
    if (!mem)
        return;
    struct page *p = pfn_page(pa_pfn(va_to_pa(mem)));
    for (uint32_t n = 1u << order_of(bytes); n--;)
        page_put(&p[n]);
}

void page_dump(void)
{
    spin_lock(&page_lock);
    log_info("pages: %llu of %llu free, of them %llu clear, %llu beyond the direct map\n", (unsigned long long)page_free_count(),
             (unsigned long long)total_pages, (unsigned long long)(clean_in[DIRECT] + clean_in[BEYOND]),
             (unsigned long long)free_in[BEYOND]);
    for (unsigned o = 0; o <= PAGE_MAX_ORDER; o++) {
        unsigned n = 0;
        for (unsigned list = 0; list < 2 * ZONES; list++)
            for (uint32_t i = free_head[list / 2][list % 2][o]; i != NIL; i = frame_table[i].next)
                n++;
        if (n)
            log_info("  order %2u: %u free\n", o, n);
    }
    for (unsigned n = 0; n < MAX_DOMAINS; n++)
        if (account[n].d)
            log_info("  d%u: %llu pages, %u of %u counted\n", account[n].d->id, (unsigned long long)account[n].pages,
                     account[n].d->tot_pages, account[n].d->max_pages);
    spin_unlock(&page_lock);
}

/* ---- boot ---- */
struct ranges { const struct mem_region *reserved; unsigned count; };

/* The first piece of [*start, end) that no reserved range touches: *start moves to it, its end is returned; 0: none. */
static uint64_t next_free(const struct ranges *r, uint64_t *start, uint64_t end)
{
    uint64_t stop = end;
    for (unsigned i = 0; i < r->count; i++) {
        uint64_t from = r->reserved[i].start & PAGE_MASK, to = ROUND_UP(r->reserved[i].end, (uint64_t)PAGE_SIZE);
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

/* Where [start, end), whose end may be beyond the direct map, leaves it. */
static uint64_t direct_end(uint64_t start, uint64_t end)
{
    while (end > start && !pa_in_direct_map(PA(end - 1)))
        end = ROUND_DOWN(end - 1, (uint64_t)BLOCK_SIZE);
    return end;
}

/* Where the frame table goes: the end of the highest free piece that holds it, away from where kernels are loaded. */
static uint64_t place_table(const struct mem_region *ram, unsigned ram_count, const struct ranges *r, uint64_t bytes)
{
    uint64_t best = 0;
    for (unsigned i = 0; i < ram_count; i++) {
        uint64_t start = ROUND_UP(ram[i].start, (uint64_t)PAGE_SIZE), end = ram[i].end & PAGE_MASK, stop;
        for (; start < end && (stop = next_free(r, &start, end)) != 0; start = stop) {
            uint64_t direct = direct_end(start, stop);
            if (direct > start && direct - start >= bytes)
                best = MAX(best, direct - bytes);
        }
    }
    return best;
}

/* How large a block of reserved frames can be freed at pfn: aligned, in one zone, and not beyond `end`. */
static unsigned reserved_order(uint64_t pfn, uint64_t end)
{
    unsigned order = 0;
    enum zone zone = zone_of((uint32_t)(pfn - frame_base));
    while (order < PAGE_MAX_ORDER && !(pfn & ((2ull << order) - 1)) && pfn + (2ull << order) <= end &&
           zone_of((uint32_t)(pfn + (2ull << order) - 1 - frame_base)) == zone)
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
    for (uint64_t pfn = MAX(start >> PAGE_SHIFT, 1ull), count; pfn < last; pfn += count) {  /* frame 0 stays out: PA 0 means none */
        struct page *p = &frame_table[pfn - frame_base];
        unsigned order = reserved_order(pfn, last);
        count = 1ull << order;
        if (!(p->flags & PAGE_RESERVED))        /* overlaps count once */
            continue;
        for (uint64_t i = 0; i < count; i++)
            p[i].flags = 0;
        total_pages += count;
        free_block((uint32_t)(pfn - frame_base), order);
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

bool page_adopt(struct domain *d, uint64_t start, uint64_t end)
{
    uint64_t first = (start >> PAGE_SHIFT) - frame_base, count = (end - start) >> PAGE_SHIFT;
    if (((start | end) & ~PAGE_MASK) || start >= end || start >> PAGE_SHIFT < frame_base || first + count > frame_count)
        return false;
    spin_lock(&page_lock);
    bool ok = count <= d->max_pages - d->tot_pages;
    for (uint64_t i = 0; ok && i < count; i++)
        ok = frame_table[first + i].flags & PAGE_RESERVED;
    ok = ok && account_add(d, count);
    for (uint64_t i = 0; ok && i < count; i++) {
        total_pages++;
        free_in[zone_of((uint32_t)(first + i))]++;      /* claim() takes it off again */
        claim(d, (uint32_t)(first + i), 0, 0);
    }
    spin_unlock(&page_lock);
    return ok;
}

void page_init(const struct mem_region *ram, unsigned ram_count, const struct mem_region *reserved, unsigned reserved_count)
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
    total_pages = 0;
    memset(free_in, 0, sizeof(free_in));
    memset(clean_in, 0, sizeof(clean_in));
    memset(account, 0, sizeof(account));
    memset(slot_of, 0, sizeof(slot_of));
    memset(free_head, 0xff, sizeof(free_head));         /* NIL */

    uint64_t bytes = ROUND_UP(frame_count * sizeof(struct page), (uint64_t)PAGE_SIZE);
    uint64_t at = place_table(ram, ram_count, &r, bytes);
    if (!at)
        panic("no room for the frame table: %llu KiB\n", (unsigned long long)bytes >> 10);
    frame_table = pa_to_va(PA(at));
    for (uint64_t i = 0; i < frame_count; i++)
        frame_table[i] = (struct page){ .owner = DOMID_INVALID, .flags = PAGE_RESERVED };
    for (unsigned i = 0; i < ram_count; i++) {
        uint64_t start = ROUND_UP(ram[i].start, (uint64_t)PAGE_SIZE), end = ram[i].end & PAGE_MASK, stop;
        for (; start < end && (stop = next_free(&r, &start, end)) != 0; start = stop) {
            if (at >= start && at < stop) {             /* around the table itself */
                add_free(start, at);
                add_free(at + bytes, stop);
            } else {
                add_free(start, stop);
            }
        }
    }
}
