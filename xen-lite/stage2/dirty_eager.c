/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * split=eager: idle CPUs split the blocks of logged domains, so that the guest's first write to a
 * block does not have to.
 *
 * A clean block becomes clean leaves, a dirty block dirty leaves, so splitting does not change what
 * the log reports.  A cursor moves from block to block through the map, one block per holding of
 * the p2m lock, and stops at the end.  Memory that is mapped while the domain is logged is mapped
 * as pages (p2m_map.c checks the mode).  Disabling the log merges all blocks again.
 */
#include "arch.h"
#include "dirty_internal.h"
#include "domain_ref.h"
#include "lib.h"
#include "panic.h"
#include "pt.h"

/* Entries of 2 MiB and more that are examined to find the next block \. */
#define ENTRIES_A_STEP 512u

static unsigned splitting_domains; /* domains whose cursor is not at the end */

/*
 * Makes sleeping CPUs look for work.  A CPU that is about to sleep is either seen here, or sees the
 * count: both sides have a full barrier.
 */
static void wake_idle_cpus(void)
{
    arch_dmb();
    for (unsigned i = 0; i < cpu_count; i++)
        if (i != cpu_id() && __atomic_load_n(&cpus[i].idle, __ATOMIC_RELAXED))
            arch_kick_cpu(i);
}

void dirty_eager_start(struct p2m *p2m)
{
    ASSERT_LOCKED(&p2m->lock);
    if (!cmdline.split_eager)
        return;
    p2m->log.split_cursor = 0;
    p2m->log.splitting = true;
    __atomic_fetch_add(&splitting_domains, 1, __ATOMIC_SEQ_CST);
    wake_idle_cpus();
}

void dirty_eager_stop(struct p2m *p2m)
{
    if (!p2m->log.splitting)
        return;
    p2m->log.splitting = false;
    __atomic_fetch_sub(&splitting_domains, 1, __ATOMIC_RELAXED);
}

/* Split the next block.  False: there is none, or no memory for its table, and that is all. */
static bool split_next(struct p2m *p2m)
{
    ASSERT_LOCKED(&p2m->lock);
    struct dirty_log *log = &p2m->log;
    for (unsigned n = 0; n < ENTRIES_A_STEP && log->split_cursor <= p2m->max_gfn; n++) {
        unsigned level;
        uint64_t addr = log->split_cursor << PAGE_SHIFT;
        uint64_t desc = *pt_entry_upto(&p2m->pt, addr, 2, &level);
        log->split_cursor = (log->split_cursor | ((pt_span(level) >> PAGE_SHIFT) - 1)) + 1;
        if (level != 2 || !(desc & PTE_VALID) || (desc & PTE_TABLE) || !(desc & PTE_SW_LOGGED))
            continue;
        if (!dirty_split(p2m, addr))
            return false;
        p2m->eager_count++;
        break;
    }
    return log->split_cursor <= p2m->max_gfn;
}

static void step(struct p2m *p2m)
{
    spin_lock(&p2m->lock);
    if (p2m->log.splitting && !split_next(p2m))
        dirty_eager_stop(p2m);
    spin_unlock(&p2m->lock);
}

static bool is_splitting(const struct domain *d)
{
    return __atomic_load_n(&d->p2m.log.splitting, __ATOMIC_RELAXED);
}

bool dirty_split_idle(void)
{
    arch_dmb();
    if (likely(!__atomic_load_n(&splitting_domains, __ATOMIC_RELAXED)))
        return false;
    for (struct domain *d = domain_get_next(0); d;) {
        domid_t next = (domid_t)(d->id + 1u);
        bool found = is_splitting(d);
        if (found)
            step(&d->p2m);
        domain_put(d);
        if (found)
            return true;
        d = domain_get_next(next);
    }
    return false; /* splitting was stopped meanwhile */
}
