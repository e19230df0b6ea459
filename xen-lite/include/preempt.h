/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a hypercall may keep its CPU.  preempt.c */
#ifndef XL_PREEMPT_H
#define XL_PREEMPT_H

#include "types.h"

/*
 * A preemptible loop calls this after each piece of at most some 40,000 instructions.  True if work
 * or an interrupt is pending on this CPU, or the hypercall has used its time.  (Interrupts are
 * masked at EL2, and are taken only on the return to the guest.)  The check comes after a piece and
 * not before, so a call makes progress even if something is always pending.
 */
bool hypercall_preempt_check(void);
extern uint64_t preempt_call_start[];
extern uint64_t preempt_longest_ticks[];
static inline void preempt_note_length(uint64_t nr, uint64_t ticks)
{
    if (ticks > __atomic_load_n(&preempt_longest_ticks[nr], __ATOMIC_RELAXED))
        __atomic_store_n(&preempt_longest_ticks[nr], ticks, __ATOMIC_RELAXED);
}
#define HYPERCALL_COUNT 43u /* one more than the highest known number */
/* Longest time in ns that a call of number `nr` kept its CPU, until its result or its restart. */
uint64_t hypercall_longest_ns(unsigned nr);
void hypercall_forget_longest(void);

#endif
