/* SPDX-License-Identifier: BSD-2-Clause */
/* Stage 1 of the current vCPU, asked of the hardware; PAR_EL1 as an AT leaves it (Arm ARM
 * D17.2.115). */
#ifndef ASM_AT_H
#define ASM_AT_H

#include "types.h"
#include <asm/sysreg.h>

#define PAR_F         1ull        /* failed: */
#define PAR_FST_SHIFT 1           /* how */
#define PAR_S         (1ull << 9) /* in stage 2 */
#define PAR_ADDR      0xfffffffff000ull

/* For EL1.  The register is the guest's, who may be between an AT of its own and reading it. */
static inline uint64_t guest_at_par(gva_t va, bool write)
{
    uint64_t guest_par = READ_SYSREG(par_el1), par;

    if (write)
        __asm__ volatile("at s1e1w, %0\n\tisb" : : "r"(va.v) : "memory");
    else
        __asm__ volatile("at s1e1r, %0\n\tisb" : : "r"(va.v) : "memory");
    par = READ_SYSREG(par_el1);
    WRITE_SYSREG(par_el1, guest_par);
    return par;
}
/* It failed, in stage 2, on an entry that was not there. */
static inline bool par_stage2_translation(uint64_t par)
{
    return (par & PAR_S) && (par >> PAR_FST_SHIFT & FSC_TYPE) == FSC_TRANSLATION;
}
static inline ipa_t par_ipa(uint64_t par, gva_t va)
{
    return IPA((par & PAR_ADDR) | (va.v & (PAGE_SIZE - 1)));
}
static inline bool guest_at(gva_t va, bool write, ipa_t *ipa)
{
    uint64_t par = guest_at_par(va, write);
    *ipa = par_ipa(par, va);
    return !(par & PAR_F);
}

#endif
