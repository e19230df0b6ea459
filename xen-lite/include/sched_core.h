/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared by the scheduler's decisions (sched.c, sched_cap.c), its interface (sched_vcpu.c,
 * sched_wait.c) and the code that carries decisions out (sched_switch.c).
 */
#ifndef XL_SCHED_CORE_H
#define XL_SCHED_CORE_H

#include "sched.h"

extern spinlock_t sched_lock;

/*
 * What a CPU must do.  If prev == next (both may be NULL): nothing.  Otherwise: save prev,
 * sched_release(prev), load next.
 */
struct sched_decision {
    struct vcpu *prev, *next;
    bool reload; /* next's EL1 registers are no longer in this CPU */
};
/* Chooses the vCPU for this CPU `c`.  From then on, next counts as running on it. */
struct sched_decision sched_decide(struct cpu *c);
void sched_release(struct vcpu *v); /* prev's registers are in memory: any CPU may run it */

extern uint64_t sched_online_mask; /* CPUs that take part */

/* The caller holds sched_lock.  `now` is system time in ns. */
void sched_charge(struct vcpu *v, uint64_t now); /* v runs: accounts its time up to now */
void sched_poke(unsigned cpu);                   /* makes the CPU choose again */
bool sched_wants(const struct vcpu *v);          /* v should be running or in the queue */
int sched_off_state(const struct vcpu *v);       /* RUNSTATE_* of a vCPU that has no CPU */
void sched_dequeue(struct vcpu *v);
void vcpu_runstate_update(struct vcpu *v, int state, uint64_t now_ns); /* RUNSTATE_* begins */
/* Puts v into the queue and tells a CPU.  `woken`: v was blocked or paused before. */
void sched_make_runnable(struct vcpu *v, uint64_t now, bool woken);
/* v is in the queue: tells a CPU to choose again.  `preempt`: even a busy one. */
void sched_tickle(const struct vcpu *v, uint64_t now, bool preempt);
/*
 * sched_cap.c.  sched_cap_charge uses up `ns` of d's budget.  sched_cap_share_ns returns how much
 * of the budget one running vCPU may use before its CPU checks again.
 */
void sched_cap_charge(struct domain *d, uint64_t ns, uint64_t now);
uint64_t sched_cap_share_ns(const struct domain *d);
/* True if v is online, not paused and not blocked.  Without the lock only a hint. */
bool sched_can_run(const struct vcpu *v);

#endif
