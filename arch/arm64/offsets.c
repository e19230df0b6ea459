/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers of C that assembly uses.  Compiled to assembly only; the Makefile makes offsets.h of the
 * strings that begin with an arrow.
 */
#include "internal.h"
#include "pt.h"

#define NUMBER(name, value) __asm__ volatile("\n.ascii \"->" #name " %0\"" : : "i"(value))
#define BIT_OF(name, mask)  NUMBER(name, __builtin_ctzll(mask))

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
    NUMBER(DOMAIN_WINDOW, offsetof(struct domain, p2m.window));
    NUMBER(DOMAIN_REGION, offsetof(struct domain, p2m.log.region));
    NUMBER(DOMAIN_FAULTS, offsetof(struct domain, p2m.fault_count));
    NUMBER(DOMAIN_SPURIOUS, offsetof(struct domain, p2m.spurious_count));
    NUMBER(FRAME_BYTES, sizeof(struct el2_frame));
    NUMBER(IPA_BITS, IPA_BITS);
    BIT_OF(PTE_VALID_BIT, PTE_VALID);
    BIT_OF(PTE_S2_W_BIT, PTE_S2_W);
    BIT_OF(PTE_SW_LOGGED_BIT, PTE_SW_LOGGED);
    NUMBER(EC_HVC64, EC_HVC64);
    NUMBER(EC_DABT_LOW, EC_DABT_LOW);
    NUMBER(ESR_EC_SHIFT, 26);
    NUMBER(ESR_WRITE_FAULT_L3, 1u << 6 | FSC_PERMISSION | 3u); /* WnR, not S1PTW */
    NUMBER(ESR_TRANSLATION_L3, FSC_TRANSLATION | 3u);
}
