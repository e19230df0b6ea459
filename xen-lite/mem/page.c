/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical pages: 16 bytes per frame, with reference count and owner.
 *
 * An allocated frame is freed by its last reference, on its own; page_free.c joins buddies again.
 * Frames of holes and of reserved ranges are PAGE_RESERVED and never change (page_boot.c).
 */
#include "arch.h"
#include "domain_ref.h"
#include "log.h"
#include "page_free.h"
#include "panic.h"

#define FORGET_A_PIECE 4096u /* frames examined between two checks for preemption */

struct page *frame_table;
uint64_t frame_base, frame_count;

/* Domains that own pages, by domain id: slot_of is 1 + index, or 0 for none. */
static struct {
    struct domain *d;
    uint64_t pages;
} account[MAX_DOMAINS];
static uint8_t slot_of[DOMID_FIRST_RESERVED];
_Static_assert(MAX_DOMAINS < 256, "slot_of");

void *page_va(const struct page *p) { return pa_to_va(page_pa(p)); }

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
    if (d && !domain_ref(d)) /* atomic: takes no lock */
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
        p->owner = DOMID_IO; /* no owner: a later domain with the same id must not get it */
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
    if (counted)
        d->tot_pages += 1u << order;
    return &frame_table[i];
}

static bool may_have(struct domain *d, unsigned order, unsigned flags)
{
    if (!d)
        return true;
    if (!(flags & ALLOC_NO_COUNT) &&
        (d->tot_pages > d->max_pages || d->max_pages - d->tot_pages < 1u << order))
        return false;
    return account_add(d, 0);
}

static struct page *alloc(struct domain *d, bool at, paddr_t pa, unsigned order, unsigned flags,
                          bool *clean)
{
    struct page *p = NULL;
    if (order > PAGE_MAX_ORDER)
        return NULL;
    spin_lock(&page_lock);
    if (may_have(d, order, flags)) {
        uint32_t i = at ? page_free_take_at(pa_pfn(pa), order, clean)
                        : page_free_take(!d, order, clean);
        if (i != NIL) {
            p = claim(d, i, order, flags);
            if (d)
                account_add(d, 1ull << order);
        } else if (d && !account[slot_of[d->id] - 1].pages) {
            account[slot_of[d->id] - 1].d = NULL; /* no pages are left, so it needs no account */
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
    if (order > PAGE_MAX_ORDER || (pa.v & (((uint64_t)PAGE_SIZE << order) - 1)) ||
        pfn < frame_base || pfn - frame_base >= frame_count)
        return NULL;
    bool clean;
    return alloc(d, true, pa, order, 0, &clean);
}

static void page_free(struct page *p)
{
    spin_lock(&page_lock);
    account_sub(p->owner, !(p->flags & PAGE_UNCOUNTED), 1);
    page_free_give(page_index(p), 0);
    spin_unlock(&page_lock);
}

/* Frees an aligned block that has one owner and no references any more. */
static void free_together(struct page *p, unsigned order)
{
    spin_lock(&page_lock);
    account_sub(p->owner, !(p->flags & PAGE_UNCOUNTED), 1u << order);
    for (uint32_t n = 1; n < 1u << order; n++)
        p[n] = (struct page){ .owner = DOMID_INVALID };
    page_free_give(page_index(p), order);
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
    bool last = true; /* page n - 1 lost its last reference above */

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
    } while (!__atomic_compare_exchange_n(&p->refs, &refs, refs + 1, false, __ATOMIC_ACQ_REL,
                                          __ATOMIC_RELAXED));
    /*
     * Compare the owner only with the reference held: before, the page could have been freed and
     * allocated again.
     */
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

uint64_t page_total_count(void) { return page_total; }

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

bool page_adopt(struct domain *d, uint64_t start, uint64_t end)
{
    uint64_t first = (start >> PAGE_SHIFT) - frame_base, count = (end - start) >> PAGE_SHIFT;
    if (((start | end) & ~PAGE_MASK) || start >= end || start >> PAGE_SHIFT < frame_base ||
        first + count > frame_count)
        return false;
    spin_lock(&page_lock);
    bool ok = count <= d->max_pages - d->tot_pages;
    for (uint64_t i = 0; ok && i < count; i++)
        ok = frame_table[first + i].flags & PAGE_RESERVED;
    ok = ok && account_add(d, count);
    for (uint64_t i = 0; ok && i < count; i++) {
        page_total++;
        claim(d, (uint32_t)(first + i), 0, 0);
    }
    spin_unlock(&page_lock);
    return ok;
}

void page_accounts_reset(void)
{
    memset(account, 0, sizeof(account));
    memset(slot_of, 0, sizeof(slot_of));
}

void page_dump(void)
{
    spin_lock(&page_lock);
    page_free_dump();
    for (unsigned n = 0; n < MAX_DOMAINS; n++)
        if (account[n].d)
            log_info("  d%u: %llu pages, %u of %u counted\n", account[n].d->id,
                     (unsigned long long)account[n].pages, account[n].d->tot_pages,
                     account[n].d->max_pages);
    spin_unlock(&page_lock);
}

void page_forget_block(struct domain *d)
{
    spin_lock(&d->lock);
    struct page *page = d->populating.page;
    unsigned order = d->populating.order;
    d->populating.page = NULL;
    spin_unlock(&d->lock);
    if (page)
        page_put_block(page, order);
}
