/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU's registers as Xen's tools see them (vcpu_guest_context) and as state records.  The vCPU
 * is not loaded anywhere.
 *
 * Records have the form that the same guest's have on a 64-bit host: system registers under their
 * AArch64 names, general-purpose ones where the architecture maps them (DDI 0487, D1.20.1, and each
 * register's own page).
 */
#include "internal.h"
#include "records.h"

#define X_COUNT   31u
#define DCZID_DZP 16u /* of DCZID_EL0: DC ZVA is forbidden */

static void x_get(const struct arch_vcpu *a, uint64_t *x)
{
    struct arch_vcpu *slots = (struct arch_vcpu *)(uintptr_t)a;

    for (unsigned n = 0; n < X_COUNT; n++) {
        const uint32_t *slot = switch_x_slot(slots, n);
        x[n] = slot ? *slot : 0;
    }
}

static void x_set(struct arch_vcpu *a, const uint64_t *x)
{
    for (unsigned n = 0; n < X_COUNT; n++) {
        uint32_t *slot = switch_x_slot(a, n);
        if (slot)
            *slot = (uint32_t)x[n];
    }
}

void arch_get_context(const struct vcpu *v, struct vcpu_guest_context *c)
{
    const struct arch_vcpu *a = &v->arch;
    uint64_t x[X_COUNT];

    memset(c, 0, sizeof(*c));
    c->flags = v->online ? VGCF_online : 0;
    _Static_assert(offsetof(struct vcpu_guest_core_regs, pc64) == sizeof(x), "x0..x30, pc");
    x_get(a, x);
    memcpy(&c->user_regs, x, sizeof(x));
    c->user_regs.pc64 = a->regs.pc;
    c->user_regs.cpsr = a->regs.pstate;
    c->user_regs.spsr_svc = a->banked.spsr_svc;
    c->user_regs.spsr_fiq = a->banked.spsr_fiq;
    c->user_regs.spsr_irq = a->banked.spsr_irq;
    c->user_regs.spsr_und = a->banked.spsr_und;
    c->user_regs.spsr_abt = a->banked.spsr_abt;
    c->sctlr = a->cp15.sctlr;
    c->ttbcr = a->cp15.ttbcr;
    c->ttbr0 = a->cp15_64.ttbr0_64;
    c->ttbr1 = a->cp15_64.ttbr1_64;
}

int arch_set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
    struct arch_vcpu *a = &v->arch;
    uint64_t x[X_COUNT];

    if (!switch_cpsr_ok(c->user_regs.cpsr))
        return -XEN_EINVAL;
    memcpy(x, &c->user_regs, sizeof(x));
    x_set(a, x);
    a->regs.pc = (uint32_t)c->user_regs.pc64;
    a->regs.pstate = (uint32_t)c->user_regs.cpsr;
    a->banked.spsr_svc = c->user_regs.spsr_svc;
    a->banked.spsr_fiq = c->user_regs.spsr_fiq;
    a->banked.spsr_irq = c->user_regs.spsr_irq;
    a->banked.spsr_und = c->user_regs.spsr_und;
    a->banked.spsr_abt = c->user_regs.spsr_abt;
    a->cp15.sctlr = (uint32_t)c->sctlr;
    a->cp15.ttbcr = (uint32_t)c->ttbcr;
    a->cp15_64.ttbr0_64 = c->ttbr0;
    a->cp15_64.ttbr1_64 = c->ttbr1;
    return 0;
}

/* Registers of 32 bits that are one AArch64 register, or its lower half; those that are an upper
 * half. */
/* clang-format off */
#define RECORD_LOW(X) \
    X(SCTLR, cp15.sctlr) X(ACTLR, actlr) X(CPACR, cp15.cpacr) X(TCR, cp15.ttbcr) X(MAIR, cp15.mair0) X(AMAIR, cp15.amair0) \
    X(VBAR, cp15.vbar) X(CONTEXTIDR, cp15.contextidr) X(TPIDR_EL0, cp15.tpidrurw) X(TPIDRRO_EL0, cp15.tpidruro) \
    X(TPIDR_EL1, cp15.tpidrprw) X(ESR, cp15.dfsr) X(AFSR0, cp15.adfsr) X(AFSR1, cp15.aifsr) X(FAR, cp15.dfar) \
    X(CSSELR, cp15.csselr) X(DACR32, cp15.dacr) X(IFSR32, cp15.ifsr) X(FPEXC32, fpexc)
/* clang-format on */
#define RECORD_HIGH(X)  X(MAIR, cp15.mair1) X(AMAIR, cp15.amair1) X(FAR, cp15.ifar)
#define RECORD_WHOLE(X) X(TTBR0, cp15_64.ttbr0_64) X(TTBR1, cp15_64.ttbr1_64) X(PAR, cp15_64.par_64)

static void sysregs_get(const struct arch_vcpu *a, uint64_t *sysreg)
{
#define X(name, field) sysreg[XLR_SYS_##name] = a->field;
    RECORD_LOW(X)
    RECORD_WHOLE(X)
#undef X
#define X(name, field) sysreg[XLR_SYS_##name] |= (uint64_t)a->field << 32;
    RECORD_HIGH(X)
#undef X
}

static void sysregs_set(struct arch_vcpu *a, const uint64_t *sysreg)
{
#define X(name, field) a->field = (uint32_t)sysreg[XLR_SYS_##name];
    RECORD_LOW(X)
#undef X
#define X(name, field) a->field = sysreg[XLR_SYS_##name];
    RECORD_WHOLE(X)
#undef X
#define X(name, field) a->field = (uint32_t)(sysreg[XLR_SYS_##name] >> 32);
    RECORD_HIGH(X)
#undef X
}

/* FPSCR is FPSR and FPCR in one. */
#define FPSCR_FPSR 0xf800009fu

void arch_get_record(const struct vcpu *v, struct xlr_vcpu *r, struct xlr_fpsimd *f)
{
    const struct arch_vcpu *a = &v->arch;

    memset(r, 0, sizeof(*r));
    x_get(a, r->x);
    r->pc = a->regs.pc;
    r->pstate = a->regs.pstate;
    r->spsr_el1 = a->banked.spsr_svc;
    r->spsr_abt = a->banked.spsr_abt;
    r->spsr_und = a->banked.spsr_und;
    r->spsr_irq = a->banked.spsr_irq;
    r->spsr_fiq = a->banked.spsr_fiq;
    r->mpidr = a->vmpidr;
    r->flags = (v->online ? XLR_VCPU_ONLINE : 0) | (v->blocked ? XLR_VCPU_WAITING : 0);
    r->sysreg_count = XLR_SYS_COUNT;
    sysregs_get(a, r->sysreg);
    memset(f, 0, sizeof(*f));
    memcpy(f->v, a->fp.d, sizeof(a->fp.d)); /* D0 and D1 are V0 */
    f->fpsr = a->fp.fpscr & FPSCR_FPSR;
    f->fpcr = a->fp.fpscr & ~FPSCR_FPSR;
}

/* What a 64-bit host's later architecture may have there, and this has not, must be zero: the guest
 * would miss it. */
static bool record_fits(const struct xlr_vcpu *r)
{
    static const uint8_t narrow[] = { XLR_SYS_SCTLR, XLR_SYS_TCR, XLR_SYS_CPACR, XLR_SYS_VBAR };

    for (unsigned i = 0; i < ARRAY_SIZE(narrow); i++)
        if (r->sysreg[narrow[i]] >> 32)
            return false;
    return !(r->pc >> 32);
}

int arch_set_record(struct vcpu *v, const struct xlr_vcpu *r, const struct xlr_fpsimd *f)
{
    struct arch_vcpu *a = &v->arch;

    if (r->sysreg_count < XLR_SYS_COUNT || r->mpidr != a->vmpidr || !switch_cpsr_ok(r->pstate) ||
        !record_fits(r))
        return -XEN_EINVAL;
    x_set(a, r->x);
    a->regs.pc = (uint32_t)r->pc;
    a->regs.pstate = (uint32_t)r->pstate;
    a->banked.spsr_svc = (uint32_t)r->spsr_el1;
    a->banked.spsr_abt = (uint32_t)r->spsr_abt;
    a->banked.spsr_und = (uint32_t)r->spsr_und;
    a->banked.spsr_irq = (uint32_t)r->spsr_irq;
    a->banked.spsr_fiq = (uint32_t)r->spsr_fiq;
    sysregs_set(a, r->sysreg);
    memcpy(a->fp.d, f->v, sizeof(a->fp.d));
    a->fp.fpscr = (f->fpsr & FPSCR_FPSR) | (f->fpcr & ~FPSCR_FPSR);
    a->fp_cpu = -1; /* no CPU holds these */
    return 0;
}

bool arch_el1_width_ok(bool aarch32) { return aarch32; }

/* The registers of AArch64 read as zero: there is none of it, and no DC ZVA. */
void arch_get_features(const struct domain *d, struct xlr_cpu_features *f)
{
    memset(f, 0, sizeof(*f));
    f->count = XLR_ID_REG_COUNT;
    f->reg[XLR_ID_MIDR] = READ_SYSREG(midr);
    f->reg[XLR_ID_CTR] = READ_SYSREG(ctr);
    f->reg[XLR_ID_DCZID] = DCZID_DZP;
    f->reg[XLR_ID_CLIDR] = READ_SYSREG(clidr);
    for (unsigned i = 0; XLR_ID_A32_PFR0 + i < XLR_ID_REG_COUNT; i++)
        f->reg[XLR_ID_A32_PFR0 + i] = idreg_read(d, 1 + i / 8, i % 8);
}
