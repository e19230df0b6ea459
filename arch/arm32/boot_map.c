/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot tables, filled with the MMU off.  The compiler knows symbols by where they are linked:
 * here() says where they are now. There is no cache, and head.S has zeroed the tables.
 */
#include "internal.h"

/* `delta`: from the linked to the present place. */
static uint64_t *here(const void *symbol, uint32_t delta)
{
    return (uint64_t *)((uintptr_t)symbol + delta);
}
static uint64_t table_here(const void *table, uint32_t delta)
{
    return (uint64_t)(uintptr_t)here(table, delta) | PTE_TABLE | PTE_VALID;
}

static uint64_t attributes_of(uint32_t offset, bool direct)
{
    if (offset < (uint32_t)(text_end - image_start))
        return direct ? EL2_PAGE_RO : EL2_PAGE_RX;
    return offset < (uint32_t)(rodata_end - image_start) ? EL2_PAGE_RO : EL2_PAGE_RW;
}

static void map_image(uint32_t pa, uint32_t delta)
{
    uint64_t *l2 = here(boot_l2, delta), *l3 = here(boot_image_l3, delta);
    uint32_t bytes = (uint32_t)(image_end - image_start);

    for (uint32_t offset = 0; offset < bytes; offset += PAGE_SIZE)
        l3[offset >> PAGE_SHIFT] = (pa + offset) | attributes_of(offset, false);
    for (unsigned i = 0; i <= (bytes - 1) >> BLOCK_SHIFT; i++)
        l2[(IMAGE_VA >> BLOCK_SHIFT) + i] = table_here(boot_image_l3 + 512 * i, delta);
}

/* Of each CPU's stride only the upper half is mapped: the rest is the guard. */
static void map_stacks(uint32_t delta)
{
    uint64_t *l3 = here(boot_stacks_l3, delta);
    uint32_t stacks = (uint32_t)(uintptr_t)cpu_stacks + delta;

    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        for (unsigned page = 0; page < STACK_BYTES / PAGE_SIZE; page++)
            l3[(cpu * STACK_STRIDE + STACK_BYTES) / PAGE_SIZE + page] =
                (stacks + cpu * STACK_BYTES + page * PAGE_SIZE) | EL2_PAGE_RW;
    here(boot_l2, delta)[STACKS_VA >> BLOCK_SHIFT] = table_here(boot_stacks_l3, delta);
}

/* The image in the direct map, whose GiB 0 is the one that the image begins in: the walker looks
 * for tables there. */
static void map_direct(uint32_t pa, uint32_t delta)
{
    uint64_t *l1 = here(boot_cpu_l1, delta), *l2 = here(boot_direct_l2, delta),
             *l3 = here(boot_direct_l3, delta);
    uint32_t bytes = (uint32_t)(image_end - image_start), first = pa & ((1u << 30) - 1),
             skip = first & (BLOCK_SIZE - 1);

    for (uint32_t offset = 0; offset < bytes; offset += PAGE_SIZE)
        l3[(skip + offset) >> PAGE_SHIFT] = (pa + offset) | attributes_of(offset, true);
    for (unsigned i = 0; i <= (skip + bytes - 1) >> BLOCK_SHIFT; i++)
        l2[(first >> BLOCK_SHIFT) + i] = table_here(boot_direct_l3 + 512 * i, delta);
    for (unsigned i = 0; i <= (first + bytes - 1) >> 30;
         i++) /* no more than needed: the next GiB may become a block */
        l1[(DIRECTMAP_VA >> 30) + i] = table_here(boot_direct_l2 + 512 * i, delta);
}

/* `pa`: of the image's first byte. head.S calls it on the boot CPU's stack, as it is at its
 * physical place. */
__attribute__((no_stack_protector)) void boot_map(uintptr_t pa)
{
    uint32_t delta = pa - IMAGE_VA;
    uint64_t *l1 = here(boot_l1, delta), *l2 = here(boot_l2, delta);

    map_image(pa, delta);
    map_stacks(delta);
    map_direct(pa, delta);
    l1[IMAGE_VA >> 30] = table_here(boot_l2, delta);
    /* One to one, around head.S: read-only, executable. */
    if (pa >> 30 != IMAGE_VA >> 30)
        l1[pa >> 30] = (uint64_t)(pa >> 30) << 30 | (EL2_PAGE_RX & ~PTE_TABLE);
    else
        l2[pa >> BLOCK_SHIFT] = ROUND_DOWN(pa, BLOCK_SIZE) | (EL2_PAGE_RX & ~PTE_TABLE);
}
