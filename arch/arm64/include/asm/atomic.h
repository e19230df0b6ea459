/* SPDX-License-Identifier: BSD-2-Clause */
/* 64-bit compare-and-swap and accesses that may fault (VLPT windows). */
#ifndef ASM_ATOMIC_H
#define ASM_ATOMIC_H

#include "types.h"

/* *p: `expect` -> `desired`, as one step, full ordering. True: it was `expect`. */
static inline bool atomic_cas64(uint64_t *p, uint64_t expect, uint64_t desired)
{
    return __atomic_compare_exchange_n(p, &expect, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/* A data abort at label `at` continues at label `to`; traps.c looks here. Offsets are relative to their own place. */
#define EX_TABLE(at, to) ".pushsection .ex_table, \"a\"\n\t.balign 4\n\t.word " at " - .\n\t.word " to " - .\n\t.popsection\n\t"

/* Read *p, single-copy atomic. False: nothing is mapped there, *out is not written. */
static inline bool load64_may_fault(const uint64_t *p, uint64_t *out)
{
    uint64_t value;
    __asm__ goto("1: ldr %0, [%1]\n\t" EX_TABLE("1b", "%l2") : "=r"(value) : "r"(p) : "memory" : fault);
    *out = value;
    return true;
fault:
    return false;
}

/*
 * atomic_cas64 on an address that may not be mapped. 1: swapped; 0: *p was not `*expect`, which now holds what was
 * found; -1: faulted.  LDAXR/STLXR, so it is in every Armv8-A; full ordering by the DMB after.
 */
static inline int cas64_may_fault(uint64_t *p, uint64_t *expect, uint64_t desired)
{
    uint64_t found;
    int32_t result = -1;
    uint32_t fail;
    __asm__ volatile("1: ldaxr %0, [%3]\n\t"
                     "cmp %0, %4\n\t"
                     "b.ne 3f\n\t"
                     "2: stlxr %w2, %5, [%3]\n\t"
                     "cbnz %w2, 1b\n\t"
                     "dmb ish\n\t"
                     "mov %w1, #1\n\t"
                     "b 4f\n\t"
                     "3: clrex\n\t"
                     "mov %w1, #0\n"
                     "4:\n\t" EX_TABLE("1b", "4b") EX_TABLE("2b", "4b")
                     : "=&r"(found), "+&r"(result), "=&r"(fail)
                     : "r"(p), "r"(*expect), "r"(desired) : "memory", "cc");
    if (result == 0)
        *expect = found;
    return result;
}

/*
 * Sixteen adjacent words of which each is read, or written, as one (Arm ARM B2.2.1: LDP and STP are two accesses); no order among
 * them.  p is a multiple of 128 bytes.
 */
struct words16 { uint64_t w[16]; };
static inline __attribute__((always_inline)) void load64_16(struct words16 *v, const uint64_t *p)
{
    __asm__ volatile("ldp %0, %1, [%4]\n\tldp %2, %3, [%4, #16]"
                     : "=&r"(v->w[0]), "=&r"(v->w[1]), "=&r"(v->w[2]), "=&r"(v->w[3]) : "r"(p) : "memory");
    __asm__ volatile("ldp %0, %1, [%4, #32]\n\tldp %2, %3, [%4, #48]"
                     : "=&r"(v->w[4]), "=&r"(v->w[5]), "=&r"(v->w[6]), "=&r"(v->w[7]) : "r"(p) : "memory");
    __asm__ volatile("ldp %0, %1, [%4, #64]\n\tldp %2, %3, [%4, #80]"
                     : "=&r"(v->w[8]), "=&r"(v->w[9]), "=&r"(v->w[10]), "=&r"(v->w[11]) : "r"(p) : "memory");
    __asm__ volatile("ldp %0, %1, [%4, #96]\n\tldp %2, %3, [%4, #112]"
                     : "=&r"(v->w[12]), "=&r"(v->w[13]), "=&r"(v->w[14]), "=&r"(v->w[15]) : "r"(p) : "memory");
}
static inline __attribute__((always_inline)) void store64_16(uint64_t *p, const struct words16 *v)
{
    __asm__ volatile("stp %0, %1, [%4]\n\tstp %2, %3, [%4, #16]"
                     : : "r"(v->w[0]), "r"(v->w[1]), "r"(v->w[2]), "r"(v->w[3]), "r"(p) : "memory");
    __asm__ volatile("stp %0, %1, [%4, #32]\n\tstp %2, %3, [%4, #48]"
                     : : "r"(v->w[4]), "r"(v->w[5]), "r"(v->w[6]), "r"(v->w[7]), "r"(p) : "memory");
    __asm__ volatile("stp %0, %1, [%4, #64]\n\tstp %2, %3, [%4, #80]"
                     : : "r"(v->w[8]), "r"(v->w[9]), "r"(v->w[10]), "r"(v->w[11]), "r"(p) : "memory");
    __asm__ volatile("stp %0, %1, [%4, #96]\n\tstp %2, %3, [%4, #112]"
                     : : "r"(v->w[12]), "r"(v->w[13]), "r"(v->w[14]), "r"(v->w[15]), "r"(p) : "memory");
}

#endif
