/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Caps: at most so many percent of one CPU for a domain, whatever is free.  See "Caps" in sched.c.
 */
#include "arch.h"
#include "domain_types.h"
#include "lib.h"
#include "panic.h"
#include "sched.h"
#include "sched_core.h"
#include "timer.h"

#define CAP_PERIOD_NS 30000000u

static uint64_t cap_quantum(const struct domain *d)
{
    return CAP_PERIOD_NS / 100 * (uint64_t)d->sched.cap;
}

static void cap_refill(struct domain *d, uint64_t now)
{
    ASSERT_LOCKED(&sched_lock);
    struct sched_domain *s = &d->sched;
    uint64_t periods = (now - s->period_start_ns) / CAP_PERIOD_NS;
    if (!periods)
        return;
    int64_t quantum = (int64_t)cap_quantum(d);
    s->period_start_ns += periods * CAP_PERIOD_NS;
    /*
     * A budget that is overdrawn by n periods takes n periods to recover.  Unused budget is not
     * saved up.
     */
    s->budget_ns = MIN(quantum, s->budget_ns + (int64_t)MIN(periods, 1000000u) * quantum);
}

static void arm_refill(struct domain *d, uint64_t now)
{
    timer_set(&d->sched.refill,
              counter() + ns_to_ticks(d->sched.period_start_ns + CAP_PERIOD_NS - now));
}

/*
 * The domain's waiting vCPUs leave the queue.  Its running vCPUs will find that they do not want to
 * run.
 */
static void throttle(struct domain *d, uint64_t now)
{
    ASSERT_LOCKED(&sched_lock);
    d->sched.throttled = true;
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        struct vcpu *v = d->vcpu[i];
        if (v && v->sched.queued)
            sched_dequeue(v);
        else if (v && v->sched.running)
            sched_poke((unsigned)v->sched.cpu);
    }
    arm_refill(d, now);
}

static void unthrottle(struct domain *d, uint64_t now)
{
    ASSERT_LOCKED(&sched_lock);
    d->sched.throttled = false;
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        struct vcpu *v = d->vcpu[i];
        if (v && !v->sched.queued && !v->sched.running && sched_wants(v))
            sched_make_runnable(v, now, true);
    }
}

static void refill_due(void *arg)
{
    struct domain *d = arg;
    spin_lock(&sched_lock);
    uint64_t now = system_time_ns();
    cap_refill(d, now);
    if (d->sched.throttled && d->sched.cap && d->sched.budget_ns <= 0)
        arm_refill(d, now);
    else if (d->sched.throttled)
        unthrottle(d, now);
    spin_unlock(&sched_lock);
}

void sched_cap_charge(struct domain *d, uint64_t ns, uint64_t now)
{
    ASSERT_LOCKED(&sched_lock);
    d->sched.budget_ns -= (int64_t)ns;
    cap_refill(d, now);
    if (d->sched.budget_ns <= 0 && !d->sched.throttled)
        throttle(d, now);
}

/* How long one of its running vCPUs may go on: the others use the same budget. */
uint64_t sched_cap_share_ns(const struct domain *d)
{
    ASSERT_LOCKED(&sched_lock);
    unsigned running = 0;
    for (unsigned i = 0; i < d->max_vcpus; i++)
        running += d->vcpu[i] && d->vcpu[i]->sched.running ? 1u : 0u;
    if (d->sched.budget_ns <= 0)
        return 0;
    return running > 1 ? (uint64_t)d->sched.budget_ns / running : (uint64_t)d->sched.budget_ns;
}

void sched_domain_set(struct domain *d, uint16_t weight, uint16_t cap)
{
    spin_lock(&sched_lock);
    uint64_t now = system_time_ns();
    for (unsigned i = 0; i < MAX_CPUS; i++)
        if (cpus[i].scheduled && cpus[i].scheduled->domain == d) {
            sched_charge(cpus[i].scheduled, now); /* time used so far counts with the old weight */
            sched_poke(i);
        }
    d->sched.weight = weight;
    if (d->sched.cap != cap) {
        d->sched.cap = cap;
        d->sched.period_start_ns = now;
        d->sched.budget_ns = (int64_t)cap_quantum(d);
        if (d->sched.throttled)
            unthrottle(d, now);
    }
    spin_unlock(&sched_lock);
}

void sched_domain_init(struct domain *d)
{
    d->sched = (struct sched_domain){ .weight = SCHED_WEIGHT_DEFAULT };
    timer_init(&d->sched.refill, refill_due, d);
}

void sched_domain_destroy(struct domain *d) { timer_stop(&d->sched.refill); }
