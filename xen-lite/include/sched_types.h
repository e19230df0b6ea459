/* SPDX-License-Identifier: BSD-2-Clause */
/* Types: what a vCPU and a domain have of the scheduler. */
#ifndef XL_SCHED_TYPES_H
#define XL_SCHED_TYPES_H

#include "cpu_types.h"

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

#endif
