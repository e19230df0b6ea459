/* SPDX-License-Identifier: BSD-2-Clause */
/* TLB and cache upkeep, and the translations that the hardware does for us (AT). */
#include "internal.h"
#include <asm/at.h>
#include "width/tlb.h"

uint64_t arch_make_vttbr(paddr_t root, uint16_t vmid) { return root.v | ((uint64_t)vmid << 48); }

void arch_load_vttbr(uint64_t vttbr)
{
    WRITE_SYSREG(vttbr_el2, vttbr);
    arch_isb(); /* what follows (TLBI, AT, ERET) uses the new value */
}

void arch_unload_vttbr(void)
{
    /* The VMID stays: an empty map makes no TLB entries, and a change of VMID makes emulators
     * forget their whole TLB. */
    static uint64_t empty_root[2 * 512] __attribute__((aligned(2 * PAGE_SIZE)));
    arch_load_vttbr(
        arch_make_vttbr(va_to_pa(empty_root), (uint16_t)(READ_SYSREG(vttbr_el2) >> 48)));
}

/*
 * TLBI by IPA or VMID acts on the VMID in VTTBR_EL2.  The first DSB makes the change of the tables
 * visible to all walkers before the invalidation.  After the last, the invalidation has completed
 * on all CPUs.
 */
static uint64_t tlb_begin(uint64_t vttbr)
{
    uint64_t old = READ_SYSREG(vttbr_el2);
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

void arch_tlb_flush_ipa(uint64_t vttbr, ipa_t ipa)
{
    uint64_t old = tlb_begin(vttbr);
    tlbi_ipa(ipa);
    tlb_end(vttbr, old);
}

void arch_tlb_flush_vmid(uint64_t vttbr)
{
    uint64_t old = tlb_begin(vttbr);
    tlbi_vmid();
    tlb_end(vttbr, old);
}

void arch_tlb_flush_all_guests(void)
{
    BARRIER("dsb ishst");
    TLBI(alle1is);
    BARRIER("dsb ish\n\tisb");
}

/* Lines of the data cache, from the one that holds `va`.  They are counted: the end of the last
 * page of the address space is address 0. */
struct lines {
    uintptr_t at, bytes, count;
};
static struct lines lines_of(const void *va, size_t bytes)
{
    uintptr_t line = (uintptr_t)4 << ((READ_SYSREG(ctr_el0) >> 16) & 0xf), start = (uintptr_t)va,
              skew = start & (line - 1);
    return (struct lines){ start - skew, line, (skew + bytes + line - 1) / line };
}

void arch_dcache_clean(const void *va, size_t bytes)
{
    for (struct lines l = lines_of(va, bytes); l.count; l.count--, l.at += l.bytes)
        DC(cvac, l.at);
    arch_dsb(); /* complete to the point of coherency, for observers without caches */
}

void arch_dcache_clean_invalidate(const void *va, size_t bytes)
{
    for (struct lines l = lines_of(va, bytes); l.count; l.count--, l.at += l.bytes)
        DC(civac, l.at);
    arch_dsb();
}

/* Page by page, so that the cleaning finds the lines in the cache where the clearing left them. */
void arch_clear_pages(void *va, size_t pages, bool clean)
{
    uint8_t *at = va;

    for (size_t i = 0; i < pages; i++, at += PAGE_SIZE) {
        clear_page(at);
        if (!clean)
            continue;
        for (struct lines l = lines_of(at, PAGE_SIZE); l.count; l.count--, l.at += l.bytes)
            DC(cvac, l.at);
    }
    if (clean)
        arch_dsb();
}

void arch_icache_invalidate_all(void)
{
    /* Before it, cleaned data must be visible to instruction fetches.  After it, the invalidation
     * has completed on all CPUs. */
    BARRIER("dsb ish");
    IC(ialluis);
    BARRIER("dsb ish\n\tisb");
}

/*
 * The walk may meet a stage-2 entry between its break and its make (when a block that holds the
 * guest's page tables is being split).  The maker holds the p2m lock only for a moment, so the walk
 * is tried again.  The number of tries has a limit, since nothing may be mapped there at all.
 */
int arch_gva_to_ipa(gva_t va, bool write, ipa_t *ipa)
{
    if (!gva_fits(va))
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
