/* SPDX-License-Identifier: BSD-2-Clause */
/* AArch32 condition codes and IT blocks in a vCPU's CPSR, which exits need on both widths. a32.c */
#ifndef XL_A32_H
#define XL_A32_H

#include "types.h"

/*
 * A trapped conditional instruction may be reported even if its condition fails; it must then have
 * no effect.  True: the condition holds.  `syndrome`: HSR or ESR_EL2.
 */
bool a32_condition_holds(uint32_t cpsr, uint32_t syndrome);
/*
 * Advances the IT state after a Thumb instruction (Arm ARM, DDI 0406C, A2.5.2) and returns the new
 * CPSR.
 */
uint32_t a32_advance_it(uint32_t cpsr);
#endif
