/* SPDX-License-Identifier: BSD-2-Clause */
/* SMC32: arguments and result have 32 bits.  Part of <asm/smccc.h>. */
#include <asm/smccc.h> /* outside the guard: that file includes this one */
#ifndef ASM_WIDTH_SMCCC_H
#define ASM_WIDTH_SMCCC_H

#define SMCCC_SMC ".arch_extension sec\n\tsmc #0"
#define SMCCC_HVC ".arch_extension virt\n\thvc #0"

/* SMCCC preserves r4 and up.  Its predecessor (PSCI 0.1) preserves what the procedure call standard
 * preserves. */
#define SMCCC_CALL(insn)                                                                 \
    register uint32_t r0 __asm__("r0") = (uint32_t)fn;                                   \
    register uint32_t r1 __asm__("r1") = (uint32_t)a;                                    \
    register uint32_t r2 __asm__("r2") = (uint32_t)b;                                    \
    register uint32_t r3 __asm__("r3") = (uint32_t)c;                                    \
    __asm__ volatile(insn : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3) : : "r12", "memory"); \
    return (int32_t)r0

#define PSCI_CPU_ON 0x84000003u /* the SMC32 form */

#endif
