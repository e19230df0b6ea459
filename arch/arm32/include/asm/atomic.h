/* SPDX-License-Identifier: BSD-2-Clause */
/* 64-bit compare-and-swap and accesses that may fault (VLPT windows). */
#ifndef ASM_ATOMIC_H
#define ASM_ATOMIC_H

#include "types.h"

/* *p: `expect` -> `desired`, as one step, full ordering. True: it was `expect`. */
static inline bool atomic_cas64(uint64_t *p, uint64_t expect, uint64_t desired)
{
    return __atomic_compare_exchange_n(p, &expect, desired, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_RELAXED);
}

/* A data abort at label `at` continues at label `to`; traps.c looks here. Offsets are relative to
 * their own place. */
#define EX_TABLE(at, to)                                                          \
    ".pushsection .ex_table, \"a\"\n\t.balign 4\n\t.word " at " - .\n\t.word " to \
    " - .\n\t.popsection\n\t"

/* Read *p, single-copy atomic (LDRD of an aligned doubleword, with LPAE: Arm ARM A3.5.3). False:
 * nothing is mapped there, *out is not written. */
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

/*
 * atomic_cas64 on an address that may not be mapped. 1: swapped; 0: *p was not `*expect`, which now
 * holds what was found; -1: faulted.  Full ordering by the DMBs.
 */
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

/*
 * Sixteen adjacent words, each read and written as one, in no order.  If each has all bits of
 * `all`: the bits of `clear` are cleared in each, and the answer is 2.  Else nothing is written; 1
 * if any has a bit of `any`, 0 if none has.  `any` is one bit of `all`; `clear` is in the lower
 * half of a word, so that its upper half need not be written. Nobody else writes a word that has
 * all bits of `all`.
 */
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
