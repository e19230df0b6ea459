/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions into the current vCPU's EL1 (or AArch32 modes), as the hardware would take them (Arm
 * ARM D1.3, G1.12). */
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
    /* AArch32's DIT is bit 21, in AArch64's place of SS, and lost here: it is a hint for timing. */
    r->pstate = (old & PSR_NZCV) | PSR_D | PSR_A | PSR_I | PSR_F | PSR_EL1H;
    if (!(old & PSR_A32))
        r->pstate |= old & PSR_DIT;
    if (cpu_caps.pan)
        r->pstate |= sctlr & SCTLR_SPAN ? old & PSR_PAN : PSR_PAN;
    if (sctlr & SCTLR_DSSBS)
        r->pstate |= PSR_SSBS;
}

static void enter_a32(struct vcpu *v, uint64_t mode, uint64_t vector, uint64_t link)
{
    struct guest_regs *r = &v->arch.regs;
    uint64_t old = r->pstate, sctlr = READ_SYSREG(sctlr_el1);

    if (mode == PSR_A32_UND) {
        WRITE_SYSREG(spsr_und, old);
        r->x[22] = link;
    } else {
        WRITE_SYSREG(spsr_abt, old);
        r->x[20] = link;
    }
    r->pc = (sctlr & SCTLR_A32_V ? 0xffff0000ull : (uint32_t)READ_SYSREG(vbar_el1)) + vector;
    r->pstate = (old & ~(PSR_MODE | PSR_A32_T | PSR_A32_E | PSR_A32_IT | PSR_A32_J | PSR_IL |
                         PSR_A32_SSBS)) |
                mode | PSR_I;
    if (mode == PSR_A32_ABT)
        r->pstate |= PSR_A;
    if (cpu_caps.pan && !(sctlr & SCTLR_SPAN))
        r->pstate |= PSR_PAN;
    if (sctlr & SCTLR_A32_DSSBS)
        r->pstate |= PSR_A32_SSBS;
    if (sctlr & SCTLR_A32_TE)
        r->pstate |= PSR_A32_T;
    if (sctlr & SCTLR_A32_EE)
        r->pstate |= PSR_A32_E;
}

void arch_inject_undef(struct vcpu *v)
{
    uint64_t pstate = v->arch.regs.pstate;

    if (v->domain->aarch32)
        enter_a32(v, PSR_A32_UND, 0x04, (uint32_t)(v->arch.regs.pc + (pstate & PSR_A32_T ? 2 : 4)));
    else
        enter_el1(v, ESR_IL); /* EC 0: unknown reason, "32-bit instruction" by definition */
}

/* External abort in the fault status, long (LPAE) or short format as the guest's TTBCR.EAE says. */
static void inject_a32_abort(struct vcpu *v, uint32_t far, bool instruction)
{
    uint32_t status = 0x008;
    uint64_t old_far = READ_SYSREG(far_el1);

    if (READ_SYSREG(tcr_el1) & BIT(31))
        status = 0x210;

    if (instruction) {
        WRITE_SYSREG(ifsr32_el2, status);
        WRITE_SYSREG(far_el1, (uint32_t)old_far | (uint64_t)far << 32); /* IFAR */
        enter_a32(v, PSR_A32_ABT, 0x0c, (uint32_t)(v->arch.regs.pc + 4));
    } else {
        WRITE_SYSREG(esr_el1, status);                           /* DFSR */
        WRITE_SYSREG(far_el1, (old_far & ~0xffffffffull) | far); /* DFAR */
        enter_a32(v, PSR_A32_ABT, 0x10, (uint32_t)(v->arch.regs.pc + 8));
    }
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
    enter_el1(v, ec << 26 | ESR_IL | FSC_EXTERNAL);
}
