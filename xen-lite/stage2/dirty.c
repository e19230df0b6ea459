/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dirty log.  Theory of operation:
 *
 * The record.  While a domain is logged, each of its RAM leaves that is writable by right has
 * PTE_SW_LOGGED (or EXT, below), and is dirty iff S2AP[1] (PTE_S2_W) is set.  Clean means
 * read-only: the first write faults, and dirty_fault sets the bit.  Where the CPU manages dirty
 * state, a leaf has DBM as well and the hardware sets the same bit without a fault.  A 2 MiB block
 * is one record for 512 pages: enabling makes it clean with one store, the first write to it splits
 * it (so it has no DBM, which would make 512 pages dirty at once).  A block that is mapped while
 * logging is dirty as a whole; harvesting cleans it with one store.
 *
 * External writers.  Mappings by other domains do not go through this map.  struct page counts the
 * writable ones, and the leaf has PTE_SW_EXT while there are any, in place of PTE_SW_LOGGED: it is
 * dirty in every round.  (So a harvest knows a leaf that it may clean by bits that are set, and
 * tells it for sixteen leaves at once.)  A block has EXT when any of its pages may have; it is
 * sorted out, page by page, when it is split, and splits when logging starts.  The hypervisor's own
 * writes are marked by dirty_mark, AFTER the write: a mark before it could be harvested and cleared
 * while the page is not yet changed.
 *
 * Who writes a leaf.  Structure, type, EXT, LOGGED and the clearing of W: only with p2m->lock.
 * Setting W on a logged clean leaf: anybody, by one atomic step (handler, dirty_mark, hardware),
 * and that is all that can happen to a leaf while another CPU holds the lock.  So the harvester,
 * which has the lock and sees W set, may clear it by a plain store: there is nobody who changes a
 * leaf that is dirty already.  With the lock held no table goes away either: it reads through the
 * window without care.
 *
 * The round.  Clearing W leaves stale writable entries in TLBs: until they are gone, the guest
 * writes without a fault.  That loses nothing, because of this order: (1) harvest clears bits and
 * returns them, (2) dirty_round_end drops all of the domain's TLB entries (vmid_renew returns when
 * no CPU can use one, and when accesses made through them are complete), (3) the hypercall returns,
 * (4) the daemon reads the pages that were reported.  A write through a stale entry is before (2),
 * so (4) sees it; a write after (2) finds the clean leaf and faults, and is in the next round's
 * log.  One renewal serves all pages of the round. Nor does a fault of this round need care: the
 * handler sets W and then flushes that one page, so that no CPU keeps a read-only entry.  A CPU
 * that still has one (dirty_mark does not flush; two CPUs fault on one page) takes a fault that
 * finds W set: it flushes and goes on.
 *
 * Regions.  Software logging keeps one bit for each 2 MiB of guest: "a leaf in here may be dirty";
 * harvest skips regions without it.  A handler sets W first, the region's bit second, a full
 * barrier between.  Harvest clears the bit first and reads the leaves second, with a barrier
 * between.  So if harvest misses a leaf's W, the handler's look at the bit comes after the
 * clearing, finds it clear and sets it: the leaf is found next round.  (The other way round,
 * harvest could clear the bit between the handler's two stores and miss the leaf for ever: a leaf
 * with W never faults again.)  The moment between the two stores is inside the handler; when the
 * domain is paused for the last round, no handler is under way.  Blocks count as one leaf.
 *
 * A domain that has not run.  Who receives a guest wants to know which pages of the domain made for
 * it are still all zero: those that struct page does not call `written`.  So logging that starts
 * before a domain has ever run starts with the others dirty.
 *
 * Files: dirty.c turns the log on and off, dirty_mark.c makes pages dirty, dirty_harvest.c reads
 * and cleans, dirty_eager.c splits blocks before they are written.  tests/model/dirty.pml has all
 * of this for a model checker.
 */
#include "abi.h"
#include "arch.h"
#include "dirty_internal.h"
#include "domain_types.h"
#include "lib.h"
#include "mm.h"
#include "p2m.h"
#include "preempt.h"
#include "vmid.h"

#define REGION_BYTES (DIRTY_REGIONS / 8)
/* Between two looks at whether to make room for others: this many blocks, or 512 leaves twice, or
 * once if their pages have to be asked. */
#define PIECE_WEIGHT 64u
#define TABLE_WEIGHT 32u

static unsigned logging_domains;
bool dirty_any(void) { return __atomic_load_n(&logging_domains, __ATOMIC_RELAXED) != 0; }

static bool is_ram(uint64_t leaf) { return (leaf & PTE_VALID) && p2m_leaf_type(leaf) == P2M_RAM; }
static struct page *leaf_page(uint64_t leaf) { return pfn_page((leaf & PTE_ADDR) >> PAGE_SHIFT); }
static bool has_writers(const struct page *p)
{
    return __atomic_load_n(&p->ext_writers, __ATOMIC_RELAXED) != 0;
}

/* Logging starts, the domain has never run, and somebody has written to the page. */
static bool is_built(const struct p2m *p2m, const struct page *p)
{
    return p2m->log.of_new_domain && p->written;
}

/* ---- regions ---- */
void dirty_note(struct p2m *p2m, uint64_t ipa)
{
    uint64_t *word = &p2m->log.region[ipa >> BLOCK_SHIFT >> 6],
             bit = 1ull << ((ipa >> BLOCK_SHIFT) & 63);
    arch_dmb();
    if (!(__atomic_load_n(word, __ATOMIC_RELAXED) & bit))
        __atomic_fetch_or(word, bit, __ATOMIC_RELAXED);
}

bool dirty_noted(const struct p2m *p2m, uint64_t ipa)
{
    return __atomic_load_n(&p2m->log.region[ipa >> BLOCK_SHIFT >> 6], __ATOMIC_RELAXED) >>
               ((ipa >> BLOCK_SHIFT) & 63) &
           1;
}

void dirty_forget(struct p2m *p2m, uint64_t ipa)
{
    __atomic_fetch_and(&p2m->log.region[ipa >> BLOCK_SHIFT >> 6],
                       ~(1ull << ((ipa >> BLOCK_SHIFT) & 63)), __ATOMIC_RELAXED);
    arch_dmb();
}

/* ---- leaves ---- */
uint64_t dirty_new_leaf(const struct p2m *p2m, unsigned level)
{
    if (!p2m->logging)
        return 0;
    return PTE_SW_LOGGED | (p2m->hw_dirty && level == 3 ? PTE_DBM : 0);
}

/* What a leaf becomes that was cut out of a block, itself a copy of it. */
static uint64_t split_leaf(const struct p2m *p2m, uint64_t old, bool ext, bool written)
{
    uint64_t leaf = old & ~(PTE_SW_EXT | PTE_SW_LOGGED | PTE_DBM);
    if (ext)
        return leaf | PTE_SW_EXT | PTE_S2_W;
    if (old & PTE_SW_LOGGED)
        return leaf | PTE_SW_LOGGED | (p2m->hw_dirty ? PTE_DBM : 0) | (written ? PTE_S2_W : 0);
    return old & PTE_SW_EXT ? leaf | dirty_new_leaf(p2m, 3) : leaf;
}

/* The leaf at `entry` is live already: others may be setting W.  True: it is dirty because of its
 * page. */
static bool sort_out_leaf(const struct p2m *p2m, uint64_t *entry)
{
    uint64_t old = __atomic_load_n(entry, __ATOMIC_RELAXED), leaf;
    bool ext = has_writers(leaf_page(old)), written = is_built(p2m, leaf_page(old));
    do {
        leaf = split_leaf(p2m, old, ext, written);
    } while (leaf != old && !__atomic_compare_exchange_n(entry, &old, leaf, false, __ATOMIC_ACQ_REL,
                                                         __ATOMIC_RELAXED));
    return ext || written;
}

uint64_t *dirty_split(struct p2m *p2m, uint64_t ipa)
{
    unsigned level;
    uint64_t block = *pt_entry(&p2m->pt, ipa, &level), *entry = pt_entry_at(&p2m->pt, ipa, 3);
    if (!entry)
        return NULL;
    p2m->split_count++;
    if (!is_ram(block))
        return entry;
    /* Mostly a leaf is right as it was cut out of the block.  All of one with EXT are dirty, and
     * perhaps not noted: if its turn is yet to come. */
    bool each = (block & PTE_SW_EXT) || p2m->hw_dirty || p2m->log.of_new_domain,
         dirty = block & PTE_SW_EXT;
    uint64_t *table = entry - ((ipa >> PAGE_SHIFT) & (BLOCK_PAGES - 1));
    const struct page *p = leaf_page(block);
    for (unsigned i = 0; i < BLOCK_PAGES; i++)
        if (unlikely(each || has_writers(&p[i])))
            dirty |= sort_out_leaf(p2m, &table[i]);
    if (dirty && p2m->logging)
        dirty_note(p2m, ipa);
    return entry;
}

/* ---- on and off ---- */
static uint64_t enabled_leaf(const struct p2m *p2m, uint64_t leaf, unsigned level, bool ext)
{
    leaf &= ~(PTE_SW_EXT | PTE_S2_W);
    return leaf | (ext ? PTE_SW_EXT | PTE_S2_W : dirty_new_leaf(p2m, level));
}

/* A leaf of which what its pages say matters: it may have external writers, or the domain has never
 * run. */
static void enable_by_pages(struct p2m *p2m, uint64_t addr, unsigned level, uint64_t *entry,
                            uint64_t leaf)
{
    bool ext = false, written = false;
    const struct page *p = leaf_page(leaf), *end = p + (level == 3 ? 1 : BLOCK_PAGES);
    /* One is enough: a block is split then, and its pages sorted out one by one.  A block's EXT may
     * be out of date. */
    if (p2m->log.of_new_domain)
        for (; p < end && !ext && !written; p++)
            ext = has_writers(p), written = p->written;
    else
        for (; p < end && !ext; p++)
            ext = has_writers(p);
    ext |= level < 3 && written && (leaf & PTE_SW_EXT);
    if ((ext || written) && level < 3) { /* clean for all, but for the pages with writers */
        __atomic_store_n(entry, enabled_leaf(p2m, leaf, level, false), __ATOMIC_RELEASE);
        if (dirty_split(p2m, addr))
            return; /* else: without memory it stays dirty as a whole */
    }
    __atomic_store_n(entry, enabled_leaf(p2m, leaf, level, ext) | (written ? PTE_S2_W : 0),
                     __ATOMIC_RELEASE);
    if (ext || written)
        dirty_note(p2m, addr);
}

/* RAM that is not logged yet and that nobody else writes to. */
static inline bool is_plain(uint64_t leaf)
{
    const uint64_t of_interest = PTE_VALID | PTE_S2_W | PTE_SW_BITS,
                   plain = PTE_VALID | PTE_S2_W | (uint64_t)P2M_RAM << PTE_SW_TYPE_SHIFT;
    return (leaf & of_interest) == plain;
}

static inline int enable_leaf(struct pt *pt, uint64_t addr, unsigned level, uint64_t *entry,
                              void *arg)
{
    struct p2m *p2m = arg;
    (void)pt;
    uint64_t leaf = *entry;
    if (likely(is_plain(leaf) && !p2m->log.of_new_domain)) {
        __atomic_store_n(entry, enabled_leaf(p2m, leaf, level, false), __ATOMIC_RELEASE);
    } else if ((leaf & PTE_VALID) && p2m_leaf_type(leaf) == P2M_SHARED && (leaf & PTE_S2_W)) {
        /* shared_info, grant frames: guest and hypervisor write there at any time; dirty in every
         * round. */
        __atomic_store_n(entry, leaf | PTE_SW_EXT, __ATOMIC_RELEASE);
        dirty_note(p2m, addr);
    } else if (is_ram(leaf) && (leaf & PTE_S2_W) && !(leaf & PTE_SW_LOGGED)) {
        enable_by_pages(p2m, addr, level, entry, leaf);
    }
    return 0;
}

static inline void visit_table(struct p2m *p2m, uint64_t addr, uint64_t desc, pt_visitor *visit)
{
    uint64_t *table = pa_to_va(PA(desc & PTE_ADDR));
    for (uint64_t *leaf = table; leaf < table + BLOCK_PAGES; leaf++)
        if (*leaf & PTE_VALID)
            visit(&p2m->pt, addr + (uint64_t)(leaf - table) * PAGE_SIZE, 3, leaf, p2m);
}

/* Enabling: plain blocks in a row, which is what most guests are made of. */
static uint64_t *enable_blocks(const struct p2m *p2m, uint64_t *entry, const uint64_t *end)
{
    const uint64_t logged = dirty_new_leaf(p2m, 2);
    for (; entry < end && is_plain(*entry) && !(*entry & PTE_TABLE); entry++)
        __atomic_store_n(entry, (*entry & ~PTE_S2_W) | logged, __ATOMIC_RELAXED);
    return entry;
}

/* Run `visit` over the 2 MiB regions from the cursor on, to the end of its GiB at most.  Lock held.
 */
static inline __attribute__((always_inline)) void piece(struct p2m *p2m, pt_visitor *visit,
                                                        void (*after)(struct p2m *p2m,
                                                                      uint64_t addr))
{
    unsigned level;
    const uint64_t start = p2m->log.cursor << PAGE_SHIFT;
    uint64_t *const first = pt_entry_upto(&p2m->pt, start, 2, &level), *entry = first;
    if (level < 2) { /* an empty GiB: no larger blocks are made */
        p2m->log.cursor = (start / pt_span(1) + 1) * (pt_span(1) >> PAGE_SHIFT);
        return;
    }
    const uint64_t *const end = first + 512 - (start / BLOCK_SIZE & 511);
    unsigned weight = 0, heavy = p2m->log.of_new_domain ? PIECE_WEIGHT : 1;
    for (; weight < PIECE_WEIGHT; entry++) {
        while (entry < end &&
               !(*entry & PTE_VALID)) /* even 512 of them, or of plain blocks, are soon over */
            entry++;
        if (visit == enable_leaf && heavy == 1)
            entry = enable_blocks(p2m, entry, end);
        if (entry == end)
            break;
        uint64_t desc = *entry, addr = start + (uint64_t)(entry - first) * BLOCK_SIZE;
        weight += heavy;
        if (!(desc & PTE_VALID))
            continue;
        if (!(desc & PTE_TABLE)) {
            visit(&p2m->pt, addr, 2, entry, p2m);
            weight += desc & PTE_SW_EXT ? PIECE_WEIGHT : 0;
            continue;
        }
        weight += TABLE_WEIGHT;
        visit_table(p2m, addr, desc, visit);
        if (after)
            after(p2m, addr);
    }
    p2m->log.cursor += (uint64_t)(entry - first) * BLOCK_PAGES;
}

/* 0 when the cursor is through, else -ERESTART.  Lock held; let go now and then.  Inline: `visit`
 * is then too, for blocks. */
static inline __attribute__((always_inline)) int run(struct p2m *p2m, pt_visitor *visit,
                                                     void (*after)(struct p2m *p2m, uint64_t addr))
{
    while (p2m->log.cursor <= p2m->max_gfn) {
        piece(p2m, visit, after);
        if (p2m->log.cursor > p2m->max_gfn)
            break;
        if (hypercall_preempt_check())
            return -XEN_ERESTART;
        spin_unlock(&p2m->lock);
        spin_lock(&p2m->lock);
    }
    return 0;
}

static int start(struct p2m *p2m)
{
    struct dirty_log *log = &p2m->log;
    if (log->state == DIRTY_ENABLING)
        return 0;
    if (log->state != DIRTY_OFF)
        return -XEN_EINVAL;
    memset(log->region, 0,
           (size_t)(ROUND_UP((p2m->max_gfn >> (BLOCK_SHIFT - PAGE_SHIFT)) + 1, 64ull) /
                    8)); /* none beyond was ever set */
    log->of_new_domain = ((const struct domain *)p2m->pt.owner)->dying == DOM_BUILDING;
    log->state = DIRTY_ENABLING;
    log->cursor = log->rounds = 0;
    p2m->hw_dirty = arch_has_hw_dirty() &&
                    __atomic_load_n(&cmdline.dirty_mode, __ATOMIC_RELAXED) != DIRTY_SW;
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
        err = run(p2m, enable_leaf, NULL);
    if (!err) {
        p2m->log.state = DIRTY_ON;
        p2m->log.of_new_domain = false;
        dirty_eager_start(p2m);
    }
    spin_unlock(&p2m->lock);
    if (!err)
        vmid_renew(d); /* nobody writes through an old entry when we return */
    return err;
}

/* Make the leaf plain again.  W first: with LOGGED or DBM gone, a clean leaf would be read-only for
 * good. */
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

/* The 512 leaves at addr are one aligned piece of RAM but for EXT: then all get it if any has, as a
 * block would. */
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

static void merge(struct p2m *p2m, uint64_t addr)
{
    even_ext(p2m, addr);
    if (pt_merge(&p2m->pt, addr, 2))
        p2m->merge_count++;
}

int dirty_disable(struct domain *d)
{
    struct p2m *p2m = &d->p2m;
    spin_lock(&p2m->lock);
    struct dirty_log *log = &p2m->log;
    int err = log->state != DIRTY_OFF ? 0 : -XEN_EINVAL;
    if (!err && log->state != DIRTY_DISABLING) {
        dirty_eager_stop(p2m);
        log->state = DIRTY_DISABLING;
        log->cursor = 0;
        p2m->logging = false;
        __atomic_fetch_sub(&logging_domains, 1, __ATOMIC_RELAXED);
    }
    if (!err)
        err = run(p2m, disable_leaf, merge);
    if (!err)
        log->state = DIRTY_OFF;
    spin_unlock(&p2m->lock);
    if (!err)
        vmid_renew(d); /* not needed, but spares the guest a spurious fault a page */
    return err;
}

int dirty_init(struct p2m *p2m)
{
    p2m->log.region = mem_alloc(REGION_BYTES);
    return p2m->log.region ? 0 : -XEN_ENOMEM;
}

void dirty_free(struct p2m *p2m)
{
    if (!p2m->log.region)
        return;
    if (p2m->logging)
        __atomic_fetch_sub(&logging_domains, 1, __ATOMIC_RELAXED);
    p2m->logging = false;
    dirty_eager_stop(p2m);
    mem_free(p2m->log.region, REGION_BYTES);
    p2m->log = (struct dirty_log){ 0 };
}
