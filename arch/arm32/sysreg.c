/* SPDX-License-Identifier: BSD-2-Clause */
/* Trapped accesses to coprocessor registers.  What is not known here is undefined, for the guest to
 * handle. */
#include "internal.h"
#include "vreg.h"

/* ACTLR: fixed at reset; implementation-defined controls are not for guests. */
static bool actlr_access(struct vcpu *v, struct vreg_access *a)
{
    if (!a->write)
        a->value = v->arch.actlr;
    return true;
}

/* CRn 0: ID registers, those of CRm 3 to 7 reserved and so zero; TCMTR and what else of CRm 0
 * traps: none of it. */
static bool id_access(struct vcpu *v, unsigned crm, unsigned op2, struct vreg_access *a)
{
    if (crm > 7)
        return false;
    return vreg_read_only(a, crm == 1 || crm == 2 ? idreg_read(v->domain, crm, op2) : 0);
}

/* CP15, one register: MRC and MCR. */
static bool cp15_access(struct vcpu *v, unsigned op1, unsigned crn, unsigned crm, unsigned op2,
                        struct vreg_access *a)
{
    /* Implementation-defined: where kernels turn on workarounds for errata of the CPU they find.
     * That is firmware's and ours to do. */
    if (crn == 15)
        return !arch_vcpu_in_user_mode(v) && vreg_raz_wi(a);
    if (op1)
        return false;
    if (crn == 0)
        return id_access(v, crm, op2, a);
    if (crn == 1 && crm == 0 && op2 == 1) /* ACTLR */
        return actlr_access(v, a);
    if (crn == 7 && op2 == 2 && (crm == 6 || crm == 10 || crm == 14)) /* DCISW, DCCSW, DCCISW */
        return vreg_set_way(v, a);
    if (crn == 14 && crm == 2 && op2 < 2)
        return vreg_timer(v, a, op2 ? VTIMER_CNTP_CTL : VTIMER_CNTP_TVAL);
    return false; /* PMU, coprocessors' lockdown registers... */
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

/* DBGDIDR: two breakpoints and two watchpoints, the smallest numbers there are; the version as
 * ID_DFR0 says. */
static uint32_t dbgdidr(const struct domain *d)
{
    return 1u << 28 | 1u << 24 | (idreg_read(d, 1, 2) & 0xf) << 16;
}

/* CP14: no breakpoints, no external debugger; ThumbEE, trace and the rest are not there. */
static bool cp14_access(struct vcpu *v, unsigned op1, unsigned crn, unsigned crm, unsigned op2,
                        struct vreg_access *a)
{
    if (op1)
        return false;
    if (crn == 0 && crm == 0 && op2 == 0)
        return vreg_read_only(a, dbgdidr(v->domain));
    if (crn == 1 && crm == 1 && op2 == 4)
        return vreg_read_only(a, 8); /* DBGOSLSR: the OS lock exists, and is open */
    return vreg_raz_wi(a);
}

/* VMRS of an ID register, whose number is in CRn. */
static bool cp10_access(struct vcpu *v, unsigned reg, struct vreg_access *a)
{
    return vreg_read_only(a, reg == 7   ? idreg_read(v->domain, 3, 0)
                             : reg == 6 ? idreg_read(v->domain, 3, 1)
                                        : 0);
}

static bool cp_access64(struct vcpu *v, uint32_t iss)
{
    unsigned rt = iss >> 5 & 0xf, rt2 = iss >> 10 & 0xf;
    struct vreg_access a = { .write = !(iss & 1) };

    if (a.write)
        a.value = arch_reg_get(v, rt) | arch_reg_get(v, rt2) << 32;
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
             rt = iss >> 5 & 0xf;
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

void cp15_trap(struct vcpu *v, uint32_t hsr)
{
    uint32_t ec = HSR_EC(hsr), iss = hsr & 0x1ffffff;
    bool done = true;

    if (a32_condition_holds(v->arch.regs.pstate, hsr)) {
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
