/* SPDX-License-Identifier: BSD-2-Clause */
/* Part of <asm/atomic.h>, which has the contracts. */
#include <asm/atomic.h> /* outside the guard: that file includes this one */
#ifndef ASM_WIDTH_ATOMIC_H
#define ASM_WIDTH_ATOMIC_H

static inline bool load64_may_fault(const uint64_t *p, uint64_t *out)
{
    uint64_t value = 0;
    __asm__ goto("1: ldr %0, [%1]\n\t" EX_TABLE("1b", "%l2")
                 : "=r"(value)
                 : "r"(p)
                 : "memory"
                 : fault);
    *out = value;
    return true;
fault:
    return false;
}

/* LDAXR and STLXR exist in every Armv8-A, unlike CAS.  The DMB after them gives full ordering. */
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
                     : "r"(p), "r"(*expect), "r"(desired)
                     : "memory", "cc");
    if (result == 0)
        *expect = found;
    return result;
}

/* LDP and STP are two accesses of 64 bits, each single-copy atomic (Arm ARM B2.2.1). */
static inline unsigned words16_clear(uint64_t *p, uint64_t all, uint64_t any, uint64_t clear)
{
    uint64_t a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, q, sum;
    unsigned result;
    __asm__ volatile("ldp %[a], %[b], [%[p]]\n\t"
                     "ldp %[c], %[d], [%[p], #16]\n\t"
                     "ldp %[e], %[f], [%[p], #32]\n\t"
                     "ldp %[g], %[h], [%[p], #48]\n\t"
                     "ldp %[i], %[j], [%[p], #64]\n\t"
                     "ldp %[k], %[l], [%[p], #80]\n\t"
                     "ldp %[m], %[n], [%[p], #96]\n\t"
                     "ldp %[o], %[q], [%[p], #112]\n\t"
                     "tst %[a], %[any]\n\t"
                     "b.eq 1f\n\t" /* the first word fails: most likely none has all bits */
                     "and %[sum], %[a], %[b]\n\t"
                     "and %[sum], %[sum], %[c]\n\t"
                     "and %[sum], %[sum], %[d]\n\t"
                     "and %[sum], %[sum], %[e]\n\t"
                     "and %[sum], %[sum], %[f]\n\t"
                     "and %[sum], %[sum], %[g]\n\t"
                     "and %[sum], %[sum], %[h]\n\t"
                     "and %[sum], %[sum], %[i]\n\t"
                     "and %[sum], %[sum], %[j]\n\t"
                     "and %[sum], %[sum], %[k]\n\t"
                     "and %[sum], %[sum], %[l]\n\t"
                     "and %[sum], %[sum], %[m]\n\t"
                     "and %[sum], %[sum], %[n]\n\t"
                     "and %[sum], %[sum], %[o]\n\t"
                     "and %[sum], %[sum], %[q]\n\t"
                     "bics xzr, %[all], %[sum]\n\t"
                     "mov %w[result], #1\n\t"
                     "b.ne 2f\n\t"
                     "bic %[a], %[a], %[clear]\n\t"
                     "bic %[b], %[b], %[clear]\n\t"
                     "bic %[c], %[c], %[clear]\n\t"
                     "bic %[d], %[d], %[clear]\n\t"
                     "bic %[e], %[e], %[clear]\n\t"
                     "bic %[f], %[f], %[clear]\n\t"
                     "bic %[g], %[g], %[clear]\n\t"
                     "bic %[h], %[h], %[clear]\n\t"
                     "bic %[i], %[i], %[clear]\n\t"
                     "bic %[j], %[j], %[clear]\n\t"
                     "bic %[k], %[k], %[clear]\n\t"
                     "bic %[l], %[l], %[clear]\n\t"
                     "bic %[m], %[m], %[clear]\n\t"
                     "bic %[n], %[n], %[clear]\n\t"
                     "bic %[o], %[o], %[clear]\n\t"
                     "bic %[q], %[q], %[clear]\n\t"
                     "stp %[a], %[b], [%[p]]\n\t"
                     "stp %[c], %[d], [%[p], #16]\n\t"
                     "stp %[e], %[f], [%[p], #32]\n\t"
                     "stp %[g], %[h], [%[p], #48]\n\t"
                     "stp %[i], %[j], [%[p], #64]\n\t"
                     "stp %[k], %[l], [%[p], #80]\n\t"
                     "stp %[m], %[n], [%[p], #96]\n\t"
                     "stp %[o], %[q], [%[p], #112]\n\t"
                     "mov %w[result], #2\n\t"
                     "b 2f\n"
                     "1:\torr %[sum], %[a], %[b]\n\t"
                     "orr %[sum], %[sum], %[c]\n\t"
                     "orr %[sum], %[sum], %[d]\n\t"
                     "orr %[sum], %[sum], %[e]\n\t"
                     "orr %[sum], %[sum], %[f]\n\t"
                     "orr %[sum], %[sum], %[g]\n\t"
                     "orr %[sum], %[sum], %[h]\n\t"
                     "orr %[sum], %[sum], %[i]\n\t"
                     "orr %[sum], %[sum], %[j]\n\t"
                     "orr %[sum], %[sum], %[k]\n\t"
                     "orr %[sum], %[sum], %[l]\n\t"
                     "orr %[sum], %[sum], %[m]\n\t"
                     "orr %[sum], %[sum], %[n]\n\t"
                     "orr %[sum], %[sum], %[o]\n\t"
                     "orr %[sum], %[sum], %[q]\n\t"
                     "tst %[sum], %[any]\n\t"
                     "cset %w[result], ne\n"
                     "2:"
                     : [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [e] "=&r"(e),
                       [f] "=&r"(f), [g] "=&r"(g), [h] "=&r"(h), [i] "=&r"(i), [j] "=&r"(j),
                       [k] "=&r"(k), [l] "=&r"(l), [m] "=&r"(m), [n] "=&r"(n), [o] "=&r"(o),
                       [q] "=&r"(q), [sum] "=&r"(sum), [result] "=&r"(result)
                     : [p] "r"(p), [all] "r"(all), [any] "r"(any), [clear] "r"(clear)
                     : "memory", "cc");
    return result;
}

#endif
