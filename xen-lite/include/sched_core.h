/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the scheduler's decisions (sched.c, sched_cap.c), what asks for them (sched_vcpu.c,
 * sched_wait.c), and what carries them out (sched_switch.c). */
#ifndef XL_SCHED_CORE_H
#define XL_SCHED_CORE_H

#include "sched.h"

extern spinlock_t sched_lock;

/* What a CPU is to do: prev == next (or both NULL) nothing; else save prev, sched_release(prev),
 * load next. */
struct sched_decision {
    struct vcpu *prev, *next;
    bool reload; /* next's EL1 registers are not in this CPU any more */
};
struct sched_decision sched_decide(
    struct cpu *c);                 /* this CPU's; next is `running` on it from now on */
void sched_release(struct vcpu *v); /* prev's registers are in memory: it may run anywhere */

extern uint64_t sched_online_mask; /* CPUs that take part */

/* The caller holds sched_lock.  `now` is system time in ns. */
void sched_charge(struct vcpu *v, uint64_t now); /* v is running: account its time so far */
void sched_poke(unsigned cpu);                   /* make it choose again */
bool sched_wants(const struct vcpu *v);          /* should be running or in the queue */
int sched_off_state(const struct vcpu *v);       /* RUNSTATE_* of a vCPU that has no CPU */
void sched_dequeue(struct vcpu *v);
void vcpu_runstate_update(struct vcpu *v, int state, uint64_t now_ns); /* RUNSTATE_* begins */
void sched_make_runnable(struct vcpu *v, uint64_t now,
                         bool woken); /* queue it, tell a CPU; woken: it slept */
void sched_tickle(const struct vcpu *v, uint64_t now,
                  bool preempt); /* v is queued: find a CPU that should know */
/* sched_cap.c: draw on the budget; what one running vCPU may use of it before its CPU looks again.
 */
void sched_cap_charge(struct domain *d, uint64_t ns, uint64_t now);
uint64_t sched_cap_share_ns(const struct domain *d);
bool sched_can_run(
    const struct vcpu *v); /* online, not paused, not blocked; without the lock a hint */

#endif
