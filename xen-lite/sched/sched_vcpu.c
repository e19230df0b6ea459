/* SPDX-License-Identifier: BSD-2-Clause */
/* The scheduler's interface for the rest of the core, about one vCPU. */
#include "domain_types.h"
#include "panic.h"
#include "sched.h"
#include "sched_core.h"
#include "timer.h"

void vcpu_runstate_update(struct vcpu *v, int state, uint64_t now_ns)
{
    struct vcpu_runstate_info *r = &v->runstate;
    r->time[r->state] += now_ns - r->state_entry_time;
    r->state = state;
    r->state_entry_time = now_ns;
}

void vcpu_wake(struct vcpu *v)
{
    spin_lock(&sched_lock);
    if (!v->sched.running && !v->sched.queued) {
        uint64_t now = system_time_ns();
        if (sched_wants(v))
            sched_make_runnable(v, now, true);
        if (v->runstate.state != sched_off_state(v))
            vcpu_runstate_update(v, sched_off_state(v), now);
    }
    spin_unlock(&sched_lock);
}

void vcpu_sleep(struct vcpu *v)
{
    spin_lock(&sched_lock);
    v->sched.hw_cpu = -1; /* the caller may be about to change v's registers */
    if (v->sched.running) {
        sched_poke((unsigned)v->sched.cpu);
    } else if (!sched_wants(v)) {
        if (v->sched.queued)
            sched_dequeue(v);
        if (v->runstate.state != sched_off_state(v))
            vcpu_runstate_update(v, sched_off_state(v), system_time_ns());
    }
    spin_unlock(&sched_lock);
}

void sched_set_affinity(struct vcpu *v, uint64_t hard, uint64_t soft)
{
    spin_lock(&sched_lock);
    v->sched.affinity = hard & sched_online_mask ? hard : ~0ull;
    v->sched.affinity_soft =
        soft; /* a preference among the allowed CPUs (sched_tickle, candidate) */
    if (v->sched.queued)
        sched_tickle(v, system_time_ns(), true);
    else if (v->sched.running && !(v->sched.affinity >> v->sched.cpu & 1))
        sched_poke((unsigned)v->sched.cpu);
    spin_unlock(&sched_lock);
}

uint64_t vcpu_run_ns(struct vcpu *v)
{
    struct vcpu_runstate_info r;
    sched_runstate_get(v, &r);
    return r.time[RUNSTATE_running];
}

void sched_runstate_copy(struct vcpu *v, struct vcpu_runstate_info *r)
{
    spin_lock(&sched_lock);
    *r = v->runstate;
    spin_unlock(&sched_lock);
}

void sched_runstate_get(struct vcpu *v, struct vcpu_runstate_info *r)
{
    spin_lock(&sched_lock);
    *r = v->runstate;
    r->time[r->state] += system_time_ns() - r->state_entry_time;
    spin_unlock(&sched_lock);
}

void sched_vcpu_init(struct vcpu *v)
{
    v->sched =
        (struct sched_vcpu){ .cpu = -1, .hw_cpu = -1, .affinity = ~0ull, .affinity_soft = ~0ull };
    list_init(&v->sched.link);
    v->runstate = (struct vcpu_runstate_info){ .state = RUNSTATE_offline,
                                               .state_entry_time = system_time_ns() };
}

void sched_vcpu_remove(struct vcpu *v)
{
    spin_lock(&sched_lock);
    BUG_ON(v->sched.running);
    if (v->sched.queued)
        sched_dequeue(v);
    spin_unlock(&sched_lock);
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        struct vcpu *expect =
            v; /* v's owner writes this without a lock, but never to a vCPU that is gone */
        __atomic_compare_exchange_n(&cpus[i].loaded, &expect, NULL, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED);
    }
}

void sched_vcpu_invalidate(struct vcpu *v)
{
    spin_lock(&sched_lock);
    v->sched.hw_cpu = -1;
    spin_unlock(&sched_lock);
}
