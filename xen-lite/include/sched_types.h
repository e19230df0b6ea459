/* SPDX-License-Identifier: BSD-2-Clause */
/* Types: scheduling state of a vCPU and of a domain. */
#ifndef XL_SCHED_TYPES_H
#define XL_SCHED_TYPES_H

#include "cpu_types.h"

/* A vCPU's part, under the scheduler's lock.  Times are system time in ns. */
struct sched_vcpu {
    struct list link;        /* in the run queue */
    uint64_t vruntime;       /* CPU time scaled by 256 / weight */
    uint64_t charged_ns;     /* while running: its time is accounted up to here */
    uint64_t slice_start_ns; /* start of the current time slice */
    int cpu;                 /* CPU where it runs or ran last; -1: never ran */
    /*
     * CPU whose EL1 registers still equal the saved ones, if the vCPU is that CPU's `loaded`; -1:
     * none
     */
    int hw_cpu;
    /* Has a CPU: in the guest, at EL2 on its behalf, or being saved (others read it atomically). */
    bool running;
    bool queued, yielding;
    uint64_t affinity, affinity_soft; /* masks of CPUs */
};
struct sched_domain {
    uint16_t weight, cap; /* cap: percent of one CPU for all its vCPUs together; 0: none */
    bool throttled;       /* the budget of this period is used up */
    int64_t budget_ns;    /* rest of this period's budget; below 0: overdrawn */
    uint64_t period_start_ns;
    struct timer refill; /* armed while throttled */
};
#define SCHED_WEIGHT_DEFAULT 256u

#endif
