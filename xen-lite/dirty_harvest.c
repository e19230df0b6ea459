/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and cleaning the dirty log.  The order of things is argued at the head of dirty.c. */
#include "lib.h"
#include "domain.h"
#include "hypercall.h"
#include "dirty.h"
#include "vlpt.h"

#define DIRTY (PTE_VALID | PTE_SW_LOGGED | PTE_S2_W)

static unsigned bit_count(uint64_t v)       /* the builtin wants a library here */
{
    v -= v >> 1 & 0x5555555555555555ull;
    v = (v & 0x3333333333333333ull) + (v >> 2 & 0x3333333333333333ull);
    v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0full;
    return (unsigned)(v * 0x0101010101010101ull >> 56);
}

/* Up to 64 leaves into a word.  Lock held. */
static uint64_t take_word(uint64_t *leaf, unsigned n, bool clear, uint64_t *dirty, bool *left)
{
    uint64_t word = 0;
    for (unsigned i = 0; i < n; i++) {
        uint64_t e = __atomic_load_n(&leaf[i], __ATOMIC_RELAXED);
        if ((e & DIRTY) != DIRTY)
            continue;
        word |= 1ull << i;
        if (unlikely(e & PTE_SW_EXT))
            *left = true;
        else if (clear)
            __atomic_store_n(&leaf[i], e & ~PTE_S2_W, __ATOMIC_RELAXED);
    }
    *dirty += bit_count(word);
    return word;
}

static void take_leaves(uint64_t *leaf, unsigned pages, uint64_t *words, bool clear, uint64_t *dirty, bool *left)
{
    for (unsigned i = 0; i < pages; i += 64)
        words[i / 64] = take_word(leaf + i, MIN(64, pages - i), clear, dirty, left);
}

static void fill(uint64_t *words, unsigned pages, bool set)
{
    for (unsigned i = 0; i < pages; i += 64)
        words[i / 64] = !set ? 0 : pages - i >= 64 ? ~0ull : (1ull << (pages - i)) - 1;
}

/* [ipa, + pages), inside one 2 MiB region.  Lock held.  True if something in it is still dirty. */
static bool take_region(struct p2m *p2m, uint64_t ipa, unsigned pages, uint64_t *words, bool clear, uint64_t *dirty)
{
    unsigned level;
    bool left = false;
    uint64_t *entry = pt_entry_upto(&p2m->pt, ipa, 2, &level), desc = *entry;
    bool table = level == 2 && (desc & PTE_VALID) && (desc & PTE_TABLE);
    if (!table && (level < 2 || (desc & DIRTY) != DIRTY)) {
        fill(words, pages, false);
        return false;
    }
    if (!table && clear && !(desc & PTE_SW_EXT)) {
        if (pages == BLOCK_PAGES)       /* nobody but us changes a block */
            __atomic_store_n(entry, desc & ~PTE_S2_W, __ATOMIC_RELAXED);
        else
            table = dirty_split(p2m, ipa) != NULL;
    }
    if (!table) {
        fill(words, pages, true);
        *dirty += pages;
        return !clear || (desc & PTE_SW_EXT) || pages != BLOCK_PAGES;
    }
    int slot = vlpt_slot(p2m);
    uint64_t *leaf = slot >= 0 ? &vlpt_window((unsigned)slot)[ipa >> PAGE_SHIFT] : pt_entry(&p2m->pt, ipa, &level);
    take_leaves(leaf, pages, words, clear, dirty, &left);
    return left;
}

static void harvest_region(struct p2m *p2m, uint64_t ipa, unsigned pages, uint64_t *words, bool clear, uint64_t *dirty)
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

int dirty_harvest(struct domain *d, uint64_t gfn, uint64_t pages, uint64_t *words, bool clear, uint64_t *count)
{
    struct p2m *p2m = &d->p2m;
    const uint64_t limit = 1ull << (IPA_BITS - PAGE_SHIFT);
    if (!p2m->log || p2m->log->state != DIRTY_ON || gfn % 64 || gfn > limit || pages > limit - gfn)
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
    if (d->p2m.log)
        d->p2m.log->rounds++;
    vmid_renew(d);
}
