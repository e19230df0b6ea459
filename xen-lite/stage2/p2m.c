/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain's stage 2: life, TLB maintenance, look-ups, leaves of emulated pages.  p2m_map.c changes
 * the map.
 */
#include "abi.h"
#include "arch.h"
#include "dirty_internal.h"
#include "domain_types.h"
#include "lib.h"
#include "log.h"
#include "mm.h"
#include "timer.h"
#include "vlpt.h"
#include "vmid.h"

/* ---- life ---- */
static void flush(struct pt *pt, uint64_t addr, unsigned level, bool table)
{
    (void)level;
    if (table)
        vmid_flush(pt->owner);
    else
        vmid_flush_ipa(pt->owner, IPA(addr));
}

static void table_linked(struct pt *pt, uint64_t addr, uint64_t desc)
{
    struct domain *d = pt->owner;
    vlpt_linked(&d->p2m, addr, desc);
}

static void table_gone(struct pt *pt, uint64_t addr, unsigned level)
{
    struct domain *d = pt->owner;
    vlpt_forget(&d->p2m, addr, level);
}

static void flush_deferred_late(void *arg) { p2m_flush_deferred(arg); }

int p2m_init(struct domain *d)
{
    struct p2m *p2m = &d->p2m;
    *p2m = (struct p2m){ .vlpt_slot = -1, .vlpt_window = -1 };
    void *root = mem_alloc(pt_geometry_stage2.root_pages * PAGE_SIZE);
    if (!root)
        return -XEN_ENOMEM;
    p2m->pt = (struct pt){ .geo = &pt_geometry_stage2,
                           .root = va_to_pa(root),
                           .table_bits = PTE_S2_TABLE_BITS,
                           .flush = flush,
                           .table_linked = table_linked,
                           .table_gone = table_gone,
                           .owner = d,
                           .table_pages = &p2m->table_pages };
    timer_init(&p2m->gone_timer, flush_deferred_late, d);
    if (dirty_init(p2m)) {
        mem_free(root, pt_geometry_stage2.root_pages * PAGE_SIZE);
        p2m->pt.root = PA(0);
        return -XEN_ENOMEM;
    }
    vlpt_attach(p2m);
    return 0;
}

void p2m_destroy(struct domain *d)
{
    struct p2m *p2m = &d->p2m;
    if (!p2m->pt.root.v)
        return;
    p2m_flush_deferred(d);
    timer_stop(&p2m->gone_timer);
    vmid_forget(d);
    vlpt_detach(p2m);
    pt_free_all(&p2m->pt);
    mem_free(pa_to_va(p2m->pt.root), pt_geometry_stage2.root_pages * PAGE_SIZE);
    p2m->pt.root = PA(0);
    dirty_free(p2m);
}

/* ---- looking ---- */
uint64_t p2m_leaf(struct domain *d, ipa_t ipa, unsigned *level)
{
    struct p2m *p2m = &d->p2m;
    uint64_t leaf;
    *level = 1;
    if (ipa.v >> IPA_BITS)
        return 0;
    int slot = vlpt_slot(p2m);
    if (likely(slot >= 0 && vlpt_reaches(ipa.v))) {
        const uint64_t *at = vlpt_leaf(p2m, (unsigned)slot, ipa.v, &leaf, level);
        if (!at || load64_may_fault(at, &leaf))
            return leaf;
    }
    spin_lock(&p2m->lock); /* no window, or a merge came in between */
    leaf = pt_lookup(&p2m->pt, ipa.v, level);
    spin_unlock(&p2m->lock);
    return leaf;
}

static bool writable_by_right(uint64_t leaf)
{
    return (leaf & (PTE_S2_W | PTE_SW_LOGGED)) || p2m_leaf_type(leaf) == P2M_FOREIGN;
}

bool p2m_lookup(struct domain *d, ipa_t ipa, struct p2m_entry *e)
{
    unsigned level;
    uint64_t leaf = p2m_leaf(d, ipa, &level);
    *e = (struct p2m_entry){ .type = p2m_leaf_type(leaf) };
    if (!(leaf & PTE_VALID))
        return e->type != P2M_NONE;
    e->pa = PA((leaf & PTE_ADDR) + (ipa.v & (pt_span(level) - 1)));
    e->order = level == 3 ? 0 : BLOCK_SHIFT - PAGE_SHIFT;
    e->writable = writable_by_right(leaf);
    return true;
}

struct page *p2m_get_page(struct domain *d, ipa_t ipa, bool write, enum p2m_type *type)
{
    struct p2m *p2m = &d->p2m;
    struct page *p = NULL;
    unsigned level;
    if (ipa.v >> IPA_BITS)
        return NULL;
    spin_lock(&p2m->lock); /* while the entry stands, its page has a reference */
    uint64_t leaf = pt_lookup(&p2m->pt, ipa.v, &level);
    enum p2m_type found = p2m_leaf_type(leaf);
    if ((leaf & PTE_VALID) && found != P2M_DEVICE && (!write || writable_by_right(leaf))) {
        p = pfn_page(((leaf & PTE_ADDR) + (ipa.v & (pt_span(level) - 1))) >> PAGE_SHIFT);
        page_get_known(p);
    }
    spin_unlock(&p2m->lock);
    if (p && type)
        *type = found;
    return p;
}

struct page *p2m_get_ram(struct domain *d, uint64_t gfn, bool write)
{
    enum p2m_type type;
    struct page *p = gfn >> (IPA_BITS - PAGE_SHIFT) ? NULL
                                                    : p2m_get_page(d, GFN(gfn), write, &type);
    if (p && type != P2M_RAM) {
        page_put(p);
        p = NULL;
    }
    return p;
}

uint64_t p2m_max_gfn(const struct domain *d) { return d->p2m.max_gfn; }

static void flush_pages(const struct page *p, uint64_t pages)
{
    if (pa_in_direct_map(page_pa(p))) {
        arch_dcache_clean_invalidate(page_va(p), (size_t)(pages * PAGE_SIZE));
        return;
    }
    for (const struct page *end = p + pages; p < end; p++) {
        const void *va = page_map(p);
        arch_dcache_clean_invalidate(va, PAGE_SIZE);
        page_unmap(p, va);
    }
}

void p2m_cache_flush(struct domain *d, uint64_t gfn, uint64_t pages)
{
    uint64_t end = MIN(gfn + MIN(pages, d->p2m.max_gfn + 1), d->p2m.max_gfn + 1);
    while (gfn < end) {
        unsigned level;
        uint64_t leaf = p2m_leaf(d, GFN(gfn), &level);
        uint64_t offset = (gfn << PAGE_SHIFT) & (pt_span(level) - 1);
        uint64_t n = MIN(end - gfn, (pt_span(level) - offset) >> PAGE_SHIFT);
        /* A page that is freed meanwhile is still RAM: cleaning its cache lines does no harm. */
        if ((leaf & PTE_VALID) && p2m_leaf_type(leaf) == P2M_RAM)
            flush_pages(pfn_page(((leaf & PTE_ADDR) + offset) >> PAGE_SHIFT), n);
        gfn += n;
    }
    arch_icache_invalidate_all();
}

/* ---- emulated pages ---- */
int p2m_mmio_set(struct domain *d, ipa_t ipa, uint64_t payload)
{
    struct p2m *p2m = &d->p2m;
    if (ipa.v >> IPA_BITS)
        return -XEN_EINVAL;
    int err = -XEN_EEXIST;
    unsigned level;
    spin_lock(&p2m->lock);
    if (!(pt_lookup(&p2m->pt, ipa.v, &level) & PTE_VALID)) {
        uint64_t *entry = pt_entry_at(&p2m->pt, ipa.v, 3);
        err = entry ? 0 : -XEN_ENOMEM;
        if (entry)
            pt_write(&p2m->pt, ipa.v, 3, entry, p2m_mmio_leaf(payload));
    }
    spin_unlock(&p2m->lock);
    return err;
}

static int zap_one(struct pt *pt, uint64_t addr, unsigned level, uint64_t *entry, void *arg)
{
    (void)arg;
    if (p2m_leaf_is_mmio(*entry))
        pt_write(pt, addr, level, entry, 0);
    return 0;
}

void p2m_mmio_zap(struct domain *d)
{
    spin_lock(&d->p2m.lock);
    pt_walk(&d->p2m.pt, 0, 1ull << IPA_BITS, zap_one, NULL);
    spin_unlock(&d->p2m.lock);
}

/* ---- debugging ---- */
static int count_one(struct pt *pt, uint64_t addr, unsigned level, uint64_t *entry, void *arg)
{
    (void)pt;
    (void)addr;
    uint64_t(*count)[2] = arg;
    if (*entry & PTE_VALID || p2m_leaf_type(*entry) == P2M_MMIO)
        count[p2m_leaf_type(*entry)][level == 3]++;
    return 0;
}

void p2m_dump(struct domain *d)
{
    static const char *const name[] = { "none",  "ram",      "device", "foreign", "foreign-ro",
                                        "grant", "grant-ro", "shared", "mmio" };
    uint64_t count[16][2] = { { 0 } };
    struct p2m *p2m = &d->p2m;
    spin_lock(&p2m->lock);
    pt_walk(&p2m->pt, 0, 1ull << IPA_BITS, count_one, count);
    spin_unlock(&p2m->lock);
    log_info("d%u p2m: root 0x%llx, %llu tables, window %d, max gfn 0x%llx, %s\n", d->id,
             (unsigned long long)p2m->pt.root.v, (unsigned long long)p2m->table_pages,
             vlpt_slot(p2m), (unsigned long long)p2m->max_gfn,
             !p2m->logging   ? "not logging"
             : p2m->hw_dirty ? "logging by hardware"
                             : "logging by faults");
    log_info("  splits %llu, %llu of them in the background, merges %llu, write faults %llu, "
             "spurious %llu\n",
             (unsigned long long)p2m->split_count, (unsigned long long)p2m->eager_count,
             (unsigned long long)p2m->merge_count, (unsigned long long)p2m->fault_count,
             (unsigned long long)p2m->spurious_count);
    for (unsigned t = 0; t < ARRAY_SIZE(name); t++)
        if (count[t][0] || count[t][1])
            log_info("  %s: %llu blocks, %llu pages\n", name[t], (unsigned long long)count[t][0],
                     (unsigned long long)count[t][1]);
}
