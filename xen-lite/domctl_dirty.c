/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XEN_DOMCTL_shadow_op: the log of dirty pages, as the migration daemon sees it.
 *
 * A harvest goes in pieces of 2 MiB.  After each the call may be sent back to the guest to let interrupts in; where it
 * was is then in the caller's own argument block: `op` with CONTINUED set, the next piece in `mb`, the dirty pages so
 * far in `stats`.  So calls that get in between from other vCPUs cannot lose it, and a bit, once taken from its leaf,
 * is either in the caller's bitmap or marked again.
 */
#include "control.h"
#include "dirty.h"

#define PIECE_PAGES BLOCK_PAGES
#define CLEAR_PAGES (32u * PIECE_PAGES) /* the bitmap is cleared for so many at a time: most pieces of a map have nothing dirty */
#define CONTINUED   0x40000000u

static long enable(struct domain *d, uint32_t mode)
{
    /* All of a guest's paging is by stage 2 anyway: the flags that say so are welcome, log-dirty is what can be had. */
    const uint32_t known = XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY | XEN_DOMCTL_SHADOW_ENABLE_REFCOUNT
        | XEN_DOMCTL_SHADOW_ENABLE_TRANSLATE | XEN_DOMCTL_SHADOW_ENABLE_EXTERNAL;

    if (mode & ~known || !(mode & XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY))
        return -XEN_EINVAL;
    return dirty_enable(d);
}

/* Bits that were taken but cannot be delivered are dirty as before. */
static void mark_again(struct domain *d, uint64_t gfn, const uint64_t *words, uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++)
        if (bit_test(words, (unsigned)i))
            dirty_mark(d, GFN(gfn + i));
}

/* The caller's bitmap from `gfn` on: fault before a bit is taken, not after. */
static long clear_bitmap(const struct xen_domctl_shadow_op *s, uint64_t gfn, uint64_t total)
{
    uint64_t pages = MIN(total - gfn, (uint64_t)CLEAR_PAGES);

    return s->dirty_bitmap.q && clear_guest(s->dirty_bitmap.q + gfn / 8, (size_t)((pages + 7) / 8)) ? -XEN_EFAULT : 0;
}

/* May something be dirty in the piece at `gfn`?  Of most pieces of a large map the log knows that without a look at leaves. */
static bool worth_a_look(const struct p2m *p2m, uint64_t gfn)
{
    return p2m->hw_dirty || dirty_noted(p2m, gfn << PAGE_SHIFT);
}

/* One piece, from `gfn`; *dirty grows.  Its part of the bitmap is clear. */
static long harvest_piece(struct domctl *c, uint64_t gfn, uint64_t pages, bool clear, uint32_t *dirty)
{
    uint64_t words[PIECE_PAGES / 64], count = 0, to = c->op->u.shadow_op.dirty_bitmap.q;
    long result = dirty_harvest(c->d, gfn, pages, words, clear, &count);

    if (result || !count)
        return result;
    if (to && copy_to_guest(to + gfn / 8, words, (size_t)((pages + 7) / 8))) {
        if (clear)
            mark_again(c->d, gfn, words, pages);
        return -XEN_EFAULT;
    }
    *dirty += (uint32_t)count;
    return 0;
}

/* Leave the call's place in the caller's block and go back to it. */
static long come_again(struct domctl *c, uint64_t gfn)
{
    struct xen_domctl_shadow_op *s = &c->op->u.shadow_op;

    s->op |= CONTINUED;
    s->mb = (uint32_t)(gfn / PIECE_PAGES);
    c->reply = true;
    return -XEN_ERESTART;
}

static long harvest(struct domctl *c, uint32_t op, bool continued)
{
    struct xen_domctl_shadow_op *s = &c->op->u.shadow_op;
    struct p2m *p2m = &c->d->p2m;
    bool clear = op == XEN_DOMCTL_SHADOW_OP_CLEAN;
    uint64_t total = p2m_max_gfn(c->d) + 1, gfn = continued ? (uint64_t)s->mb * PIECE_PAGES : 0;
    uint64_t none;
    long result = 0;

    /* A harvest of nothing: is the log on, all of it? */
    if (s->mode & ~(uint32_t)XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL || !p2m->logging || dirty_harvest(c->d, 0, 0, NULL, false, &none))
        return -XEN_EINVAL;
    /* Without a bitmap: all pages are counted (and cleaned), none is told. */
    if (s->dirty_bitmap.q)
        total = MIN(total, s->pages);
    if (!continued)
        s->stats.dirty_count = 0;
    for (uint64_t cleared = gfn; gfn < total && !result;) {
        bool look = worth_a_look(p2m, gfn);
        if (gfn == cleared) {
            result = clear_bitmap(s, gfn, total);
            cleared += CLEAR_PAGES;
        }
        if (!result && look)
            result = harvest_piece(c, gfn, MIN(total - gfn, (uint64_t)PIECE_PAGES), clear, &s->stats.dirty_count);
        gfn += PIECE_PAGES;
        if (!result && gfn < total && (look || gfn == cleared) && hypercall_preempt_check())
            return come_again(c, gfn);
    }
    if (clear)
        dirty_round_end(c->d);          /* after a failure too: leaves were cleared */
    if (result)
        return result;
    s->stats.fault_count = (uint32_t)(clear ? __atomic_exchange_n(&p2m->fault_count, 0, __ATOMIC_RELAXED)
                                            : __atomic_load_n(&p2m->fault_count, __ATOMIC_RELAXED));
    s->op = op;
    s->pages = total;
    c->reply = true;
    return 0;
}

long domctl_shadow_op(struct domctl *c)
{
    struct xen_domctl_shadow_op *s = &c->op->u.shadow_op;
    uint32_t op = s->op & ~CONTINUED;

    if (c->d == current_vcpu()->domain || c->d->dying > DOM_ALIVE)
        return -XEN_EINVAL;
    switch (op) {
    case XEN_DOMCTL_SHADOW_OP_ENABLE:
        return enable(c->d, s->mode);
    case XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY:
        return enable(c->d, XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY);
    case XEN_DOMCTL_SHADOW_OP_OFF:
    {
        /* Not p2m.logging: that is off from the first piece on, and there may be more. */
        long result = dirty_disable(c->d);
        return result == -XEN_EINVAL ? 0 : result;  /* was not on */
    }
    case XEN_DOMCTL_SHADOW_OP_CLEAN:
    case XEN_DOMCTL_SHADOW_OP_PEEK:
        p2m_settle(current_vcpu()->domain);     /* pages that the caller has unmapped are not written by it any more */
        return harvest(c, op, s->op & CONTINUED);
    case XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION:
        s->mb = (uint32_t)(((c->d->p2m.table_pages << PAGE_SHIFT) + (1u << 20) - 1) >> 20);
        c->reply = true;
        return 0;
    case XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION:
        /* Tables come from the common heap as they are needed. */
        return (uint64_t)s->mb << (20 - PAGE_SHIFT) > page_free_count() + c->d->p2m.table_pages ? -XEN_ENOMEM : 0;
    default:
        return -XEN_EINVAL;
    }
}
