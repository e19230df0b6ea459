/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls to firmware (SMC Calling Convention, Arm DEN 0028): four arguments, the first result. */
#ifndef ASM_SMCCC_H
#define ASM_SMCCC_H

#include <stdbool.h>
#include <stdint.h>

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

static inline int64_t smccc_smc(uint64_t fn, uint64_t a, uint64_t b, uint64_t c)
{
    SMCCC_CALL("smc #0");
}
static inline int64_t smccc_hvc(uint64_t fn, uint64_t a, uint64_t b, uint64_t c)
{
    SMCCC_CALL("hvc #0");
}

#define SMCCC_ARCH_WORKAROUND_1 0x80008000u
#define SMCCC_ARCH_WORKAROUND_3 0x80003fffu
/* Does firmware, called by SMC, say that this CPU needs the call?  drivers/psci.c */
bool smccc_required(uint32_t function);

#define PSCI_CPU_ON 0xc4000003u /* the SMC64 form: entry and context have 64 bits */

#endif
