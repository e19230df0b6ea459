/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls to firmware (SMC Calling Convention, Arm DEN 0028): four arguments, the first result. */
#ifndef ASM_SMCCC_H
#define ASM_SMCCC_H

#include <stdbool.h>
#include <stdint.h>
#include <asm/width/smccc.h>

static inline int64_t smccc_smc(uint64_t fn, uint64_t a, uint64_t b, uint64_t c)
{
    SMCCC_CALL(SMCCC_SMC);
}
static inline int64_t smccc_hvc(uint64_t fn, uint64_t a, uint64_t b, uint64_t c)
{
    SMCCC_CALL(SMCCC_HVC);
}

#define SMCCC_ARCH_WORKAROUND_1 0x80008000u
#define SMCCC_ARCH_WORKAROUND_3 0x80003fffu
/* Firmware, called by SMC, reports that this CPU needs the call.  drivers/psci.c */
bool smccc_required(uint32_t function);

#endif
