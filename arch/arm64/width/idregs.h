/* SPDX-License-Identifier: BSD-2-Clause */
/* What common/idregs.c needs of arm64. */
#ifndef ARCH_WIDTH_IDREGS_H
#define ARCH_WIDTH_IDREGS_H

#include "internal.h"

static inline uint64_t idreg_a32_of_armv8(unsigned crm, unsigned op2)
{
    switch (crm << 4 | op2) {
    case 0x32: return READ_SYSREG(mvfr2_el1);
    case 0x34: return READ_SYSREG(ID_PFR2_EL1) & 0xff; /* CSV3 SSBS */
    case 0x36: return READ_SYSREG(ID_MMFR5_EL1);
    default: return 0;
    }
}

#endif
