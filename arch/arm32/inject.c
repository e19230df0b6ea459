/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions into the current vCPU's PL1, as the hardware would take them (Arm ARM, DDI 0406C,
 * B1.9). */
#include "internal.h"

static void enter(struct vcpu *v, uint32_t mode, uint32_t vector, uint32_t link)
{
    struct guest_regs *r = &v->arch.regs;
    uint32_t old = r->pstate, sctlr = READ_SYSREG(sctlr);

    if (mode == PSR_UND) {
        WRITE_SYSREG(spsr_und, old);
        WRITE_SYSREG(lr_und, link);
    } else {
        WRITE_SYSREG(spsr_abt, old);
        WRITE_SYSREG(lr_abt, link);
    }
    r->pc = (sctlr & SCTLR_V ? 0xffff0000 : READ_SYSREG(vbar)) + vector;
    r->pstate = (old & ~(PSR_MODE | PSR_T | PSR_E | PSR_IT | PSR_IL | PSR_J)) | mode | PSR_I;
    if (mode == PSR_ABT)
        r->pstate |= PSR_A;
    if (sctlr & SCTLR_TE)
        r->pstate |= PSR_T;
    if (sctlr & SCTLR_EE)
        r->pstate |= PSR_E;
}

void arch_inject_undef(struct vcpu *v)
{
    enter(v, PSR_UND, 0x04, v->arch.regs.pc + (v->arch.regs.pstate & PSR_T ? 2 : 4));
}

/* External abort in the fault status, long or short format as the guest's TTBCR.EAE says. */
void arch_inject_abort(struct vcpu *v, gva_t far, bool instruction)
{
    uint32_t status = READ_SYSREG(ttbcr) & TTBCR_EAE ? 0x210 : 0x008;

    if (instruction) {
        WRITE_SYSREG(ifsr, status);
        WRITE_SYSREG(ifar, (uint32_t)far.v);
        enter(v, PSR_ABT, 0x0c, v->arch.regs.pc + 4);
    } else {
        WRITE_SYSREG(dfsr, status);
        WRITE_SYSREG(dfar, (uint32_t)far.v);
        enter(v, PSR_ABT, 0x10, v->arch.regs.pc + 8);
    }
}
