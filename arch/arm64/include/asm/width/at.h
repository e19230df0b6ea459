/* SPDX-License-Identifier: BSD-2-Clause */
/* PAR_EL1 of AArch64 has one format only.  Part of <asm/at.h>. */
#include <asm/at.h> /* outside the guard: that file includes this one */
#ifndef ASM_WIDTH_AT_H
#define ASM_WIDTH_AT_H

#define PAR_ADDR 0xfffffffff000ull

static inline uint64_t par_long_format(uint64_t par, gva_t va)
{
    (void)va;
    return par;
}
/* Any address can be given to AT. */
static inline bool gva_fits(gva_t va)
{
    (void)va;
    return true;
}

#endif
