/* SPDX-License-Identifier: BSD-2-Clause */
/* What common/cp15.c needs of arm32. */
#ifndef ARCH_WIDTH_CP15_H
#define ARCH_WIDTH_CP15_H

#include "internal.h"
#include "vreg.h"

#define ISS_RT 0xfu

/* Kernels turn on workarounds here for errata of the CPU that they find.  That is the job of
 * firmware and of the hypervisor, so a kernel's access does nothing. */
static inline bool cp15_implementation_defined(struct vcpu *v, struct vreg_access *a)
{
    return !arch_vcpu_in_user_mode(v) && vreg_raz_wi(a);
}
static inline bool has_actlr2(void) { return false; } /* not in Armv7 */
/* As ID_DFR0 has it. */
static inline uint32_t debug_version(const struct domain *d) { return idreg_a32(d, 1, 2) & 0xf; }

#endif
