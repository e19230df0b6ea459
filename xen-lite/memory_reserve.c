/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Giving memory to a domain and taking it back.  These calls never fail: they return how many extents were done, and
 * anything that is wrong with the arguments means that none were.
 */
#include "memory_op.h"

struct reservation {
    struct domain *d;
    uint64_t extents, done, list;       /* list: guest address of the first extent's frame number */
    unsigned order;
};

/* ---- direct-mapped ---------------------------------------------------------------------------------------------- */

static bool is_memory(struct domain *d, uint64_t gfn, struct p2m_entry *e)
{
    return p2m_lookup(d, GFN(gfn), e) && e->type == P2M_RAM;
}

/* The page at gfn's own address, with a reference for the map: kept from when it left, or free. d->lock held. */
static struct page *own_address(struct domain *d, uint64_t gfn)
{
    struct page *page = pfn_valid(gfn) ? pfn_page(gfn) : NULL;

    if (!page)
        return NULL;
    if (page_get(page, d)) {
        bool kept = page->flags & PAGE_KEPT;

        page->flags &= (uint8_t)~PAGE_KEPT;
        page_put(page);                 /* ours of just now; the kept one goes to the map */
        return kept ? page : NULL;
    }
    page = page_alloc_at(d, page_pa(page), 0);
    if (page)
        arch_clear_pages(page_va(page), 1, true);
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

/* Refers to the page twice for a moment, so that it is never free in between. d->lock held. */
static int keep_page(struct domain *d, uint64_t gfn, const struct p2m_entry *e)
{
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

/* ---- populate --------------------------------------------------------------------------------------------------- */

static bool new_extent(struct domain *d, uint64_t gfn, unsigned order)
{
    struct page *page = page_alloc(d, order, ALLOC_ZERO);

    if (!page) {                        /* what it has just given back still counts until TLBs are flushed */
        p2m_settle(d);
        page = page_alloc(d, order, ALLOC_ZERO);
    }
    if (!page)
        return false;
    if (p2m_map(d, GFN(gfn), page_pa(page), 1ull << order, P2M_RAM) == 0)
        return true;
    for (uint64_t i = 0; i < 1ull << order; i++)
        page_put(&page[i]);
    return false;
}

static bool populate_one(struct domain *d, uint64_t gfn, unsigned order)
{
    if (!gfn_valid(gfn, 1ull << order))
        return false;
    if (!d->direct_map)
        return new_extent(d, gfn, order);
    for (uint64_t i = 0; i < 1ull << order; i++)
        if (!restore_page(d, gfn + i))
            return false;
    return true;
}

/* ---- decrease --------------------------------------------------------------------------------------------------- */

int memory_take_out(struct domain *d, uint64_t gfn)
{
    struct p2m_entry e;

    if (!is_memory(d, gfn, &e))
        return -XEN_EINVAL;
    if (d->direct_map && e.pa.v == GFN(gfn).v)
        return keep_page(d, gfn, &e);
    return p2m_unmap_later(d, GFN(gfn), e.pa);
}

static bool all_memory(struct domain *d, uint64_t gfn, uint64_t pages)
{
    struct p2m_entry e;

    for (uint64_t i = 0; i < pages; i++)
        if (!is_memory(d, gfn + i, &e))
            return false;
    return true;
}

static bool decrease_one(struct domain *d, uint64_t gfn, unsigned order)
{
    uint64_t pages = 1ull << order;
    bool ok = gfn_valid(gfn, pages);

    spin_lock(&d->lock);
    if (ok && order && !d->direct_map && all_memory(d, gfn, pages))
        ok = p2m_unmap(d, GFN(gfn), pages) == 0;    /* in one go: blocks need not be split */
    else
        for (uint64_t i = 0; ok && i < pages; i++)
            ok = memory_take_out(d, gfn + i) == 0;
    spin_unlock(&d->lock);
    return ok;
}

/* ---- the calls -------------------------------------------------------------------------------------------------- */

static long each_extent(unsigned op, struct reservation *r)
{
    while (r->done < r->extents) {
        xen_pfn_t gfn;

        if (copy_from_guest(&gfn, r->list + r->done * sizeof(gfn), sizeof(gfn)))
            break;
        if (!(op == XENMEM_populate_physmap ? populate_one : decrease_one)(r->d, gfn, r->order))
            break;
        r->done++;
        bool look = r->order || r->done % MEMOP_PAGES_A_LOOK == 0;
        if (look && r->done < r->extents && hypercall_preempt_check())
            return memory_restart(op, r->done);
    }
    return (long)r->done;
}

/*
 * An extent is at most a block (2 MiB): the tools try 1 GiB first and go on with smaller ones, and this bounds what is
 * cleared between two looks at pending work.  increase_reservation gives pages without a place, which on Arm nobody
 * could use or give back: none are given.
 */
long memory_reservation(unsigned op, uint64_t arg, uint64_t start)
{
    struct xen_memory_reservation in;
    long rc = (long)start;

    if (copy_from_guest(&in, arg, sizeof(in)) || in.nr_extents > MEMOP_EXTENTS_MAX || start >= in.nr_extents)
        return rc;
    if (op == XENMEM_increase_reservation || in.extent_order > BLOCK_SHIFT - PAGE_SHIFT ||
        (op == XENMEM_populate_physmap && (in.mem_flags & XENMEMF_populate_on_demand)))
        return rc;
    struct domain *d = domain_get(in.domid);
    if (!d)
        return rc;
    if (may_act_on(d) && d->dying < DOM_DYING) {
        struct reservation r = {
            .d = d, .extents = in.nr_extents, .done = start, .list = in.extent_start.q, .order = in.extent_order,
        };
        rc = each_extent(op, &r);
    }
    domain_put(d);
    return rc;
}
