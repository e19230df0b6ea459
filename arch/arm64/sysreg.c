/* SPDX-License-Identifier: BSD-2-Clause */
/* Trapped accesses to system registers.  What is not known here is undefined, for the guest to
 * handle. */
#include "internal.h"
#include "vreg.h"

/* ACTLR: fixed at reset; implementation-defined controls are not for guests. */
static bool actlr_access(struct vcpu *v, struct vreg_access *a)
{
    if (!a->write)
        a->value = v->arch.sysreg[XLR_SYS_ACTLR];
    return true;
}

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
    return false; /* PMU, trace, SVE controls, LORegions, error records, implementation defined...
                   */
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

/* CP15, one register: MRC and MCR.  The fields of the syndrome are MSR's, without Op0. */
static bool cp15_access(struct vcpu *v, unsigned op1, unsigned crn, unsigned crm, unsigned op2,
                        struct vreg_access *a)
{
    if (op1)
        return false;
    if (crn == 0 && (crm == 1 || crm == 2 || (crm == 3 && op2 >= 4)))
        return vreg_read_only(a, (uint32_t)idreg_read(v->domain, crm, op2));
    if (crn == 0 && crm >= 3 && crm <= 7)
        return vreg_read_only(a, 0);
    if (crn == 0 && crm == 0)
        return vreg_read_only(a, 0); /* TCMTR, and what else of the first group traps: none of it */
    if (crn == 1 && crm == 0 && (op2 == 1 || op2 == 3)) { /* ACTLR, ACTLR2 */
        if (op2 == 3)
            return vreg_raz_wi(a);
        return actlr_access(v, a);
    }
    if (crn == 7 && op2 == 2 && (crm == 6 || crm == 10 || crm == 14)) /* DCISW, DCCSW, DCCISW */
        return vreg_set_way(v, a);
    if (crn == 14 && crm == 2 && op2 < 2)
        return vreg_timer(v, a, op2 ? VTIMER_CNTP_CTL : VTIMER_CNTP_TVAL);
    return false;
}

/* CP15, two registers. */
static bool cp15_access64(struct vcpu *v, unsigned op1, unsigned crm, struct vreg_access *a)
{
    if (crm == 12 && op1 < 3)
        return vreg_sgi(v, a, op1 == 0);
    if (crm == 14 && op1 == 0)
        return vreg_timer(v, a, VTIMER_CNTPCT);
    if (crm == 14 && op1 == 2)
        return vreg_timer(v, a, VTIMER_CNTP_CVAL);
    return false;
}

/* CP14: debug as above; trace and the rest are not there. */
static bool cp14_access(unsigned op1, unsigned crn, unsigned crm, unsigned op2,
                        struct vreg_access *a)
{
    if (op1)
        return false;
    if (crn == 0 && crm == 0 && op2 == 0)
        return vreg_read_only(a, 1u << 28 | 1u << 24 | 6u << 16); /* DBGDIDR: as ID_AA64DFR0 says */
    if (crn == 1 && crm == 1 && op2 == 4)
        return vreg_read_only(a, 8); /* DBGOSLSR */
    return vreg_raz_wi(a);
}

static bool cp_access64(struct vcpu *v, uint32_t iss)
{
    unsigned rt = iss >> 5 & 0x1f, rt2 = iss >> 10 & 0x1f;
    struct vreg_access a = { .write = !(iss & 1) };

    if (a.write)
        a.value = (uint32_t)arch_reg_get(v, rt) | arch_reg_get(v, rt2) << 32;
    if (!cp15_access64(v, iss >> 16 & 0xf, iss >> 1 & 0xf, &a))
        return false;
    if (!a.write) {
        arch_reg_set(v, rt, (uint32_t)a.value);
        arch_reg_set(v, rt2, a.value >> 32);
    }
    return true;
}

static bool cp_access32(struct vcpu *v, uint32_t iss, uint32_t ec)
{
    unsigned op2 = iss >> 17 & 7, op1 = iss >> 14 & 7, crn = iss >> 10 & 0xf, crm = iss >> 1 & 0xf,
             rt = iss >> 5 & 0x1f;
    struct vreg_access a = { .write = !(iss & 1) };
    bool done;

    if (a.write)
        a.value = arch_reg_get(v, rt);
    if (ec == EC_CP15_32)
        done = cp15_access(v, op1, crn, crm, op2, &a);
    else if (ec == EC_CP14_32)
        done = cp14_access(op1, crn, crm, op2, &a);
    else /* EC_CP10: VMRS; crn is the number of the ID register */
        done = vreg_read_only(&a, crn == 7   ? idreg_read(v->domain, 3, 0)
                                  : crn == 6 ? idreg_read(v->domain, 3, 1)
                                  : crn == 5 ? idreg_read(v->domain, 3, 2)
                                             : 0);
    if (done && !a.write)
        arch_reg_set(v, rt, (uint32_t)a.value);
    return done;
}

void cp15_trap(struct vcpu *v, uint32_t esr)
{
    uint32_t ec = ESR_EC(esr), iss = esr & 0x1ffffff;
    bool done = true;

    if (a32_condition_holds((uint32_t)v->arch.regs.pstate, esr)) {
        if (ec == EC_CP15_64)
            done = cp_access64(v, iss);
        else if (ec == EC_CP15_32 || ec == EC_CP14_32 || ec == EC_CP10)
            done = cp_access32(v, iss, ec);
        else
            done = false; /* LDC/STC and MRRC of the debug channel: nobody is at the other end */
    }
    if (done)
        arch_skip_instruction(v);
    else
        arch_inject_undef(v);
}
