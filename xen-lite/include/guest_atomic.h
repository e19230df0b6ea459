/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Atomic updates of words that a guest may write at the same time.  A guest that keeps writing to
 * the cache line can make an exclusive store fail for as long as it likes.  So the number of tries
 * is bounded; after that the guest's vCPUs are taken off their CPUs (each leaves the guest when it
 * is kicked) until the update is done.  May be called with any lock held down to and including
 * evtchn.lock.
 */
#ifndef XL_GUEST_ATOMIC_H
#define XL_GUEST_ATOMIC_H
#include "domain_types.h"
#include "sched.h"

#define GUEST_ATOMIC_TRIES 4096u

/* Strong compare-and-swap: false only if *p really differs from *old; *old is then updated. */
#define GUEST_CAS(d, p, old, new)                                                               \
    __extension__({                                                                             \
        unsigned tries_ = 0;                                                                    \
        bool done_;                                                                             \
        __typeof__(*(old)) want_ = *(old);                                                      \
        while (!(done_ = __atomic_compare_exchange_n((p), (old), (new), true, __ATOMIC_SEQ_CST, \
                                                     __ATOMIC_RELAXED)) &&                      \
               *(old) == want_)                                                                 \
            if (++tries_ == GUEST_ATOMIC_TRIES)                                                 \
                domain_pause_nosync(d);                                                         \
        if (tries_ >= GUEST_ATOMIC_TRIES)                                                       \
            domain_unpause(d);                                                                  \
        done_;                                                                                  \
    })

/* Read-modify-write that always succeeds.  Returns the value before. */
#define GUEST_RMW(d, type, p, expr)                                                           \
    __extension__({                                                                           \
        unsigned rmw_tries_ = 0;                                                              \
        type old_ = __atomic_load_n((p), __ATOMIC_RELAXED);                                   \
        while (!__atomic_compare_exchange_n((p), &old_, (type)(expr), true, __ATOMIC_SEQ_CST, \
                                            __ATOMIC_RELAXED))                                \
            if (++rmw_tries_ == GUEST_ATOMIC_TRIES)                                           \
                domain_pause_nosync(d);                                                       \
        if (rmw_tries_ >= GUEST_ATOMIC_TRIES)                                                 \
            domain_unpause(d);                                                                \
        old_;                                                                                 \
    })

static inline uint64_t guest_or64(struct domain *d, uint64_t *p, uint64_t bits)
{
    return GUEST_RMW(d, uint64_t, p, old_ | bits);
}
static inline uint64_t guest_and64(struct domain *d, uint64_t *p, uint64_t bits)
{
    return GUEST_RMW(d, uint64_t, p, old_ & bits);
}
static inline uint16_t guest_and16(struct domain *d, uint16_t *p, uint16_t bits)
{
    return GUEST_RMW(d, uint16_t, p, old_ & bits);
}
static inline uint8_t guest_or8(struct domain *d, uint8_t *p, uint8_t bits)
{
    return GUEST_RMW(d, uint8_t, p, old_ | bits);
}
static inline bool guest_cas32(struct domain *d, uint32_t *p, uint32_t *old, uint32_t new_value)
{
    return GUEST_CAS(d, p, old, new_value);
}

#endif
