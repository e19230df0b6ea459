/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers for arm64's assembly.  Part of common/offsets.c. */
#ifndef ARCH_WIDTH_OFFSETS_H
#define ARCH_WIDTH_OFFSETS_H

#include "internal.h"
#include <asm/at.h>
#include "numbers.h"

static inline __attribute__((always_inline)) void offsets_of_width(void)
{
    NUMBER(DOMAIN_WINDOW, offsetof(struct domain, p2m.window));
    NUMBER(IPA_BITS, IPA_BITS);
    NUMBER(EC_HVC64, EC_HVC64);
    NUMBER(ESR_TRANSLATION_L3, FSC_TRANSLATION | 3u);
}

#endif
