/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU's registers as Xen's tools see them (vcpu_guest_context) and as state records.  The vCPU
 * is not loaded anywhere.
 *
 * A record of an AArch32 guest is the same on hosts of both widths: system registers stand under
 * their AArch64 names, general-purpose registers where the architecture maps them (DDI 0487,
 * D1.20.1, and each register's own page).
 */
#include "internal.h"
#include "records.h"

#define DCZID_DZP 16u /* of DCZID_EL0: DC ZVA is forbidden */

/* The registers of an AArch32 guest that have 64 bits too: TTBCR2 is the upper half of TCR, MAIR1
 * of MAIR, IFAR of FAR.  All others have 32. */
static bool a32_is_wide(unsigned sysreg)
{
    switch (sysreg) {
    case XLR_SYS_TTBR0:
    case XLR_SYS_TTBR1:
    case XLR_SYS_TCR:
    case XLR_SYS_MAIR:
    case XLR_SYS_AMAIR:
    case XLR_SYS_FAR:
    case XLR_SYS_PAR: return true;
    default: return false;
    }
}

/*
 * What an AArch32 guest cannot see is no part of its state: the upper halves of registers are
 * UNKNOWN after an exit from AArch32 (Arm ARM D1.20.1); R13_hyp, AArch64's stack pointers and
 * ELR_EL1 do not belong to it.
 */
void record_a32_only(struct xlr_vcpu *r)
{
    for (unsigned i = 0; i < ARRAY_SIZE(r->x); i++)
        r->x[i] = (uint32_t)r->x[i];
    for (unsigned i = 0; i < XLR_SYS_COUNT; i++)
        if (!a32_is_wide(i))
            r->sysreg[i] = (uint32_t)r->sysreg[i];
    r->x[15] = r->sp_el0 = r->sp_el1 = r->elr_el1 = 0;
    r->pc = (uint32_t)r->pc;
    r->spsr_el1 = (uint32_t)r->spsr_el1;
    r->spsr_abt = (uint32_t)r->spsr_abt;
    r->spsr_und = (uint32_t)r->spsr_und;
    r->spsr_irq = (uint32_t)r->spsr_irq;
    r->spsr_fiq = (uint32_t)r->spsr_fiq;
}

void arch_get_context(const struct vcpu *v, struct vcpu_guest_context *c)
{
    struct xlr_vcpu r;

    memset(&r, 0, sizeof(r));
    registers_get(v, &r);
    memset(c, 0, sizeof(*c));
    c->flags = v->online ? VGCF_online : 0;
    _Static_assert(offsetof(struct vcpu_guest_core_regs, pc64) == 31 * 8, "x0..x30, pc");
    memcpy(&c->user_regs, r.x, sizeof(r.x));
    c->user_regs.pc64 = r.pc;
    c->user_regs.cpsr = r.pstate;
    c->user_regs.spsr_el1 = r.spsr_el1;
    c->user_regs.spsr_fiq = (uint32_t)r.spsr_fiq;
    c->user_regs.spsr_irq = (uint32_t)r.spsr_irq;
    c->user_regs.spsr_und = (uint32_t)r.spsr_und;
    c->user_regs.spsr_abt = (uint32_t)r.spsr_abt;
    c->user_regs.sp_el0 = r.sp_el0;
    c->user_regs.sp_el1 = r.sp_el1;
    c->user_regs.elr_el1 = r.elr_el1;
    c->sctlr = r.sysreg[XLR_SYS_SCTLR];
    c->ttbcr = r.sysreg[XLR_SYS_TCR];
    c->ttbr0 = r.sysreg[XLR_SYS_TTBR0];
    c->ttbr1 = r.sysreg[XLR_SYS_TTBR1];
}

int arch_set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
    struct xlr_vcpu r;

    if (!switch_pstate_ok(v, c->user_regs.cpsr))
        return -XEN_EINVAL;
    memset(&r, 0, sizeof(r));
    registers_get(v, &r);
    memcpy(r.x, &c->user_regs, sizeof(r.x));
    r.pc = c->user_regs.pc64;
    r.pstate = c->user_regs.cpsr;
    r.spsr_el1 = c->user_regs.spsr_el1;
    r.spsr_fiq = c->user_regs.spsr_fiq;
    r.spsr_irq = c->user_regs.spsr_irq;
    r.spsr_und = c->user_regs.spsr_und;
    r.spsr_abt = c->user_regs.spsr_abt;
    r.sp_el0 = c->user_regs.sp_el0;
    r.sp_el1 = c->user_regs.sp_el1;
    r.elr_el1 = c->user_regs.elr_el1;
    r.sysreg[XLR_SYS_SCTLR] = c->sctlr;
    r.sysreg[XLR_SYS_TCR] = c->ttbcr;
    r.sysreg[XLR_SYS_TTBR0] = c->ttbr0;
    r.sysreg[XLR_SYS_TTBR1] = c->ttbr1;
    registers_set(v, &r);
    return 0;
}

void arch_get_record(const struct vcpu *v, struct xlr_vcpu *r, struct xlr_fpsimd *f)
{
    memset(r, 0, sizeof(*r));
    registers_get(v, r);
    r->mpidr = v->arch.vmpidr;
    r->flags = (v->online ? XLR_VCPU_ONLINE : 0) | (v->blocked ? XLR_VCPU_WAITING : 0);
    r->sysreg_count = XLR_SYS_COUNT;
    memset(f, 0, sizeof(*f));
    fpsimd_get(v, f);
}

int arch_set_record(struct vcpu *v, const struct xlr_vcpu *r, const struct xlr_fpsimd *f)
{
    struct xlr_vcpu copy = *r;

    if (r->sysreg_count < XLR_SYS_COUNT || r->mpidr != v->arch.vmpidr ||
        !switch_pstate_ok(v, r->pstate) || !record_fits(r))
        return -XEN_EINVAL;
    registers_set(v, &copy);
    fpsimd_set(v, f);
    v->arch.fp_cpu = -1; /* no CPU holds these */
    return 0;
}

void arch_get_features(const struct domain *d, struct xlr_cpu_features *f)
{
    memset(f, 0, sizeof(*f));
    f->count = XLR_ID_REG_COUNT;
    f->reg[XLR_ID_MIDR] = READ_SYSREG(midr_el1);
    f->reg[XLR_ID_CTR] = READ_SYSREG(ctr_el0);
    f->reg[XLR_ID_CLIDR] = READ_SYSREG(clidr_el1);
    f->reg[XLR_ID_DCZID] = DCZID_DZP; /* AArch32 has no DC ZVA */
    features_get(d, f);
    if (!has_a32_id_registers())
        return;
    for (unsigned i = 0; XLR_ID_A32_PFR0 + i < XLR_ID_REG_COUNT; i++)
        f->reg[XLR_ID_A32_PFR0 + i] = idreg_a32(d, 1 + i / 8, i % 8);
}
