/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes of a domain's stage 2: mapping, unmapping, tearing down.
 *
 * A change is made in pieces of at most one block or PIECE pages.  Per piece: take the lock, change
 * the entries, flush their TLB entries, drop the lock, and only then drop the references that the
 * old entries held.  So a page is never freed while a guest can reach it, and calls that take other
 * domains' locks (external writers) are made with no lock held.  There are no 1 GiB blocks: the
 * VLPT's upper window could not show them (vlpt.c).
 */
#include "abi.h"
#include "arch.h"
#include "dirty_internal.h"
#include "domain_types.h"
#include "lib.h"
#include "mm.h"
#include "p2m.h"
#include "panic.h"
#include "preempt.h"
#include "timer.h"
#include "vmid.h"

#define PIECE 32u

static const uint64_t type_attrs[] = {
    [P2M_RAM] = PTE_S2_MEM_WB | PTE_S2_R | PTE_S2_W,
    [P2M_DEVICE] = PTE_S2_MEM_DEV | PTE_S2_R | PTE_S2_W | PTE_S2_XN,
    [P2M_FOREIGN] = PTE_S2_MEM_WB | PTE_S2_R |
                    PTE_S2_XN, /* W comes with the first write: p2m_fault.c */
    [P2M_FOREIGN_COUNTED] = PTE_S2_MEM_WB | PTE_S2_R | PTE_S2_W | PTE_S2_XN,
    [P2M_FOREIGN_RO] = PTE_S2_MEM_WB | PTE_S2_R | PTE_S2_XN,
    [P2M_GRANT] = PTE_S2_MEM_WB | PTE_S2_R | PTE_S2_W | PTE_S2_XN,
    [P2M_GRANT_RO] = PTE_S2_MEM_WB | PTE_S2_R | PTE_S2_XN,
    [P2M_SHARED] = PTE_S2_MEM_WB | PTE_S2_R | PTE_S2_W | PTE_S2_XN,
};
static uint64_t attrs_of(enum p2m_type type)
{
    enum p2m_type kept = type == P2M_FOREIGN_COUNTED ? P2M_FOREIGN : type;
    return type_attrs[type] | PTE_AF | PTE_SH_INNER | (uint64_t)kept << PTE_SW_TYPE_SHIFT;
}
static bool is_block(uint64_t leaf, unsigned level) { return (leaf & PTE_VALID) && level < 3; }
static bool in_range(ipa_t ipa, uint64_t pages)
{
    return !(ipa.v & ~PAGE_MASK) && ipa_gfn(ipa) < 1ull << (IPA_BITS - PAGE_SHIFT) &&
           pages <= (1ull << (IPA_BITS - PAGE_SHIFT)) - ipa_gfn(ipa);
}

/* ---- what an entry holds ---- */
struct drop {
    uint64_t leaf;
    unsigned order;
};
struct drops {
    unsigned count;
    struct drop drop[PIECE];
};

static struct page *leaf_page(uint64_t leaf) { return pfn_page((leaf & PTE_ADDR) >> PAGE_SHIFT); }
static bool holds_reference(uint64_t leaf)
{
    enum p2m_type type = p2m_leaf_type(leaf);
    return (leaf & PTE_VALID) && (type == P2M_RAM || type == P2M_FOREIGN || type == P2M_FOREIGN_RO);
}

/* The leaf left the map: its pages are nowhere now. */
static void note_gone(const struct p2m *p2m, uint64_t leaf, uint64_t gfn, unsigned order)
{
    ASSERT_LOCKED(&p2m->lock);
    if (!(leaf & PTE_VALID) || p2m_leaf_type(leaf) != P2M_RAM)
        return;
    struct page *p = leaf_page(leaf);
    for (uint64_t i = 0; i < 1u << order; i++)
        if (p[i].gfn == gfn + i)
            p[i].gfn = PAGE_NO_GFN;
}

/* Drop what the leaf held.  The caller holds no p2m lock: this takes that of the page's owner. */
static void drop_leaf(uint64_t leaf, unsigned order)
{
    if (!holds_reference(leaf))
        return;
    struct page *p = leaf_page(leaf);
    if (p2m_leaf_type(leaf) == P2M_FOREIGN && (leaf & PTE_S2_W)) /* never a block */
        dirty_ext_writer(p, -1);
    if (order)
        page_put_block(p, order);
    else
        page_put(p);
}

static void finish(struct drops *drops)
{
    for (unsigned i = 0; i < drops->count; i++)
        drop_leaf(drops->drop[i].leaf, drops->drop[i].order);
    drops->count = 0;
}

static void replace(struct p2m *p2m, uint64_t addr, unsigned level, uint64_t *entry, uint64_t desc,
                    struct drops *drops)
{
    uint64_t old = pt_write(&p2m->pt, addr, level, entry, desc);
    unsigned order = level == 3 ? 0 : BLOCK_SHIFT - PAGE_SHIFT;
    note_gone(p2m, old, addr >> PAGE_SHIFT, order);
    if (holds_reference(old))
        drops->drop[drops->count++] = (struct drop){ old, order };
}

/* Make addr a boundary between entries. */
static bool cut(struct p2m *p2m, uint64_t addr)
{
    ASSERT_LOCKED(&p2m->lock);
    unsigned level;
    if (addr >> IPA_BITS)
        return true;
    uint64_t leaf = pt_lookup(&p2m->pt, addr, &level);
    return !is_block(leaf, level) || !(addr & (BLOCK_SIZE - 1)) || dirty_split(p2m, addr);
}

/* ---- mapping ---- */
static bool table_empty(uint64_t desc)
{
    const uint64_t *table = pa_to_va(PA(desc & PTE_ADDR));
    for (unsigned i = 0; i < 512; i++)
        if (table[i])
            return false;
    return true;
}

/*
 * The level of the next entry: a block if both sides are aligned, no existing leaf is lost, and no
 * page needs an entry of its own.
 */
static unsigned choose_level(struct p2m *p2m, uint64_t addr, uint64_t pa, uint64_t pages,
                             enum p2m_type type)
{
    if (((addr | pa) & (BLOCK_SIZE - 1)) || pages < BLOCK_PAGES || type == P2M_FOREIGN ||
        type == P2M_FOREIGN_RO || type == P2M_FOREIGN_COUNTED || type == P2M_GRANT ||
        type == P2M_GRANT_RO)
        return 3;
    unsigned level;
    uint64_t desc = __atomic_load_n(pt_entry_upto(&p2m->pt, addr, 2, &level), __ATOMIC_RELAXED);
    if (level == 2 && (desc & PTE_VALID) && (desc & PTE_TABLE) && !table_empty(desc))
        return 3;
    if (type == P2M_RAM) {
        const struct page *p = pfn_page(pa >> PAGE_SHIFT);
        if (dirty_wants_leaves(p2m))
            return 3;
        for (unsigned i = 0; i < BLOCK_PAGES; i++)
            if (__atomic_load_n(&p[i].ext_writers, __ATOMIC_RELAXED))
                return 3;
    }
    return 2;
}

static void note_mapped(struct domain *d, uint64_t gfn, uint64_t pa, enum p2m_type type,
                        unsigned order)
{
    for (uint64_t i = 0; type == P2M_RAM && i < 1u << order; i++) {
        struct page *p = pfn_page((pa >> PAGE_SHIFT) + i);
        if (p->owner == d->id)
            p->gfn = (uint32_t)(gfn + i);
    }
    d->p2m.max_gfn = MAX(d->p2m.max_gfn, gfn + (1u << order) - 1);
}

static uint64_t new_leaf(const struct p2m *p2m, uint64_t pa, enum p2m_type type, unsigned level)
{
    uint64_t leaf = pa | attrs_of(type) | PTE_VALID | (level == 3 ? PTE_TABLE : 0);
    if (type == P2M_SHARED && p2m->logging && (leaf & PTE_S2_W))
        return leaf | PTE_SW_EXT; /* the hypervisor writes there at any time */
    if (type != P2M_RAM)
        return leaf;
    if (level == 3 && pfn_page(pa >> PAGE_SHIFT)->ext_writers)
        return leaf | PTE_SW_EXT;
    return leaf | dirty_new_leaf(p2m, level);
}

/* The entry that is to decide about addr at `level`.  A block in the way of a page is split, with
 * the log's bits of each of its pages.  NULL: no memory. */
static uint64_t *make_entry(struct p2m *p2m, uint64_t addr, unsigned level)
{
    unsigned at;
    uint64_t leaf = pt_lookup(&p2m->pt, addr, &at);
    if (level == 3 && is_block(leaf, at))
        return dirty_split(p2m, addr);
    return pt_entry_at(&p2m->pt, addr, level);
}

static uint64_t map_block(struct domain *d, uint64_t addr, uint64_t pa, enum p2m_type type,
                          struct drops *drops)
{
    struct p2m *p2m = &d->p2m;
    uint64_t *entry = make_entry(p2m, addr, 2);
    if (!entry)
        return 0;
    uint64_t old = *entry; /* an empty table is removed first, as a change of its own */
    if ((old & PTE_VALID) && (old & PTE_TABLE)) {
        pt_write(&p2m->pt, addr, 2, entry, 0);
        pt_free_below(&p2m->pt, addr, 2, old);
    }
    replace(p2m, addr, 2, entry, new_leaf(p2m, pa, type, 2), drops);
    note_mapped(d, addr >> PAGE_SHIFT, pa, type, BLOCK_SHIFT - PAGE_SHIFT);
    return BLOCK_PAGES;
}

static uint64_t map_pages(struct domain *d, uint64_t addr, uint64_t pa, uint64_t pages,
                          enum p2m_type type, struct drops *drops)
{
    struct p2m *p2m = &d->p2m;
    uint64_t *entry = make_entry(p2m, addr, 3);
    if (!entry)
        return 0;
    for (uint64_t i = 0; i < pages; i++, addr += PAGE_SIZE, pa += PAGE_SIZE) {
        replace(p2m, addr, 3, &entry[i], new_leaf(p2m, pa, type, 3), drops);
        note_mapped(d, addr >> PAGE_SHIFT, pa, type, 0);
    }
    return pages;
}

/* Pages from addr to the end of its table. */
static uint64_t rest_of_table(uint64_t addr)
{
    return BLOCK_PAGES - ((addr >> PAGE_SHIFT) & (BLOCK_PAGES - 1));
}

/* Map a piece: a block, or up to PIECE pages of one table.  Its size in pages, 0: no memory. */
static uint64_t map_piece(struct domain *d, uint64_t addr, uint64_t pa, uint64_t pages,
                          enum p2m_type type, struct drops *drops)
{
    struct p2m *p2m = &d->p2m;
    ASSERT_LOCKED(&p2m->lock);
    uint64_t count = choose_level(p2m, addr, pa, pages, type) == 2
                         ? map_block(d, addr, pa, type, drops)
                         : map_pages(d, addr, pa, MIN(MIN(pages, rest_of_table(addr)), PIECE), type,
                                     drops);
    if (count && p2m->logging && (type == P2M_RAM || type == P2M_SHARED))
        dirty_note(p2m, addr);
    return count;
}

/* All tables that the mapping will want, and the cuts at its ends. */
static bool reserve_tables(struct p2m *p2m, uint64_t addr, uint64_t pa, uint64_t pages,
                           enum p2m_type type)
{
    ASSERT_LOCKED(&p2m->lock);
    if (!cut(p2m, addr) || !cut(p2m, addr + pages * PAGE_SIZE))
        return false;
    for (uint64_t left = pages; left;) {
        uint64_t count = MIN(left, rest_of_table(addr));
        if (!make_entry(p2m, addr, choose_level(p2m, addr, pa, left, type)))
            return false;
        addr += count * PAGE_SIZE;
        pa += count * PAGE_SIZE;
        left -= count;
    }
    return true;
}

/* Unmaps the first pieces of a mapping that failed later.  The references stay with the caller. */
static void undo_map(struct domain *d, uint64_t addr, uint64_t pages)
{
    ASSERT_LOCKED(&d->p2m.lock);
    struct drops none = { 0 };
    for (uint64_t i = 0; i < pages; i++) {
        unsigned level;
        uint64_t at = addr + i * PAGE_SIZE;
        uint64_t *entry = pt_entry(&d->p2m.pt, at, &level);
        if (*entry & PTE_VALID)
            replace(&d->p2m, at, level, entry, 0, &none);
        none.count = 0;
    }
}

/* Drops references that were meant for leaves that will not be made. */
static void drop_rest(uint64_t pa, uint64_t pages, enum p2m_type type)
{
    for (uint64_t i = 0;
         i < pages && (type == P2M_RAM || type == P2M_FOREIGN || type == P2M_FOREIGN_RO); i++)
        page_put(pfn_page((pa >> PAGE_SHIFT) + i));
}

static bool may_map(ipa_t ipa, paddr_t pa, uint64_t pages, enum p2m_type type)
{
    if (!in_range(ipa, pages) || (pa.v & ~PAGE_MASK) || type == P2M_NONE || type == P2M_MMIO ||
        (pa.v >> PAGE_SHIFT) + pages > 1ull << (arch_pa_bits() - PAGE_SHIFT))
        return false;
    return type == P2M_DEVICE || !pages ||
           (pfn_valid(pa_pfn(pa)) && pfn_valid(pa_pfn(pa) + pages - 1));
}

/* Take the lock with no deferred unmapping left: one may be of this very place.  False, and not
 * locked: the domain dies, and p2m_relinquish has been by or comes after us. */
static bool lock_to_map(struct domain *d)
{
    spin_lock(&d->p2m.lock);
    while (unlikely(d->p2m.gone_count)) {
        spin_unlock(&d->p2m.lock);
        p2m_flush_deferred(d);
        spin_lock(&d->p2m.lock);
    }
    if (d->state < DOM_DYING)
        return true;
    spin_unlock(&d->p2m.lock);
    return false;
}

/* Between two pieces: make the first visible, and drop what it replaced while the lock is free.
 * False, and not locked: the domain dies meanwhile. */
static bool let_go(struct domain *d, struct drops *drops)
{
    arch_dsb(); /* page-table walkers see the new entries */
    spin_unlock(&d->p2m.lock);
    finish(drops);
    spin_lock(&d->p2m.lock);
    if (d->state < DOM_DYING)
        return true;
    spin_unlock(&d->p2m.lock);
    return false;
}

int p2m_map(struct domain *d, ipa_t ipa, paddr_t pa, uint64_t pages, enum p2m_type type)
{
    struct p2m *p2m = &d->p2m;
    if (!may_map(ipa, pa, pages, type) || !lock_to_map(d))
        return -XEN_EINVAL;
    struct drops drops = { 0 };
    uint64_t done = 0;
    int err = reserve_tables(p2m, ipa.v, pa.v, pages, type) ? 0 : -XEN_ENOMEM;
    while (!err && done < pages) {
        uint64_t n = map_piece(d, ipa.v + done * PAGE_SIZE, pa.v + done * PAGE_SIZE, pages - done,
                               type, &drops);
        if (!n) { /* a reserved table was merged away between two pieces, and memory is short */
            undo_map(d, ipa.v, done);
            err = -XEN_ENOMEM;
        }
        done += n;
        if (drops.count && done < pages && !let_go(d, &drops)) {
            /* What is mapped goes with the domain; the rest went with its map. */
            drop_rest(pa.v + done * PAGE_SIZE, pages - done, type);
            return 0;
        }
    }
    arch_dsb();
    spin_unlock(&p2m->lock);
    finish(&drops);
    return err;
}

/* ---- unmapping ---- */
/* Unmap one block or up to PIECE pages of one table at addr; how many pages it went over, 0: no
 * memory. */
static uint64_t unmap_piece(struct p2m *p2m, uint64_t addr, uint64_t pages, struct drops *drops)
{
    ASSERT_LOCKED(&p2m->lock);
    unsigned level;
    uint64_t *entry = pt_entry(&p2m->pt, addr, &level);
    if (level < 3 && !(*entry & PTE_VALID)) {
        uint64_t rest = pt_span(level) - (addr & (pt_span(level) - 1));
        return MIN(pages, rest >> PAGE_SHIFT);
    }
    if (level < 3 && ((addr & (BLOCK_SIZE - 1)) || pages < BLOCK_PAGES)) {
        entry = dirty_split(p2m, addr);
        if (!entry)
            return 0;
        level = 3;
    }
    if (level < 3) {
        replace(p2m, addr, level, entry, 0, drops);
        return BLOCK_PAGES;
    }
    uint64_t count = MIN(MIN(pages, PIECE), rest_of_table(addr));
    for (uint64_t i = 0; i < count; i++)
        if (entry[i])
            replace(p2m, addr + i * PAGE_SIZE, 3, &entry[i], 0, drops);
    return count;
}

int p2m_unmap(struct domain *d, ipa_t ipa, uint64_t pages)
{
    struct p2m *p2m = &d->p2m;
    if (!in_range(ipa, pages))
        return -XEN_EINVAL;
    struct drops drops = { 0 };
    spin_lock(&p2m->lock);
    bool ok = cut(p2m, ipa.v) && cut(p2m, ipa.v + pages * PAGE_SIZE);
    spin_unlock(&p2m->lock);
    for (uint64_t done = 0; ok && done < pages;) {
        spin_lock(&p2m->lock);
        uint64_t n = unmap_piece(p2m, ipa.v + done * PAGE_SIZE, pages - done, &drops);
        spin_unlock(&p2m->lock);
        finish(&drops);
        ok = n != 0;
        done += n;
    }
    return ok ? 0 : -XEN_ENOMEM;
}

int p2m_unmap_exact(struct domain *d, ipa_t ipa, paddr_t pa)
{
    struct p2m *p2m = &d->p2m;
    if (!in_range(ipa, 1))
        return -XEN_EINVAL;
    struct drops drops = { 0 };
    int err = -XEN_ENOENT;
    spin_lock(&p2m->lock);
    unsigned level;
    uint64_t leaf = pt_lookup(&p2m->pt, ipa.v, &level);
    if (leaf & PTE_VALID) {
        uint64_t there = (leaf & PTE_ADDR) + (ipa.v & (pt_span(level) - 1));
        err = -XEN_EINVAL;
        if (there == (pa.v & PAGE_MASK))
            err = unmap_piece(p2m, ipa.v, 1, &drops) ? 0 : -XEN_ENOMEM;
    }
    spin_unlock(&p2m->lock);
    finish(&drops);
    return err;
}

/* ---- deferred unmapping ---- */
#define GONE_MAX 128u /* the caller that fills the list pays for all of its entries */
_Static_assert(GONE_MAX * sizeof(uint64_t) <= PAGE_SIZE, "p2m->gone");
#define GONE_NS 5000000u

static bool may_wait(uint64_t leaf, unsigned level) { return level == 3 && holds_reference(leaf); }

int p2m_unmap_later(struct domain *d, ipa_t ipa, paddr_t pa)
{
    struct p2m *p2m = &d->p2m;
    if (!in_range(ipa, 1))
        return -XEN_EINVAL;
    spin_lock(&p2m->lock);
    unsigned level;
    uint64_t *entry = pt_entry(&p2m->pt, ipa.v, &level);
    bool defer = may_wait(*entry, level) && (*entry & PTE_ADDR) == (pa.v & PAGE_MASK);
    if (defer && !p2m->gone)
        p2m->gone = mem_alloc(PAGE_SIZE);
    defer = defer && p2m->gone;
    if (defer) {
        if (!p2m->gone_count)
            timer_set(&p2m->gone_timer, counter() + ns_to_ticks(GONE_NS));
        uint64_t old = pt_clear_unflushed(entry);
        note_gone(p2m, old, ipa_gfn(ipa), 0);
        p2m->gone[p2m->gone_count++] = old;
    }
    bool full = p2m->gone_count == GONE_MAX;
    spin_unlock(&p2m->lock);
    if (full)
        p2m_flush_deferred(d);
    return defer ? 0 : p2m_unmap_exact(d, ipa, pa);
}

void p2m_flush_deferred(struct domain *d)
{
    struct p2m *p2m = &d->p2m;
    if (!__atomic_load_n(&p2m->gone_count, __ATOMIC_ACQUIRE))
        return;
    spin_lock(&p2m->lock);
    uint64_t *gone = p2m->gone;
    unsigned count = p2m->gone_count;
    p2m->gone = NULL;
    p2m->gone_count = 0;
    if (count)
        vmid_flush(d);
    spin_unlock(&p2m->lock);
    for (unsigned i = 0; i < count; i++)
        drop_leaf(gone[i], 0);
    mem_free(gone, PAGE_SIZE);
}

#define DROPS_A_LOOK 64u

/*
 * Unlinks the 2 MiB at gfn, or steps over an empty GiB.  Returns the gfn to continue with.
 * drop_some empties an unlinked table.
 */
static uint64_t unlink_region(struct domain *d, uint64_t gfn)
{
    struct p2m *p2m = &d->p2m;
    unsigned level;
    uint64_t addr = gfn << PAGE_SHIFT;
    spin_lock(&p2m->lock);
    uint64_t *entry = pt_entry_upto(&p2m->pt, addr, 2, &level);
    uint64_t old = *entry;
    /* Includes the flush, for all entries below if it is a table. */
    if (level == 2 && old)
        pt_write(&p2m->pt, addr, 2, entry, 0);
    bool table = level == 2 && (old & PTE_VALID) && (old & PTE_TABLE);
    if (!table && level == 2)
        note_gone(p2m, old, gfn, 9);
    spin_unlock(&p2m->lock);
    p2m->relinquish_table = table ? old : 0;
    p2m->relinquish_entry = 0;
    if (!table && level == 2)
        drop_leaf(old, 9);
    return (gfn | ((pt_span(level) >> PAGE_SHIFT) - 1)) + 1;
}

/*
 * Drops some leaves of the unlinked table, which nobody else can reach, and after the last leaf the
 * table itself.
 */
static void drop_some(struct domain *d)
{
    struct p2m *p2m = &d->p2m;
    const uint64_t *leaf = pa_to_va(PA(p2m->relinquish_table & PTE_ADDR));
    uint64_t gfn = p2m->relinquish_gfn - BLOCK_PAGES;
    unsigned first = p2m->relinquish_entry, end = first + DROPS_A_LOOK;
    spin_lock(&p2m->lock);
    for (unsigned i = first; i < end; i++)
        note_gone(p2m, leaf[i], gfn + i, 0);
    spin_unlock(&p2m->lock);
    for (unsigned i = first; i < end; i++)
        drop_leaf(leaf[i], 0);
    p2m->relinquish_entry = end;
    if (end == BLOCK_PAGES) {
        pt_free_below(&p2m->pt, gfn << PAGE_SHIFT, 2, p2m->relinquish_table);
        p2m->relinquish_table = 0;
    }
}
_Static_assert(BLOCK_PAGES % DROPS_A_LOOK == 0, "a table's end is looked for at multiples");

int p2m_relinquish(struct domain *d)
{
    struct p2m *p2m = &d->p2m;
    if (!p2m->pt.root.v)
        return 0;
    p2m_flush_deferred(d);
    while (p2m->relinquish_table || p2m->relinquish_gfn <= p2m->max_gfn) {
        if (p2m->relinquish_table)
            drop_some(d);
        else
            p2m->relinquish_gfn = unlink_region(d, p2m->relinquish_gfn);
        if (hypercall_preempt_check())
            return -XEN_ERESTART;
    }
    return 0;
}
