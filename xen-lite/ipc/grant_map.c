/* SPDX-License-Identifier: BSD-2-Clause */
/* Mapping another domain's granted pages, and handles.  Theory of operation: grant.h. */
#include "abi.h"
#include "arch.h"
#include "dirty.h"
#include "domain_ref.h"
#include "grant.h"
#include "mm.h"
#include "p2m.h"
#include "panic.h"
#include "preempt.h"
#include "rights.h"

#define NO_HANDLE (~0u)

/* ---- handles ---- */

static struct grant_map *handle_entry(struct grant_table *t, uint32_t handle)
{
    ASSERT_LOCKED(&t->lock);
    if (handle >= t->track_count)
        return NULL;
    return &t->track[handle / GRANT_CHUNK_HANDLES][handle % GRANT_CHUNK_HANDLES];
}

static void free_handle(struct grant_table *t, uint32_t handle)
{
    ASSERT_LOCKED(&t->lock);
    *handle_entry(t, handle) = (struct grant_map){ .state = GRANT_HANDLE_FREE,
                                                   .next = t->track_free };
    t->track_free = handle;
}

static bool add_handles(struct grant_table *t)
{
    ASSERT_LOCKED(&t->lock);
    uint32_t first = t->track_count;
    struct grant_map *chunk = first < t->max_maptrack
                                  ? mem_alloc(GRANT_CHUNK_HANDLES * sizeof(*chunk))
                                  : NULL;

    if (!chunk)
        return false;
    t->track[first / GRANT_CHUNK_HANDLES] = chunk;
    t->track_count = first + GRANT_CHUNK_HANDLES;
    for (uint32_t i = GRANT_CHUNK_HANDLES; i-- > 0;)
        free_handle(t, first + i);
    return true;
}

/* A handle in state BUSY, or NO_HANDLE.  Takes the lock. */
static uint32_t take_handle(struct domain *d)
{
    struct grant_table *t = &d->grant;
    uint32_t handle = NO_HANDLE;

    spin_lock(&t->lock);
    if (d->state < DOM_DYING && (t->track_free != NO_HANDLE || add_handles(t))) {
        struct grant_map *m = handle_entry(t, t->track_free);

        handle = t->track_free;
        t->track_free = m->next;
        m->state = GRANT_HANDLE_BUSY;
    }
    spin_unlock(&t->lock);
    return handle;
}

/*
 * Copies the mapping of a handle and makes the handle BUSY.  No other caller uses it until it is
 * put back or freed.
 */
static bool claim_handle(struct domain *d, uint32_t handle, struct grant_map *copy)
{
    struct grant_table *t = &d->grant;

    spin_lock(&t->lock);
    struct grant_map *m = handle_entry(t, handle);
    bool ok = m && m->state == GRANT_HANDLE_MAPPED;
    if (ok) {
        m->state = GRANT_HANDLE_BUSY;
        *copy = *m;
    }
    spin_unlock(&t->lock);
    return ok;
}

static void put_handle_back(struct domain *d, uint32_t handle)
{
    spin_lock(&d->grant.lock);
    handle_entry(&d->grant, handle)->state = GRANT_HANDLE_MAPPED;
    spin_unlock(&d->grant.lock);
}

static void drop_handle(struct domain *d, uint32_t handle)
{
    spin_lock(&d->grant.lock);
    free_handle(&d->grant, handle);
    spin_unlock(&d->grant.lock);
}

/* ---- map ---- */

/* A translated domain can map into its guest-physical space only. */
static int16_t check_flags(const struct gnttab_map_grant_ref *op)
{
    if (!(op->flags & (GNTMAP_device_map | GNTMAP_host_map)))
        return GNTST_bad_gntref;
    if ((op->flags & ~(uint32_t)GNTMAP_readonly) != GNTMAP_host_map)
        return GNTST_general_error;
    return GNTST_okay;
}

/* The entry is pinned.  On failure everything done here is undone here. */
static int16_t enter_mapping(struct domain *d, struct domain *rd, struct page *page,
                             const struct gnttab_map_grant_ref *op)
{
    bool readonly = op->flags & GNTMAP_readonly;
    int rc = -XEN_EINVAL;

    if (!readonly)
        dirty_ext_writer(page, 1); /* before the first write through the mapping is possible */
    if (!(op->host_addr >> IPA_BITS))
        rc = p2m_map(d, IPA(op->host_addr & PAGE_MASK), page_pa(page), 1,
                     readonly ? P2M_GRANT_RO : P2M_GRANT);
    if (rc == 0)
        return GNTST_okay;
    if (!readonly)
        dirty_ext_writer(page, -1);
    grant_release(rd, op->ref, readonly);
    return GNTST_general_error;
}

static int16_t map_with_handle(struct domain *d, struct domain *rd, struct gnttab_map_grant_ref *op,
                               uint32_t handle)
{
    bool readonly = op->flags & GNTMAP_readonly;
    struct page *page = NULL;
    int16_t status = grant_acquire(rd, op->ref, d->id, readonly, &page);

    if (status != GNTST_okay)
        return status;
    status = enter_mapping(d, rd, page, op);
    if (status != GNTST_okay)
        return status;
    spin_lock(&d->grant.lock);
    *handle_entry(&d->grant, handle) = (struct grant_map){
        .page = page,
        .granter = rd,
        .gfn = (uint32_t)(op->host_addr >> PAGE_SHIFT),
        .ref = op->ref,
        .readonly = readonly,
        .state = GRANT_HANDLE_MAPPED,
        .next = NO_HANDLE,
    };
    spin_unlock(&d->grant.lock);
    op->handle = handle;
    op->dev_bus_addr = page_pa(page).v;
    return GNTST_okay;
}

static int16_t map_for(struct domain *d, struct domain *rd, struct gnttab_map_grant_ref *op)
{
    uint32_t handle = take_handle(d);

    if (handle == NO_HANDLE)
        return GNTST_no_space;
    int16_t status = map_with_handle(d, rd, op, handle);
    if (status != GNTST_okay)
        drop_handle(d, handle);
    return status;
}

void grant_map_one(struct domain *d, struct gnttab_map_grant_ref *op)
{
    op->status = check_flags(op);
    if (op->status != GNTST_okay)
        return;
    struct domain *rd = op->dom < DOMID_FIRST_RESERVED ? domain_get(op->dom) : NULL;
    if (!rd) {
        op->status = GNTST_bad_domain;
        return;
    }
    op->status = may_talk(d, rd) ? map_for(d, rd, op) : GNTST_permission_denied;
    if (op->status != GNTST_okay)
        domain_put(rd); /* otherwise the handle keeps the reference */
}

/* ---- unmap ---- */

/*
 * The stage-2 entry and its TLB entries are gone: the page cannot be reached through this mapping.
 */
static void finish_unmap(struct domain *d, uint32_t handle, const struct grant_map *m)
{
    if (!m->readonly)
        dirty_ext_writer(m->page, -1);
    grant_release(m->granter, m->ref, m->readonly);
    drop_handle(d, handle);
    domain_put(m->granter);
}

/*
 * host_addr must be the address that the handle was made with.  With any other, a guest could unmap
 * a read-only mapping under the handle of a writable one, and the writable mapping would outlive
 * its pin.
 */
int16_t grant_unmap(struct domain *d, uint32_t handle, uint64_t host_addr)
{
    struct grant_map m;

    if (!claim_handle(d, handle, &m))
        return GNTST_bad_handle;
    if (host_addr == 0) { /* the ABI says "ignored": nothing to unmap */
        put_handle_back(d, handle);
        return GNTST_okay;
    }
    if (host_addr >> PAGE_SHIFT != m.gfn ||
        p2m_unmap_exact(d, IPA(host_addr & PAGE_MASK), page_pa(m.page)) != 0) {
        put_handle_back(d, handle);
        return GNTST_general_error;
    }
    finish_unmap(d, handle, &m);
    return GNTST_okay;
}

int grant_release_mappings(struct domain *d)
{
    struct grant_table *t = &d->grant;

    while (t->release_next < t->track_count) {
        uint32_t handle = t->release_next;
        struct grant_map m;

        if (claim_handle(d, handle, &m)) {
            /*
             * Fails if the guest has mapped something else there.  Then the entry of this handle is
             * gone, too.
             */
            p2m_unmap_exact(d, GFN(m.gfn), page_pa(m.page));
            finish_unmap(d, handle, &m);
        }
        t->release_next = handle + 1;
        if (handle % 64 == 63 && hypercall_preempt_check())
            return -XEN_ERESTART;
    }
    return 0;
}

/* ---- cache maintenance ---- */

static bool maps_page(struct domain *d, const struct page *page)
{
    struct grant_table *t = &d->grant;
    bool found = false;

    spin_lock(&t->lock);
    for (uint32_t i = 0; i < t->track_count && !found; i++) {
        const struct grant_map *m = handle_entry(t, i);

        found = m->state == GRANT_HANDLE_MAPPED && m->page == page;
    }
    spin_unlock(&t->lock);
    return found;
}

/*
 * GNTTABOP_cache_flush: clean or invalidate the data cache for part of a page that the caller owns
 * or has mapped, named by machine address.  It serves devices that do not snoop.
 * GNTTAB_CACHE_SOURCE_GREF is refused, as by stock Xen.  An invalidate also cleans: otherwise old
 * content of RAM, which the guest must not see, could reappear.
 */
int grant_cache_flush(struct domain *d, const struct gnttab_cache_flush *op)
{
    uint64_t pfn = op->a.dev_bus_addr >> PAGE_SHIFT;

    if (op->offset >= PAGE_SIZE || op->length > PAGE_SIZE ||
        (unsigned)op->offset + op->length > PAGE_SIZE ||
        (op->op & ~(GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL)))
        return -XEN_EINVAL;
    if (op->length == 0 || op->op == 0)
        return 0;
    if (!pfn_valid(pfn))
        return -XEN_EINVAL;
    struct page *page = pfn_page(pfn);
    bool own = page_get(page, d);
    if (!own && !maps_page(d, page))
        return -XEN_EINVAL;
    const uint8_t *va = page_map(page);
    if (op->op & GNTTAB_CACHE_INVAL)
        arch_dcache_clean_invalidate(va + op->offset, op->length);
    else
        arch_dcache_clean(va + op->offset, op->length);
    page_unmap(page, va);
    if (own)
        page_put(page);
    return 0;
}
