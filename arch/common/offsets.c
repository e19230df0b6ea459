/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers of C that assembly uses.  Compiled to assembly only; the Makefile makes offsets.h of the
 * strings that begin with an arrow.
 */
#include "internal.h"
#include "pt.h"
#include <asm/at.h>
#include "numbers.h"
#include "width/offsets.h"

void offsets(void);
void offsets(void)
{
    NUMBER(CPU_CURRENT, offsetof(struct cpu, current));
    NUMBER(CPU_WORK, offsetof(struct cpu, work));
    NUMBER(CPU_ID, offsetof(struct cpu, id));
    NUMBER(VCPU_PC, offsetof(struct vcpu, arch.regs.pc));
    NUMBER(VCPU_ESR, offsetof(struct vcpu, arch.esr));
    NUMBER(VCPU_DOMAIN, offsetof(struct vcpu, domain));
    NUMBER(VCPU_WRITE_FAULTS, offsetof(struct vcpu, exits[EXIT_WRITE_FAULT]));
    NUMBER(DOMAIN_REGION, offsetof(struct domain, p2m.log.region));
    NUMBER(DOMAIN_FAULTS, offsetof(struct domain, p2m.fault_count));
    NUMBER(DOMAIN_SPURIOUS, offsetof(struct domain, p2m.spurious_count));
    NUMBER(FRAME_BYTES, sizeof(struct el2_frame));
    BIT_OF(PTE_VALID_BIT, PTE_VALID);
    BIT_OF(PTE_S2_W_BIT, PTE_S2_W);
    BIT_OF(PTE_SW_LOGGED_BIT, PTE_SW_LOGGED);
    BIT_OF(PAR_F_BIT, PAR_F);
    NUMBER(EC_DABT_LOW, EC_DABT_LOW);
    NUMBER(ESR_WRITE_FAULT_L3, ESR_WNR | FSC_PERMISSION | 3u); /* not S1PTW */
    offsets_of_width();
}
