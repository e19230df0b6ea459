/* SPDX-License-Identifier: BSD-2-Clause */
/* What common/cp15.c needs of arm64. */
#ifndef ARCH_WIDTH_CP15_H
#define ARCH_WIDTH_CP15_H

#include "internal.h"
#include "vreg.h"

#define ISS_RT 0x1fu /* the number of an AArch64 register */

static inline bool cp15_implementation_defined(struct vcpu *v, struct vreg_access *a)
{
    (void)v, (void)a;
    return false;
}
static inline bool has_actlr2(void) { return true; }
/* As ID_AA64DFR0 has it. */
static inline uint32_t debug_version(const struct domain *d)
{
    (void)d;
    return 6;
}

#endif
