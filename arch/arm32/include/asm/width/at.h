/* SPDX-License-Identifier: BSD-2-Clause */
/* PAR has a long and a short format (DDI 0406C, B4.1.112).  Part of <asm/at.h>. */
#include <asm/at.h> /* outside the guard: that file includes this one */
#ifndef ASM_WIDTH_AT_H
#define ASM_WIDTH_AT_H

#define PAR_ADDR         0xfffffff000ull
#define PAR_SUPERSECTION (1ull << 1)  /* short format, translation succeeded */
#define PAR_LPAE         (1ull << 11) /* this value has the long format */

/*
 * An operation of Hyp mode should give the long format even if the guest uses short descriptors
 * (B3.12.5).  PAR.LPAE tells the format that it has, so a short value is converted.
 */
static inline uint64_t par_long_format(uint64_t par, gva_t va)
{
    uint64_t low = (uint32_t)par;

    if (__builtin_expect((par & PAR_LPAE) != 0, 1))
        return par;
    if (low & PAR_F)
        return PAR_F;           /* the short format's fault numbers have none for stage 2 */
    if (low & PAR_SUPERSECTION) /* PA[31:24], and PA[39:32] in 23:16 */
        return (low & 0xff000000) | (low >> 16 & 0xff) << 32 | (va.v & 0x00fff000);
    return low & 0xfffff000;
}
/* A guest handle has 64 bits, and a copy may run past the end of the 32-bit address space. */
static inline bool gva_fits(gva_t va) { return !(va.v >> 32); }

#endif
