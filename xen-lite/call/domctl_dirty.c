/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XEN_DOMCTL_shadow_op: the dirty log as the migration daemon sees it.
 *
 * A harvest first clears the caller's bitmap.  Then it goes through the pages in pieces of
 * PIECE_PAGES and skips regions without dirty pages.  Between pieces the call may be preempted, so
 * that its vCPU can take interrupts.  Its progress is then in the caller's argument block: CLEARING
 * or CONTINUED is set in `op`, the position is in `mb` (in units of UNIT_PAGES), the size in
 * `pages`, and the number of dirty pages so far in `stats`.  So calls by other vCPUs in between
 * cannot disturb it.
 *
 * A bitmap that cannot be written is detected before a bit is taken from its leaf.  A bitmap that
 * the caller unmaps during the call may still fail halfway; the pages that are then missing in it
 * are marked dirty again.
 */
#include "domctl.h"

#define PIECE_PAGES 4096u /* about ten instructions per page if every other page is dirty */
#define CLEAR_PAGES    \
    (64u * PAGE_SIZE * \
     8)                 /* bytes of the bitmap that are cleared between two checks for preemption */
#define UNIT_PAGES 512u /* unit of `mb`: pieces begin at a region of the log */
#define CLEARING   0x20000000u
#define CONTINUED  0x40000000u

static long enable(struct domain *d, uint32_t mode)
{
    /*
     * All paging of a guest is by stage 2 here, so flags that ask for that are accepted.  Log-dirty
     * is the one mode that exists.
     */
    const uint32_t known = XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY | XEN_DOMCTL_SHADOW_ENABLE_REFCOUNT |
                           XEN_DOMCTL_SHADOW_ENABLE_TRANSLATE | XEN_DOMCTL_SHADOW_ENABLE_EXTERNAL;

    if (mode & ~known || !(mode & XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY))
        return -XEN_EINVAL;
    return dirty_enable(d);
}

/* Bits that were taken from leaves but cannot be delivered become dirty again. */
static void mark_again(struct domain *d, uint64_t gfn, const uint64_t *words, uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++)
        if (bit_test(words, (unsigned)i))
            dirty_mark(d, GFN(gfn + i));
}

/*
 * Harvests one piece from `gfn` and adds its count to *dirty.  Its part of the bitmap is zero
 * before.
 */
static long harvest_piece(struct domctl *c, uint64_t gfn, uint64_t pages, bool clear,
                          uint32_t *dirty)
{
    uint64_t words[PIECE_PAGES / 64], count = 0, to = c->op->u.shadow_op.dirty_bitmap.q;
    long result = dirty_harvest(c->d, gfn, pages, words, clear, &count);

    if (result)
        return result;
    if (to && count && copy_to_guest(to + gfn / 8, words, (size_t)((pages + 7) / 8))) {
        if (clear)
            mark_again(c->d, gfn, words, pages);
        return -XEN_EFAULT;
    }
    *dirty += (uint32_t)count;
    return 0;
}

/* Store the call's progress in the caller's block; the caller repeats the call. */
static long come_again(struct domctl *c, uint64_t gfn, uint32_t phase)
{
    struct xen_domctl_shadow_op *s = &c->op->u.shadow_op;

    s->op |= phase;
    s->mb = (uint32_t)(gfn / UNIT_PAGES);
    c->reply = true;
    return -XEN_ERESTART;
}

/* Zeroes the caller's bitmap for pages `gfn` to `total`. */
static long clear_bitmap(struct domctl *c, uint64_t gfn, uint64_t total)
{
    uint64_t to = c->op->u.shadow_op.dirty_bitmap.q;

    while (to && gfn < total) {
        uint64_t pages = MIN(total - gfn, (uint64_t)CLEAR_PAGES);
        if (clear_guest(to + gfn / 8, (size_t)((pages + 7) / 8)))
            return -XEN_EFAULT;
        gfn += pages;
        if (gfn < total && hypercall_preempt_check())
            return come_again(c, gfn, CLEARING);
    }
    return 0;
}

static long harvest_pieces(struct domctl *c, uint64_t gfn, uint64_t total, bool clear)
{
    uint64_t pages;

    while ((gfn = dirty_next(c->d, gfn, total, &pages)) < total) {
        pages = MIN(pages, (uint64_t)PIECE_PAGES);
        long result = harvest_piece(c, gfn, pages, clear, &c->op->u.shadow_op.stats.dirty_count);
        if (result)
            return result;
        gfn += pages;
        if (gfn < total && hypercall_preempt_check())
            return come_again(c, gfn, CONTINUED);
    }
    return 0;
}

static long harvest(struct domctl *c, uint32_t op, uint32_t phase)
{
    struct xen_domctl_shadow_op *s = &c->op->u.shadow_op;
    struct p2m *p2m = &c->d->p2m;
    bool clear = op == XEN_DOMCTL_SHADOW_OP_CLEAN;
    uint64_t total = p2m_max_gfn(c->d) + 1, gfn = phase ? (uint64_t)s->mb * UNIT_PAGES : 0;
    long result = 0;

    if (s->mode & ~(uint32_t)XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL || !dirty_on(c->d))
        return -XEN_EINVAL;
    if (!phase &&
        copy_to_guest(c->arg, c->op, sizeof(*c->op))) /* the answer must be writable, too */
        return -XEN_EFAULT;
    /* Without a bitmap the pages are counted (and cleaned), but not reported one by one. */
    if (s->dirty_bitmap.q || phase)
        total = MIN(total, s->pages);
    s->op = op;
    s->pages = total;
    if (phase != CONTINUED) {
        result = clear_bitmap(c, gfn, total);
        if (result)
            return result;
        gfn = 0;
        s->stats.dirty_count = 0;
    }
    result = harvest_pieces(c, gfn, total, clear);
    if (result == -XEN_ERESTART)
        return result;
    if (clear)
        dirty_round_end(c->d); /* also after a failure: leaves were cleared */
    if (result)
        return result;
    s->stats.fault_count = (uint32_t)(clear ? __atomic_exchange_n(&p2m->fault_count, 0,
                                                                  __ATOMIC_RELAXED)
                                            : __atomic_load_n(&p2m->fault_count, __ATOMIC_RELAXED));
    c->reply = true;
    return 0;
}

long domctl_shadow_op(struct domctl *c)
{
    struct xen_domctl_shadow_op *s = &c->op->u.shadow_op;
    uint32_t op = s->op & ~(CLEARING | CONTINUED), phase = s->op & (CLEARING | CONTINUED);

    if (c->d == current_vcpu()->domain || c->d->state > DOM_ALIVE)
        return -XEN_EINVAL;
    p2m_flush_deferred(
        current_vcpu()
            ->domain); /* writable mappings that the caller has unmapped no longer count */
    switch (op) {
    case XEN_DOMCTL_SHADOW_OP_ENABLE: return enable(c->d, s->mode);
    case XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY:
        return enable(c->d, XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY);
    case XEN_DOMCTL_SHADOW_OP_OFF: {
        /* Not p2m.logging: that is off from the first piece on, while others may remain. */
        long result = dirty_disable(c->d);
        return result == -XEN_EINVAL ? 0 : result; /* -EINVAL: logging was not on */
    }
    case XEN_DOMCTL_SHADOW_OP_CLEAN:
    case XEN_DOMCTL_SHADOW_OP_PEEK: return harvest(c, op, phase);
    case XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION:
        s->mb = (uint32_t)(((c->d->p2m.table_pages << PAGE_SHIFT) + (1u << 20) - 1) >> 20);
        c->reply = true;
        return 0;
    case XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION:
        /* Tables come from the common heap when they are needed. */
        return (uint64_t)s->mb << (20 - PAGE_SHIFT) > page_free_own_count() + c->d->p2m.table_pages
                   ? -XEN_ENOMEM
                   : 0;
    default: return -XEN_EINVAL;
    }
}
