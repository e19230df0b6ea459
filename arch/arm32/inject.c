/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions into the current vCPU, which is always AArch32. */
#include "internal.h"

void arch_inject_undef(struct vcpu *v) { inject_a32_undef(v); }

void arch_inject_abort(struct vcpu *v, gva_t far, bool instruction)
{
    inject_a32_abort(v, (uint32_t)far.v, instruction);
}
