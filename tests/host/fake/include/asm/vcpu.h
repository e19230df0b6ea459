/* SPDX-License-Identifier: BSD-2-Clause */
/* What the fake architecture keeps of a vCPU: the members that tests look at bear arm64's names. */
#ifndef ASM_VCPU_H
#define ASM_VCPU_H

#include "types.h"
#include "records.h"

struct guest_regs {
    uint64_t x[31];
    uint64_t pc, pstate, pad;
};

struct arch_vcpu {
    struct guest_regs regs;
    uint64_t sp_el0, sp_el1, elr_el1, spsr_el1;
    uint64_t sysreg[XLR_SYS_COUNT];
    uint64_t hcr, vmpidr;
    /* what the fakes of arch_* did to it */
    unsigned loads, saves, undefs, aborts, skipped, restarts, resets;
    int64_t result; /* of the last arch_hypercall_return */
    gva_t abort_far;
};

#endif
