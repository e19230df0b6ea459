/* SPDX-License-Identifier: BSD-2-Clause */
/* Trapped MSR and MRS of AArch64 guests.  An access to any register that is not listed here is
 * undefined: the guest gets the exception. */
#include "internal.h"
#include "vreg.h"

/* Debug registers (Op0 2, Op1 0, 3, 4): no breakpoints, no external debugger; software step works.
 */
static bool debug_access(struct vcpu *v, uint32_t reg, struct vreg_access *a)
{
    switch (reg) {
    case SYSREG_ISS(2, 0, 0, 2, 2): /* MDSCR_EL1 */
        if (a->write)
            switch_set_mdscr(v, a->value);
        else
            a->value = READ_SYSREG(mdscr_el1);
        return true;
    case SYSREG_ISS(2, 0, 1, 1, 4):
        return vreg_read_only(a, 8); /* OSLSR_EL1: the OS lock exists, and is open */
    default: return vreg_raz_wi(a);
    }
}

static bool sysreg_access(struct vcpu *v, uint32_t reg, struct vreg_access *a)
{
    unsigned op0 = reg >> 20 & 3, op1 = reg >> 14 & 7, crn = reg >> 10 & 0xf, crm = reg >> 1 & 0xf,
             op2 = reg >> 17 & 7;

    switch (reg) {
    case SYSREG_ISS(3, 0, 12, 11, 5): return vreg_sgi(v, a, 1); /* ICC_SGI1R_EL1 */
    case SYSREG_ISS(3, 0, 12, 11, 6): /* ICC_ASGI1R_EL1: the other security state's */
    case SYSREG_ISS(3, 0, 12, 11, 7): return vreg_sgi(v, a, 0); /* ICC_SGI0R_EL1 */
    case SYSREG_ISS(3, 3, 14, 0, 1): return vreg_timer(v, a, VTIMER_CNTPCT);
    case SYSREG_ISS(3, 3, 14, 2, 0): return vreg_timer(v, a, VTIMER_CNTP_TVAL);
    case SYSREG_ISS(3, 3, 14, 2, 1): return vreg_timer(v, a, VTIMER_CNTP_CTL);
    case SYSREG_ISS(3, 3, 14, 2, 2): return vreg_timer(v, a, VTIMER_CNTP_CVAL);
    case SYSREG_ISS(3, 0, 1, 0, 1): return actlr_access(v, a); /* ACTLR_EL1 */
    case SYSREG_ISS(1, 0, 7, 6, 2):                            /* DC ISW, CSW, CISW */
    case SYSREG_ISS(1, 0, 7, 10, 2):
    case SYSREG_ISS(1, 0, 7, 14, 2): return vreg_set_way(v, a);
    default: break;
    }
    if (op0 == 3 && op1 == 0 && crn == 0 && crm >= 1 && crm <= 7)
        return vreg_read_only(a, idreg_read(v->domain, crm, op2));
    if (op0 == 2 && (op1 == 0 || op1 == 3 || op1 == 4))
        return debug_access(v, reg, a);
    return false; /* PMU, trace, SVE controls, LORegions, error records... */
}

void sysreg_trap(struct vcpu *v, uint32_t iss)
{
    unsigned rt = iss >> 5 & 0x1f;
    struct vreg_access a = { .write = !(iss & 1) };

    if (a.write)
        a.value = arch_reg_get(v, rt);
    if (!sysreg_access(v, iss & SYSREG_ISS_MASK, &a)) {
        arch_inject_undef(v);
        return;
    }
    if (!a.write)
        arch_reg_set(v, rt, a.value);
    arch_skip_instruction(v);
}
