/* SPDX-License-Identifier: BSD-2-Clause */
/* What common/tlb.c needs of arm64. */
#ifndef ARCH_WIDTH_TLB_H
#define ARCH_WIDTH_TLB_H

#include "internal.h"

/*
 * Stage-2 entries by address; then all stage-1 entries of the VMID, since a TLB may cache them
 * combined with stage 2, and their addresses are not known.  The DSB between the two: combined
 * entries must not be made anew from the old stage 2.
 */
static inline void tlbi_ipa(ipa_t ipa)
{
    __asm__ volatile("tlbi ipas2e1is, %0\n\tdsb ish\n\ttlbi vmalle1is"
                     :
                     : "r"(ipa_gfn(ipa))
                     : "memory");
}
static inline void tlbi_vmid(void) { TLBI(vmalls12e1is); }

/* DC ZVA where the CPU has it. */
static inline void clear_page(uint8_t *va)
{
    uint64_t dczid = READ_SYSREG(dczid_el0), block = 4ull << (dczid & 0xf);

    if ((dczid & BIT(4)) || block > PAGE_SIZE) {
        memset(va, 0, PAGE_SIZE);
        return;
    }
    for (uint8_t *p = va; p < va + PAGE_SIZE; p += block)
        DC(zva, p);
}

#endif
