/* SPDX-License-Identifier: BSD-2-Clause */
/* What common/inject_a32.c needs of arm32. */
#ifndef ARCH_WIDTH_INJECT_H
#define ARCH_WIDTH_INJECT_H

#include "internal.h"

static inline void set_link_und(struct guest_regs *r, uint32_t link)
{
    (void)r;
    WRITE_SYSREG(lr_und, link);
}
static inline void set_link_abt(struct guest_regs *r, uint32_t link)
{
    (void)r;
    WRITE_SYSREG(lr_abt, link);
}
static inline uint32_t entry_bits_of_armv8(uint32_t sctlr)
{
    (void)sctlr;
    return 0;
}

#endif
