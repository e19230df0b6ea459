/* SPDX-License-Identifier: BSD-2-Clause */
/* Types: the scheduler's state of a vCPU and of a domain. */
#ifndef XL_SCHED_TYPES_H
#define XL_SCHED_TYPES_H

#include "cpu_types.h"

/* Scheduler state of a vCPU, under the scheduler's lock.  Times are system time in ns. */
struct sched_vcpu {
    struct list link;        /* in the run queue */
    uint64_t vruntime;       /* CPU time scaled by 256 / weight */
    uint64_t charged_ns;     /* while it runs: its time is accounted up to here */
    uint64_t slice_start_ns; /* start of the present time slice */
    /* CPU that it runs on or ran on last; -1: none. */
    int cpu;
    /*
     * CPU whose EL1 registers still equal the saved ones, if that CPU's `loaded` is this vCPU; -1:
     * none.
     */
    int hw_cpu;
    /* It has a CPU: it is in the guest, in EL2, or being saved.  Without the lock: atomic reads. */
    bool running;
    bool queued, yielding;
    uint64_t affinity, affinity_soft; /* masks of CPUs */
};
struct sched_domain {
    /* cap: limit for all its vCPUs together, in percent of one CPU; 0: no limit. */
    uint16_t weight, cap;
    bool throttled;    /* the budget of this period is used up */
    int64_t budget_ns; /* rest of this period's budget; below 0: overdrawn */
    uint64_t period_start_ns;
    struct timer refill; /* armed while throttled */
};
#define SCHED_WEIGHT_DEFAULT 256u

#endif
