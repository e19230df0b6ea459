/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 64-bit compare-and-swap, and accesses that may fault (VLPT windows).  The width supplies
 *   load64_may_fault(p, &out)              read *p, single-copy atomic.  False: nothing is mapped
 *                                          there, and `out` is not written
 *   cas64_may_fault(p, &expect, desired)   atomic_cas64 on an address that may not be mapped.
 *                                          1: swapped; 0: *p was not `expect`, which now holds the
 *                                          value that was found; -1: faulted
 *   words16_clear(p, all, any, clear)      sixteen adjacent words, each read and written as one, in
 *                                          no order.  If each has all bits of `all`: the bits of
 *                                          `clear` are cleared in each, and the result is 2.  Else
 *                                          nothing is written; the result is 1 if any word has a
 *                                          bit of `any`, 0 if none has.  `any` is one bit of `all`.
 *                                          Nobody else writes a word that has all bits of `all`.
 */
#ifndef ASM_ATOMIC_H
#define ASM_ATOMIC_H

#include "types.h"

/* *p: `expect` -> `desired`, as one step, full ordering. True: *p was `expect`. */
static inline bool atomic_cas64(uint64_t *p, uint64_t expect, uint64_t desired)
{
    return __atomic_compare_exchange_n(p, &expect, desired, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_RELAXED);
}

/* A data abort at label `at` continues at label `to`.  traps.c looks in this table; its offsets are
 * relative to their own place. */
#define EX_TABLE(at, to)                                                          \
    ".pushsection .ex_table, \"a\"\n\t.balign 4\n\t.word " at " - .\n\t.word " to \
    " - .\n\t.popsection\n\t"

#include <asm/width/atomic.h>

#endif
