/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measures how long it takes to find a leaf: by the window alone, as the fast paths of faults do
 * (one load); by vlpt_leaf, which reads the levels above first (three loads); by a walk; and by a
 * walk that first maps each table, as is necessary where tables are not in EL2's map (on 64-bit
 * that mapping costs nothing).  A debug key, for tools/bench.py.  The functions are kept separate
 * so that a trace shows them.
 */
#include "arch.h"
#include "domain_types.h"
#include "log.h"
#include "vlpt.h"
#include <xen/xen.h>

#define ADDRESSES 4096u
#define STRIDE    (3 * PAGE_SIZE) /* 48 MiB, 24 level-3 tables */

static ipa_t nth(unsigned i) { return IPA(GUEST_RAM0_BASE + i * STRIDE); }

static __attribute__((noinline)) uint64_t time_loop(const struct p2m *p2m)
{
    uint64_t sum = (uint64_t)p2m->vlpt_slot;
    for (unsigned i = 0; i < ADDRESSES; i++)
        __asm__ volatile("" : "+r"(sum) : "r"(nth(i).v));
    return sum;
}

static __attribute__((noinline)) uint64_t time_window(const struct p2m *p2m)
{
    const uint64_t *window = vlpt_window((unsigned)p2m->vlpt_slot);
    uint64_t sum = 0, leaf = 0;
    for (unsigned i = 0; i < ADDRESSES; i++)
        if (load64_may_fault(&window[nth(i).v >> PAGE_SHIFT], &leaf))
            sum += leaf;
    return sum;
}

static __attribute__((noinline)) uint64_t time_vlpt_leaf(const struct p2m *p2m)
{
    uint64_t sum = 0, leaf = 0;
    unsigned level;
    for (unsigned i = 0; i < ADDRESSES; i++) {
        const uint64_t *at = vlpt_leaf(p2m, (unsigned)p2m->vlpt_slot, nth(i).v, &leaf, &level);
        if (at && load64_may_fault(at, &leaf))
            sum += leaf;
    }
    return sum;
}

static __attribute__((noinline)) uint64_t time_walk(const struct p2m *p2m)
{
    uint64_t sum = 0;
    unsigned level;
    for (unsigned i = 0; i < ADDRESSES; i++)
        sum += pt_lookup(&p2m->pt, nth(i).v, &level);
    return sum;
}

static uint64_t mapped_lookup(const struct p2m *p2m, uint64_t ipa)
{
    paddr_t table = p2m->pt.root;
    uint64_t index = ipa >> 30;
    for (unsigned shift = 30;; index = ipa >> shift & 511) {
        uint64_t *entries = arch_map_page(
            PA(table.v + (index >> 9) * PAGE_SIZE)); /* the root consists of two pages */
        uint64_t desc = __atomic_load_n(&entries[index & 511], __ATOMIC_RELAXED);
        arch_unmap_page(entries);
        if (shift == PAGE_SHIFT || (desc & (PTE_VALID | PTE_TABLE)) != (PTE_VALID | PTE_TABLE))
            return desc;
        table = PA(desc & PTE_ADDR);
        shift -= 9;
    }
}

static __attribute__((noinline)) uint64_t time_mapped_walk(const struct p2m *p2m)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < ADDRESSES; i++)
        sum += mapped_lookup(p2m, nth(i).v);
    return sum;
}

void vlpt_time(struct domain *d)
{
    const struct p2m *p2m = &d->p2m;
    unsigned level;
    if (p2m->vlpt_slot < 0 || !(pt_lookup(&p2m->pt, nth(0).v, &level) & PTE_VALID) || level < 3) {
        log_info("d%u: no window, or no pages at 0x%llx\n", d->id, (unsigned long long)nth(0).v);
        return;
    }
    uint64_t t[6], sum[4];
    t[0] = counter();
    (void)time_loop(p2m);
    t[1] = counter();
    sum[0] = time_window(p2m);
    t[2] = counter();
    sum[1] = time_vlpt_leaf(p2m);
    t[3] = counter();
    sum[2] = time_walk(p2m);
    t[4] = counter();
    sum[3] = time_mapped_walk(p2m);
    t[5] = counter();
    bool same = sum[0] == sum[1] && sum[1] == sum[2] && sum[2] == sum[3];
    log_info(
        "d%u: %u leaves%s, in ticks: window %llu, vlpt_leaf %llu, walk %llu, mapping each level "
        "%llu, the loop alone %llu\n",
        d->id, ADDRESSES, same ? "" : " WHICH DIFFER", (unsigned long long)(t[2] - t[1]),
        (unsigned long long)(t[3] - t[2]), (unsigned long long)(t[4] - t[3]),
        (unsigned long long)(t[5] - t[4]), (unsigned long long)(t[1] - t[0]));
}
