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
    uint32_t held; /* 0: free; else SPIN_HOLDER of the CPU that has it */
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

/* A debug build knows which CPU holds a lock; for others a bare exchange is cheaper. */
#if XL_DEBUG
uint32_t spin_self(void); /* the caller's CPU, from 1 on: cpu.c */
#define SPIN_HOLDER spin_self()
static inline bool spin_trylock(spinlock_t *l)
{
    uint32_t nobody = 0;
    return __atomic_compare_exchange_n(&l->held, &nobody, SPIN_HOLDER, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}
#else
#define SPIN_HOLDER 1u
static inline bool spin_trylock(spinlock_t *l)
{
    return !__atomic_exchange_n(&l->held, SPIN_HOLDER, __ATOMIC_ACQUIRE);
}
#endif
static inline bool spin_is_locked(const spinlock_t *l)
{
    return __atomic_load_n(&l->held, __ATOMIC_RELAXED) != 0;
}
static inline void spin_lock(spinlock_t *l)
{
    /* Reads only, so that the cache line stays shared until the lock is free. */
    while (!spin_trylock(l))
        while (spin_is_locked(l))
            cpu_relax_();
}
static inline void spin_unlock(spinlock_t *l) { __atomic_store_n(&l->held, 0, __ATOMIC_RELEASE); }

/* For ASSERT_LOCKED: this CPU holds the lock (in a build without XL_DEBUG: some CPU). */
static inline bool spin_held_here(const spinlock_t *l)
{
    return __atomic_load_n(&l->held, __ATOMIC_RELAXED) == SPIN_HOLDER;
}
/* What a function demands of its callers; nothing in a build without XL_DEBUG (ASSERT: panic.h). */
#define ASSERT_LOCKED(l)   ASSERT(spin_held_here(l))
#define ASSERT_UNLOCKED(l) ASSERT(!spin_held_here(l))

#endif
