/* SPDX-License-Identifier: BSD-2-Clause */
/* Making pages dirty: by the guest's write fault, by the hypervisor's writes, by other domains'
 * mappings.  See dirty.c. */
#include "arch.h"
#include "dirty_internal.h"
#include "domain_ref.h"
#include "mm.h"
#include "panic.h"
#include "vlpt.h"
#include "vmid.h"

enum marked { NOT_LOGGED, WAS_DIRTY, NOW_DIRTY };

static bool is_logged(uint64_t leaf)
{
    return (leaf & (PTE_VALID | PTE_SW_LOGGED)) == (PTE_VALID | PTE_SW_LOGGED);
}
static bool is_external(uint64_t leaf)
{
    return (leaf & (PTE_VALID | PTE_SW_EXT)) == (PTE_VALID | PTE_SW_EXT);
}

/*
 * With the lock, for any kind of leaf.  A block is split first; if there is no memory for that, the
 * whole block becomes dirty.
 */
static enum marked mark_locked(struct p2m *p2m, uint64_t ipa)
{
    ASSERT_LOCKED(&p2m->lock);
    unsigned level;
    uint64_t *entry = pt_entry(&p2m->pt, ipa, &level);
    uint64_t leaf = __atomic_load_n(entry, __ATOMIC_ACQUIRE);
    if (!is_logged(leaf) && !is_external(leaf))
        return NOT_LOGGED;
    if (leaf & PTE_S2_W)
        return WAS_DIRTY;
    if (level < 3) {
        uint64_t *split = dirty_split(p2m, ipa);
        if (split)
            entry = split;
    }
    leaf = __atomic_fetch_or(entry, PTE_S2_W, __ATOMIC_SEQ_CST);
    dirty_note(p2m, ipa);
    return leaf & PTE_S2_W ? WAS_DIRTY : NOW_DIRTY;
}

/*
 * Marks a leaf through the window, without the lock.  False if that is not possible: a block, a
 * merge in progress, or another CPU changed the leaf first.
 */
static bool mark_in_window(struct p2m *p2m, unsigned slot, uint64_t ipa, enum marked *marked)
{
    unsigned level;
    uint64_t leaf;
    uint64_t *at = vlpt_leaf(p2m, slot, ipa, &leaf, &level);
    if (!at || !load64_may_fault(at, &leaf) || !(is_logged(leaf) || is_external(leaf)))
        return false;
    *marked = WAS_DIRTY;
    if (leaf & PTE_S2_W)
        return true;
    if (cas64_may_fault(at, &leaf, leaf | PTE_S2_W) != 1)
        return false;
    *marked = NOW_DIRTY;
    dirty_note(p2m, ipa);
    return true;
}

static enum marked mark(struct p2m *p2m, uint64_t ipa)
{
    enum marked marked;
    int slot = vlpt_slot(p2m);
    if (likely(slot >= 0 && vlpt_reaches(ipa)) && mark_in_window(p2m, (unsigned)slot, ipa, &marked))
        return marked;
    spin_lock(&p2m->lock);
    marked = mark_locked(p2m, ipa);
    spin_unlock(&p2m->lock);
    return marked;
}

bool dirty_fault(struct vcpu *v, ipa_t ipa)
{
    struct domain *d = v->domain;
    if (ipa.v >> IPA_BITS)
        return false;
    enum marked marked = mark(&d->p2m, ipa.v);
    if (marked == NOT_LOGGED)
        return false;
    /* The CPU faulted with a read-only TLB entry, and may still have it. */
    vmid_flush_ipa(d, IPA(ipa.v & PAGE_MASK));
    if (marked == NOW_DIRTY)
        d->p2m.fault_count++; /* statistics: CPUs that race may lose a count */
    else
        d->p2m.spurious_count++;
    return true;
}

/*
 * The barrier keeps the caller's write before the look at the log.  Otherwise the look could come
 * first and find the leaf dirty (or the log off).  Then the leaf is harvested and cleaned and the
 * page copied, and only then the write becomes visible: it would be in no round's copy.
 */
void dirty_mark(struct domain *d, ipa_t ipa)
{
    arch_dmb();
    if (likely(!d->p2m.logging) || ipa.v >> IPA_BITS)
        return;
    mark(&d->p2m, ipa.v);
}

void dirty_mark_ram(struct domain *d, ipa_t ipa, struct page *p)
{
    p->written = true;
    dirty_mark(d, ipa);
}

void dirty_mark_page(struct page *p)
{
    p->written = true;
    arch_dmb(); /* as in dirty_mark */
    if (likely(!dirty_any()))
        return;
    struct domain *d = page_owner_get(p);
    if (!d)
        return;
    uint32_t gfn = __atomic_load_n(&p->gfn, __ATOMIC_RELAXED);
    if (gfn != PAGE_NO_GFN)
        dirty_mark(d, GFN(gfn));
    domain_put(d);
}

/* The owner's leaf (or block) follows p->ext_writers.  Guest and hardware may be setting W in a
 * logged leaf meanwhile. */
static void follow_writers(struct p2m *p2m, struct page *p)
{
    ASSERT_LOCKED(&p2m->lock);
    unsigned level;
    uint64_t ipa = (uint64_t)p->gfn << PAGE_SHIFT;
    uint64_t *entry = pt_entry(&p2m->pt, ipa, &level);
    uint64_t leaf = __atomic_load_n(entry, __ATOMIC_RELAXED), now;
    if (!(leaf & PTE_VALID) || p2m_leaf_type(leaf) != P2M_RAM ||
        (leaf & PTE_ADDR) + (ipa & (pt_span(level) - 1)) != page_pa(p).v)
        return;
    if (!p->ext_writers && level < 3)
        return; /* perhaps because of another page of the block: decided when it is split */
    if (p->ext_writers && level < 3 && is_logged(leaf) && dirty_split(p2m, ipa))
        return; /* the split has given each leaf its own bits */
    do {
        now = leaf & ~(PTE_SW_EXT | PTE_SW_LOGGED | PTE_DBM);
        if (p->ext_writers)
            now |= PTE_SW_EXT | PTE_S2_W;
        else /* it stays dirty until the next harvest: the last external write may be recent */
            now |= dirty_new_leaf(p2m, level);
    } while (
        !__atomic_compare_exchange_n(entry, &leaf, now, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
    if (p2m->logging)
        dirty_note(p2m, ipa);
}

void dirty_ext_writer(struct page *p, int delta)
{
    struct domain *d = page_owner_get(p);
    if (d)
        spin_lock(&d->p2m.lock);
    uint32_t now = __atomic_add_fetch(&p->ext_writers, (uint32_t)delta, __ATOMIC_RELAXED);
    BUG_ON(delta < 0 ? now == UINT32_MAX : now == 0);
    p->written = true;
    if (!d)
        return;
    if (p->gfn != PAGE_NO_GFN && d->p2m.pt.root.v)
        follow_writers(&d->p2m, p);
    spin_unlock(&d->p2m.lock);
    domain_put(d);
}
