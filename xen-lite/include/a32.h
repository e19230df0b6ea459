/* SPDX-License-Identifier: BSD-2-Clause */
/* AArch32's condition codes and IT blocks, of a vCPU's CPSR: both widths' exits need them.  a32.c
 */
#ifndef XL_A32_H
#define XL_A32_H

#include "types.h"

/* A trapped conditional instruction may come even when its condition fails; then it does nothing.
 * `syndrome`: HSR, or ESR_EL2. */
bool a32_condition_holds(uint32_t cpsr, uint32_t syndrome);
/* A Thumb instruction was executed: the IT state goes on (Arm ARM, DDI 0406C, A2.5.2). */
uint32_t a32_advance_it(uint32_t cpsr);
#endif
