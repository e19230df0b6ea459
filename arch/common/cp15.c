/* SPDX-License-Identifier: BSD-2-Clause */
/* Trapped accesses to AArch32's coprocessor registers.  An access to any other register is
 * undefined: the guest gets the exception. */
#include "internal.h"
#include "vreg.h"
#include "width/cp15.h"

/* ACTLR is fixed at reset: its controls are implementation-defined, and not for guests. */
bool actlr_access(struct vcpu *v, struct vreg_access *a)
{
    if (!a->write)
        a->value = v->arch.sysreg[XLR_SYS_ACTLR];
    return true;
}

/*
 * CRn 0: ID registers.  Of CRm 3, Armv8 added those from Op2 4 up; all others up to CRm 7 are
 * reserved and read as zero.  CRm 0: TCMTR and other registers that trap and do not exist.
 */
static bool id_access(struct vcpu *v, unsigned crm, unsigned op2, struct vreg_access *a)
{
    if (crm > 7)
        return false;
    return vreg_read_only(
        a, crm == 1 || crm == 2 || (crm == 3 && op2 >= 4) ? idreg_a32(v->domain, crm, op2) : 0);
}

/* CP15, one register: MRC and MCR.  The syndrome has the fields that MSR's has, without Op0. */
static bool cp15_access(struct vcpu *v, unsigned op1, unsigned crn, unsigned crm, unsigned op2,
                        struct vreg_access *a)
{
    if (crn == 15)
        return cp15_implementation_defined(v, a);
    if (op1)
        return false;
    if (crn == 0)
        return id_access(v, crm, op2, a);
    if (crn == 1 && crm == 0 && op2 == 1) /* ACTLR */
        return actlr_access(v, a);
    if (crn == 1 && crm == 0 && op2 == 3) /* ACTLR2 */
        return has_actlr2() && vreg_raz_wi(a);
    if (crn == 7 && op2 == 2 && (crm == 6 || crm == 10 || crm == 14)) /* DCISW, DCCSW, DCCISW */
        return vreg_set_way(v, a);
    if (crn == 14 && crm == 2 && op2 < 2)
        return vreg_timer(v, a, op2 ? VTIMER_CNTP_CTL : VTIMER_CNTP_TVAL);
    return false; /* PMU, lockdown registers... */
}

/* CP15, two registers. */
static bool cp15_access64(struct vcpu *v, unsigned op1, unsigned crm, struct vreg_access *a)
{
    if (crm == 12 && op1 < 3) /* ICC_SGI1R, ICC_ASGI1R, ICC_SGI0R */
        return vreg_sgi(v, a, op1 == 0);
    if (crm == 14 && op1 == 0)
        return vreg_timer(v, a, VTIMER_CNTPCT);
    if (crm == 14 && op1 == 2)
        return vreg_timer(v, a, VTIMER_CNTP_CVAL);
    return false;
}

/*
 * CP14: no breakpoints, no external debugger; ThumbEE, trace and the rest do not exist.  DBGDIDR:
 * two breakpoints and two watchpoints, the smallest numbers there are, and the debug architecture's
 * version.
 */
static bool cp14_access(struct vcpu *v, unsigned op1, unsigned crn, unsigned crm, unsigned op2,
                        struct vreg_access *a)
{
    if (op1)
        return false;
    if (crn == 0 && crm == 0 && op2 == 0)
        return vreg_read_only(a, 1u << 28 | 1u << 24 | debug_version(v->domain) << 16);
    if (crn == 1 && crm == 1 && op2 == 4)
        return vreg_read_only(a, 8); /* DBGOSLSR: the OS lock exists, and is open */
    return vreg_raz_wi(a);
}

/* VMRS of MVFR0, MVFR1 or MVFR2, whose numbers are 7, 6 and 5. */
static bool cp10_access(struct vcpu *v, unsigned reg, struct vreg_access *a)
{
    return vreg_read_only(a, reg >= 5 && reg <= 7 ? idreg_a32(v->domain, 3, 7 - reg) : 0);
}

static bool cp_access64(struct vcpu *v, uint32_t iss)
{
    unsigned rt = iss >> 5 & ISS_RT, rt2 = iss >> 10 & ISS_RT;
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
             rt = iss >> 5 & ISS_RT;
    struct vreg_access a = { .write = !(iss & 1) };
    bool done;

    if (a.write)
        a.value = arch_reg_get(v, rt);
    if (ec == EC_CP15_32)
        done = cp15_access(v, op1, crn, crm, op2, &a);
    else if (ec == EC_CP14_32)
        done = cp14_access(v, op1, crn, crm, op2, &a);
    else
        done = cp10_access(v, crn, &a);
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
            done = false; /* LDC, STC and MRRC of the debug channel: it has no other end */
    }
    if (done)
        arch_skip_instruction(v);
    else
        arch_inject_undef(v);
}
