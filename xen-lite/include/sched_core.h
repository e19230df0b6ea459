/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Internals of the scheduler: its decisions (sched.c, sched_cap.c), the calls that lead to them
 * (sched_vcpu.c, sched_wait.c), and the switch of vCPUs (sched_switch.c).
 */
#ifndef XL_SCHED_CORE_H
#define XL_SCHED_CORE_H

#include "sched.h"

extern spinlock_t sched_lock;

/*
 * What a CPU has to do. prev == next (both may be NULL): nothing.  Otherwise: save prev,
 * sched_release(prev), load next.
 */
struct sched_decision {
    struct vcpu *prev, *next;
    bool reload; /* this CPU no longer has next's EL1 registers */
};
/* Chooses the vCPU for this CPU `c`.  From then on, next counts as running here. */
struct sched_decision sched_decide(struct cpu *c);
void sched_release(struct vcpu *v); /* v's registers are in memory: any CPU may run v */

extern uint64_t sched_online_mask; /* mask of CPUs that run vCPUs */

/* For all functions below the caller holds sched_lock.  `now` is system time in ns. */
void sched_charge(struct vcpu *v, uint64_t now); /* accounts the time of v, which runs, up to now */
void sched_poke(unsigned cpu);                   /* makes the CPU choose again */
bool sched_wants(const struct vcpu *v);          /* v should be running or in the queue */
int sched_off_state(const struct vcpu *v);       /* the RUNSTATE_* of a vCPU without a CPU */
void sched_dequeue(struct vcpu *v);
void vcpu_runstate_update(struct vcpu *v, int state, uint64_t now_ns); /* a new RUNSTATE_* begins */
/* Puts v into the queue and tells a CPU.  `woken`: v was blocked or paused before. */
void sched_make_runnable(struct vcpu *v, uint64_t now, bool woken);
/*
 * For a queued vCPU: tells a CPU that should choose again.  `preempt`: v may interrupt a running
 * vCPU.
 */
void sched_tickle(const struct vcpu *v, uint64_t now, bool preempt);
/*
 * sched_cap.c: sched_cap_charge takes `ns` from the domain's budget.  sched_cap_share_ns: how much
 * of the budget one running vCPU may use before its CPU checks again.
 */
void sched_cap_charge(struct domain *d, uint64_t ns, uint64_t now);
uint64_t sched_cap_share_ns(const struct domain *d);
/* True if v is online, not paused and not blocked.  Without the lock the result is only a hint. */
bool sched_can_run(const struct vcpu *v);

#endif
