/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls to firmware (SMC Calling Convention, Arm DEN 0028): four arguments, the first result.
 * SMC32: of 32 bits each. */
#ifndef ASM_SMCCC_H
#define ASM_SMCCC_H

#include <stdbool.h>
#include <stdint.h>

/* SMCCC keeps r4 up; what came before it (PSCI 0.1) kept what the procedure call standard keeps. */
#define SMCCC_CALL(insn)                                                                 \
    register uint32_t r0 __asm__("r0") = (uint32_t)fn;                                   \
    register uint32_t r1 __asm__("r1") = (uint32_t)a;                                    \
    register uint32_t r2 __asm__("r2") = (uint32_t)b;                                    \
    register uint32_t r3 __asm__("r3") = (uint32_t)c;                                    \
    __asm__ volatile(insn : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3) : : "r12", "memory"); \
    return (int32_t)r0

static inline int64_t smccc_smc(uint64_t fn, uint64_t a, uint64_t b, uint64_t c)
{
    SMCCC_CALL(".arch_extension sec\n\tsmc #0");
}
static inline int64_t smccc_hvc(uint64_t fn, uint64_t a, uint64_t b, uint64_t c)
{
    SMCCC_CALL(".arch_extension virt\n\thvc #0");
}

#define SMCCC_ARCH_WORKAROUND_1 0x80008000u
#define SMCCC_ARCH_WORKAROUND_3 0x80003fffu
/* Does firmware, called by SMC, say that this CPU needs the call?  drivers/psci.c */
bool smccc_required(uint32_t function);

#define PSCI_CPU_ON 0x84000003u /* the SMC32 form */

#endif
