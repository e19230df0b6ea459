/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EL2's own map: one root for all CPUs, with all RAM in the direct map and all domains' VLPT
 * windows. Only the windows are ever unmapped.
 */
#include "internal.h"

const struct pt_geometry pt_geometry_el2 = {
    .input_bits = 48, .root_level = 0, .root_pages = 1, .stage2 = false
};

/* Of the windows: 512 GiB of leaf windows, 1 GiB of upper windows. */
static uint64_t vlpt_leaf_l1[512] __attribute__((aligned(4096)));
static uint64_t vlpt_upper_l1[512] __attribute__((aligned(4096)));
static uint64_t vlpt_upper_l2[512] __attribute__((aligned(4096)));
static uint64_t early_l2[512] __attribute__((aligned(4096)));

_Static_assert(VLPT_SLOTS * 2 <= 512, "two level-1 and two level-2 entries per slot");
_Static_assert(EARLY_VA == IMAGE_VA + (1ull << 30), "early map: second level-1 entry");

void mmu_init(void)
{
    el2_l0[IMAGE_VA >> 39] = boot_l0[IMAGE_VA >> 39];
    el2_l0[(DIRECTMAP_VA + image_pa) >> 39] = boot_l0[(DIRECTMAP_VA + image_pa) >> 39];
    el2_l0[VLPT_UPPER_VA >> 39] = table_desc(vlpt_upper_l1);
    vlpt_upper_l1[0] = table_desc(vlpt_upper_l2);
    el2_l0[VLPT_LEAF_VA >> 39] = table_desc(vlpt_leaf_l1);
    image_l1[(EARLY_VA - IMAGE_VA) >> 30] = table_desc(early_l2);
    el2_pt.root = va_to_pa(el2_l0);
    mmu_cpu_init();
}

paddr_t mmu_root(unsigned cpu)
{
    (void)cpu;
    return va_to_pa(el2_l0);
}

uint64_t *mmu_early_entries(void) { return early_l2; }

void mmu_mapped(uintptr_t va, uint64_t bytes) { (void)va, (void)bytes; }

/* All of RAM but the image: boot_map.c has put the image into the direct map, with text and rodata
 * read-only. */
void arch_map_ram(paddr_t pa, uint64_t bytes)
{
    uint64_t image_bytes = ROUND_UP((uint64_t)(image_end - image_start), (uint64_t)PAGE_SIZE);
    uint64_t start = pa.v, end = pa.v + bytes, hole = image_pa, hole_end = image_pa + image_bytes;

    if (end > DIRECTMAP_VA)
        panic("RAM at %#lx is beyond the direct map", (unsigned long)start);
    if (hole_end <= start || hole >= end) {
        el2_map(DIRECTMAP_VA + start, start, bytes, EL2_PAGE_RW);
        return;
    }
    if (hole > start)
        el2_map(DIRECTMAP_VA + start, start, hole - start, EL2_PAGE_RW);
    if (hole_end < end)
        el2_map(DIRECTMAP_VA + hole_end, hole_end, end - hole_end, EL2_PAGE_RW);
}

/* All RAM is in the direct map, so these are never called for another place. */
void *arch_map_page(paddr_t pa) { return pa_to_va(pa); }
void arch_unmap_page(const void *va) { (void)va; }
void *arch_map_lasting(paddr_t pa) { return pa_to_va(pa); }
void arch_unmap_lasting(const void *va) { (void)va; }

/*
 * The root pages of a 40-bit stage 2 are two consecutive level-1 tables.  As level-2 tables of
 * EL2's map they give the leaf window: stage-2 level 1 -> EL2 level 2, stage-2 level 2 -> EL2 level
 * 3, whose "pages" are the level-3 tables.  As level-3 tables they give the upper window: the
 * level-2 tables are the "pages".  For that, every table descriptor of the stage 2 must look like a
 * page of normal memory, read-write, never executable; the stage-2 walk ignores these bits.
 */
void arch_vlpt_attach(unsigned slot, paddr_t root)
{
    const uint64_t *entry = pa_to_va(root);
    const uint64_t need = PTE_VALID | PTE_TABLE | PTE_S2_TABLE_BITS;

    BUG_ON(slot >= VLPT_SLOTS || (root.v & (2 * PAGE_SIZE - 1)));
    mmu_check_table_bits();
    for (unsigned i = 0; i < 1024; i++)
        BUG_ON((entry[i] & PTE_VALID) && (entry[i] & need) != need);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t desc = (root.v + i * PAGE_SIZE) | EL2_TABLE_XN | PTE_TABLE | PTE_VALID;
        BUG_ON(vlpt_leaf_l1[2 * slot + i]);
        vlpt_leaf_l1[2 * slot + i] = desc;
        vlpt_upper_l2[2 * slot + i] = desc;
    }
    /* Invalid to valid: no invalidation, but every CPU's walker must see it before anybody uses the
     * slot. */
    BARRIER("dsb ishst\n\tisb");
}

void arch_vlpt_detach(unsigned slot)
{
    BUG_ON(slot >= VLPT_SLOTS);
    for (unsigned i = 0; i < 2; i++)
        vlpt_leaf_l1[2 * slot + i] = vlpt_upper_l2[2 * slot + i] = 0;
    /* The window is 2 GiB: one invalidation of the whole regime.  Domains die seldom. */
    el2_flush_everywhere();
}

/* The windows are made of the root pages themselves, and the walkers saw the new entry's barriers:
 * pt_write. */
void arch_vlpt_linked(unsigned slot, ipa_t ipa, uint64_t desc)
{
    (void)slot;
    (void)ipa;
    (void)desc;
}

void arch_vlpt_forget(unsigned slot, ipa_t ipa, unsigned level)
{
    if (level == 3)
        el2_flush_page((uintptr_t)(vlpt_window(slot) + ipa_gfn(ipa)));
    else
        /* A level-2 table is a page of the upper window and a table, of 512 pages, of the leaf
         * window. */
        el2_flush_everywhere();
}
