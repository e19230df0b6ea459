/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ASM_ATOMIC_H
#define ASM_ATOMIC_H

#include "types.h"

static inline bool atomic_cas64(uint64_t *p, uint64_t expect, uint64_t desired)
{
    return __atomic_compare_exchange_n(p, &expect, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}
/* Read *p. False: nothing is mapped there, *out is not written. */
bool load64_may_fault(const uint64_t *p, uint64_t *out);
/* 1: swapped; 0: *p was not *expect, which now holds what was found; -1: faulted. */
int cas64_may_fault(uint64_t *p, uint64_t *expect, uint64_t desired);

struct words16 { uint64_t w[16]; };
static inline void load64_16(struct words16 *v, const uint64_t *p)
{
    for (unsigned i = 0; i < 16; i++)
        v->w[i] = __atomic_load_n(&p[i], __ATOMIC_RELAXED);
}
static inline void store64_16(uint64_t *p, const struct words16 *v)
{
    for (unsigned i = 0; i < 16; i++)
        __atomic_store_n(&p[i], v->w[i], __ATOMIC_RELAXED);
}

#endif
