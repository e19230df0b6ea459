/* SPDX-License-Identifier: BSD-2-Clause */
/* A vCPU's registers of arm32 in the form of state records. */
#include "internal.h"
#include "records.h"

/* Members of a record, and where the vCPU has them. */
#define SPSRS(X)          \
    X(spsr_el1, spsr_svc) \
    X(spsr_abt, spsr_abt) \
    X(spsr_und, spsr_und) \
    X(spsr_irq, spsr_irq) \
    X(spsr_fiq, spsr_fiq)

void registers_get(const struct vcpu *v, struct xlr_vcpu *r)
{
    struct arch_vcpu *a = (struct arch_vcpu *)(uintptr_t)&v->arch;

    for (unsigned n = 0; n < ARRAY_SIZE(r->x); n++) {
        const uint32_t *slot = switch_x_slot(a, n);
        r->x[n] = slot ? *slot : 0;
    }
    r->pc = a->regs.pc;
    r->pstate = a->regs.pstate;
#define X(name, own) r->name = a->banked.own;
    SPSRS(X)
#undef X
    memcpy(r->sysreg, a->sysreg, sizeof(r->sysreg));
}

void registers_set(struct vcpu *v, struct xlr_vcpu *r)
{
    struct arch_vcpu *a = &v->arch;

    record_a32_only(r);
    r->sysreg[XLR_SYS_TCR] = (uint32_t)r->sysreg[XLR_SYS_TCR]; /* Armv7 has no TTBCR2 */
    for (unsigned n = 0; n < ARRAY_SIZE(r->x); n++) {
        uint32_t *slot = switch_x_slot(a, n);
        if (slot)
            *slot = (uint32_t)r->x[n];
    }
    a->regs.pc = (uint32_t)r->pc;
    a->regs.pstate = (uint32_t)r->pstate;
#define X(name, own) a->banked.own = (uint32_t)r->name;
    SPSRS(X)
#undef X
    memcpy(a->sysreg, r->sysreg, sizeof(a->sysreg));
}

/* FPSCR is FPSR and FPCR in one. */
#define FPSCR_FPSR 0xf800009fu

void fpsimd_get(const struct vcpu *v, struct xlr_fpsimd *f)
{
    const struct guest_fpsimd *fp = &v->arch.fp;

    memcpy(f->v, fp->d, sizeof(fp->d)); /* D0 and D1 are V0 */
    f->fpsr = fp->fpscr & FPSCR_FPSR;
    f->fpcr = fp->fpscr & ~FPSCR_FPSR;
}

void fpsimd_set(struct vcpu *v, const struct xlr_fpsimd *f)
{
    struct guest_fpsimd *fp = &v->arch.fp;

    memcpy(fp->d, f->v, sizeof(fp->d));
    fp->fpscr = (f->fpsr & FPSCR_FPSR) | (f->fpcr & ~FPSCR_FPSR);
}

/* Bits that a later architecture on a 64-bit host has in these registers, and this one has not,
 * must be zero: the guest would miss them. */
bool record_fits(const struct xlr_vcpu *r)
{
    static const uint8_t narrow[] = { XLR_SYS_SCTLR, XLR_SYS_TCR, XLR_SYS_CPACR, XLR_SYS_VBAR };

    for (unsigned i = 0; i < ARRAY_SIZE(narrow); i++)
        if (r->sysreg[narrow[i]] >> 32)
            return false;
    return !(r->pc >> 32);
}

bool arch_el1_width_ok(bool aarch32) { return aarch32; }

bool has_a32_id_registers(void) { return true; }

/* The registers of AArch64 read as zero: there is no AArch64. */
void features_get(const struct domain *d, struct xlr_cpu_features *f) { (void)d, (void)f; }
