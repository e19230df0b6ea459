/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions into the current vCPU's EL1, as the hardware would take them (Arm ARM D1.3). */
#include "internal.h"

static void enter_el1(struct vcpu *v, uint32_t esr)
{
    struct guest_regs *r = &v->arch.regs;
    uint64_t old = r->pstate, sctlr = READ_SYSREG(sctlr_el1), mode = old & PSR_MODE, offset;

    if (mode & PSR_A32)
        offset = 0x600;
    else if (mode == PSR_EL0T)
        offset = 0x400;
    else
        offset = mode == PSR_EL1H ? 0x200 : 0;

    WRITE_SYSREG(elr_el1, r->pc);
    WRITE_SYSREG(spsr_el1, old);
    WRITE_SYSREG(esr_el1, esr);
    r->pc = READ_SYSREG(vbar_el1) + offset;
    /* AArch32's DIT is bit 21, which is SS in AArch64.  It is lost here: it only affects timing. */
    r->pstate = (old & PSR_NZCV) | PSR_D | PSR_A | PSR_I | PSR_F | PSR_EL1H;
    if (!(old & PSR_A32))
        r->pstate |= old & PSR_DIT;
    if (cpu_caps.pan)
        r->pstate |= sctlr & SCTLR_SPAN ? old & PSR_PAN : PSR_PAN;
    if (sctlr & SCTLR_DSSBS)
        r->pstate |= PSR_SSBS;
}

void arch_inject_undef(struct vcpu *v)
{
    if (v->domain->aarch32)
        inject_a32_undef(v);
    else
        enter_el1(v, ESR_IL); /* EC 0: unknown reason, "32-bit instruction" by definition */
}

void arch_inject_abort(struct vcpu *v, gva_t far, bool instruction)
{
    if (v->domain->aarch32) {
        inject_a32_abort(v, (uint32_t)far.v, instruction);
        return;
    }
    uint32_t ec = instruction ? EC_IABT_LOW : EC_DABT_LOW;
    uint64_t mode = v->arch.regs.pstate & PSR_MODE;
    if (mode == PSR_EL1T || mode == PSR_EL1H)
        ec++; /* taken from EL1 itself */
    WRITE_SYSREG(far_el1, far.v);
    enter_el1(v, ec << ESR_EC_SHIFT | ESR_IL | FSC_EXTERNAL);
}
