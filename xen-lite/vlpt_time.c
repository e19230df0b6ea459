/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding a leaf, timed: by the window alone, as the fast paths of faults do (one load); by vlpt_leaf, which looks at the levels
 * above first (three); by the walk.  A debug key, for tools/bench.py.  Functions are kept apart so that a trace shows them.
 */
#include "domain.h"
#include "vlpt.h"
#include <xen/xen.h>

#define ADDRESSES 4096u
#define STRIDE    (3 * PAGE_SIZE)       /* 48 MiB, 24 level-3 tables */

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

void vlpt_time(struct domain *d)
{
    const struct p2m *p2m = &d->p2m;
    unsigned level;
    if (p2m->vlpt_slot < 0 || !(pt_lookup(&p2m->pt, nth(0).v, &level) & PTE_VALID) || level < 3) {
        log_info("d%u: no window, or no pages at 0x%llx\n", d->id, (unsigned long long)nth(0).v);
        return;
    }
    uint64_t t[5], sum[3];
    t[0] = counter();
    (void)time_loop(p2m);
    t[1] = counter();
    sum[0] = time_window(p2m);
    t[2] = counter();
    sum[1] = time_vlpt_leaf(p2m);
    t[3] = counter();
    sum[2] = time_walk(p2m);
    t[4] = counter();
    log_info("d%u: %u leaves%s, in ticks: window %llu, vlpt_leaf %llu, walk %llu, the loop alone %llu\n", d->id, ADDRESSES,
             sum[0] == sum[1] && sum[1] == sum[2] ? "" : " WHICH DIFFER", (unsigned long long)(t[2] - t[1]),
             (unsigned long long)(t[3] - t[2]), (unsigned long long)(t[4] - t[3]), (unsigned long long)(t[1] - t[0]));
}
