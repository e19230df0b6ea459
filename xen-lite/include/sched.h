/* SPDX-License-Identifier: BSD-2-Clause */
/* CPUs and the scheduler.  sched.c */
#ifndef XL_SCHED_H
#define XL_SCHED_H

#include "lib.h"
#include "spinlock.h"

struct domain;
struct vcpu;
struct domain;

/*
 * Soft timers: one-shot; the callback runs on the CPU that armed it, from guest_prepare or
 * host_irq, without locks held. A timer belongs to one object; concurrent timer_set/timer_stop
 * calls on it are safe.  timer.c
 */
struct timer {
    struct list link;
    uint64_t deadline; /* counter ticks */
    void (*fn)(void *arg);
    void *arg;
    struct cpu *cpu; /* in whose list, or was last */
    spinlock_t lock;
    uint32_t running; /* callbacks under way */
    bool armed;
};

/* Per physical CPU. `current` first and `work` second: assembly reads them (asserted in arch). */
struct cpu {
    struct vcpu *current; /* whose registers an exit saves; the idle vCPU never exits, so never NULL
                             in a guest */
    uint32_t work;        /* WORK_* bits; set by others with atomics, then arch_kick_cpu */
    uint32_t id;
    uint8_t *stack_top;
    struct vcpu *loaded; /* whose system registers are in the hardware (saved or not) */
    bool online, idle;
    uint64_t mpidr;
    struct vcpu
        *scheduled;     /* under the scheduler's lock: who has been given this CPU; NULL: idle */
    uint64_t slice_ns;  /* length of the present time slice */
    bool slice_armed;   /* `slice` is set to end it */
    struct list timers; /* sorted soft timers (timer.c) */
    spinlock_t timer_lock;
    uint64_t armed;              /* deadline in the hardware */
    struct timer *timer_running; /* whose callback is under way here */
    uint64_t idle_since, idle_end, idle_ticks,
        busy_ticks;   /* counter values and sums; busy_ticks up to the last idling */
    uint8_t *scratch; /* a page for copies */
    struct timer slice;
};
/*
 * RESCHED: choose again who runs.  TIMER: soft timers are due.  VGIC: the current vCPU's interrupts
 * changed.  REAP: dead domains wait to be freed.  VMID: the domain that was entered last has
 * another number now.
 */
enum { WORK_RESCHED = 1, WORK_TIMER = 2, WORK_VGIC = 4, WORK_REAP = 8, WORK_VMID = 16 };
enum {
    EXIT_IRQ,
    EXIT_HYPERCALL,
    EXIT_PSCI,
    EXIT_MMIO,
    EXIT_WRITE_FAULT,
    EXIT_WFI,
    EXIT_SYSREG,
    EXIT_SGI,
    EXIT_OTHER,
    EXIT_COUNT
};
extern struct cpu cpus[];
extern unsigned cpu_count; /* online CPUs */

void timer_init(struct timer *t, void (*fn)(void *), void *arg);
void timer_set(struct timer *t, uint64_t deadline); /* (re)arm, on this CPU, counter ticks */
/*
 * After it returns fn is not running and will not, unless somebody arms the timer again.  Called
 * from fn itself it does not wait. It may wait for fn on another CPU: hold no lock that fn takes.
 */
void timer_stop(struct timer *t);
void timer_cancel(
    struct timer *t); /* disarm, without waiting for a callback under way; any lock may be held */
void timer_run_expired(void); /* this CPU; also programs the hardware for the next one */
void time_init(void);         /* system time starts now; sched_init calls it */
uint64_t ns_to_ticks(uint64_t ns);
uint64_t ticks_to_ns(uint64_t ticks);
uint64_t system_time_ns(void);                /* since boot: Xen's system time */
int64_t counter_to_system_ns(uint64_t ticks); /* what system_time_ns() was (will be) at that counter
                                                 value; < 0 before boot */

/* What a vCPU has of the scheduler; all under its lock.  Times are system time in ns. */
struct sched_vcpu {
    struct list link;        /* in the run queue */
    uint64_t vruntime;       /* CPU time scaled by 256 / weight */
    uint64_t charged_ns;     /* while running: its time is accounted up to here */
    uint64_t slice_start_ns; /* start of the present time slice */
    int cpu;                 /* where it runs, or ran last; -1 never */
    int hw_cpu; /* CPU whose EL1 registers still equal the saved ones, if it is that CPU's `loaded`;
                   -1 none */
    bool running; /* has a CPU: in the guest, in EL2 on its behalf, or being saved (others: atomic
                     reads) */
    bool queued, yielding;
    uint64_t affinity, affinity_soft; /* masks of CPUs */
};
struct sched_domain {
    uint16_t weight, cap; /* cap: percent of one CPU for all its vCPUs together; 0: none */
    bool throttled;       /* its budget for this period is used up */
    int64_t budget_ns;    /* left of this period; below 0: overdrawn */
    uint64_t period_start_ns;
    struct timer refill; /* armed while throttled */
};
#define SCHED_WEIGHT_DEFAULT 256u

void sched_init(void);      /* once, boot CPU, before any timer or domain */
void sched_cpu_start(void); /* each CPU, before its first guest_prepare */
void sched_domain_init(struct domain *d);
void sched_domain_destroy(struct domain *d); /* none of its vCPUs is running or will */
void sched_vcpu_init(struct vcpu *v);
void sched_vcpu_remove(struct vcpu *v); /* it is not running */
/* The saved registers of `v`, which is not running, were changed: whatever a CPU still holds of
 * them is void. (vcpu_sleep implies it.) */
void sched_vcpu_invalidate(struct vcpu *v);
/*
 * A vCPU runs iff: online, no pause count, domain has no pause count, not blocked.  vcpu_wake and
 * vcpu_sleep re-evaluate that; vcpu_sleep_sync waits until it is off its CPU and its state is in
 * memory: it, and vcpu_pause and domain_pause which use it, are for domctls, with no lock held but
 * domctl_lock (sched_wait.c says why).
 */
void vcpu_wake(struct vcpu *v);
void vcpu_sleep(struct vcpu *v);
void vcpu_sleep_sync(struct vcpu *v);
void vcpu_block(struct vcpu *v); /* current: wait for an event or interrupt (SCHEDOP_block, WFI) */
void vcpu_unblock(struct vcpu *v); /* an event or interrupt for v: ends WFI, block, poll; any CPU */
void vcpu_kick(struct vcpu *v); /* if running elsewhere, make it exit (to take up new vGIC state) */
void vcpu_pause(struct vcpu *v), vcpu_unpause(struct vcpu *v); /* counted */
void domain_pause(struct domain *d),
    domain_unpause(struct domain *d); /* counted; pause waits (sync), not of current's own domain */
void domain_pause_nosync(
    struct domain *d); /* for current's own domain: takes effect on return to guest */
void sched_set_affinity(struct vcpu *v, uint64_t hard, uint64_t soft);
uint64_t vcpu_run_ns(struct vcpu *v); /* CPU time incl. the current slice */
uint64_t cpu_idle_ns(unsigned cpu);   /* time the CPU had nothing to run */
/* The vCPU's times up to now (VCPUOP_get_runstate_info). */
struct vcpu_runstate_info;
/* As accounted at the last change of state. */
void sched_runstate_copy(struct vcpu *v, struct vcpu_runstate_info *r);
void sched_runstate_get(struct vcpu *v, struct vcpu_runstate_info *r);
/* XEN_DOMCTL_SCHEDOP / XEN_SYSCTL_SCHEDOP share: credit and credit2 parameter blocks; -EINVAL as
 * Xen */
struct xen_domctl_scheduler_op;
struct xen_sysctl_scheduler_op;
int sched_domctl(struct domain *d, struct xen_domctl_scheduler_op *op);
int sched_sysctl(struct xen_sysctl_scheduler_op *op);
/* sched_params.c's view of sched.c. */
struct sched_tunables {
    uint32_t slice_us, ratelimit_us, migrate_delay_us;
};
extern struct sched_tunables sched_tunables;
void sched_domain_set(struct domain *d, uint16_t weight, uint16_t cap);
void sched_dump(void);

#endif
