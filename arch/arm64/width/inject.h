/* SPDX-License-Identifier: BSD-2-Clause */
/* What common/inject_a32.c needs of arm64. */
#ifndef ARCH_WIDTH_INJECT_H
#define ARCH_WIDTH_INJECT_H

#include "internal.h"

/* LR_und and LR_abt are X22 and X20 (Arm ARM D1.20.1). */
static inline void set_link_und(struct guest_regs *r, uint32_t link) { r->x[22] = link; }
static inline void set_link_abt(struct guest_regs *r, uint32_t link) { r->x[20] = link; }

/* PAN and SSBS, where the CPU has them. */
static inline uint64_t entry_bits_of_armv8(uint64_t sctlr)
{
    return (cpu_caps.pan && !(sctlr & SCTLR_SPAN) ? PSR_PAN : 0) |
           (sctlr & SCTLR_A32_DSSBS ? PSR_A32_SSBS : 0);
}

#endif
