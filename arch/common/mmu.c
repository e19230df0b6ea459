/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EL2's own map.  The boot tables (boot_map.c of the width) carry the image.  mmu.c of the width
 * links them under the final root, which has no one-to-one map, and has the VLPT windows.  This
 * file adds RAM, devices and the early map with the core's walker.  Nothing that it maps is ever
 * unmapped, so only invalid entries become valid, and no TLB invalidation is needed.
 */
#include "internal.h"
#include "mm.h"

#define EARLY_MAX_BLOCKS 8u /* 16 MiB */

uint64_t image_pa;
uint8_t emergency_stacks[MAX_CPUS][1 << EMERGENCY_SHIFT] __attribute__((aligned(4096)));
static uint8_t table_pool[POOL_PAGES][PAGE_SIZE] __attribute__((aligned(4096)));
static unsigned pool_used, early_used;
static uintptr_t device_next = DEVICES_VA;
spinlock_t mmu_lock = SPINLOCK_INIT;

static paddr_t table_alloc(struct pt *pt)
{
    (void)pt;
    if (pool_used < POOL_PAGES)
        return va_to_pa(table_pool[pool_used++]);
    struct page *page = frame_table ? page_alloc(NULL, 0, ALLOC_ZERO) : NULL;
    return page ? page_pa(page) : PA(0);
}

/* The walker's contract requires it, but nothing here is unmapped or merged. */
static void table_free(struct pt *pt, paddr_t table)
{
    (void)pt;
    page_put(pfn_page(pa_pfn(table)));
}

void el2_flush_everywhere(void)
{
    BARRIER("dsb ishst");
    TLBI(alle2is);
    BARRIER("dsb ish\n\tisb");
}

/* Before it, walkers must see the store that removed the page's entry or table.  After it, the
 * invalidation is complete on all CPUs, and the page may be reused. */
void el2_flush_page(uintptr_t va)
{
    BARRIER("dsb ishst");
    TLBI_VA(vae2is, va);
    BARRIER("dsb ish\n\tisb");
}

static void el2_flush(struct pt *pt, uint64_t addr, unsigned level, bool table)
{
    (void)pt, (void)addr, (void)level, (void)table;
    el2_flush_everywhere();
}

struct pt el2_pt = { .geo = &pt_geometry_el2,
                     .flush = el2_flush,
                     .alloc_table = table_alloc,
                     .free_table = table_free };

/* The DSB makes the entries visible to walkers; the ISB makes this CPU's next access use them. */
void el2_map(uintptr_t va, uint64_t pa, uint64_t bytes, uint64_t attributes)
{
    if (!bytes)
        return;
    int rc = pt_map(&el2_pt, va, PA(pa), bytes, attributes & ~(PTE_VALID | PTE_TABLE), 1);
    if (rc)
        panic("no memory for EL2's tables: %#llx bytes at %#llx: %d", (unsigned long long)bytes,
              (unsigned long long)pa, rc);
    mmu_mapped(va, bytes);
    BARRIER("dsb ishst\n\tisb");
}

void mmu_cpu_init(void)
{
    BARRIER("dsb ish"); /* the tables' last stores, before the walker may read them */
    WRITE_SYSREG(ttbr0_el2, mmu_root(cpu_id()).v);
    BARRIER("isb"); /* no walk of the old root may follow the invalidation of the one-to-one map */
    TLBI(alle2);
    BARRIER("dsb nsh\n\tisb");
}

const void *arch_early_map(paddr_t pa, uint64_t bytes)
{
    uint64_t first = ROUND_DOWN(pa.v, (uint64_t)BLOCK_SIZE),
             end = ROUND_UP(pa.v + bytes, (uint64_t)BLOCK_SIZE);
    unsigned blocks = (unsigned)((end - first) >> BLOCK_SHIFT);

    if (end <= first || (end - first) >> BLOCK_SHIFT > EARLY_MAX_BLOCKS - early_used)
        return NULL;
    uintptr_t va = EARLY_VA + ((uintptr_t)early_used << BLOCK_SHIFT);
    for (unsigned i = 0; i < blocks; i++)
        mmu_early_entries()[early_used + i] = (first + ((uint64_t)i << BLOCK_SHIFT)) |
                                              (EL2_PAGE_RO & ~PTE_TABLE);
    early_used += blocks;
    mmu_mapped(va, (uint64_t)blocks << BLOCK_SHIFT);
    /* From invalid to valid: the stores must reach the walkers before the first use. */
    BARRIER("dsb ishst\n\tisb");
    return (const char *)va + (uintptr_t)(pa.v - first);
}

void *arch_map_device(paddr_t pa, uint64_t bytes)
{
    uint64_t first = ROUND_DOWN(pa.v, (uint64_t)PAGE_SIZE),
             size = ROUND_UP(pa.v + bytes, (uint64_t)PAGE_SIZE) - first;

    spin_lock(&mmu_lock);
    /* The same place in its 2 MiB as the physical address, so that blocks can be used. */
    uint64_t va = device_next;
    if (size >= BLOCK_SIZE)
        va = ROUND_UP(va, (uint64_t)BLOCK_SIZE) + (first & (BLOCK_SIZE - 1));
    bool fits = size && size <= DEVICES_BYTES && va + size <= DEVICES_VA + DEVICES_BYTES;
    if (fits) {
        device_next = (uintptr_t)(va + size);
        el2_map((uintptr_t)va, first, size, EL2_PAGE_DEV);
    }
    spin_unlock(&mmu_lock);
    return fits ? (void *)(uintptr_t)(va + (pa.v - first)) : NULL;
}

/* For the VLPT a table descriptor of stage 2 must look, to EL2's walk, like a page of normal
 * memory, read-write, never executable.  The stage-2 walk ignores these bits. */
void mmu_check_table_bits(void)
{
    BUG_ON((PTE_S2_TABLE_BITS &
            (PTE_AF | PTE_SH_INNER | PTE_EL2_AP1 | PTE_EL2_RO | PTE_EL2_XN | PTE_EL2_ATTR(7))) !=
           (PTE_AF | PTE_SH_INNER | PTE_EL2_AP1 | PTE_EL2_XN));
}

bool mmu_in_stack(uintptr_t sp, uintptr_t *top)
{
    uintptr_t emergency = (uintptr_t)emergency_stacks;

    if (sp >= STACKS_VA && sp < STACKS_VA + MAX_CPUS * STACK_STRIDE && (sp & STACK_BYTES)) {
        *top = ROUND_UP(sp + 1, (uintptr_t)STACK_STRIDE);
        return true;
    }
    if (sp >= emergency && sp < emergency + sizeof(emergency_stacks)) {
        *top = ROUND_UP(sp + 1, (uintptr_t)sizeof(emergency_stacks[0]));
        return true;
    }
    return false;
}
