/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and cleaning the dirty log.  The head of dirty.c argues the order of the steps. */
#include "abi.h"
#include "arch.h"
#include "dirty_internal.h"
#include "domain_types.h"
#include "lib.h"
#include "panic.h"
#include "vlpt.h"
#include "vmid.h"

#define CLEANABLE (PTE_VALID | PTE_SW_LOGGED | PTE_S2_W) /* a dirty leaf that may be made clean */

static bool is_dirty(uint64_t leaf)
{
    return (leaf & (PTE_VALID | PTE_S2_W)) == (PTE_VALID | PTE_S2_W) &&
           (leaf & (PTE_SW_LOGGED | PTE_SW_EXT));
}

static unsigned bit_count(uint64_t v) /* the compiler's builtin would need a library function */
{
    if (v == ~0ull)
        return 64;
    v -= v >> 1 & 0x5555555555555555ull;
    v = (v & 0x3333333333333333ull) + (v >> 2 & 0x3333333333333333ull);
    v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0full;
    return (unsigned)(v * 0x0101010101010101ull >> 56);
}

/* One leaf that was read as `e`.  The p2m lock (take_region) makes a dirty one ours to write
 * (dirty.c).  True: dirty. */
static inline bool take_leaf(uint64_t *leaf, uint64_t e, bool clear, bool *left)
{
    if (!is_dirty(e))
        return false;
    if (!(e & PTE_SW_LOGGED))
        *left = true;
    else if (clear)
        __atomic_store_n(leaf, e & ~PTE_S2_W, __ATOMIC_RELAXED);
    return true;
}

/* Takes sixteen leaves of which only some are dirty. */
static __attribute__((noinline)) uint64_t take_some(uint64_t *leaf, bool clear, bool *left)
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < 16; i++)
        bits |=
            (uint64_t)take_leaf(&leaf[i], __atomic_load_n(&leaf[i], __ATOMIC_RELAXED), clear, left)
            << i;
    return bits;
}

/* 64 leaves per word.  Returns how many were dirty. */
static __attribute__((noinline)) uint64_t take_words(uint64_t *leaf, uint64_t *words, unsigned n,
                                                     bool clear, bool *left)
{
    uint64_t dirty = 0;
    for (const uint64_t *end = words + n; words < end; words++) {
        uint64_t word = 0;
        for (unsigned i = 0; i < 4; i++, leaf += 16) {
            unsigned found = words16_clear(leaf, CLEANABLE, PTE_S2_W,
                                           clear ? PTE_S2_W
                                                 : 0); /* most often all are dirty, or none is */
            word >>= 16;
            if (found == 2)
                word |= 0xffffull << 48;
            else if (found == 1)
                word |= take_some(leaf, clear, left) << 48;
        }
        *words = word;
        dirty += bit_count(word);
    }
    return dirty;
}

static uint64_t take_leaves(uint64_t *leaf, unsigned pages, uint64_t *words, bool clear, bool *left)
{
    unsigned whole = pages / 64, rest = pages % 64;
    uint64_t dirty = take_words(leaf, words, whole, clear, left), word = 0;
    if (!rest)
        return dirty;
    leaf += 64 * whole;
    for (unsigned i = 0; i < rest; i++)
        word |=
            (uint64_t)take_leaf(&leaf[i], __atomic_load_n(&leaf[i], __ATOMIC_RELAXED), clear, left)
            << i;
    words[whole] = word;
    return dirty + bit_count(word);
}

static void fill(uint64_t *words, unsigned pages, bool set)
{
    for (unsigned i = 0; i < pages; i += 64)
        words[i / 64] = !set ? 0 : pages - i >= 64 ? ~0ull : (1ull << (pages - i)) - 1;
}

/* [ipa, + pages), inside one 2 MiB region.  True if something in it is still dirty. */
static bool take_region(struct p2m *p2m, uint64_t ipa, unsigned pages, uint64_t *words, bool clear,
                        uint64_t *dirty)
{
    ASSERT_LOCKED(&p2m->lock);
    unsigned level;
    bool left = false;
    uint64_t *entry = pt_entry_upto(&p2m->pt, ipa, 2, &level), desc = *entry;
    bool table = level == 2 && (desc & PTE_VALID) && (desc & PTE_TABLE);
    if (!table && (level < 2 || !is_dirty(desc))) {
        fill(words, pages, false);
        return false;
    }
    if (!table && clear && !(desc & PTE_SW_EXT)) {
        if (pages == BLOCK_PAGES) /* only the lock's holder changes a block */
            __atomic_store_n(entry, desc & ~PTE_S2_W, __ATOMIC_RELAXED);
        else
            table = dirty_split(p2m, ipa) != NULL;
    }
    if (!table) {
        fill(words, pages, true);
        *dirty += pages;
        return !clear || (desc & PTE_SW_EXT) || pages != BLOCK_PAGES;
    }
    uint64_t *window = vlpt_leaves(p2m, ipa),
             *leaf = window ? &window[ipa >> PAGE_SHIFT] : pt_entry(&p2m->pt, ipa, &level);
    *dirty += take_leaves(leaf, pages, words, clear, &left);
    return left;
}

static void harvest_region(struct p2m *p2m, uint64_t ipa, unsigned pages, uint64_t *words,
                           bool clear, uint64_t *dirty)
{
    if (!p2m->hw_dirty && !dirty_noted(p2m, ipa)) {
        fill(words, pages, false);
        return;
    }
    bool whole = clear && pages == BLOCK_PAGES;
    spin_lock(&p2m->lock);
    if (whole && !p2m->hw_dirty)
        dirty_forget(p2m, ipa);
    bool left = take_region(p2m, ipa, pages, words, clear, dirty);
    if (whole && left && !p2m->hw_dirty)
        dirty_note(p2m, ipa);
    spin_unlock(&p2m->lock);
}

bool dirty_on(const struct domain *d) { return d->p2m.log.state == DIRTY_ON; }

/* The first region at or after `region` whose bit is `set`, or `end`. */
static uint64_t find_region(const struct p2m *p2m, uint64_t region, uint64_t end, bool set)
{
    while (region < end) {
        uint64_t bits = __atomic_load_n(&p2m->log.region[region / 64], __ATOMIC_RELAXED);
        bits = (set ? bits : ~bits) >> region % 64;
        if (bits)
            return MIN(region + (unsigned)__builtin_ctzll(bits), end);
        region = ROUND_UP(region + 1, 64ull);
    }
    return end;
}

uint64_t dirty_next(const struct domain *d, uint64_t gfn, uint64_t end, uint64_t *pages)
{
    const struct p2m *p2m = &d->p2m;
    /* With hardware dirty state there is no summary per region. */
    if (!p2m->hw_dirty && gfn < end) {
        uint64_t end_region = (end + BLOCK_PAGES - 1) / BLOCK_PAGES,
                 first = find_region(p2m, gfn / BLOCK_PAGES, end_region, true);
        uint64_t stop = find_region(p2m, first, end_region, false) * BLOCK_PAGES;
        gfn = MIN(MAX(gfn, first * BLOCK_PAGES), end);
        end = MIN(stop, end);
    }
    *pages = end - gfn;
    return gfn;
}

int dirty_harvest(struct domain *d, uint64_t gfn, uint64_t pages, uint64_t *words, bool clear,
                  uint64_t *count)
{
    struct p2m *p2m = &d->p2m;
    const uint64_t limit = 1ull << (IPA_BITS - PAGE_SHIFT);
    if (!dirty_on(d) || gfn % 64 || gfn > limit || pages > limit - gfn)
        return -XEN_EINVAL;
    *count = 0;
    for (uint64_t done = 0; done < pages;) {
        unsigned n = BLOCK_PAGES - (unsigned)((gfn + done) & (BLOCK_PAGES - 1));
        n = (unsigned)MIN(pages - done, n);
        harvest_region(p2m, (gfn + done) << PAGE_SHIFT, n, words + done / 64, clear, count);
        done += n;
    }
    arch_dsb();
    return 0;
}

void dirty_round_end(struct domain *d)
{
    d->p2m.log.rounds++;
    vmid_renew(d);
}
