/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EL2's own map, one per CPU.  Theory of operation:
 *
 * A CPU has a root of four entries.  The entries of GiB 1 to 3, the direct map, are the same on all
 * CPUs.  The entry of GiB 0 leads to a level-2 table of the CPU's own, because two things in it
 * belong to one CPU: the VLPT leaf window (64 entries), and the table OWN_VA, which has the upper
 * window and the pages that are mapped for a moment.  All other entries of it are alike on all
 * CPUs: el2_map() works on the boot CPU's tables, and mmu_mapped() copies the entries to the
 * others'.  Nothing there is ever unmapped, so only invalid entries become valid.
 *
 * The windows.  There is room for one window of 64 GiB, so a CPU's window shows one domain at a
 * time. It is made of copies of the domain's level-1 descriptors: as level-2 descriptors they show,
 * one level lower, the level-3 tables as data, and as level-3 descriptors they show the level-2
 * tables as data.  vlpt_show() puts another domain's descriptors there when they are needed, and
 * writes only those that differ.  If it overwrote a valid copy, the CPU's TLB may have that copy
 * and what is below it.  One TLBIALLH of this CPU ends that, however much has changed (up to 128
 * MiB of window: by address it would take 512 invalidations per entry).
 *
 * A copy goes stale when the domain's level-1 entry changes, on any CPU:
 *   empty -> table   arch_vlpt_linked() writes the entry into the copies of all CPUs that show the
 *                    domain.  Invalid entries are not cached, so no invalidation is needed.  A CPU
 *                    that looks before it sees the store faults, as on a live table.
 *   table -> empty   arch_vlpt_forget(level 2) clears the entry in all copies, before the table is
 *                    freed, and ends with a TLBIALLHIS.
 * Both, and vlpt_show(), hold vlpt_lock, and vlpt_show() reads the root while it holds the lock.
 * The entry of the root is written before arch_vlpt_linked() takes the lock.  So a CPU that starts
 * to show the domain meanwhile either reads the new entry, or has noted that it shows the domain
 * before arch_vlpt_linked() looks.  The windows see level-3 tables through live level-2 tables.
 * When a level-3 table goes away, that page of the window is invalidated on all CPUs, whichever
 * domain they show.
 */
#include "internal.h"

/* Pages that a CPU can map for a moment at once; nested uses need only a few. */
#define MOMENTS (512u - VLPT_ENTRIES)

const struct pt_geometry pt_geometry_el2 = {
    .input_bits = 32, .root_level = 1, .root_pages = 1, .stage2 = false
};

uint64_t directmap_pa;
static uint64_t root[MAX_CPUS][4] __attribute__((aligned(32)));
static uint64_t low_l2[MAX_CPUS][512] __attribute__((aligned(4096))); /* GiB 0 */
static uint64_t own_l3[MAX_CPUS][512] __attribute__((aligned(4096))); /* OWN_VA */
static uint64_t lasting_l3[LASTING_BYTES / PAGE_SIZE] __attribute__((aligned(4096)));

/* The leaf window's first entry in low_l2. */
#define LOW_WINDOW (VLPT_LEAF_VA >> BLOCK_SHIFT)

static spinlock_t vlpt_lock = SPINLOCK_INIT;
static uint64_t slot_root[VLPT_SLOTS]; /* PA of the root pages, 0: nobody's */
int32_t vlpt_shown[MAX_CPUS] = { [0 ... MAX_CPUS - 1] = -2 };

/* All CPUs' tables get the entries of the boot CPU's: all but the windows and OWN_VA. */
void mmu_mapped(uintptr_t va, uint64_t bytes)
{
    for (unsigned cpu = 1; cpu < MAX_CPUS; cpu++) {
        for (uint64_t at = ROUND_DOWN(va, BLOCK_SIZE); at < va + bytes && at < DIRECTMAP_VA;
             at += BLOCK_SIZE)
            low_l2[cpu][at >> BLOCK_SHIFT] = low_l2[0][at >> BLOCK_SHIFT];
        for (unsigned i = DIRECTMAP_VA >> 30; i < 4; i++)
            root[cpu][i] = root[0][i];
    }
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

paddr_t mmu_root(unsigned cpu) { return va_to_pa(root[cpu]); }

uint64_t *mmu_early_entries(void) { return &low_l2[0][EARLY_VA >> BLOCK_SHIFT]; }

static void map_ram(uint64_t start, uint64_t end)
{
    if (end > start)
        el2_map((uintptr_t)pa_to_va(PA(start)), start, end - start, EL2_PAGE_RW);
}

/* The part that the direct map can hold, without the image: boot_map.c has put the image there,
 * with text and rodata read-only. */
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

/* Remove the entries that will be replaced: a TLB must not have two translations of one address
 * (break before make). */
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
    TLBI(alle2);
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

void arch_vlpt_attach(unsigned slot, paddr_t pa)
{
    BUG_ON(slot >= VLPT_SLOTS || !pa_in_direct_map(pa));
    mmu_check_table_bits();
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
    el2_flush_everywhere();
}

void arch_vlpt_forget(unsigned slot, ipa_t ipa, unsigned level)
{
    BUG_ON(ipa.v >> VLPT_IPA_BITS);
    if (level == 3) {
        el2_flush_page(VLPT_LEAF_VA + (uint32_t)(ipa_gfn(ipa) * 8));
        return;
    }
    spin_lock(&vlpt_lock);
    put_copies(slot, (unsigned)(ipa.v >> 30), 0);
    spin_unlock(&vlpt_lock);
    el2_flush_everywhere();
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
    TLBI_VA(vae2, (uint32_t)(uintptr_t)va);
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
    el2_flush_page(at);
    __atomic_store_n(&lasting_l3[i], 0, __ATOMIC_RELAXED);
    spin_unlock(&mmu_lock);
}
