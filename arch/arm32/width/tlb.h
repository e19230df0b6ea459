/* SPDX-License-Identifier: BSD-2-Clause */
/* What common/tlb.c needs of arm32. */
#ifndef ARCH_WIDTH_TLB_H
#define ARCH_WIDTH_TLB_H

#include "internal.h"

/* Both stages of the VMID in VTTBR: TLBIALLIS (DDI 0406C, B4.2.2). */
static inline void tlbi_vmid(void) { TLBI(vmalle1is); }
/* Armv7-A has no invalidation by guest-physical address. */
static inline void tlbi_ipa(ipa_t ipa)
{
    (void)ipa;
    tlbi_vmid();
}

/* By eight registers at a time; r7 and r11 may be frame pointers. */
static inline void clear_page(uint8_t *va)
{
    __asm__ volatile("mov r2, #0\n\t"
                     "mov r3, #0\n\t"
                     "mov r4, #0\n\t"
                     "mov r5, #0\n\t"
                     "mov r6, #0\n\t"
                     "mov r8, #0\n\t"
                     "mov r9, #0\n\t"
                     "mov r10, #0\n"
                     "1: stm %0!, {r2-r6, r8-r10}\n\t"
                     "stm %0!, {r2-r6, r8-r10}\n\t"
                     "cmp %0, %1\n\t"
                     "bne 1b"
                     : "+r"(va)
                     : "r"(va + PAGE_SIZE)
                     : "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "memory", "cc");
}

#endif
