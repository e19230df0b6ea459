/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EL2's own map, each CPU's.  Theory of operation:
 *
 * A CPU has a root of four entries.  Those of GiB 1 to 3, the direct map, are the same on all; that
 * of GiB 0 leads to a level-2 table of its own, since two things in it are the CPU's alone: the
 * VLPT leaf window (64 entries), and the table OWN_VA, which has the upper window and what is
 * mapped for a moment.  All else in it is alike on all: el2_map() works on the boot CPU's and
 * copies the entries that it made to the others'.  Nothing there is ever unmapped, so only invalid
 * entries become valid.
 *
 * The windows.  There is room for one of 64 GiB, so a CPU's window shows one domain at a time:
 * copies of the domain's level-1 descriptors, as level-2 descriptors (then what they reach, one
 * level lower, are the level-3 tables as data) and as level-3 descriptors (the level-2 tables as
 * data).  vlpt_show() puts another domain's there when it is asked for, and writes only what
 * differs. If a valid copy was overwritten, the CPU's TLB may have it and what is below it: one
 * TLBIALLH of this CPU ends that, however much was changed (up to 128 MiB of window; by address it
 * would be 512 invalidations for each entry).
 *
 * A copy goes stale when the domain's level-1 entry changes, on any CPU:
 *   empty -> table    arch_vlpt_linked() writes it into the copies of all CPUs that show the
 * domain.  Invalid entries are not cached: no invalidation.  A CPU that looks before it sees the
 * store faults, as on a live table. table -> empty    arch_vlpt_forget(level 2) clears it in all
 * copies, before the table is freed, and ends with a TLBIALLHIS. Both, and vlpt_show(), hold
 * vlpt_lock, and vlpt_show() reads the root while it holds it; the entry of the root is written
 * before arch_vlpt_linked() takes it, so a CPU that loads the domain meanwhile either reads the new
 * entry, or has noted that it shows the domain before arch_vlpt_linked() looks.  Level-3 tables
 * that go are seen by the windows through live level-2 tables: an invalidation of that page of the
 * window, on all CPUs, whichever domain they show.
 */
#include "internal.h"
#include "panic.h"
#include "spinlock.h"
#include "mm.h"
#include "pt.h"
#include "lib.h"

#define POOL_PAGES \
    48u /* before the page allocator stands: tables for ragged ends of RAM banks, and devices */
#define EARLY_MAX_BLOCKS 8u /* 16 MiB */
#define MOMENTS                                                                                    \
    (512u - VLPT_ENTRIES) /* pages that a CPU can map for a moment at once; nobody nests more than \
                             a few */

const struct pt_geometry pt_geometry_el2 = {
    .input_bits = 32, .root_level = 1, .root_pages = 1, .stage2 = false
};

uint64_t image_pa, directmap_pa;
uint8_t emergency_stacks[MAX_CPUS][1 << EMERGENCY_SHIFT] __attribute__((aligned(4096)));
static uint8_t table_pool[POOL_PAGES][PAGE_SIZE] __attribute__((aligned(4096)));
static unsigned pool_used, early_used;
static uint32_t device_next = DEVICES_VA;
static spinlock_t mmu_lock = SPINLOCK_INIT;

static uint64_t root[MAX_CPUS][4] __attribute__((aligned(32)));
static uint64_t low_l2[MAX_CPUS][512] __attribute__((aligned(4096))); /* GiB 0 */
static uint64_t own_l3[MAX_CPUS][512] __attribute__((aligned(4096))); /* OWN_VA */
static uint64_t lasting_l3[LASTING_BYTES / PAGE_SIZE] __attribute__((aligned(4096)));

#define LOW_WINDOW                                                                \
    (VLPT_LEAF_VA >> BLOCK_SHIFT) /* first of the leaf window's entries in low_l2 \
                                   */

static spinlock_t vlpt_lock = SPINLOCK_INIT;
static uint64_t slot_root[VLPT_SLOTS]; /* PA of the root pages, 0: nobody's */
int32_t vlpt_shown[MAX_CPUS] = { [0 ... MAX_CPUS - 1] = -2 };

static uint64_t table_desc(const void *table) { return va_to_pa(table).v | PTE_TABLE | PTE_VALID; }

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

static void flush_el2_everywhere(void)
{
    BARRIER("dsb ishst");
    WRITE_SYSREG(tlbiallhis, 0);
    BARRIER("dsb ish\n\tisb");
}

/* A page of Hyp mode's, on all CPUs.  Before: the store that took it away must be seen by walkers.
 * After: complete before it is reused. */
static void flush_el2_page(uint32_t va)
{
    BARRIER("dsb ishst");
    WRITE_SYSREG(tlbimvahis, va & ~(PAGE_SIZE - 1));
    BARRIER("dsb ish\n\tisb");
}

static void el2_flush(struct pt *pt, uint64_t addr, unsigned level, bool table)
{
    (void)pt, (void)addr, (void)level, (void)table;
    flush_el2_everywhere();
}

static struct pt el2_pt = { .geo = &pt_geometry_el2,
                            .flush = el2_flush,
                            .alloc_table = table_alloc,
                            .free_table = table_free };

/* What the boot CPU's tables have, all CPUs' have: all but the windows and OWN_VA. */
static void copy_to_others(uint32_t va, uint64_t bytes)
{
    for (unsigned cpu = 1; cpu < MAX_CPUS; cpu++) {
        for (uint64_t at = ROUND_DOWN(va, BLOCK_SIZE); at < va + bytes && at < DIRECTMAP_VA;
             at += BLOCK_SIZE)
            low_l2[cpu][at >> BLOCK_SHIFT] = low_l2[0][at >> BLOCK_SHIFT];
        for (unsigned i = DIRECTMAP_VA >> 30; i < 4; i++)
            root[cpu][i] = root[0][i];
    }
}

/* The walker ends with the DSB; another is for the copies; the ISB makes this CPU's next access use
 * the new entry. */
static void el2_map(uint32_t va, uint64_t pa, uint64_t bytes, uint64_t attributes)
{
    if (!bytes)
        return;
    int rc = pt_map(&el2_pt, va, PA(pa), bytes, attributes & ~(PTE_VALID | PTE_TABLE), 1);
    if (rc)
        panic("no memory for EL2's tables: %#llx bytes at %#llx: %d", (unsigned long long)bytes,
              (unsigned long long)pa, rc);
    copy_to_others(va, bytes);
    BARRIER("dsb ishst\n\tisb");
}

/* GiB 0 of one CPU, as far as it is there at boot. */
static void low_init(unsigned cpu)
{
    uint64_t *l2 = low_l2[cpu];

    for (unsigned i = 0; i < BOOT_L3_TABLES; i++)
        l2[(IMAGE_VA >> BLOCK_SHIFT) + i] = boot_l2[(IMAGE_VA >> BLOCK_SHIFT) + i];
    l2[STACKS_VA >> BLOCK_SHIFT] = boot_l2[STACKS_VA >> BLOCK_SHIFT];
    l2[OWN_VA >> BLOCK_SHIFT] = table_desc(own_l3[cpu]);
    for (unsigned i = 0; i < LASTING_BYTES >> BLOCK_SHIFT; i++)
        l2[(LASTING_VA >> BLOCK_SHIFT) + i] = table_desc(lasting_l3 + 512 * (size_t)i);
    root[cpu][0] = table_desc(l2);
    for (unsigned i = DIRECTMAP_VA >> 30; i < 4; i++)
        root[cpu][i] = boot_cpu_l1[i];
}

void mmu_init(void)
{
    directmap_pa = ROUND_DOWN(image_pa, 1ull << 30);
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        low_init(cpu);
    el2_pt.root = va_to_pa(root[0]);
    mmu_cpu_init();
}

void mmu_cpu_init(void)
{
    /* The tables' last stores before the walker may read them. */
    BARRIER("dsb ish");
    WRITE_SYSREG(httbr, va_to_pa(root[cpu_id()]).v);
    BARRIER("isb"); /* first, so that no walk of the old root comes after the invalidation of the
                       one-to-one map */
    WRITE_SYSREG(tlbiallh, 0);
    BARRIER("dsb nsh\n\tisb");
}

const void *arch_early_map(paddr_t pa, uint64_t bytes)
{
    uint64_t first = ROUND_DOWN(pa.v, (uint64_t)BLOCK_SIZE),
             end = ROUND_UP(pa.v + bytes, (uint64_t)BLOCK_SIZE);
    unsigned blocks = (unsigned)((end - first) >> BLOCK_SHIFT);

    if (end <= first || (end - first) >> BLOCK_SHIFT > EARLY_MAX_BLOCKS - early_used)
        return NULL;
    uint32_t va = EARLY_VA + (early_used << BLOCK_SHIFT);
    for (unsigned i = 0; i < blocks; i++)
        low_l2[0][(va >> BLOCK_SHIFT) + i] = (first + ((uint64_t)i << BLOCK_SHIFT)) |
                                             (EL2_PAGE_RO & ~PTE_TABLE);
    early_used += blocks;
    copy_to_others(va, (uint64_t)blocks << BLOCK_SHIFT);
    /* From invalid to valid: the store must reach the walkers before the first use. */
    BARRIER("dsb ishst\n\tisb");
    return (const char *)va + (uint32_t)(pa.v - first);
}

static void map_ram(uint64_t start, uint64_t end)
{
    if (end > start)
        el2_map((uint32_t)(uintptr_t)pa_to_va(PA(start)), start, end - start, EL2_PAGE_RW);
}

/* What of it the direct map can hold, but for the image: boot_map.c has put that there, with text
 * and rodata read-only. */
void arch_map_ram(paddr_t pa, uint64_t bytes)
{
    uint64_t image_bytes = ROUND_UP((uint64_t)(image_end - image_start), (uint64_t)PAGE_SIZE),
             hole_end = image_pa + image_bytes;
    uint64_t start = MAX(pa.v, directmap_pa),
             end = MIN(pa.v + bytes, directmap_pa + DIRECTMAP_BYTES);

    map_ram(start, MIN(end, image_pa));
    map_ram(MAX(start, hole_end), end);
    if (start < image_pa && end > image_pa && end < hole_end)
        panic("RAM ends inside the image, at %#llx", (unsigned long long)end);
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
    bool fits = size && size <= DEVICES_BYTES && va + size <= DEVICES_VA + DEVICES_BYTES;
    if (fits) {
        device_next = (uint32_t)(va + size);
        el2_map((uint32_t)va, first, size, EL2_PAGE_DEV);
    }
    spin_unlock(&mmu_lock);
    return fits ? (void *)(uintptr_t)(va + (pa.v - first)) : NULL;
}

/* ---- VLPT ---- */

/* Each is one store for the walker: GCC makes it of LDREXD and STREXD. */
static void put_copy(unsigned cpu, unsigned i, uint64_t desc)
{
    __atomic_store_n(&low_l2[cpu][LOW_WINDOW + i], desc, __ATOMIC_RELAXED);
    __atomic_store_n(&own_l3[cpu][i], desc, __ATOMIC_RELAXED);
}

static uint64_t root_entry(unsigned slot, unsigned i)
{
    const uint64_t *entry = pa_to_va(PA(slot_root[slot]));
    uint64_t desc = __atomic_load_n(&entry[i], __ATOMIC_RELAXED);
    return desc & PTE_VALID ? desc : 0;
}

/* Take away what is to be replaced: two translations of one address must not be in a TLB (break
 * before make). */
static void break_copies(unsigned cpu, unsigned slot)
{
    bool flush = false;

    for (unsigned i = 0; i < VLPT_ENTRIES; i++) {
        uint64_t old = low_l2[cpu][LOW_WINDOW + i];
        if (!old || old == root_entry(slot, i))
            continue;
        put_copy(cpu, i, 0);
        flush = true;
    }
    if (!flush)
        return;
    BARRIER("dsb nshst");
    WRITE_SYSREG(tlbiallh, 0);
    BARRIER("dsb nsh");
}

void vlpt_show(unsigned slot)
{
    unsigned cpu = cpu_id();

    spin_lock(&vlpt_lock);
    break_copies(cpu, slot);
    for (unsigned i = 0; i < VLPT_ENTRIES; i++) {
        uint64_t desc = root_entry(slot, i);
        if (low_l2[cpu][LOW_WINDOW + i] != desc)
            put_copy(cpu, i, desc);
    }
    vlpt_shown[cpu] = (int32_t)slot;
    spin_unlock(&vlpt_lock);
    BARRIER("dsb nshst\n\tisb");
}

/* Every CPU that shows `slot` gets `desc` at i. */
static void put_copies(unsigned slot, unsigned i, uint64_t desc)
{
    ASSERT_LOCKED(&vlpt_lock);
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        if (vlpt_shown[cpu] == (int32_t)slot)
            put_copy(cpu, i, desc);
    BARRIER("dsb ishst");
}

void arch_vlpt_linked(unsigned slot, ipa_t ipa, uint64_t desc)
{
    unsigned i = (unsigned)(ipa.v >> 30);

    BUG_ON(i >= VLPT_ENTRIES);
    spin_lock(&vlpt_lock);
    put_copies(slot, i, desc);
    spin_unlock(&vlpt_lock);
    arch_isb();
}

/* Level-1 descriptors of the stage 2 must look like tables and pages of normal memory, never
 * executable; it ignores these bits. */
void arch_vlpt_attach(unsigned slot, paddr_t pa)
{
    BUG_ON(slot >= VLPT_SLOTS || !pa_in_direct_map(pa));
    BUG_ON((PTE_S2_TABLE_BITS &
            (PTE_AF | PTE_SH_INNER | PTE_EL2_AP1 | PTE_EL2_RO | PTE_EL2_XN | PTE_EL2_ATTR(7))) !=
           (PTE_AF | PTE_SH_INNER | PTE_EL2_AP1 | PTE_EL2_XN));
    spin_lock(&vlpt_lock);
    slot_root[slot] = pa.v;
    spin_unlock(&vlpt_lock);
}

void arch_vlpt_detach(unsigned slot)
{
    BUG_ON(slot >= VLPT_SLOTS);
    spin_lock(&vlpt_lock);
    for (unsigned i = 0; i < VLPT_ENTRIES; i++)
        put_copies(slot, i, 0);
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        if (vlpt_shown[cpu] == (int32_t)slot)
            vlpt_shown[cpu] = -2;
    slot_root[slot] = 0;
    spin_unlock(&vlpt_lock);
    flush_el2_everywhere();
}

void arch_vlpt_forget(unsigned slot, ipa_t ipa, unsigned level)
{
    BUG_ON(ipa.v >> VLPT_IPA_BITS);
    if (level == 3) {
        flush_el2_page(VLPT_LEAF_VA + (uint32_t)(ipa_gfn(ipa) * 8));
        return;
    }
    spin_lock(&vlpt_lock);
    put_copies(slot, (unsigned)(ipa.v >> 30), 0);
    spin_unlock(&vlpt_lock);
    flush_el2_everywhere();
}

/* ---- RAM outside the direct map ---- */

static uint16_t moments[MAX_CPUS]; /* how many are mapped: a stack */

static uint64_t *moment_entry(unsigned cpu, unsigned n) { return &own_l3[cpu][VLPT_ENTRIES + n]; }

void *arch_map_page(paddr_t pa)
{
    unsigned cpu = cpu_id(), n = moments[cpu]++;

    BUG_ON(n >= MOMENTS);
    __atomic_store_n(moment_entry(cpu, n), (pa.v & PTE_ADDR) | EL2_PAGE_RW, __ATOMIC_RELAXED);
    BARRIER("dsb nshst\n\tisb");
    return (void *)(uintptr_t)(MOMENT_VA + n * PAGE_SIZE);
}

/* The last that was mapped here. */
void arch_unmap_page(const void *va)
{
    unsigned cpu = cpu_id(), n = ((uint32_t)(uintptr_t)va - MOMENT_VA) >> PAGE_SHIFT;

    BUG_ON(n + 1u != moments[cpu]);
    moments[cpu] = (uint16_t)n;
    __atomic_store_n(moment_entry(cpu, n), 0, __ATOMIC_RELAXED);
    BARRIER("dsb nshst"); /* this CPU alone uses the place */
    WRITE_SYSREG(tlbimvah, (uint32_t)(uintptr_t)va & ~(PAGE_SIZE - 1));
    BARRIER("dsb nsh\n\tisb");
}

void *arch_map_lasting(paddr_t pa)
{
    void *va = NULL;

    spin_lock(&mmu_lock);
    for (unsigned i = 0; i < ARRAY_SIZE(lasting_l3) && !va; i++)
        if (!lasting_l3[i]) {
            __atomic_store_n(&lasting_l3[i], (pa.v & PTE_ADDR) | EL2_PAGE_RW, __ATOMIC_RELAXED);
            va = (void *)(uintptr_t)(LASTING_VA + i * PAGE_SIZE);
        }
    spin_unlock(&mmu_lock);
    BARRIER("dsb ishst\n\tisb");
    return va;
}

void arch_unmap_lasting(const void *va)
{
    uint32_t at = (uint32_t)(uintptr_t)va & ~(PAGE_SIZE - 1), i = (at - LASTING_VA) >> PAGE_SHIFT;

    BUG_ON(i >= ARRAY_SIZE(lasting_l3));
    spin_lock(&mmu_lock); /* until the TLBs have forgotten it: nobody gets the place before */
    uint64_t old = lasting_l3[i];
    __atomic_store_n(&lasting_l3[i], old & ~PTE_VALID, __ATOMIC_RELAXED);
    flush_el2_page(at);
    __atomic_store_n(&lasting_l3[i], 0, __ATOMIC_RELAXED);
    spin_unlock(&mmu_lock);
}

bool mmu_in_stack(uint32_t sp, uint32_t *top)
{
    uint32_t emergency = (uint32_t)(uintptr_t)emergency_stacks;

    if (sp >= STACKS_VA && sp < STACKS_VA + MAX_CPUS * STACK_STRIDE && (sp & STACK_BYTES)) {
        *top = ROUND_UP(sp + 1, (uint32_t)STACK_STRIDE);
        return true;
    }
    if (sp >= emergency && sp < emergency + sizeof(emergency_stacks)) {
        *top = ROUND_UP(sp + 1, (uint32_t)sizeof(emergency_stacks[0]));
        return true;
    }
    return false;
}
