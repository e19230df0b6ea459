/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot tables, filled with the MMU off: addresses of symbols are where the image was loaded
 * (all code is PC-relative within the image), there is no cache, and head.S has zeroed the tables.
 */
#include "internal.h"

static void map_page(uint64_t va, uint64_t pa, uint64_t attributes)
{
    uint64_t offset = va - IMAGE_VA;
    boot_image_l3[offset >> PAGE_SHIFT] = pa | attributes;
}

/* `pa`: of the image's first byte. head.S calls it on the boot CPU's stack, as it is at its
 * physical place. */
__attribute__((no_stack_protector)) void boot_map(uintptr_t pa)
{
    uint64_t text = (uint64_t)text_end - pa, rodata = (uint64_t)rodata_end - pa,
             end = (uint64_t)image_end - pa;
    uint64_t stacks = (uint64_t)cpu_stacks;
    /* No more than needed: what is not linked stays free for the blocks of the direct map. */
    unsigned tables = (unsigned)((end + BLOCK_SIZE - 1) >> BLOCK_SHIFT);

    for (uint64_t offset = 0; offset < end; offset += PAGE_SIZE)
        map_page(IMAGE_VA + offset, pa + offset,
                 offset < text     ? EL2_PAGE_RX
                 : offset < rodata ? EL2_PAGE_RO
                                   : EL2_PAGE_RW);
    for (unsigned i = 0; i < tables; i++)
        boot_image_l2[i] = (uint64_t)(boot_image_l3 + 512 * i) | PTE_TABLE | PTE_VALID;

    /* Of each CPU's stride only the upper half is mapped: the rest is the guard. */
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        for (unsigned page = 0; page < STACK_BYTES / PAGE_SIZE; page++)
            boot_stacks_l3[(cpu * STACK_STRIDE + STACK_BYTES) / PAGE_SIZE + page] =
                (stacks + cpu * STACK_BYTES + page * PAGE_SIZE) | EL2_PAGE_RW;
    boot_stacks_l2[0] = (uint64_t)boot_stacks_l3 | PTE_TABLE | PTE_VALID;

    image_l1[0] = (uint64_t)boot_image_l2 | PTE_TABLE | PTE_VALID;
    image_l1[(STACKS_VA - IMAGE_VA) >> 30] = (uint64_t)boot_stacks_l2 | PTE_TABLE | PTE_VALID;
    boot_l0[(IMAGE_VA >> 39) & 511] = (uint64_t)image_l1 | PTE_TABLE | PTE_VALID;

    /*
     * The image in the direct map, where the walker looks for tables (and the final map's first
     * ones are in the image). The same level-3 tables as above, through a table descriptor that
     * takes execution away.
     */
    for (unsigned i = 0; i < tables; i++) {
        uint64_t at = pa + i * (uint64_t)BLOCK_SIZE, second = (at >> 30) - (pa >> 30);
        uint64_t *l2 = boot_direct_l2 + 512 * second;
        l2[(at >> BLOCK_SHIFT) & 511] = (uint64_t)(boot_image_l3 + 512 * i) | EL2_TABLE_XN |
                                        PTE_TABLE | PTE_VALID;
        boot_direct_l1[(at >> 30) & 511] = (uint64_t)l2 | PTE_TABLE | PTE_VALID;
    }
    boot_l0[(DIRECTMAP_VA + pa) >> 39] = (uint64_t)boot_direct_l1 | PTE_TABLE | PTE_VALID;

    /* One to one, 1 GiB around the image (and the next, should it straddle): read-only, executable.
     */
    boot_l0[pa >> 39] = (uint64_t)boot_id_l1 | PTE_TABLE | PTE_VALID;
    for (uint64_t at = pa >> 30; at <= (pa + end - 1) >> 30; at++)
        boot_id_l1[at & 511] = (at << 30) | (EL2_PAGE_RX & ~PTE_TABLE);
}
