/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wall clock.  The control domain owns the machine's real-time clock, and tells the time by
 * XENPF_settime.  From then on wallclock_base_ns is the time of day when system time was zero. Each
 * domain's shared_info has the time of day when the domain's own clock was zero.  A domain's
 * counter starts at creation, or continues after a move; counter_offset is the difference.
 */
#include "dirty.h"
#include "domain.h"
#include "domain_ref.h"
#include "timer.h"

#define NS_PER_S 1000000000

static spinlock_t wallclock_lock = SPINLOCK_INIT;
static int64_t wallclock_base_ns;

/* System time when the domain's clock was zero. */
static int64_t start_ns(const struct domain *d) { return counter_to_system_ns(d->counter_offset); }

/*
 * Protocol of shared_info: the version is odd while the other fields change, and increases with
 * each change.
 */
static void write_wallclock(struct shared_info *s, int64_t ns)
{
    uint64_t at = ns > 0 ? (uint64_t)ns : 0, secs = at / NS_PER_S;
    uint32_t version = __atomic_load_n(&s->wc_version, __ATOMIC_RELAXED) | 1u;
    __atomic_store_n(&s->wc_version, version, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    s->wc_sec = (uint32_t)secs;
    s->wc_sec_hi = (uint32_t)(secs >> 32);
    s->wc_nsec = (uint32_t)(at % NS_PER_S);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(&s->wc_version, version + 1, __ATOMIC_RELAXED);
}

void domain_update_wallclock(struct domain *d)
{
    if (!d->shared_info)
        return;
    spin_lock(&wallclock_lock); /* two writers at once would break the version protocol */
    write_wallclock(d->shared_info, wallclock_base_ns + start_ns(d) + d->time_offset_s * NS_PER_S);
    spin_unlock(&wallclock_lock);
    if (d->shared_ipa.v != ~0ull)
        dirty_mark(d, d->shared_ipa);
}

void domain_set_wallclock(struct domain *d, uint64_t secs, uint32_t nsecs, uint64_t system_ns)
{
    spin_lock(&wallclock_lock);
    wallclock_base_ns = (int64_t)(secs * NS_PER_S + nsecs - system_ns) - start_ns(d);
    spin_unlock(&wallclock_lock);
    for (struct domain *it = domain_get_next(0), *next; it; it = next) {
        domain_update_wallclock(it);
        next = domain_get_next((domid_t)(it->id + 1));
        domain_put(it);
    }
}

void domain_map_shared_info(struct domain *d) { domain_update_wallclock(d); }
