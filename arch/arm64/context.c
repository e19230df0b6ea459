/* SPDX-License-Identifier: BSD-2-Clause */
/* A vCPU's registers as Xen's tools see them (vcpu_guest_context) and as state records.  The vCPU
 * is not loaded anywhere. */
#include "internal.h"
#include "records.h"

#define DCZID_DZP 16ull /* of DCZID_EL0: DC ZVA is forbidden */

/* Of an AArch32 guest these have 64 bits too (TTBCR2 is the upper half of TCR, MAIR1 of MAIR, IFAR
 * of FAR); all others have 32. */
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
 * ELR_EL1 are not its own.
 */
static void a32_only(struct xlr_vcpu *r)
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

static void get_registers(const struct vcpu *v, struct xlr_vcpu *r)
{
    const struct arch_vcpu *a = &v->arch;

    memset(r, 0, sizeof(*r));
    memcpy(r->x, a->regs.x, sizeof(r->x));
    r->pc = a->regs.pc;
    r->pstate = a->regs.pstate;
    r->sp_el0 = a->sp_el0;
    r->sp_el1 = a->sp_el1;
    r->elr_el1 = a->elr_el1;
    r->spsr_el1 = a->spsr_el1;
    r->spsr_abt = a->spsr_abt;
    r->spsr_und = a->spsr_und;
    r->spsr_irq = a->spsr_irq;
    r->spsr_fiq = a->spsr_fiq;
    memcpy(r->sysreg, a->sysreg, sizeof(r->sysreg));
    if (v->domain->aarch32)
        a32_only(r);
}

static void set_registers(struct vcpu *v, const struct xlr_vcpu *from)
{
    struct arch_vcpu *a = &v->arch;
    struct xlr_vcpu r = *from;

    if (v->domain->aarch32)
        a32_only(&r);
    memcpy(a->regs.x, r.x, sizeof(r.x));
    a->regs.pc = r.pc;
    a->regs.pstate = r.pstate;
    a->sp_el0 = r.sp_el0;
    a->sp_el1 = r.sp_el1;
    a->elr_el1 = r.elr_el1;
    a->spsr_el1 = r.spsr_el1;
    a->spsr_abt = r.spsr_abt;
    a->spsr_und = r.spsr_und;
    a->spsr_irq = r.spsr_irq;
    a->spsr_fiq = r.spsr_fiq;
    memcpy(a->sysreg, r.sysreg, sizeof(a->sysreg));
    a->sysreg[XLR_SYS_MDSCR] &=
        MDSCR_GUEST; /* the only one that reaches beyond the guest's own translation regime */
}

void arch_get_context(const struct vcpu *v, struct vcpu_guest_context *c)
{
    struct xlr_vcpu r;

    get_registers(v, &r);
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
    get_registers(v, &r);
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
    set_registers(v, &r);
    return 0;
}

void arch_get_record(const struct vcpu *v, struct xlr_vcpu *r, struct xlr_fpsimd *f)
{
    const struct arch_vcpu *a = &v->arch;

    get_registers(v, r);
    r->mpidr = a->vmpidr;
    r->flags = (v->online ? XLR_VCPU_ONLINE : 0) | (v->blocked ? XLR_VCPU_WAITING : 0);
    r->sysreg_count = XLR_SYS_COUNT;
    memset(f, 0, sizeof(*f));
    memcpy(f->v, a->fp.v, sizeof(f->v));
    f->fpsr = a->fp.fpsr;
    f->fpcr = a->fp.fpcr;
}

int arch_set_record(struct vcpu *v, const struct xlr_vcpu *r, const struct xlr_fpsimd *f)
{
    struct arch_vcpu *a = &v->arch;

    if (r->sysreg_count < XLR_SYS_COUNT || r->mpidr != a->vmpidr || !switch_pstate_ok(v, r->pstate))
        return -XEN_EINVAL;
    set_registers(v, r);
    memcpy(a->fp.v, f->v, sizeof(a->fp.v));
    a->fp.fpsr = f->fpsr;
    a->fp.fpcr = f->fpcr;
    a->fp_cpu = -1; /* no CPU holds these */
    return 0;
}

bool arch_el1_width_ok(bool aarch32)
{
    return !aarch32 || (READ_SYSREG(id_aa64pfr0_el1) >> 4 & 0xf) == 2;
}

static void features_a64(const struct domain *d, struct xlr_cpu_features *f)
{
    static const struct {
        uint8_t id, crm, op2;
    } map[] = {
        { XLR_ID_PFR0, 4, 0 },  { XLR_ID_PFR1, 4, 1 },  { XLR_ID_DFR0, 5, 0 },
        { XLR_ID_DFR1, 5, 1 },  { XLR_ID_ISAR0, 6, 0 }, { XLR_ID_ISAR1, 6, 1 },
        { XLR_ID_ISAR2, 6, 2 }, { XLR_ID_MMFR0, 7, 0 }, { XLR_ID_MMFR1, 7, 1 },
        { XLR_ID_MMFR2, 7, 2 }, { XLR_ID_ZFR0, 4, 4 },  { XLR_ID_SMFR0, 4, 5 },
    };

    f->reg[XLR_ID_DCZID] = READ_SYSREG(dczid_el0) & ~DCZID_DZP; /* depends on the reader's level */
    for (unsigned i = 0; i < ARRAY_SIZE(map); i++)
        f->reg[map[i].id] = idreg_read(d, map[i].crm, map[i].op2);
}

/* What it says is UNKNOWN where no level can be AArch32. */
static void features_a32(const struct domain *d, struct xlr_cpu_features *f)
{
    if ((READ_SYSREG(id_aa64pfr0_el1) & 0xf) != 2)
        return;
    for (unsigned i = 0; XLR_ID_A32_PFR0 + i < XLR_ID_REG_COUNT; i++)
        f->reg[XLR_ID_A32_PFR0 + i] = (uint32_t)idreg_read(d, 1 + i / 8, i % 8);
}

void arch_get_features(const struct domain *d, struct xlr_cpu_features *f)
{
    memset(f, 0, sizeof(*f));
    f->count = XLR_ID_REG_COUNT;
    f->reg[XLR_ID_MIDR] = READ_SYSREG(midr_el1);
    f->reg[XLR_ID_CTR] = READ_SYSREG(ctr_el0);
    f->reg[XLR_ID_CLIDR] = READ_SYSREG(clidr_el1);
    if (d->aarch32)
        f->reg[XLR_ID_DCZID] = DCZID_DZP;
    else
        features_a64(d, f);
    features_a32(d, f);
}
