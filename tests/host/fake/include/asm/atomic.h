/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ASM_ATOMIC_H
#define ASM_ATOMIC_H

#include "types.h"

static inline bool atomic_cas64(uint64_t *p, uint64_t expect, uint64_t desired)
{
    return __atomic_compare_exchange_n(p, &expect, desired, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_RELAXED);
}
/* Read *p. False: nothing is mapped there, *out is not written. */
bool load64_may_fault(const uint64_t *p, uint64_t *out);
/* 1: swapped; 0: *p was not *expect, which now holds what was found; -1: faulted. */
int cas64_may_fault(uint64_t *p, uint64_t *expect, uint64_t desired);

/* As arm64's: all have `all`: clear `clear`, 2; some have `any`: 1; else 0. */
static inline unsigned words16_clear(uint64_t *p, uint64_t all, uint64_t any, uint64_t clear)
{
    uint64_t w[16], both = ~0ull, either = 0;
    for (unsigned i = 0; i < 16; i++) {
        w[i] = __atomic_load_n(&p[i], __ATOMIC_RELAXED);
        both &= w[i];
        either |= w[i];
    }
    if ((both & all) != all)
        return either & any ? 1 : 0;
    for (unsigned i = 0; i < 16; i++)
        __atomic_store_n(&p[i], w[i] & ~clear, __ATOMIC_RELAXED);
    return 2;
}

#endif
