/* SPDX-License-Identifier: BSD-2-Clause */
/* TLB and cache upkeep, and the translations that the hardware does for us (ATS1C). */
#include "internal.h"
#include "spinlock.h"
#include <asm/at.h>

uint64_t arch_make_vttbr(paddr_t root, uint16_t vmid) { return root.v | ((uint64_t)vmid << 48); }

void arch_load_vttbr(uint64_t vttbr)
{
    WRITE_SYSREG(vttbr, vttbr);
    arch_isb(); /* what follows (TLBI, ATS1C, ERET) uses the new one */
}

void arch_unload_vttbr(void)
{
    /* The number stays: an empty map makes no TLB entries, and a change of VMID makes emulators
     * forget all that they have. */
    static uint64_t empty_root[2 * 512] __attribute__((aligned(2 * PAGE_SIZE)));
    arch_load_vttbr(arch_make_vttbr(va_to_pa(empty_root), (uint16_t)(READ_SYSREG(vttbr) >> 48)));
}

/* First DSB: the change of the tables is visible to all walkers before the invalidation.  The last:
 * it has completed on all CPUs. */
static uint64_t tlb_begin(uint64_t vttbr)
{
    uint64_t old = READ_SYSREG(vttbr);
    BARRIER("dsb ishst");
    if (old != vttbr)
        arch_load_vttbr(vttbr);
    return old;
}
static void tlb_end(uint64_t vttbr, uint64_t old)
{
    BARRIER("dsb ish\n\tisb");
    if (old != vttbr)
        arch_load_vttbr(old);
}

void arch_tlb_flush_vmid(uint64_t vttbr)
{
    uint64_t old = tlb_begin(vttbr);
    WRITE_SYSREG(tlbiallis, 0); /* of the VMID in VTTBR: DDI 0406C, B4.2.2 */
    tlb_end(vttbr, old);
}

/* Armv7-A invalidates by guest-virtual address, or all of a VMID: by guest-physical address it
 * cannot. */
void arch_tlb_flush_ipa(uint64_t vttbr, ipa_t ipa)
{
    (void)ipa;
    arch_tlb_flush_vmid(vttbr);
}

void arch_tlb_flush_all_guests(void)
{
    BARRIER("dsb ishst");
    WRITE_SYSREG(tlbiallnsnhis, 0);
    BARRIER("dsb ish\n\tisb");
}

/* Lines of the data cache, from the one that has `va`: counted, since the last page's end is
 * address 0. */
struct lines {
    uint32_t at, bytes, count;
};
static struct lines lines_of(const void *va, size_t bytes)
{
    uint32_t line = 4u << ((READ_SYSREG(ctr) >> 16) & 0xf), start = (uint32_t)(uintptr_t)va,
             skew = start & (line - 1);
    return (struct lines){ start - skew, line, (skew + bytes + line - 1) / line };
}

void arch_dcache_clean(const void *va, size_t bytes)
{
    for (struct lines l = lines_of(va, bytes); l.count; l.count--, l.at += l.bytes)
        WRITE_SYSREG(dccmvac, l.at);
    arch_dsb(); /* complete to the point of coherency for observers without caches */
}

void arch_dcache_clean_invalidate(const void *va, size_t bytes)
{
    for (struct lines l = lines_of(va, bytes); l.count; l.count--, l.at += l.bytes)
        WRITE_SYSREG(dccimvac, l.at);
    arch_dsb();
}

static void clear_page(uint8_t *va)
{
    __asm__ volatile(
        "mov r2, #0\n\tmov r3, #0\n\tmov r4, #0\n\tmov r5, #0\n\tmov r6, #0\n\tmov r8, #0\n\tmov r9, #0\n\tmov r10, #0\n"
        "1: stm %0!, {r2-r6, r8-r10}\n\tstm %0!, {r2-r6, r8-r10}\n\tcmp %0, %1\n\tbne 1b"
        : "+r"(va)
        : "r"(va + PAGE_SIZE)
        : "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "memory", "cc");
}

/* Page by page, so that the cleaning finds the lines where the clearing left them. */
void arch_clear_pages(void *va, size_t pages, bool clean)
{
    uint8_t *at = va;

    for (size_t i = 0; i < pages; i++, at += PAGE_SIZE) {
        clear_page(at);
        if (clean)
            arch_dcache_clean(at, PAGE_SIZE);
    }
}

void arch_icache_invalidate_all(void)
{
    /* The DSB before: cleaned data must be what instruction fetches find; after: done on all CPUs.
     */
    BARRIER("dsb ish");
    WRITE_SYSREG(icialluis, 0);
    BARRIER("dsb ish\n\tisb");
}

/*
 * The walk may meet a stage-2 entry between its break and its make (a block of the guest's page
 * tables that is being split).  Whoever makes it holds the p2m lock only for a moment, so the walk
 * is tried again, but not without end: nothing may be mapped there.
 */
int arch_gva_to_ipa(gva_t va, bool write, ipa_t *ipa)
{
    if (va.v >> 32) /* a handle has 64 bits, and a copy may run over the end of the address space */
        return -XEN_EFAULT;
    for (unsigned tries = 0; tries < 1000; tries++) {
        uint64_t par = guest_at_par(va, write);
        if (likely(!(par & PAR_F))) {
            *ipa = par_ipa(par, va);
            return 0;
        }
        if (!par_stage2_translation(par))
            break;
        spin_lock(&current_vcpu()->domain->p2m.lock); /* after the maker */
        spin_unlock(&current_vcpu()->domain->p2m.lock);
    }
    return -XEN_EFAULT;
}
