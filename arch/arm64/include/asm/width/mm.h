/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EL2's virtual address space, 48 bits, 4 KiB granule.  One level-0 entry covers 512 GiB.
 *
 *   L0 128  0x0000400000000000  image; +1 GiB early map; +2 GiB CPU stacks; +4 GiB devices (mmu.c)
 *   L0 129  0x0000408000000000  VLPT upper windows, 4 MiB a slot
 *   L0 130  0x0000410000000000  VLPT leaf windows, 2 GiB a slot
 *   L0 256+ 0x0000800000000000  direct map of RAM: VA = PA + base, PA below 2^47
 *
 * The image must be loaded below PA 2^46, so that the identity map that head.S turns the MMU on in
 * is apart from all these.
 */
#include <asm/mm.h> /* outside the guard: that file includes this one */
#ifndef ASM_WIDTH_MM_H
#define ASM_WIDTH_MM_H

#define IMAGE_VA      0x0000400000000000
#define EARLY_VA      0x0000400040000000
#define STACKS_VA     0x0000400080000000
#define DEVICES_VA    0x0000400100000000
#define DEVICES_BYTES 0x0000000100000000
#define VLPT_UPPER_VA 0x0000408000000000
#define VLPT_LEAF_VA  0x0000410000000000
#define DIRECTMAP_VA  0x0000800000000000

#define EMERGENCY_SHIFT 13 /* 8 KiB a CPU to report an overflow on */

#ifndef __ASSEMBLER__

#define VLPT_IPA_BITS IPA_BITS /* all of a guest's addresses */

static inline bool pa_in_direct_map(paddr_t pa)
{
    (void)pa;
    return true;
}
static inline void *pa_to_va(paddr_t pa) { return (void *)(pa.v + DIRECTMAP_VA); }
static inline paddr_t va_to_pa(const void *va)
{
    uint64_t a = (uint64_t)va;
    return a >= DIRECTMAP_VA ? PA(a - DIRECTMAP_VA) : PA(a - IMAGE_VA + image_pa);
}

/* Index with gfn: the leaf descriptor.  Reads fault where the stage 2 has no level-3 table: look at
 * vlpt_upper first, or load64_may_fault. */
static inline uint64_t *vlpt_window(unsigned slot)
{
    return (uint64_t *)(VLPT_LEAF_VA + ((uint64_t)slot << 31));
}
/* All windows are there all the time: entry.S relies on it, and takes struct p2m's `window` as it
 * is. */
static inline uint64_t *vlpt_entered(unsigned slot, uint64_t *window)
{
    (void)slot;
    return window;
}
/* Index with ipa >> 21: the level-2 descriptor.  Reads fault where the stage 2 has no level-2
 * table. */
static inline uint64_t *vlpt_upper(unsigned slot)
{
    return (uint64_t *)(VLPT_UPPER_VA + ((uint64_t)slot << 22));
}
#endif

#endif
