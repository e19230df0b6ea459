/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dirty log.  Theory of operation:
 *
 * Leaves are the record.  There is no separate bitmap: each stage-2 leaf descriptor records whether
 * its page is dirty.  While a domain is logged, every RAM leaf that may be written carries the
 * software bit PTE_SW_LOGGED (or PTE_SW_EXT, see below).  Such a leaf is dirty if its write
 * permission S2AP[1] (PTE_S2_W) is set.  A clean leaf is read-only: the first write faults, and
 * dirty_fault sets W.  If the CPU manages dirty state in hardware, the leaf also has DBM, and the
 * hardware sets the same bit without a fault.
 *
 * A 2 MiB block is one record for 512 pages.  Enabling the log makes it clean with one store.  The
 * first write to a clean block must fault, so that the block can be split into pages.  So a block
 * never has DBM: with DBM the hardware would set W without a fault, and one write would make 512
 * pages dirty.  A block that is newly mapped while the log is on starts dirty as a whole.  A
 * harvest, which reads the log and cleans it, cleans a dirty block with one store.
 *
 * External writers.  Other domains write to a page through their own maps, so the owner's leaf does
 * not notice.  struct page counts the writable mappings that other domains have.  While the count
 * is not zero, the owner's leaf has PTE_SW_EXT in place of PTE_SW_LOGGED, and the page is dirty in
 * every round.  (EXT replaces LOGGED, so that a harvest need not test whether EXT is zero: a leaf
 * that it may clean is one with VALID, LOGGED and W all set.  Since only set bits are tested,
 * sixteen leaves can be ANDed and tested together.)  A block has EXT if any of its pages may have
 * external writers.  When a block is split, each page gets EXT only if it has external writers
 * itself.  Enabling the log splits every block that has a page with external writers.
 *
 * The hypervisor's own writes are marked by dirty_mark, AFTER the write.  A harvest could take and
 * clear a mark made before the write, and the page would then change unlogged.
 *
 * Who may write a leaf.  Only a holder of p2m->lock may map, unmap, split or merge leaves, change a
 * leaf's type, EXT or LOGGED, or clear W.  Anybody (fault handler, dirty_mark, hardware) may set W
 * in a clean logged leaf, in one atomic step.  So while one CPU holds the lock, the only change
 * that others can make to a leaf is to set W in a clean logged leaf.  So the harvester, which holds
 * the lock and has seen W set, may clear W with a plain store: nobody changes a leaf that is
 * already dirty.  While the lock is held no table is freed either, so the harvester may read the
 * leaves through the VLPT window (virtual-linear page table, vlpt.c: all leaves of the domain as
 * one array) without further protection.
 *
 * The round.  After W is cleared, TLBs may still hold writable entries, and the guest writes
 * through them without a fault.  No write is lost, because the steps have this order:
 * (1) dirty_harvest clears W, and returns one bit per dirty page.
 * (2) dirty_round_end makes all of the domain's TLB entries unusable, by giving the domain a new
 *     VMID.  vmid_renew returns when no CPU can use an old entry, and when all accesses through
 *     old entries are complete.
 * (3) The hypercall returns.
 * (4) The daemon reads the pages that were reported.
 * A write through an old entry happens before (2), so (4) reads its result.  A write after (2)
 * meets the clean leaf, faults, and is logged in the next round.  One renewal serves all pages of a
 * round.
 *
 * A write fault needs no new VMID.  The handler sets W and then flushes that one page, to remove
 * read-only TLB entries.  Another CPU may still have such an entry, because dirty_mark does not
 * flush, or because two CPUs faulted on one page.  When that CPU writes, it faults.  The handler
 * finds W already set, flushes the page, and the guest continues.
 *
 * Regions.  When software does the logging, the log keeps one bit per 2 MiB of guest memory: "a
 * leaf in this region may be dirty".  A harvest skips regions whose bit is clear.  If a region is
 * mapped by a block, that block is the region's only leaf.  The fault handler first sets W.  Then,
 * after a full barrier, it reads the region's bit, and sets it if it is clear.  The harvest first
 * clears the region's bit, then reads the leaves, with a barrier in between.  Suppose the harvest
 * misses a leaf's W.  Then the handler reads the region's bit after the harvest has cleared it.  So
 * the handler finds the bit clear and sets it, and the next harvest finds the leaf.  (With the
 * handler's stores in the other order, the harvest could clear the bit between them and miss the
 * leaf for ever, because a leaf with W never faults again.)  For the last round the domain is
 * paused, so no handler is between its two stores.
 *
 * A domain that has never run.  The receiver of a guest wants to know which pages of the new domain
 * are still all zero: those without the flag `written` in their struct page.  So if logging is
 * enabled before a domain has ever run, the pages with that flag start dirty, and the rest start
 * clean.
 *
 * Files: dirty.c enables and disables the log, dirty_mark.c makes pages dirty, dirty_harvest.c
 * reads and cleans the log, dirty_eager.c splits blocks before they are written.
 * tests/model/dirty.pml models all of this for a model checker.
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
#include "vmid.h"

#define REGION_BYTES (DIRTY_REGIONS / 8)
/*
 * Between two checks for preemption, work of weight PIECE_WEIGHT is done.  That is about 64 blocks
 * (but plain blocks that are being enabled have no weight, see skip_light), or two tables of 512
 * leaves, or one region if struct page must be read for each of its 512 pages.
 */
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

/*
 * True if logging is being enabled on a domain that has never run, and the page may have been
 * written.
 */
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

/*
 * Returns the descriptor that a page's leaf gets after it was split from a block.  `old` is its
 * present descriptor, with the attributes copied from the block.
 */
static uint64_t split_leaf(const struct p2m *p2m, uint64_t old, bool ext, bool written)
{
    uint64_t leaf = old & ~(PTE_SW_EXT | PTE_SW_LOGGED | PTE_DBM);
    if (ext)
        return leaf | PTE_SW_EXT | PTE_S2_W;
    if (old & PTE_SW_LOGGED)
        return leaf | PTE_SW_LOGGED | (p2m->hw_dirty ? PTE_DBM : 0) | (written ? PTE_S2_W : 0);
    return old & PTE_SW_EXT ? leaf | dirty_new_leaf(p2m, 3) : leaf;
}

/*
 * The leaf at `entry` is live already, so other CPUs may set its W.  Returns true if the page is
 * dirty because it has external writers, or because the domain's builder wrote it.
 */
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
    ASSERT_LOCKED(&p2m->lock);
    unsigned level;
    uint64_t block = *pt_entry(&p2m->pt, ipa, &level), *entry = pt_entry_at(&p2m->pt, ipa, 3);
    if (!entry)
        return NULL;
    p2m->split_count++;
    if (!is_ram(block))
        return entry;
    /*
     * pt_entry_at has split the block, and has already given most leaves the right descriptor.  If
     * the block had EXT, all its leaves are dirty.  If any leaf is dirty, the region's bit must be
     * set.  It may still be clear if enabling has not reached the block yet, so it is set here.
     */
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

/* Some page of the block has external writers, or was written by the domain's builder. */
static bool must_split(const struct p2m *p2m, const struct page *p)
{
    const bool built = p2m->log.of_new_domain;
    for (const struct page *end = p + BLOCK_PAGES; p < end; p++)
        if (has_writers(p) || (built && p->written))
            return true;
    return false;
}

/*
 * Makes the whole block clean.  If a page has external writers or was written by the builder,
 * dirty_split then splits the block and makes those pages dirty.
 */
static void enable_block(struct p2m *p2m, uint64_t addr, uint64_t *entry, uint64_t leaf)
{
    bool split = must_split(p2m, leaf_page(leaf));
    __atomic_store_n(entry, enabled_leaf(p2m, leaf, 2, false), __ATOMIC_RELEASE);
    if (!split || dirty_split(p2m, addr))
        return;
    /*
     * There was no memory for a table, so the block stays whole and becomes dirty.  It keeps its
     * EXT bit, which may be out of date.
     */
    __atomic_store_n(entry, enabled_leaf(p2m, leaf, 2, leaf & PTE_SW_EXT) | PTE_S2_W,
                     __ATOMIC_RELEASE);
    dirty_note(p2m, addr);
}

static void enable_page(struct p2m *p2m, uint64_t addr, uint64_t *entry, uint64_t leaf)
{
    const struct page *p = leaf_page(leaf);
    bool ext = has_writers(p), dirty = ext || is_built(p2m, p);
    __atomic_store_n(entry, enabled_leaf(p2m, leaf, 3, ext) | (dirty ? PTE_S2_W : 0),
                     __ATOMIC_RELEASE);
    if (dirty)
        dirty_note(p2m, addr);
}

/* RAM that is not logged yet and has no external writer. */
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
        /*
         * shared_info and grant frames: guest and hypervisor may write them at any time, so they
         * are dirty in every round.
         */
        __atomic_store_n(entry, leaf | PTE_SW_EXT, __ATOMIC_RELEASE);
        dirty_note(p2m, addr);
    } else if (is_ram(leaf) && (leaf & PTE_S2_W) && !(leaf & PTE_SW_LOGGED)) {
        /*
         * The struct pages must be read: a page may have external writers, or the domain has never
         * run, so that the flag `written` decides whether the page starts dirty.
         */
        if (level < 3)
            enable_block(p2m, addr, entry, leaf);
        else
            enable_page(p2m, addr, entry, leaf);
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

/* Enables a run of plain blocks, which most guests consist of. */
static uint64_t *enable_blocks(const struct p2m *p2m, uint64_t *entry, const uint64_t *end)
{
    const uint64_t logged = dirty_new_leaf(p2m, 2);
    for (; entry < end && is_plain(*entry) && !(*entry & PTE_TABLE); entry++)
        __atomic_store_n(entry, (*entry & ~PTE_S2_W) | logged, __ATOMIC_RELAXED);
    return entry;
}

/*
 * Skips empty entries.  While enabling, it also enables plain blocks that follow; their struct
 * pages need not be read.  These entries have no weight: 512 of them take so little time that
 * preemption need not be checked.
 */
static inline uint64_t *skip_light(const struct p2m *p2m, uint64_t *entry, const uint64_t *end,
                                   bool enabling)
{
    while (entry < end && !(*entry & PTE_VALID))
        entry++;
    return enabling && !p2m->log.of_new_domain ? enable_blocks(p2m, entry, end) : entry;
}

/*
 * Calls `visit` for the entries of one 2 MiB region, and `after` if the region is a table.  Returns
 * the region's weight.
 */
static inline __attribute__((always_inline)) unsigned visit_region(
    struct p2m *p2m, uint64_t addr, uint64_t *entry, pt_visitor *visit,
    void (*after)(struct p2m *p2m, uint64_t addr))
{
    const unsigned weight = p2m->log.of_new_domain ? PIECE_WEIGHT : 1;
    const uint64_t desc = *entry;
    if (!(desc & PTE_VALID))
        return weight;
    if (!(desc & PTE_TABLE)) {
        visit(&p2m->pt, addr, 2, entry, p2m);
        return weight + (desc & PTE_SW_EXT ? PIECE_WEIGHT : 0);
    }
    visit_table(p2m, addr, desc, visit);
    if (after)
        after(p2m, addr);
    return weight + TABLE_WEIGHT;
}

/*
 * Visits regions from the cursor on.  Stops when the weight reaches PIECE_WEIGHT, or at the end of
 * the GiB that contains the cursor.
 */
static inline __attribute__((always_inline)) void piece(struct p2m *p2m, pt_visitor *visit,
                                                        void (*after)(struct p2m *p2m,
                                                                      uint64_t addr))
{
    ASSERT_LOCKED(&p2m->lock);
    unsigned level, weight = 0;
    const uint64_t start = p2m->log.cursor << PAGE_SHIFT;
    uint64_t *const first = pt_entry_upto(&p2m->pt, start, 2, &level), *entry = first;
    /*
     * If level < 2, there is no level-2 table.  Blocks larger than 2 MiB are never made, so this
     * GiB is empty.
     */
    if (level < 2) {
        p2m->log.cursor = (start / pt_span(1) + 1) * (pt_span(1) >> PAGE_SHIFT);
        return;
    }
    const uint64_t *const end = first + 512 - (start / BLOCK_SIZE & 511);
    for (; weight < PIECE_WEIGHT; entry++) {
        entry = skip_light(p2m, entry, end, visit == enable_leaf);
        if (entry == end)
            break;
        weight += visit_region(p2m, start + (uint64_t)(entry - first) * BLOCK_SIZE, entry, visit,
                               after);
    }
    p2m->log.cursor += (uint64_t)(entry - first) * BLOCK_PAGES;
}

/*
 * Returns 0 when the cursor has passed the end of the map, and -ERESTART if it must stop before
 * that because of preemption.  Drops the lock between two pieces.  Inlined into its callers, so
 * that the compiler knows which function `visit` is and can inline it, too.
 */
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
    ASSERT_LOCKED(&p2m->lock);
    struct dirty_log *log = &p2m->log;
    if (log->state == DIRTY_ENABLING)
        return 0;
    if (log->state != DIRTY_OFF)
        return -XEN_EINVAL;
    memset(log->region, 0,
           (size_t)(ROUND_UP((p2m->max_gfn >> (BLOCK_SHIFT - PAGE_SHIFT)) + 1, 64ull) /
                    8)); /* no bit beyond was ever set */
    log->of_new_domain = ((const struct domain *)p2m->pt.owner)->state == DOM_BUILDING;
    log->state = DIRTY_ENABLING;
    log->cursor = log->rounds = 0;
    p2m->hw_dirty = arch_has_hw_dirty() &&
                    __atomic_load_n(&cmdline.dirty_mode, __ATOMIC_RELAXED) != DIRTY_SW;
    p2m->logging = true;
    __atomic_fetch_add(&logging_domains, 1, __ATOMIC_RELAXED);
    /*
     * A writer sets `written` of a page, has a full barrier, and then reads `logging`.  Here
     * `logging` is set first, and `written` is read after the barrier.  So the writer sees
     * `logging` set, or this function sees `written` set, or both.
     */
    arch_dmb();
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
        vmid_renew(d); /* no CPU writes through an old entry when this returns */
    return err;
}

/*
 * Makes the leaf plain again.  W is set first: a leaf with neither W nor LOGGED may not be written
 * at all, and no leaf may be in that state between the two stores.
 */
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

/*
 * If the 512 leaves at addr map one aligned 2 MiB piece of RAM and differ only in EXT, and at least
 * one has EXT, gives EXT to all of them, so that they can be merged into a block.  Otherwise does
 * nothing.  A block has EXT if any of its pages may have external writers.
 */
static void even_ext(struct p2m *p2m, uint64_t addr)
{
    ASSERT_LOCKED(&p2m->lock);
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
    ASSERT_LOCKED(&p2m->lock);
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
        vmid_renew(d); /* not required, but saves the guest one spurious fault per page */
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
