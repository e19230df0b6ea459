/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dirty log.  Theory of operation:
 *
 * The record.  While a domain is logged, each of its RAM leaves that is writable by right has PTE_SW_LOGGED, and is dirty iff
 * S2AP[1] (PTE_S2_W) is set.  Clean means read-only: the first write faults, and dirty_fault sets the bit.  Where the CPU
 * manages dirty state, a leaf has DBM as well and the hardware sets the same bit without a fault.  A 2 MiB block is one
 * record for 512 pages: enabling makes it clean with one store, the first write to it splits it (so it has no DBM, which would make 512
 * pages dirty at once).  A block that is mapped while logging is dirty as a whole; harvesting cleans it with one store.
 *
 * External writers.  Mappings by other domains do not go through this map.  struct page counts the writable ones, and the leaf has
 * PTE_SW_EXT while there are any: it stays dirty in every round.  A block has EXT when any of its pages may have; it is
 * sorted out, page by page, when it is split, and splits when logging starts.  The hypervisor's own writes are marked by
 * dirty_mark, AFTER the write: a mark before it could be harvested and cleared while the page is not yet changed.
 *
 * Who writes a leaf.  Structure, type, EXT, LOGGED and the clearing of W: only with p2m->lock.  Setting W on a logged
 * clean leaf: anybody, by one atomic step (handler, dirty_mark, hardware), and that is all that can happen to a leaf while another
 * CPU holds the lock.  So the harvester, which has the lock and sees W set, may clear it by a plain store: there is nobody who changes
 * a leaf that is dirty already.  With the lock held no table goes away either: it reads through the window without care.
 *
 * The round.  Clearing W leaves stale writable entries in TLBs: until they are gone, the guest writes without a fault.  That loses nothing,
 * because of this order: (1) harvest clears bits and returns them, (2) dirty_round_end drops all of the domain's TLB
 * entries (vmid_renew returns when no CPU can use one, and when accesses made through them are complete), (3) the hypercall
 * returns, (4) the daemon reads the pages that were reported.  A write through a stale entry is before (2), so (4) sees it; a write after
 * (2) finds the clean leaf and faults, and is in the next round's log.  One renewal serves all pages of the round.
 * Nor does a fault of this round need care: the handler sets W and then flushes that one page, so that no CPU keeps a read-only
 * entry.  A CPU that still has one (dirty_mark does not flush; two CPUs fault on one page) takes a fault that finds W set: it flushes
 * and goes on.
 *
 * Regions.  Software logging keeps one bit for each 2 MiB of guest: "a leaf in here may be dirty"; harvest skips regions
 * without it.  A handler sets W first, the region's bit second, a full barrier between.  Harvest clears the bit first and
 * reads the leaves second, with a barrier between.  So if harvest misses a leaf's W, the handler's look at the bit comes after
 * the clearing, finds it clear and sets it: the leaf is found next round.  (The other way round, harvest could clear the bit between
 * the handler's two stores and miss the leaf for ever: a leaf with W never faults again.)  The moment between the two stores is inside the
 * handler; when the domain is paused for the last round, no handler is under way.  Blocks count as one leaf.
 *
 * A domain that has not run.  Who receives a guest wants to know which pages of the domain made for it are still all zero: those that
 * struct page does not call `written`.  So logging that starts before a domain has ever run starts with the others dirty.
 *
 * Files: dirty.c turns the log on and off, dirty_mark.c makes pages dirty, dirty_harvest.c reads and cleans.
 */
#include "lib.h"
#include "domain.h"
#include "hypercall.h"
#include "dirty.h"
#include "vlpt.h"

#define REGION_BYTES (DIRTY_REGIONS / 8)
#define REGIONS_A_PIECE 16u             /* between two looks at whether to make room for others */

static unsigned logging_domains;
bool dirty_any(void) { return __atomic_load_n(&logging_domains, __ATOMIC_RELAXED) != 0; }

static bool is_ram(uint64_t leaf) { return (leaf & PTE_VALID) && p2m_leaf_type(leaf) == P2M_RAM; }
static struct page *leaf_page(uint64_t leaf) { return pfn_page((leaf & PTE_ADDR) >> PAGE_SHIFT); }
static bool has_writers(const struct page *p) { return __atomic_load_n(&p->ext_writers, __ATOMIC_RELAXED) != 0; }

/* Logging starts, the domain has never run, and somebody has written to the page. */
static bool is_built(const struct p2m *p2m, const struct page *p) { return p2m->log && p2m->log->of_new_domain && p->written; }

/* ---- regions ---- */
void dirty_note(struct p2m *p2m, uint64_t ipa)
{
    uint64_t *word = &p2m->log->region[ipa >> BLOCK_SHIFT >> 6], bit = 1ull << ((ipa >> BLOCK_SHIFT) & 63);
    arch_dmb();
    if (!(__atomic_load_n(word, __ATOMIC_RELAXED) & bit))
        __atomic_fetch_or(word, bit, __ATOMIC_RELAXED);
}

bool dirty_noted(const struct p2m *p2m, uint64_t ipa)
{
    return __atomic_load_n(&p2m->log->region[ipa >> BLOCK_SHIFT >> 6], __ATOMIC_RELAXED) >> ((ipa >> BLOCK_SHIFT) & 63) & 1;
}

void dirty_forget(struct p2m *p2m, uint64_t ipa)
{
    __atomic_fetch_and(&p2m->log->region[ipa >> BLOCK_SHIFT >> 6], ~(1ull << ((ipa >> BLOCK_SHIFT) & 63)), __ATOMIC_RELAXED);
    arch_dmb();
}

/* ---- leaves ---- */
uint64_t dirty_new_leaf(const struct p2m *p2m, unsigned level)
{
    if (!p2m->logging)
        return 0;
    return PTE_SW_LOGGED | (p2m->hw_dirty && level == 3 ? PTE_DBM : 0);
}

uint64_t *dirty_split(struct p2m *p2m, uint64_t ipa)
{
    uint64_t *entry = pt_entry_at(&p2m->pt, ipa, 3);
    if (!entry)
        return NULL;
    p2m->split_count++;
    uint64_t *table = entry - ((ipa >> PAGE_SHIFT) & (BLOCK_PAGES - 1));
    for (unsigned i = 0; i < BLOCK_PAGES; i++) {
        uint64_t old = __atomic_load_n(&table[i], __ATOMIC_RELAXED), leaf;
        if (!is_ram(old))
            break;                      /* a block has one type */
        bool ext = has_writers(leaf_page(old)), written = is_built(p2m, leaf_page(old));
        do {                            /* the leaves are live already: others may be setting W */
            leaf = old & ~PTE_SW_EXT;
            if (ext)
                leaf |= PTE_SW_EXT | (old & PTE_SW_LOGGED ? PTE_S2_W : 0);
            if (written && (old & PTE_SW_LOGGED))
                leaf |= PTE_S2_W;
            if ((old & PTE_SW_LOGGED) && p2m->hw_dirty)
                leaf |= PTE_DBM;
        } while (leaf != old && !__atomic_compare_exchange_n(&table[i], &old, leaf, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
        if ((ext || written) && (leaf & PTE_SW_LOGGED))
            dirty_note(p2m, ipa);
    }
    return entry;
}

/* ---- on and off ---- */
static uint64_t enabled_leaf(const struct p2m *p2m, uint64_t leaf, unsigned level, bool ext)
{
    leaf &= ~(PTE_SW_EXT | PTE_S2_W);
    leaf |= dirty_new_leaf(p2m, level);
    return ext ? leaf | PTE_SW_EXT | PTE_S2_W : leaf;
}

static int enable_leaf(struct pt *pt, uint64_t addr, unsigned level, uint64_t *entry, void *arg)
{
    struct p2m *p2m = arg;
    (void)pt;
    uint64_t leaf = *entry;
    if ((leaf & PTE_VALID) && p2m_leaf_type(leaf) == P2M_SHARED && (leaf & PTE_S2_W)) {
        /* shared_info, grant frames: guest and hypervisor write there at any time; dirty in every round. */
        __atomic_store_n(entry, leaf | PTE_SW_LOGGED | PTE_SW_EXT, __ATOMIC_RELEASE);
        dirty_note(p2m, addr);
        return 0;
    }
    if (!is_ram(leaf) || !(leaf & PTE_S2_W) || (leaf & PTE_SW_LOGGED))
        return 0;
    bool ext = false, written = false;
    if ((leaf & PTE_SW_EXT) || p2m->log->of_new_domain) {       /* by what the pages say; a block's EXT may be out of date */
        const struct page *p = leaf_page(leaf);
        for (unsigned i = 0; i < (level == 3 ? 1 : BLOCK_PAGES); i++) {
            ext |= has_writers(&p[i]);
            written |= is_built(p2m, &p[i]);
        }
    }
    if ((ext || written) && level < 3) {        /* clean for all, but for the pages with writers */
        __atomic_store_n(entry, enabled_leaf(p2m, leaf, level, false), __ATOMIC_RELEASE);
        if (dirty_split(p2m, addr))
            return 0;                   /* else: without memory it stays dirty as a whole */
    }
    __atomic_store_n(entry, enabled_leaf(p2m, leaf, level, ext) | (written ? PTE_S2_W : 0), __ATOMIC_RELEASE);
    if (ext || written)
        dirty_note(p2m, addr);
    return 0;
}

/* Run `visit` over the 2 MiB at the cursor (or step over an empty GiB).  Lock held. */
static void step(struct p2m *p2m, pt_visitor *visit)
{
    unsigned level;
    uint64_t addr = p2m->log->cursor << PAGE_SHIFT;
    uint64_t desc = *pt_entry_upto(&p2m->pt, addr, 2, &level);
    if (desc)
        pt_walk(&p2m->pt, addr, pt_span(level), visit, p2m);
    p2m->log->cursor = (p2m->log->cursor | ((pt_span(level) >> PAGE_SHIFT) - 1)) + 1;
}

/* 0 when the cursor is through, else -ERESTART.  Lock held; let go now and then. */
static int run(struct p2m *p2m, pt_visitor *visit)
{
    for (unsigned n = 1; p2m->log->cursor <= p2m->max_gfn; n++) {
        step(p2m, visit);
        if (n % REGIONS_A_PIECE)
            continue;
        if (hypercall_preempt_check())
            return -XEN_ERESTART;
        spin_unlock(&p2m->lock);
        spin_lock(&p2m->lock);
    }
    return 0;
}

/* The log, once made, lives as long as the domain: a handler that has set its W may still be on the way to the region's bit. */
static int log_create(struct p2m *p2m)
{
    if (p2m->log)
        return 0;
    struct dirty_log *log = mem_alloc(sizeof(*log));
    if (!log)
        return -XEN_ENOMEM;
    log->region = mem_alloc(REGION_BYTES);
    if (!log->region) {
        mem_free(log, sizeof(*log));
        return -XEN_ENOMEM;
    }
    p2m->log = log;
    return 0;
}

static int start(struct p2m *p2m)
{
    int err = log_create(p2m);
    if (err)
        return err;
    struct dirty_log *log = p2m->log;
    if (log->state == DIRTY_ENABLING)
        return 0;
    if (log->state != DIRTY_OFF)
        return -XEN_EINVAL;
    memset(log->region, 0, REGION_BYTES);
    log->of_new_domain = ((const struct domain *)p2m->pt.owner)->dying == DOM_BUILDING;
    log->state = DIRTY_ENABLING;
    log->cursor = log->rounds = 0;
    p2m->hw_dirty = arch_has_hw_dirty() && __atomic_load_n(&cmdline.dirty_mode, __ATOMIC_RELAXED) != DIRTY_SW;
    p2m->logging = true;
    __atomic_fetch_add(&logging_domains, 1, __ATOMIC_RELAXED);
    return 0;
}

int dirty_enable(struct domain *d)
{
    struct p2m *p2m = &d->p2m;
    spin_lock(&p2m->lock);
    int err = start(p2m);
    if (!err)
        err = run(p2m, enable_leaf);
    if (!err) {
        p2m->log->state = DIRTY_ON;
        p2m->log->of_new_domain = false;
    }
    spin_unlock(&p2m->lock);
    if (!err)
        vmid_renew(d);                  /* nobody writes through an old entry when we return */
    return err;
}

/* Make the leaf plain again.  W first: with LOGGED or DBM gone, a clean leaf would be read-only for good. */
static int disable_leaf(struct pt *pt, uint64_t addr, unsigned level, uint64_t *entry, void *arg)
{
    if ((*entry & PTE_VALID) && (*entry & PTE_SW_LOGGED)) {
        __atomic_fetch_or(entry, PTE_S2_W, __ATOMIC_RELAXED);
        __atomic_fetch_and(entry, ~(PTE_SW_LOGGED | PTE_DBM), __ATOMIC_RELEASE);
    }
    (void)pt;
    (void)addr;
    (void)level;
    (void)arg;
    return 0;
}

/* The 512 leaves at addr are one aligned piece of RAM but for EXT: then all get it if any has, as a block would. */
static void even_ext(struct p2m *p2m, uint64_t addr)
{
    unsigned level;
    uint64_t *table = pt_entry(&p2m->pt, addr, &level), ext = 0;
    if (level != 3 || !is_ram(*table) || (*table & PTE_ADDR & (BLOCK_SIZE - 1)))
        return;
    uint64_t first = *table & ~PTE_SW_EXT;
    for (unsigned i = 0; i < BLOCK_PAGES; i++) {
        if ((table[i] & ~PTE_SW_EXT) != first + i * PAGE_SIZE)
            return;
        ext |= table[i] & PTE_SW_EXT;
    }
    for (unsigned i = 0; ext && i < BLOCK_PAGES; i++)
        __atomic_fetch_or(&table[i], ext, __ATOMIC_RELAXED);
}

static int disable_run(struct p2m *p2m)
{
    for (unsigned n = 1; p2m->log->cursor <= p2m->max_gfn; n++) {
        uint64_t addr = p2m->log->cursor << PAGE_SHIFT;
        unsigned level;
        step(p2m, disable_leaf);
        uint64_t desc = *pt_entry_upto(&p2m->pt, addr, 2, &level);
        if (level == 2 && (desc & PTE_VALID) && (desc & PTE_TABLE)) {
            even_ext(p2m, addr);
            if (pt_merge(&p2m->pt, addr, 2))
                p2m->merge_count++;
        }
        if (n % REGIONS_A_PIECE)
            continue;
        if (hypercall_preempt_check())
            return -XEN_ERESTART;
        spin_unlock(&p2m->lock);
        spin_lock(&p2m->lock);
    }
    return 0;
}

int dirty_disable(struct domain *d)
{
    struct p2m *p2m = &d->p2m;
    spin_lock(&p2m->lock);
    struct dirty_log *log = p2m->log;
    int err = log && log->state != DIRTY_OFF ? 0 : -XEN_EINVAL;
    if (!err && log->state != DIRTY_DISABLING) {
        log->state = DIRTY_DISABLING;
        log->cursor = 0;
        p2m->logging = false;
        __atomic_fetch_sub(&logging_domains, 1, __ATOMIC_RELAXED);
    }
    if (!err)
        err = disable_run(p2m);
    if (!err)
        log->state = DIRTY_OFF;
    spin_unlock(&p2m->lock);
    if (!err)
        vmid_renew(d);                  /* not needed, but spares the guest a spurious fault a page */
    return err;
}

void dirty_free(struct p2m *p2m)
{
    if (!p2m->log)
        return;
    if (p2m->logging)
        __atomic_fetch_sub(&logging_domains, 1, __ATOMIC_RELAXED);
    p2m->logging = false;
    mem_free(p2m->log->region, REGION_BYTES);
    mem_free(p2m->log, sizeof(*p2m->log));
    p2m->log = NULL;
}
