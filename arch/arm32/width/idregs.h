/* SPDX-License-Identifier: BSD-2-Clause */
/* What common/idregs.c needs of arm32. */
#ifndef ARCH_WIDTH_IDREGS_H
#define ARCH_WIDTH_IDREGS_H

#include "internal.h"

/* The registers that Armv8 added read as zero on Armv7 (DDI 0406C, B7.1). */
static inline uint32_t idreg_a32_of_armv8(unsigned crm, unsigned op2)
{
    (void)crm, (void)op2;
    return 0;
}

#endif
