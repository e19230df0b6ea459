/* SPDX-License-Identifier: BSD-2-Clause */
/* The fake machine's memory: an arena at FAKE_RAM, seen through a direct map; VLPT windows that are
 * filled on a fault (fake.c). */
#ifndef ASM_MM_H
#define ASM_MM_H

#include "types.h"

#define FAKE_RAM   0x40000000ull
#define VLPT_SLOTS 4u

extern uint8_t *fake_directmap; /* where PA FAKE_RAM is */
extern uint64_t fake_ram_bytes,
    fake_direct_bytes; /* the direct map ends before RAM does: fake_small_direct_map() */
static inline bool pa_in_direct_map(paddr_t pa) { return pa.v - FAKE_RAM < fake_direct_bytes; }
/*
 * As on 64-bit: windows of all of a guest's addresses, all there at once.  Or as on 32-bit, and
 * always where pointers have 32 bits: of the first 16 GiB, and a CPU shows one slot at a time, by
 * copies of root entries.  Each CPU then has another place for each slot, so that an access to a
 * slot that it does not show is noticed.  Set it before fake_init.
 */
extern bool fake_one_window;
#define VLPT_IPA_BITS      (fake_one_window ? 34u : IPA_BITS)
#define FAKE_WINDOW_BYTES  (1ull << (VLPT_IPA_BITS - 9))
#define FAKE_WINDOW_STRIDE (FAKE_WINDOW_BYTES + (1ull << (VLPT_IPA_BITS - 18)))
uint8_t *fake_window(
    unsigned slot); /* this CPU's place of it, shown from now on: leaves, then the upper window */

void *pa_to_va(paddr_t pa); /* asserts that pa is in the direct map */
paddr_t va_to_pa(const void *va);

static inline uint64_t *vlpt_window(unsigned slot) { return (uint64_t *)(void *)fake_window(slot); }
static inline uint64_t *vlpt_upper(unsigned slot)
{
    return (uint64_t *)(void *)(fake_window(slot) + FAKE_WINDOW_BYTES);
}
static inline uint64_t *vlpt_entered(unsigned slot, uint64_t *window)
{
    (void)window; /* of another CPU, perhaps */
    return vlpt_window(slot);
}

#endif
