/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spin locks.  EL2 always runs with interrupts masked, so nothing preempts a holder, and one kind
 * of lock is enough.  Lock order: domain_types.h.
 *
 * The lock is not a queue, on purpose.  If a CPU is itself only a thread of an emulator or another
 * hypervisor, a queue makes all CPUs wait for the next one in turn while it has no time slice; with
 * two emulated CPUs on a single real one, the lock then changes hands once per time slice.  Here a
 * waiter gets the lock soon without a queue: there are at most eight CPUs, and a few hundred
 * instructions under any lock.
 */
#ifndef XL_SPINLOCK_H
#define XL_SPINLOCK_H

#include "types.h"

typedef struct {
    uint32_t held; /* 0: free; else SPIN_HOLDER of the CPU that holds it */
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

/* A debug build stores which CPU holds a lock.  Others use a plain exchange, which is cheaper. */
#if XL_DEBUG
uint32_t spin_self(void); /* the caller's CPU number plus one; cpu.c */
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

/* True if this CPU holds the lock, for ASSERT_LOCKED.  Without XL_DEBUG: if any CPU holds it. */
static inline bool spin_held_here(const spinlock_t *l)
{
    return __atomic_load_n(&l->held, __ATOMIC_RELAXED) == SPIN_HOLDER;
}
/* A function's requirement on its callers.  Checked only with XL_DEBUG (ASSERT: panic.h). */
#define ASSERT_LOCKED(l)   ASSERT(spin_held_here(l))
#define ASSERT_UNLOCKED(l) ASSERT(!spin_held_here(l))

#endif
