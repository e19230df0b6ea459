/* SPDX-License-Identifier: BSD-2-Clause */
/* SMC64: arguments and result have 64 bits.  Part of <asm/smccc.h>. */
#include <asm/smccc.h> /* outside the guard: that file includes this one */
#ifndef ASM_WIDTH_SMCCC_H
#define ASM_WIDTH_SMCCC_H

#define SMCCC_SMC "smc #0"
#define SMCCC_HVC "hvc #0"

/* SMCCC 1.0 lets the callee change x4-x17. */
#define SMCCC_CALL(insn)                                                                      \
    register uint64_t x0 __asm__("x0") = fn;                                                  \
    register uint64_t x1 __asm__("x1") = a;                                                   \
    register uint64_t x2 __asm__("x2") = b;                                                   \
    register uint64_t x3 __asm__("x3") = c;                                                   \
    __asm__ volatile(insn                                                                     \
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)                                 \
                     :                                                                        \
                     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", \
                       "x15", "x16", "x17", "memory");                                        \
    return (int64_t)x0

#define PSCI_CPU_ON 0xc4000003u /* the SMC64 form: entry and context have 64 bits */

#endif
