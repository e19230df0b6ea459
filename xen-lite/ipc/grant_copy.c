/* SPDX-License-Identifier: BSD-2-Clause */
/* GNTTABOP_copy: between pages that the caller owns and pages granted to it. */
#include "dirty.h"
#include "domain_ref.h"
#include "grant.h"
#include "lib.h"
#include "mm.h"
#include "p2m.h"
#include "rights.h"

/* One end of a copy while the copy runs. */
struct copy_end {
    struct domain *domain; /* owner of the page; a reference is held */
    struct page *page;     /* a reference is held */
    uint32_t ref;
    bool granted; /* pinned in the grant table */
    bool readonly;
};

static int16_t find_domain(struct copy_end *end, struct domain *self, domid_t domid)
{
    if (domid == DOMID_SELF) {
        end->domain = domain_ref(self) ? self : NULL;
        return end->domain ? GNTST_okay : GNTST_bad_domain;
    }
    /* Pages of another domain are reached by grant only, never by frame number. */
    if (!end->granted)
        return GNTST_permission_denied;
    end->domain = domid < DOMID_FIRST_RESERVED ? domain_get(domid) : NULL;
    return end->domain ? GNTST_okay : GNTST_bad_domain;
}

static int16_t take_page(struct copy_end *end, struct domain *self,
                         const struct gnttab_copy_ptr *ptr)
{
    if (end->granted) {
        end->ref = ptr->u.ref;
        int16_t status = grant_acquire(end->domain, end->ref, self->id, end->readonly, &end->page);
        if (status != GNTST_okay)
            end->page = NULL;
        return status;
    }
    end->page = p2m_get_ram(end->domain, ptr->u.gmfn, !end->readonly);
    return end->page ? GNTST_okay : GNTST_bad_page;
}

static void drop_end(struct copy_end *end)
{
    if (end->page && end->granted)
        grant_release(end->domain, end->ref, end->readonly);
    else if (end->page)
        page_put(end->page);
    if (end->domain)
        domain_put(end->domain);
}

static int16_t copy_bytes(const struct gnttab_copy *op, const struct copy_end *from,
                          const struct copy_end *to)
{
    if ((unsigned)op->source.offset + op->len > PAGE_SIZE ||
        (unsigned)op->dest.offset + op->len > PAGE_SIZE)
        return GNTST_bad_copy_arg;
    const uint8_t *source = page_map(from->page);
    uint8_t *dest = from->page == to->page ? (uint8_t *)(uintptr_t)source : page_map(to->page);
    /* memmove, because both ends may be the same page. */
    memmove(dest + op->dest.offset, source + op->source.offset, op->len);
    if (from->page != to->page)
        page_unmap(to->page, dest);
    page_unmap(from->page, source);
    dirty_mark_page(to->page);
    return GNTST_okay;
}

void grant_copy_one(struct domain *d, struct gnttab_copy *op)
{
    struct copy_end from = { .granted = op->flags & GNTCOPY_source_gref, .readonly = true };
    struct copy_end to = { .granted = op->flags & GNTCOPY_dest_gref };

    op->status = find_domain(&from, d, op->source.domid);
    if (op->status == GNTST_okay)
        op->status = find_domain(&to, d, op->dest.domid);
    if (op->status == GNTST_okay && !may_talk(from.domain, to.domain))
        op->status = GNTST_permission_denied;
    if (op->status == GNTST_okay)
        op->status = take_page(&from, d, &op->source);
    if (op->status == GNTST_okay)
        op->status = take_page(&to, d, &op->dest);
    if (op->status == GNTST_okay)
        op->status = copy_bytes(op, &from, &to);
    drop_end(&to);
    drop_end(&from);
}
