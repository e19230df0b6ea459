/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EL2's own map.  The boot tables (boot_map.c) carry the image; this file links them under the
 * final root, which has no one-to-one map, and adds RAM, devices, the early map and the VLPT
 * windows with the core's walker.  Nothing is ever unmapped but the windows, so the rest needs no
 * TLB invalidation: only invalid entries become valid.
 */
#include "internal.h"
#include "spinlock.h"
#include "mm.h"
#include "pt.h"
#include "lib.h"

#define POOL_PAGES \
    64u /* before the page allocator stands: 8 RAM banks of any alignment and some devices */
#define EARLY_MAX_BLOCKS 8u /* 16 MiB */

const struct pt_geometry pt_geometry_el2 = {
    .input_bits = 48, .root_level = 0, .root_pages = 1, .stage2 = false
};

uint64_t image_pa;
uint8_t emergency_stacks[MAX_CPUS][1 << EMERGENCY_SHIFT] __attribute__((aligned(4096)));
static uint8_t table_pool[POOL_PAGES][PAGE_SIZE] __attribute__((aligned(4096)));
static unsigned pool_used, early_used;
static uint64_t device_next = DEVICES_VA;
static spinlock_t mmu_lock = SPINLOCK_INIT;
/* Of the windows: 512 GiB of leaf windows, 1 GiB of upper windows. */
static uint64_t vlpt_leaf_l1[512] __attribute__((aligned(4096)));
static uint64_t vlpt_upper_l1[512] __attribute__((aligned(4096)));
static uint64_t vlpt_upper_l2[512] __attribute__((aligned(4096)));
static uint64_t early_l2[512] __attribute__((aligned(4096)));

_Static_assert(VLPT_SLOTS * 2 <= 512, "two level-1 and two level-2 entries a slot");
_Static_assert(EARLY_VA == IMAGE_VA + (1ull << 30), "early map: second level-1 entry");

static paddr_t table_alloc(struct pt *pt)
{
    (void)pt;
    if (pool_used < POOL_PAGES)
        return va_to_pa(table_pool[pool_used++]);
    struct page *page = frame_table ? page_alloc(NULL, 0, ALLOC_ZERO) : NULL;
    return page ? page_pa(page) : PA(0);
}

/* Only for completeness of the walker's contract: nothing here is unmapped or merged. */
static void table_free(struct pt *pt, paddr_t table)
{
    (void)pt;
    page_put(pfn_page(pa_pfn(table)));
}

static void el2_flush(struct pt *pt, uint64_t addr, unsigned level, bool table)
{
    (void)pt, (void)addr, (void)level, (void)table;
    __asm__ volatile("dsb ishst\n\ttlbi alle2is\n\tdsb ish\n\tisb" ::: "memory");
}

static struct pt el2_pt = { .geo = &pt_geometry_el2,
                            .flush = el2_flush,
                            .alloc_table = table_alloc,
                            .free_table = table_free };

/* The walker ends with the DSB; the ISB makes this CPU's next access use the new entry. */
static void el2_map(uint64_t va, uint64_t pa, uint64_t bytes, uint64_t attributes)
{
    if (!bytes)
        return;
    int rc = pt_map(&el2_pt, va, PA(pa), bytes, attributes & ~(PTE_VALID | PTE_TABLE), 1);
    if (rc)
        panic("no memory for EL2's tables: %#lx bytes at %#lx: %d", (unsigned long)bytes,
              (unsigned long)pa, rc);
    arch_isb();
}

static uint64_t table_desc(const void *table) { return va_to_pa(table).v | PTE_TABLE | PTE_VALID; }

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

void mmu_cpu_init(void)
{
    /* The tables' last stores before the walker may read them. */
    __asm__ volatile("dsb ish" ::: "memory");
    WRITE_SYSREG(ttbr0_el2, va_to_pa(el2_l0).v);
    /* The ISB first, so that no walk of the old root comes after the invalidation of the one-to-one
     * map. */
    __asm__ volatile("isb\n\ttlbi alle2\n\tdsb nsh\n\tisb" ::: "memory");
}

const void *arch_early_map(paddr_t pa, uint64_t bytes)
{
    uint64_t first = ROUND_DOWN(pa.v, (uint64_t)BLOCK_SIZE),
             end = ROUND_UP(pa.v + bytes, (uint64_t)BLOCK_SIZE);
    unsigned blocks = (unsigned)((end - first) >> BLOCK_SHIFT);

    if (end <= first || (end - first) >> BLOCK_SHIFT > EARLY_MAX_BLOCKS - early_used)
        return NULL;
    const char *va = (const char *)(EARLY_VA + ((uint64_t)early_used << BLOCK_SHIFT));
    for (unsigned i = 0; i < blocks; i++)
        early_l2[early_used + i] = (first + ((uint64_t)i << BLOCK_SHIFT)) |
                                   (EL2_PAGE_RO & ~PTE_TABLE);
    early_used += blocks;
    /* From invalid to valid: the store must reach the walkers before the first use. */
    __asm__ volatile("dsb ishst\n\tisb" ::: "memory");
    return va + (pa.v - first);
}

/* All of the image but itself: boot_map.c has put it into the direct map, with text and rodata
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

void *arch_map_device(paddr_t pa, uint64_t bytes)
{
    uint64_t first = ROUND_DOWN(pa.v, (uint64_t)PAGE_SIZE),
             size = ROUND_UP(pa.v + bytes, (uint64_t)PAGE_SIZE) - first;

    spin_lock(&mmu_lock);
    /* The same place in its 2 MiB as the physical one, where blocks can serve. */
    uint64_t va = device_next;
    if (size >= BLOCK_SIZE)
        va = ROUND_UP(va, (uint64_t)BLOCK_SIZE) + (first & (BLOCK_SIZE - 1));
    bool fits = size && va + size <= DEVICES_VA + DEVICES_BYTES;
    if (fits) {
        device_next = va + size;
        el2_map(va, first, size, EL2_PAGE_DEV);
    }
    spin_unlock(&mmu_lock);
    return fits ? (void *)(va + (pa.v - first)) : NULL;
}

/* All RAM is in the direct map: nobody asks for another place. */
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
    BUG_ON((PTE_S2_TABLE_BITS &
            (PTE_AF | PTE_SH_INNER | PTE_EL2_AP1 | PTE_EL2_RO | PTE_EL2_XN | PTE_EL2_ATTR(7))) !=
           (PTE_AF | PTE_SH_INNER | PTE_EL2_AP1 | PTE_EL2_XN));
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
    __asm__ volatile("dsb ishst\n\tisb" ::: "memory");
}

void arch_vlpt_detach(unsigned slot)
{
    BUG_ON(slot >= VLPT_SLOTS);
    for (unsigned i = 0; i < 2; i++)
        vlpt_leaf_l1[2 * slot + i] = vlpt_upper_l2[2 * slot + i] = 0;
    /* The window is 2 GiB: one invalidation of the whole regime.  Domains die seldom. */
    el2_flush(NULL, 0, 0, true);
}

/* The windows are made of the root pages themselves, and the walkers saw the new entry's barriers:
 * pt_write. */
void arch_vlpt_linked(unsigned slot, ipa_t ipa, uint64_t desc)
{
    (void)slot;
    (void)ipa;
    (void)desc;
}

static void flush_va(uint64_t va)
{
    /* Before: the unlinking store must be seen by walkers.  After: complete everywhere before the
     * table's page is reused. */
    __asm__ volatile("dsb ishst\n\ttlbi vae2is, %0\n\tdsb ish\n\tisb"
                     :
                     : "r"((va >> 12) & 0xfffffffffffull)
                     : "memory");
}

void arch_vlpt_forget(unsigned slot, ipa_t ipa, unsigned level)
{
    if (level == 3)
        flush_va((uint64_t)(vlpt_window(slot) + ipa_gfn(ipa)));
    else
        /* A level-2 table is a page of the upper window and a table, of 512 pages, of the leaf
         * window. */
        el2_flush(NULL, 0, 0, true);
}

bool mmu_in_stack(uint64_t sp, uint64_t *top)
{
    uint64_t emergency = (uint64_t)emergency_stacks;

    if (sp >= STACKS_VA && sp < STACKS_VA + MAX_CPUS * STACK_STRIDE && (sp & STACK_BYTES)) {
        *top = ROUND_UP(sp + 1, (uint64_t)STACK_STRIDE);
        return true;
    }
    if (sp >= emergency && sp < emergency + sizeof(emergency_stacks)) {
        *top = ROUND_UP(sp + 1, sizeof(emergency_stacks[0]));
        return true;
    }
    return false;
}
