/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spin locks.  EL2 always runs with interrupts masked, so there is one kind of lock and no
 * interrupt-safe variant: nothing preempts a holder.  Order of locks: see domain_types.h.
 *
 * First come is not first served, on purpose.  Where a CPU is itself only a thread of somebody's
 * (an emulator, another hypervisor), a queue makes all wait for the one whose turn it is and who
 * has no time slice now: two emulated CPUs in one real one then pass a lock on once a time slice.
 * With at most eight CPUs and a few hundred instructions under any lock, a waiter of ours gets its
 * turn soon without a queue.
 */
#ifndef XL_SPINLOCK_H
#define XL_SPINLOCK_H

#include "types.h"

typedef struct {
    uint32_t held;
} spinlock_t;
#define SPINLOCK_INIT \
    {                 \
        0             \
    }

static inline void cpu_relax_(void)
{
#if defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("yield" ::: "memory");
#endif
}
static inline bool spin_trylock(spinlock_t *l)
{
    return !__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE);
}
static inline bool spin_is_locked(const spinlock_t *l)
{
    return __atomic_load_n(&l->held, __ATOMIC_RELAXED) != 0;
}
static inline void spin_lock(spinlock_t *l)
{
    while (!spin_trylock(l))
        while (spin_is_locked(l)) /* reads only: the line stays shared until it is worth a try */
            cpu_relax_();
}
static inline void spin_unlock(spinlock_t *l) { __atomic_store_n(&l->held, 0, __ATOMIC_RELEASE); }

#endif
