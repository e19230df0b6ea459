/* SPDX-License-Identifier: BSD-2-Clause */
/* EL2's virtual address space.  <asm/width/mm.h> has its map, the direct map's conversions and the
 * VLPT windows; this file has what is the same in all of them. */
#ifndef ASM_MM_H
#define ASM_MM_H

#define STACK_BYTES  16384 /* per CPU; the 16 KiB below each stack are not mapped */
#define STACK_STRIDE (2 * STACK_BYTES)
#define STACK_SHIFT  14 /* an SP in a stack has this bit set: entry.S tests it */

#ifndef __ASSEMBLER__
#include "types.h"
#include <asm/cpu.h>

#define VLPT_SLOTS MAX_DOMAINS

extern uint64_t image_pa; /* where the image was loaded */

/*
 * Before arch_map_ram: [pa, pa + bytes) for reading, at most 16 MiB in all; stays valid for ever.
 * For the device tree, whose /memory nodes describe the RAM.  NULL: too large.
 */
const void *arch_early_map(paddr_t pa, uint64_t bytes);
#endif

#include <asm/width/mm.h>

#endif
