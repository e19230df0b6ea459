/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a hypercall may keep its CPU.  preempt.c */
#ifndef XL_PREEMPT_H
#define XL_PREEMPT_H

#include "types.h"

/*
 * A preemptible loop asks after each piece of some 40,000 instructions at most: work or an
 * interrupt is pending on this CPU, or the hypercall has had its time (interrupts are masked in
 * EL2, and only the return to the guest looks at them).  Because it asks after a piece and not
 * before, a call makes progress even when there is always something pending.
 */
bool hypercall_preempt_check(void);
extern uint64_t preempt_call_start[];
extern uint64_t preempt_longest_ticks[];
static inline void preempt_note_length(uint64_t nr, uint64_t ticks)
{
    if (ticks > __atomic_load_n(&preempt_longest_ticks[nr], __ATOMIC_RELAXED))
        __atomic_store_n(&preempt_longest_ticks[nr], ticks, __ATOMIC_RELAXED);
}
#define HYPERCALL_COUNT 43u /* one more than the highest number that is known */
/* The longest time that a call of number `nr` kept its CPU, from the call to its result or to its
 * restart. */
uint64_t hypercall_longest_ns(unsigned nr);
void hypercall_forget_longest(void);

#endif
