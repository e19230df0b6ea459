/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Populating and decreasing a domain's memory.  These calls never fail: they return how many
 * extents were done.  Bad arguments give 0.
 */
#include "memory_op.h"
#include "panic.h"

struct reservation {
    struct domain *d;
    uint64_t extents, done, list; /* list: guest address of the first extent's frame number */
    uint64_t page;                /* pages of the extent after `done` that are finished */
    unsigned order;
};

#define CLEARED_A_LOOK   32u /* pages of a new extent between two checks for preemption */
#define ORDER_MAX        (BLOCK_SHIFT - PAGE_SHIFT)
#define ORDER_MAX_DIRECT 4u /* of a direct-mapped domain, whose pages come and go one by one */

/* ---- direct-mapped ---- */

static bool is_memory(struct domain *d, uint64_t gfn, struct p2m_entry *e)
{
    return p2m_lookup(d, GFN(gfn), e) && e->type == P2M_RAM;
}

/* The page at gfn's own address, with a reference for the map: kept from when it left, or free. */
static struct page *own_address(struct domain *d, uint64_t gfn)
{
    ASSERT_LOCKED(&d->lock);
    struct page *page = pfn_valid(gfn) ? pfn_page(gfn) : NULL;

    if (!page)
        return NULL;
    if (page_get(page, d)) {
        bool kept = page->flags & PAGE_KEPT;

        page->flags &= (uint8_t)~PAGE_KEPT;
        page_put(page); /* drops the reference taken here; the map gets the kept one */
        return kept ? page : NULL;
    }
    page = page_alloc_at(d, page_pa(page), 0);
    if (page)
        page_clear(page, 1, true);
    return page;
}

static bool restore_page(struct domain *d, uint64_t gfn)
{
    struct p2m_entry e;
    bool ok = true;

    spin_lock(&d->lock);
    if (!is_memory(d, gfn, &e)) {
        struct page *page = own_address(d, gfn);

        ok = page && p2m_map(d, GFN(gfn), page_pa(page), 1, P2M_RAM) == 0;
        if (page && !ok)
            page->flags |= PAGE_KEPT;
    }
    spin_unlock(&d->lock);
    return ok;
}

/* Refers to the page twice for a moment, so that it is never free in between. */
static int keep_page(struct domain *d, uint64_t gfn, const struct p2m_entry *e)
{
    ASSERT_LOCKED(&d->lock);
    struct page *page = pfn_page(pa_pfn(e->pa));

    if (!page_get(page, d))
        return -XEN_EINVAL;
    int rc = p2m_unmap_later(d, GFN(gfn), e->pa);
    if (rc == 0)
        page->flags |= PAGE_KEPT;
    else
        page_put(page);
    return rc;
}

/* ---- populate ---- */

/*
 * The block that was put aside when the call was preempted, or a new one.  *cleared: how many of
 * its pages are zeroed.
 */
static struct page *take_block(struct domain *d, unsigned order, uint32_t *cleared)
{
    struct page *page = NULL;
    bool clean;

    spin_lock(&d->lock);
    if (d->populating.page && d->populating.order == order) {
        page = d->populating.page;
        *cleared = d->populating.cleared;
        d->populating.page = NULL;
    }
    spin_unlock(&d->lock);
    if (page)
        return page;
    page = page_alloc_uncleared(d, order, &clean);
    if (!page) { /* memory that the domain has just returned is not free before TLBs are flushed */
        p2m_flush_deferred(d);
        page = page_alloc_uncleared(d, order, &clean);
    }
    *cleared = page && clean ? 1u << order : 0;
    return page;
}

/*
 * False if another block is put aside already (the domain populates from several vCPUs), or the
 * domain is dying.
 */
static bool put_aside(struct domain *d, struct page *page, unsigned order, uint32_t cleared)
{
    spin_lock(&d->lock);
    bool ok = !d->populating.page && d->state < DOM_DYING;
    if (ok) {
        d->populating.page = page;
        d->populating.order = (uint8_t)order;
        d->populating.cleared = (uint16_t)cleared;
    }
    spin_unlock(&d->lock);
    return ok;
}

/* 0, -XEN_ENOMEM; -XEN_ERESTART: clearing takes long and continues when the call is repeated. */
static long new_extent(struct domain *d, uint64_t gfn, unsigned order)
{
    uint32_t cleared, pages = 1u << order;
    struct page *page = take_block(d, order, &cleared);

    if (!page)
        return -XEN_ENOMEM;
    while (cleared < pages) {
        uint32_t n = MIN(pages - cleared, CLEARED_A_LOOK);
        page_clear(&page[cleared], n, true);
        cleared += n;
        if (cleared < pages && hypercall_preempt_check() && put_aside(d, page, order, cleared))
            return -XEN_ERESTART;
    }
    if (p2m_map(d, GFN(gfn), page_pa(page), pages, P2M_RAM) == 0)
        return 0;
    page_put_block(page, order);
    return -XEN_ENOMEM;
}

static long populate_one(struct reservation *r, uint64_t gfn)
{
    uint64_t pages = 1ull << r->order;

    if (!gfn_valid(gfn, pages))
        return -XEN_EINVAL;
    if (!r->d->direct_map)
        return new_extent(r->d, gfn, r->order);
    for (uint64_t i = 0; i < pages; i++)
        if (!restore_page(r->d, gfn + i))
            return -XEN_ENOMEM;
    return 0;
}

/* ---- decrease ---- */

int memory_take_out(struct domain *d, uint64_t gfn)
{
    struct p2m_entry e;

    if (!is_memory(d, gfn, &e))
        return -XEN_EINVAL;
    if (d->direct_map && e.pa.v == GFN(gfn).v)
        return keep_page(d, gfn, &e);
    return p2m_unmap_later(d, GFN(gfn), e.pa);
}

/* Removes some pages of the extent, or a whole block, which then need not be split. */
static long decrease_piece(struct reservation *r, uint64_t gfn)
{
    uint64_t pages = 1ull << r->order;
    struct p2m_entry e;
    long rc = 0;

    if (!r->page && r->order == ORDER_MAX && !(gfn & (pages - 1)) && is_memory(r->d, gfn, &e) &&
        e.order == r->order) {
        r->page = pages;
        return p2m_unmap(r->d, GFN(gfn), pages);
    }
    spin_lock(&r->d->lock);
    for (uint64_t end = MIN(pages, r->page + MEMOP_PAGES_A_LOOK); !rc && r->page < end; r->page++)
        rc = memory_take_out(r->d, gfn + r->page);
    spin_unlock(&r->d->lock);
    return rc;
}

static long decrease_one(struct reservation *r, uint64_t gfn)
{
    uint64_t pages = 1ull << r->order;

    if (!gfn_valid(gfn, pages))
        return -XEN_EINVAL;
    while (r->page < pages) {
        long rc = decrease_piece(r, gfn);
        if (rc)
            return rc;
        if (r->page < pages && hypercall_preempt_check())
            return -XEN_ERESTART;
    }
    r->page = 0;
    return 0;
}

/* ---- the calls ---- */

static long each_extent(unsigned op, struct reservation *r)
{
    while (r->done < r->extents) {
        xen_pfn_t gfn;

        if (copy_from_guest(&gfn, r->list + r->done * sizeof(gfn), sizeof(gfn)))
            break;
        long rc = op == XENMEM_populate_physmap ? populate_one(r, gfn) : decrease_one(r, gfn);
        if (rc == -XEN_ERESTART)
            return memory_restart(op, r->page << MEMOP_BLOCK_BITS | r->done);
        if (rc)
            break;
        r->done++;
        bool look = r->order || r->done % MEMOP_PAGES_A_LOOK == 0;
        if (look && r->done < r->extents && hypercall_preempt_check())
            return memory_restart(op, r->done);
    }
    return (long)r->done;
}

/*
 * An extent is at most one block (2 MiB): the tools try 1 GiB first and fall back to smaller
 * extents.  increase_reservation gives pages without an address.  On Arm such pages could neither
 * be used nor returned, so the call gives none.
 */
long memory_reservation(unsigned op, uint64_t arg, uint64_t start)
{
    struct xen_memory_reservation in;
    uint64_t page = 0, most = MEMOP_EXTENTS_MAX;

    if (copy_from_guest(&in, arg, sizeof(in)))
        return (long)(start & MEMOP_BLOCKS_MAX);
    if (in.extent_order) {
        most = MEMOP_BLOCKS_MAX;
        page = start >> MEMOP_BLOCK_BITS;
    }
    long rc = (long)(start &= most);
    if (in.nr_extents > most || start >= in.nr_extents)
        return rc;
    if (op == XENMEM_increase_reservation || in.extent_order > ORDER_MAX ||
        page >> in.extent_order ||
        (op == XENMEM_populate_physmap && (in.mem_flags & XENMEMF_populate_on_demand)))
        return rc;
    struct domain *d = domain_get(in.domid);
    if (!d)
        return rc;
    if (may_act_on(d) && d->state < DOM_DYING &&
        (!d->direct_map || in.extent_order <= ORDER_MAX_DIRECT)) {
        struct reservation r = {
            .d = d,
            .extents = in.nr_extents,
            .done = start,
            .page = page,
            .list = in.extent_start.q,
            .order = in.extent_order,
        };
        rc = each_extent(op, &r);
    }
    domain_put(d);
    return rc;
}
