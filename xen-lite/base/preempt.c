/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a hypercall may keep its CPU. */
#include "arch.h"
#include "preempt.h"
#include "timer.h"

/*
 * No hypercall keeps its CPU for 100,000 instructions.  A long call checks at least every 40,000
 * instructions or so whether it should return to its guest.  After this time it returns even if
 * nothing is waiting.  (One nanosecond is taken as one instruction.)
 */
#define PREEMPT_AFTER_NS 50000u

/*
 * Per CPU: when the running hypercall began, for hypercall_preempt_check.  Only that CPU reads and
 * writes its entry.
 */
uint64_t preempt_call_start[MAX_CPUS];

bool hypercall_preempt_check(void)
{
    const struct cpu *c = this_cpu();
    return __atomic_load_n(&c->work, __ATOMIC_RELAXED) || arch_irq_pending() ||
           counter() - preempt_call_start[c->id] > ns_to_ticks(PREEMPT_AFTER_NS);
}

/*
 * Per hypercall number: the longest time that one call kept its CPU.  Without a lock: one of two
 * updates at the same time may be lost.
 */
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
