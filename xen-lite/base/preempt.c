/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a hypercall may keep its CPU. */
#include "arch.h"
#include "preempt.h"
#include "timer.h"

/*
 * No call keeps its CPU for 100,000 instructions: a long one looks at least every 40,000 or so
 * whether it should go back to its guest, and does so after this time even if nobody waits (a
 * nanosecond is taken for an instruction).
 */
#define PREEMPT_AFTER_NS 50000u

/* When the running hypercall began, for hypercall_preempt_check: written and read by the same CPU
 * only. */
uint64_t preempt_call_start[MAX_CPUS];

bool hypercall_preempt_check(void)
{
    const struct cpu *c = this_cpu();
    return __atomic_load_n(&c->work, __ATOMIC_RELAXED) || arch_irq_pending() ||
           counter() - preempt_call_start[c->id] > ns_to_ticks(PREEMPT_AFTER_NS);
}

/* The longest that a call of each number kept its CPU. Without locks: of two at the same time one
 * may be forgotten. */
uint64_t preempt_longest_ticks[HYPERCALL_COUNT];

uint64_t hypercall_longest_ns(unsigned nr)
{
    return ticks_to_ns(__atomic_load_n(&preempt_longest_ticks[nr], __ATOMIC_RELAXED));
}

void hypercall_forget_longest(void)
{
    for (unsigned nr = 0; nr < HYPERCALL_COUNT; nr++)
        __atomic_store_n(&preempt_longest_ticks[nr], 0, __ATOMIC_RELAXED);
}
