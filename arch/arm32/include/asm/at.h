/* SPDX-License-Identifier: BSD-2-Clause */
/* Stage 1 of the current vCPU, asked of the hardware; PAR as ATS1C leaves it (Arm ARM, DDI 0406C,
 * B4.1.112). */
#ifndef ASM_AT_H
#define ASM_AT_H

#include "types.h"
#include <asm/cpu.h>
#include <asm/sysreg.h>

#define PAR_F            1ull         /* failed: */
#define PAR_FST_SHIFT    1            /* how */
#define PAR_SUPERSECTION (1ull << 1)  /* short format, not failed */
#define PAR_S            (1ull << 9)  /* in stage 2 */
#define PAR_LPAE         (1ull << 11) /* long format */
#define PAR_ADDR         0xfffffff000ull

/*
 * The short format, of guests with short descriptors, made long: Hyp mode should get the long one
 * whatever the guest's format is (B3.12.5), but the register says itself what it holds.
 */
static inline uint64_t par_make_long(uint64_t par, uint32_t va)
{
    uint64_t low = (uint32_t)par;

    if (low & PAR_F)
        return PAR_F; /* the fault's number is of the short format: never one of stage 2 */
    if (low & PAR_SUPERSECTION) /* PA[31:24], and PA[39:32] in 23:16 */
        return (low & 0xff000000) | (low >> 16 & 0xff) << 32 | (va & 0x00fff000);
    return low & 0xfffff000;
}

/* For PL1. The register is the guest's, who may be between an operation of its own and reading it.
 */
static inline uint64_t guest_at_par(gva_t va, bool write)
{
    uint64_t guest_par = READ_SYSREG(par_64), par;

    if (write)
        WRITE_SYSREG(ats1cpw, (uint32_t)va.v);
    else
        WRITE_SYSREG(ats1cpr, (uint32_t)va.v);
    arch_isb();
    par = READ_SYSREG(par_64);
    WRITE_SYSREG(par_64, guest_par);
    return __builtin_expect((par & PAR_LPAE) != 0, 1) ? par : par_make_long(par, (uint32_t)va.v);
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
