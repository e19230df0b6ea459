/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EL2's virtual address space, 32 bits, 4 KiB granule, in GiB 0 what is small and in GiB 1 to 3
 * RAM:
 *
 *   0x01000000  16 MiB  early map (the device tree)
 *   0x02000000   2 MiB  each CPU's own: VLPT upper window, pages mapped for a moment
 *   0x02400000   8 MiB  guests' pages that are mapped for long
 *   0x04000000  64 MiB  devices
 *   0x08000000 128 MiB  VLPT leaf window, each CPU's own: 64 GiB of guest-physical space
 *   0x3e000000          CPU stacks
 *   0x3f000000   8 MiB  image
 *   0x40000000   3 GiB  direct map of RAM, from the GiB that the image was loaded in
 *
 * The image runs one to one for a moment when the MMU is turned on, in a map of its own that has
 * nothing but the image.  At the end of GiB 0 it is out of the way of places where boot loaders put
 * it.
 */
#include <asm/mm.h> /* outside the guard: that file includes this one */
#ifndef ASM_WIDTH_MM_H
#define ASM_WIDTH_MM_H

#define EARLY_VA      0x01000000
#define OWN_VA        0x02000000
#define LASTING_VA    0x02400000
#define LASTING_BYTES 0x00800000
#define DEVICES_VA    0x04000000
#define DEVICES_BYTES 0x04000000
#define VLPT_LEAF_VA  0x08000000
#define STACKS_VA     0x3e000000
#define IMAGE_VA      0x3f000000
#define DIRECTMAP_VA  0x40000000

#define VLPT_IPA_BITS 36 /* what the leaf window covers */
#define VLPT_ENTRIES  (1 << (VLPT_IPA_BITS - 30))
#define VLPT_UPPER_VA OWN_VA /* VLPT_ENTRIES pages */
#define MOMENT_VA     (OWN_VA + VLPT_ENTRIES * 4096)

#define EMERGENCY_SHIFT 12 /* 4 KiB a CPU to report an overflow on */

#ifndef __ASSEMBLER__

extern uint64_t directmap_pa; /* what is at DIRECTMAP_VA */
#define DIRECTMAP_BYTES 0xc0000000ull

static inline bool pa_in_direct_map(paddr_t pa) { return pa.v - directmap_pa < DIRECTMAP_BYTES; }
/* Only for what is in the direct map: the hypervisor's own memory is.  Others: arch_map_page(). */
static inline void *pa_to_va(paddr_t pa)
{
    return (void *)(uintptr_t)(uint32_t)(pa.v - directmap_pa + DIRECTMAP_VA);
}
static inline paddr_t va_to_pa(const void *va)
{
    uint32_t a = (uint32_t)(uintptr_t)va;
    return a >= DIRECTMAP_VA ? PA(a - DIRECTMAP_VA + directmap_pa) : PA(a - IMAGE_VA + image_pa);
}

/*
 * A CPU's windows show one domain at a time: `vlpt_shown` has its slot, -2 none.  Each of these
 * makes it `slot`, so what they return is good until the next of them, on this CPU: for use at
 * once.  mmu.c has the theory.
 */
extern int32_t vlpt_shown[MAX_CPUS];
void vlpt_show(unsigned slot);
static inline uint64_t *vlpt_entered(unsigned slot, uint64_t *window)
{
    if (__builtin_expect(vlpt_shown[cpu_id()] != (int32_t)slot, 0))
        vlpt_show(slot);
    return window;
}
/* Index with gfn, below 2^(VLPT_IPA_BITS - 12): the leaf descriptor.  Reads fault where the stage 2
 * has no level-3 table. */
static inline uint64_t *vlpt_window(unsigned slot)
{
    return vlpt_entered(slot, (uint64_t *)(uintptr_t)VLPT_LEAF_VA);
}
/* Index with ipa >> 21: the level-2 descriptor.  Reads fault where the stage 2 has no level-2
 * table. */
static inline uint64_t *vlpt_upper(unsigned slot)
{
    return vlpt_entered(slot, (uint64_t *)(uintptr_t)VLPT_UPPER_VA);
}
#endif

#endif
