/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers for arm32's assembly.  Part of common/offsets.c. */
#ifndef ARCH_WIDTH_OFFSETS_H
#define ARCH_WIDTH_OFFSETS_H

#include "internal.h"
#include <asm/at.h>
#include "numbers.h"

static inline __attribute__((always_inline)) void offsets_of_width(void)
{
    NUMBER(DOMAIN_SLOT, offsetof(struct domain, p2m.vlpt_slot));
    BIT_OF(PAR_LPAE_BIT, PAR_LPAE);
    NUMBER(PSR_HYP, PSR_HYP);
}

#endif
