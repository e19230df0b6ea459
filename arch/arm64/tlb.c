/* SPDX-License-Identifier: BSD-2-Clause */
/* TLB and cache upkeep, and the translations that the hardware does for us (AT). */
#include "internal.h"
#include "spinlock.h"
#include <asm/at.h>

uint64_t arch_make_vttbr(paddr_t root, uint16_t vmid) { return root.v | ((uint64_t)vmid << 48); }

void arch_load_vttbr(uint64_t vttbr)
{
    WRITE_SYSREG(vttbr_el2, vttbr);
    arch_isb(); /* what follows (TLBI, AT, ERET) uses the new one */
}

void arch_unload_vttbr(void)
{
    /* The number stays: an empty map makes no TLB entries, and a change of VMID makes emulators
     * forget all that they have. */
    static uint64_t empty_root[2 * 512] __attribute__((aligned(2 * PAGE_SIZE)));
    arch_load_vttbr(
        arch_make_vttbr(va_to_pa(empty_root), (uint16_t)(READ_SYSREG(vttbr_el2) >> 48)));
}

/*
 * TLBI by IPA or VMID acts on the VMID in VTTBR_EL2.  First DSB: the change of the tables is
 * visible to all walkers before the invalidation.  The last: it has completed on all CPUs.
 */
static uint64_t tlb_begin(uint64_t vttbr)
{
    uint64_t old = READ_SYSREG(vttbr_el2);
    __asm__ volatile("dsb ishst" ::: "memory");
    if (old != vttbr)
        arch_load_vttbr(vttbr);
    return old;
}
static void tlb_end(uint64_t vttbr, uint64_t old)
{
    __asm__ volatile("dsb ish\n\tisb" ::: "memory");
    if (old != vttbr)
        arch_load_vttbr(old);
}

void arch_tlb_flush_ipa(uint64_t vttbr, ipa_t ipa)
{
    uint64_t old = tlb_begin(vttbr);
    /* Stage-2 entries by address; then, since they may be cached combined with stage 1, whose
     * addresses are not known, all stage-1 entries of the VMID.  The DSB between: combined entries
     * must not be made anew from the old stage 2. */
    __asm__ volatile("tlbi ipas2e1is, %0\n\tdsb ish\n\ttlbi vmalle1is"
                     :
                     : "r"(ipa_gfn(ipa))
                     : "memory");
    tlb_end(vttbr, old);
}

void arch_tlb_flush_vmid(uint64_t vttbr)
{
    uint64_t old = tlb_begin(vttbr);
    __asm__ volatile("tlbi vmalls12e1is" ::: "memory");
    tlb_end(vttbr, old);
}

void arch_tlb_flush_all_guests(void)
{
    __asm__ volatile("dsb ishst\n\ttlbi alle1is\n\tdsb ish\n\tisb" ::: "memory");
}

static uint64_t dcache_line(void) { return 4ull << ((READ_SYSREG(ctr_el0) >> 16) & 0xf); }

void arch_dcache_clean(const void *va, size_t bytes)
{
    uint64_t line = dcache_line(), end = (uint64_t)va + bytes;
    for (uint64_t at = (uint64_t)va & ~(line - 1); at < end; at += line)
        __asm__ volatile("dc cvac, %0" : : "r"(at) : "memory");
    arch_dsb(); /* complete to the point of coherency for observers without caches */
}

void arch_dcache_clean_invalidate(const void *va, size_t bytes)
{
    uint64_t line = dcache_line(), end = (uint64_t)va + bytes;
    for (uint64_t at = (uint64_t)va & ~(line - 1); at < end; at += line)
        __asm__ volatile("dc civac, %0" : : "r"(at) : "memory");
    arch_dsb();
}

/* Page by page, so that the cleaning finds the lines where the clearing left them. */
void arch_clear_pages(void *va, size_t pages, bool clean)
{
    uint64_t dczid = READ_SYSREG(dczid_el0), block = 4ull << (dczid & 0xf), line = dcache_line();
    bool zva = !(dczid & BIT(4)) && block <= PAGE_SIZE;

    for (uint64_t at = (uint64_t)va, end = at + pages * PAGE_SIZE; at < end; at += PAGE_SIZE) {
        if (zva)
            for (uint64_t p = at; p < at + PAGE_SIZE; p += block)
                __asm__ volatile("dc zva, %0" : : "r"(p) : "memory");
        else
            memset((void *)at, 0, PAGE_SIZE);
        if (clean)
            for (uint64_t p = at; p < at + PAGE_SIZE; p += line)
                __asm__ volatile("dc cvac, %0" : : "r"(p) : "memory");
    }
    if (clean)
        arch_dsb();
}

void arch_icache_invalidate_all(void)
{
    /* The DSB before: cleaned data must be what instruction fetches find; after: done on all CPUs.
     */
    __asm__ volatile("dsb ish\n\tic ialluis\n\tdsb ish\n\tisb" ::: "memory");
}

/*
 * The walk may meet a stage-2 entry between its break and its make (a block of the guest's page
 * tables that is being split).  Whoever makes it holds the p2m lock only for a moment, so the walk
 * is tried again, but not without end: nothing may be mapped there.
 */
int arch_gva_to_ipa(gva_t va, bool write, ipa_t *ipa)
{
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
