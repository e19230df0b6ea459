/* SPDX-License-Identifier: BSD-2-Clause */
/* Part of <asm/atomic.h>, which has the contracts. */
#include <asm/atomic.h> /* outside the guard: that file includes this one */
#ifndef ASM_WIDTH_ATOMIC_H
#define ASM_WIDTH_ATOMIC_H

/* LDRD of an aligned doubleword is single-copy atomic with LPAE (Arm ARM A3.5.3). */
static inline bool load64_may_fault(const uint64_t *p, uint64_t *out)
{
    uint64_t value = 0;
    __asm__ goto("1: ldrd %Q0, %R0, [%1]\n\t" EX_TABLE("1b", "%l2")
                 : "=r"(value)
                 : "r"(p)
                 : "memory"
                 : fault);
    *out = value;
    return true;
fault:
    return false;
}

/* The DMBs give full ordering. */
static inline int cas64_may_fault(uint64_t *p, uint64_t *expect, uint64_t desired)
{
    uint64_t found;
    int32_t result = -1;
    uint32_t fail;
    __asm__ volatile("dmb ish\n"
                     "1: ldrexd %Q0, %R0, [%3]\n\t"
                     "teq %Q0, %Q4\n\t"
                     "teqeq %R0, %R4\n\t"
                     "bne 3f\n\t"
                     "2: strexd %2, %Q5, %R5, [%3]\n\t"
                     "teq %2, #0\n\t"
                     "bne 1b\n\t"
                     "dmb ish\n\t"
                     "mov %1, #1\n\t"
                     "b 4f\n\t"
                     "3: clrex\n\t"
                     "mov %1, #0\n"
                     "4:\n\t" EX_TABLE("1b", "4b") EX_TABLE("2b", "4b")
                     : "=&r"(found), "+&r"(result), "=&r"(fail)
                     : "r"(p), "r"(*expect), "r"(desired)
                     : "memory", "cc");
    if (result == 0)
        *expect = found;
    return result;
}

/* Here `clear` has only bits of the lower half of a word, so the upper half is not written. */
static inline unsigned words16_clear(uint64_t *p, uint64_t all, uint64_t any, uint64_t clear)
{
    uint64_t both = ~0ull, either = 0, word;
    uint32_t *half = (uint32_t *)p;

    for (unsigned i = 0; i < 16; i++) {
        __asm__ volatile("ldrd %Q0, %R0, [%1]" : "=r"(word) : "r"(p + i) : "memory");
        both &= word;
        either |= word;
    }
    if (all & ~both)
        return either & any ? 1 : 0;
    for (unsigned i = 0; i < 32; i += 2)
        __atomic_store_n(&half[i], half[i] & ~(uint32_t)clear, __ATOMIC_RELAXED);
    return 2;
}

#endif
