/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ticket locks.  EL2 always runs with interrupts masked, so there is one kind of lock and no
 * interrupt-safe variant: nothing preempts a holder.  Order of locks: see domain.h.
 */
#ifndef XL_SPINLOCK_H
#define XL_SPINLOCK_H

#include "types.h"

typedef struct { uint16_t next, owner; } spinlock_t;
#define SPINLOCK_INIT { 0, 0 }

static inline void cpu_relax_(void)
{
#if defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("yield" ::: "memory");
#endif
}
static inline void spin_lock(spinlock_t *l)
{
    uint16_t mine = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != mine)
        cpu_relax_();
}
static inline bool spin_trylock(spinlock_t *l)
{
    uint16_t owner = __atomic_load_n(&l->owner, __ATOMIC_RELAXED), mine = owner;
    return __atomic_compare_exchange_n(&l->next, &mine, (uint16_t)(owner + 1), false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}
static inline void spin_unlock(spinlock_t *l)
{
    __atomic_store_n(&l->owner, (uint16_t)(l->owner + 1), __ATOMIC_RELEASE);
}
static inline bool spin_is_locked(const spinlock_t *l)
{
    return __atomic_load_n(&l->owner, __ATOMIC_RELAXED) != __atomic_load_n(&l->next, __ATOMIC_RELAXED);
}

#endif
