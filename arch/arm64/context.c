/* SPDX-License-Identifier: BSD-2-Clause */
/* A vCPU's registers of arm64 in the form of state records: most of them stand in memory so. */
#include "internal.h"
#include "records.h"

void registers_get(const struct vcpu *v, struct xlr_vcpu *r)
{
    const struct arch_vcpu *a = &v->arch;

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
        record_a32_only(r);
}

void registers_set(struct vcpu *v, struct xlr_vcpu *r)
{
    struct arch_vcpu *a = &v->arch;

    if (v->domain->aarch32)
        record_a32_only(r);
    memcpy(a->regs.x, r->x, sizeof(r->x));
    a->regs.pc = r->pc;
    a->regs.pstate = r->pstate;
    a->sp_el0 = r->sp_el0;
    a->sp_el1 = r->sp_el1;
    a->elr_el1 = r->elr_el1;
    a->spsr_el1 = r->spsr_el1;
    a->spsr_abt = r->spsr_abt;
    a->spsr_und = r->spsr_und;
    a->spsr_irq = r->spsr_irq;
    a->spsr_fiq = r->spsr_fiq;
    memcpy(a->sysreg, r->sysreg, sizeof(a->sysreg));
    /* The only register that reaches beyond the guest's own translation regime. */
    a->sysreg[XLR_SYS_MDSCR] &= MDSCR_GUEST;
}

void fpsimd_get(const struct vcpu *v, struct xlr_fpsimd *f)
{
    const struct guest_fpsimd *fp = &v->arch.fp;

    memcpy(f->v, fp->v, sizeof(f->v));
    f->fpsr = fp->fpsr;
    f->fpcr = fp->fpcr;
}

void fpsimd_set(struct vcpu *v, const struct xlr_fpsimd *f)
{
    struct guest_fpsimd *fp = &v->arch.fp;

    memcpy(fp->v, f->v, sizeof(fp->v));
    fp->fpsr = f->fpsr;
    fp->fpcr = f->fpcr;
}

bool record_fits(const struct xlr_vcpu *r)
{
    (void)r;
    return true;
}

bool arch_el1_width_ok(bool aarch32) { return !aarch32 || cpu_caps.el1_aarch32; }

/* They are UNKNOWN where no level can be AArch32. */
bool has_a32_id_registers(void) { return cpu_caps.el0_aarch32; }

void features_get(const struct domain *d, struct xlr_cpu_features *f)
{
    static const struct {
        uint8_t id, crm, op2;
    } map[] = {
        { XLR_ID_PFR0, 4, 0 },  { XLR_ID_PFR1, 4, 1 },  { XLR_ID_DFR0, 5, 0 },
        { XLR_ID_DFR1, 5, 1 },  { XLR_ID_ISAR0, 6, 0 }, { XLR_ID_ISAR1, 6, 1 },
        { XLR_ID_ISAR2, 6, 2 }, { XLR_ID_MMFR0, 7, 0 }, { XLR_ID_MMFR1, 7, 1 },
        { XLR_ID_MMFR2, 7, 2 }, { XLR_ID_ZFR0, 4, 4 },  { XLR_ID_SMFR0, 4, 5 },
    };

    if (d->aarch32)
        return;
    f->reg[XLR_ID_DCZID] = READ_SYSREG(dczid_el0) & ~16ull; /* DZP depends on the reader's level */
    for (unsigned i = 0; i < ARRAY_SIZE(map); i++)
        f->reg[map[i].id] = idreg_read(d, map[i].crm, map[i].op2);
}
