/* SPDX-License-Identifier: BSD-2-Clause */
/* The fake machine's memory: an arena at FAKE_RAM, seen through a direct map; VLPT windows that are filled on a fault (fake.c). */
#ifndef ASM_MM_H
#define ASM_MM_H

#include "types.h"

#define FAKE_RAM 0x40000000ull
#define VLPT_SLOTS 4u

extern uint8_t *fake_directmap;         /* where PA FAKE_RAM is */
extern uint64_t fake_ram_bytes;
extern uint8_t *fake_windows;           /* of all slots: 2 GiB + 4 MiB each */
#define FAKE_WINDOW_STRIDE ((2ull << 30) + (4ull << 20))

void *pa_to_va(paddr_t pa);             /* asserts that pa is RAM */
paddr_t va_to_pa(const void *va);

static inline uint64_t *vlpt_window(unsigned slot) { return (uint64_t *)(void *)(fake_windows + slot * FAKE_WINDOW_STRIDE); }
static inline uint64_t *vlpt_upper(unsigned slot)
{
    return (uint64_t *)(void *)(fake_windows + slot * FAKE_WINDOW_STRIDE + (2ull << 30));
}

#endif
