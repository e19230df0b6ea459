/* SPDX-License-Identifier: BSD-2-Clause */
/* A vCPU's registers between memory and a CPU. */
#include "internal.h"
#include "width/switch.h"

_Static_assert(offsetof(struct vcpu, arch) == 0 && offsetof(struct arch_vcpu, regs) == 0,
               "arch_regs_() and entry.S");

/* The vCPU whose FP registers a CPU holds.  EL2 has none of its own, so they survive until another
 * vCPU runs here. */
static struct vcpu *fp_owner[MAX_CPUS];

/* What every guest has: XLR_SYS_* number, register. */
#define SYSREGS(X)                \
    X(SCTLR, sctlr_el1)           \
    X(CPACR, cpacr_el1)           \
    X(TTBR0, ttbr0_el1)           \
    X(TTBR1, ttbr1_el1)           \
    X(TCR, tcr_el1)               \
    X(MAIR, mair_el1)             \
    X(AMAIR, amair_el1)           \
    X(VBAR, vbar_el1)             \
    X(CONTEXTIDR, contextidr_el1) \
    X(TPIDR_EL0, tpidr_el0)       \
    X(TPIDRRO_EL0, tpidrro_el0)   \
    X(TPIDR_EL1, tpidr_el1)       \
    X(ESR, esr_el1)               \
    X(AFSR0, afsr0_el1)           \
    X(AFSR1, afsr1_el1)           \
    X(FAR, far_el1)               \
    X(PAR, par_el1)               \
    X(CSSELR, csselr_el1)

void arch_vcpu_save(struct vcpu *v)
{
    struct arch_vcpu *a = &v->arch;
    unsigned cpu = cpu_id();

    SYSREGS(SAVE)
    width_save(a);
    /* The hardware clears VSE when the guest takes the error. */
    a->hcr = (a->hcr & ~HCR_VSE) | (READ_SYSREG(hcr_el2) & HCR_VSE);
    fp_save(a);
    fp_owner[cpu] = v;
    a->fp_cpu = (int)cpu;
}

void arch_vcpu_load(struct vcpu *v)
{
    struct arch_vcpu *a = &v->arch;
    unsigned cpu = cpu_id();

    WRITE_SYSREG(hcr_el2, a->hcr);
    WRITE_SYSREG(vmpidr_el2, a->vmpidr);
    SYSREGS(LOAD)
    width_load(a);
    if (fp_owner[cpu] != v || a->fp_cpu != (int)cpu) {
        fp_load(a);
        fp_owner[cpu] = v;
        a->fp_cpu = (int)cpu;
    }
    fp_loaded(a);
    arch_isb(); /* an AT or TLBI that follows uses this vCPU's registers */
}

int arch_vcpu_init(struct vcpu *v)
{
    struct arch_vcpu *a = &v->arch;

    if (!arch_el1_width_ok(v->domain->aarch32))
        return -XEN_EINVAL;
    a->vmpidr = BIT(31) | (v->id & 0xf) | (sysreg_t)(v->id >> 4) << 8;
    arch_vcpu_reset(v, 0, 0, v->domain->aarch32);
    return 0;
}

void arch_vcpu_destroy(struct vcpu *v)
{
    /* A later vCPU at the same address must not find "its" FP registers on a CPU.  It starts with
     * fp_cpu = -1, too. */
    v->arch.fp_cpu = -1;
}

void arch_vcpu_reset(struct vcpu *v, uint64_t pc, uint64_t x0, bool aarch32)
{
    struct arch_vcpu *a = &v->arch;
    sysreg_t vmpidr = a->vmpidr;

    memset(a, 0, sizeof(*a));
    a->vmpidr = vmpidr;
    a->fp_cpu = -1;
    a->hcr = HCR_VM | HCR_SWIO | HCR_PTW | HCR_FMO | HCR_IMO | HCR_AMO | HCR_FB | HCR_BSU_INNER |
             HCR_TWI | HCR_TWE | HCR_TID3 | HCR_TSC | HCR_TIDCP | HCR_TACR | HCR_TSW |
             HCR_GUEST_WIDTH;
    if (aarch32) {
        a->regs.pc = (uint32_t)pc & ~1u;
        a->regs.pstate = PSR_A32_SVC | PSR_A | PSR_I | PSR_F | (pc & 1 ? PSR_A32_T : 0);
        a->sysreg[XLR_SYS_SCTLR] = SCTLR_A32_RESET;
    }
    width_reset(a, pc, x0, aarch32);
}

void skip_instruction_a32(struct vcpu *v)
{
    struct guest_regs *r = &v->arch.regs;

    /* The length of a Thumb instruction is in the syndrome of this exit.  ESR_EL2 itself may have
     * that of a VLPT fault by now. */
    bool wide = !(r->pstate & PSR_A32_T) || (v->arch.esr & ESR_IL);
    r->pc = (uint32_t)(r->pc + (wide ? 4 : 2));
    if (r->pstate & PSR_A32_T)
        r->pstate = a32_advance_it((uint32_t)r->pstate);
}
