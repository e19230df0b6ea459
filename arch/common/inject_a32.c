/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions into the current vCPU's PL1, when that is AArch32, as the hardware would take them
 * (Arm ARM G1.12; DDI 0406C, B1.9). */
#include "internal.h"
#include "width/inject.h"

static void enter_a32(struct vcpu *v, sysreg_t mode, uint32_t vector, uint32_t link)
{
    struct guest_regs *r = &v->arch.regs;
    sysreg_t old = r->pstate, sctlr = READ_SYSREG(sctlr_el1);

    if (mode == PSR_A32_UND) {
        WRITE_SYSREG(spsr_und, old);
        set_link_und(r, link);
    } else {
        WRITE_SYSREG(spsr_abt, old);
        set_link_abt(r, link);
    }
    r->pc = (sctlr & SCTLR_A32_V ? 0xffff0000u : (uint32_t)READ_SYSREG(vbar_el1)) + vector;
    r->pstate = (old & ~(PSR_MODE | PSR_A32_T | PSR_A32_E | PSR_A32_IT | PSR_A32_J | PSR_IL |
                         PSR_A32_SSBS)) |
                mode | PSR_I | entry_bits_of_armv8(sctlr);
    if (mode == PSR_A32_ABT)
        r->pstate |= PSR_A;
    if (sctlr & SCTLR_A32_TE)
        r->pstate |= PSR_A32_T;
    if (sctlr & SCTLR_A32_EE)
        r->pstate |= PSR_A32_E;
}

void inject_a32_undef(struct vcpu *v)
{
    const struct guest_regs *r = &v->arch.regs;

    enter_a32(v, PSR_A32_UND, 0x04, (uint32_t)r->pc + (r->pstate & PSR_A32_T ? 2 : 4));
}

/* An external abort, in the format of fault status, long or short, that the guest's TTBCR.EAE
 * selects.  FAR_EL1 has IFAR in its upper half, DFAR in the lower. */
void inject_a32_abort(struct vcpu *v, uint32_t far, bool instruction)
{
    bool long_format = (READ_SYSREG(tcr_el1) & TTBCR_EAE) != 0;
    uint32_t status = long_format ? 0x210 : 0x008;
    uint32_t pc = (uint32_t)v->arch.regs.pc;
    uint64_t old_far = READ_SYSREG(far_el1);

    if (instruction) {
        WRITE_SYSREG(ifsr32_el2, status);
        WRITE_SYSREG(far_el1, (uint32_t)old_far | (uint64_t)far << 32);
        enter_a32(v, PSR_A32_ABT, 0x0c, pc + 4);
    } else {
        WRITE_SYSREG(esr_el1, status); /* DFSR */
        WRITE_SYSREG(far_el1, (old_far & ~0xffffffffull) | far);
        enter_a32(v, PSR_A32_ABT, 0x10, pc + 8);
    }
}
