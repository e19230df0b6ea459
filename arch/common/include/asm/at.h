/* SPDX-License-Identifier: BSD-2-Clause */
/* Stage 1 of the current vCPU, translated by the hardware: AT operations, and PAR_EL1 as they leave
 * it (Arm ARM D17.2.115; for AArch32 DDI 0406C, B4.1.112). */
#ifndef ASM_AT_H
#define ASM_AT_H

#include "types.h"
#include <asm/cpu.h>
#include <asm/sysreg.h>

#define PAR_F         1ull        /* the translation failed: */
#define PAR_FST_SHIFT 1           /* with this fault status */
#define PAR_S         (1ull << 9) /* in stage 2 */

#include <asm/width/at.h>

/* Translate for EL1.  PAR_EL1 is the guest's: an exit may come between an AT of the guest and its
 * read of the register, so the old value is put back. */
static inline uint64_t guest_at_par(gva_t va, bool write)
{
    uint64_t guest_par = READ_SYSREG(par_el1), par;

    if (write)
        AT(s1e1w, va.v);
    else
        AT(s1e1r, va.v);
    arch_isb();
    par = READ_SYSREG(par_el1);
    WRITE_SYSREG(par_el1, guest_par);
    return par_long_format(par, va);
}
/* The translation failed in stage 2, on an entry that was not there. */
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
