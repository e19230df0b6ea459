/* SPDX-License-Identifier: BSD-2-Clause */
/* A vCPU's registers between memory and a CPU. */
#include "internal.h"
#include "records.h"

/* entry.S counts on these; other offsets it gets from offsets.c. */
_Static_assert(offsetof(struct vcpu, arch) == 0 && offsetof(struct arch_vcpu, regs) == 0,
               "struct vcpu");
_Static_assert(offsetof(struct guest_regs, pc) == 248 && offsetof(struct guest_regs, pstate) == 256,
               "struct guest_regs");
_Static_assert(sizeof(struct el2_frame) == 288 && offsetof(struct el2_frame, sp) == 248,
               "struct el2_frame");
_Static_assert(offsetof(struct guest_fpsimd, fpsr) == 512 &&
                   offsetof(struct guest_fpsimd, fpcr) == 516,
               "struct guest_fpsimd");

/* The vCPU whose FP registers a CPU holds.  EL2 has none of its own, so they survive while other
 * vCPUs' never come by. */
static struct vcpu *fp_owner[MAX_CPUS];

/* What the architecture switches for every guest; XLR_SYS_* number, register. */
/* clang-format off */
#define SYSREGS(X) \
    X(SCTLR, sctlr_el1) X(CPACR, cpacr_el1) X(TTBR0, ttbr0_el1) X(TTBR1, ttbr1_el1) X(TCR, tcr_el1) \
    X(MAIR, mair_el1) X(AMAIR, amair_el1) X(VBAR, vbar_el1) X(CONTEXTIDR, contextidr_el1) X(TPIDR_EL0, tpidr_el0) \
    X(TPIDRRO_EL0, tpidrro_el0) X(TPIDR_EL1, tpidr_el1) X(ESR, esr_el1) X(AFSR0, afsr0_el1) X(AFSR1, afsr1_el1) \
    X(FAR, far_el1) X(PAR, par_el1) X(CSSELR, csselr_el1) X(MDSCR, mdscr_el1)
/* clang-format on */
/* These exist where EL1 or EL0 can be AArch32; they are RES0 elsewhere only if EL1 cannot:
 * accessible at EL2 then too. */
#define SYSREGS_A32(X) X(DACR32, dacr32_el2) X(IFSR32, ifsr32_el2) X(FPEXC32, fpexc32_el2)
/* clang-format off */
#define SYSREGS_KEYS(X) \
    X(APIAKEYLO, APIAKEYLO_EL1) X(APIAKEYHI, APIAKEYHI_EL1) X(APIBKEYLO, APIBKEYLO_EL1) X(APIBKEYHI, APIBKEYHI_EL1) \
    X(APDAKEYLO, APDAKEYLO_EL1) X(APDAKEYHI, APDAKEYHI_EL1) X(APDBKEYLO, APDBKEYLO_EL1) X(APDBKEYHI, APDBKEYHI_EL1) \
    X(APGAKEYLO, APGAKEYLO_EL1) X(APGAKEYHI, APGAKEYHI_EL1)
/* clang-format on */

#define SAVE(name, reg) a->sysreg[XLR_SYS_##name] = READ_SYSREG(reg);
/* Two vCPUs of one kernel have most of these alike, and a write of a translation register makes
 * emulators forget their TLB. */
#define LOAD(name, reg)                                \
    if (READ_SYSREG(reg) != a->sysreg[XLR_SYS_##name]) \
        WRITE_SYSREG(reg, a->sysreg[XLR_SYS_##name]);

#define FP_PAIRS(op)                                                                           \
    op " q0, q1, [%0]\n\t" op " q2, q3, [%0, #32]\n\t" op " q4, q5, [%0, #64]\n\t" op          \
       " q6, q7, [%0, #96]\n\t" op " q8, q9, [%0, #128]\n\t" op " q10, q11, [%0, #160]\n\t" op \
       " q12, q13, [%0, #192]\n\t" op " q14, q15, [%0, #224]\n\t" op                           \
       " q16, q17, [%0, #256]\n\t" op " q18, q19, [%0, #288]\n\t" op                           \
       " q20, q21, [%0, #320]\n\t" op " q22, q23, [%0, #352]\n\t" op                           \
       " q24, q25, [%0, #384]\n\t" op " q26, q27, [%0, #416]\n\t" op                           \
       " q28, q29, [%0, #448]\n\t" op " q30, q31, [%0, #480]\n\t"

static void fp_save(struct guest_fpsimd *f)
{
    __asm__ volatile(".arch_extension fp\n\t.arch_extension simd\n\t" FP_PAIRS("stp")
                     :
                     : "r"(f)
                     : "memory");
    f->fpsr = (uint32_t)READ_SYSREG(fpsr);
    f->fpcr = (uint32_t)READ_SYSREG(fpcr);
}

static void fp_load(const struct guest_fpsimd *f)
{
    __asm__ volatile(".arch_extension fp\n\t.arch_extension simd\n\t" FP_PAIRS("ldp")
                     :
                     : "r"(f)
                     : "memory");
    WRITE_SYSREG(fpsr, f->fpsr);
    WRITE_SYSREG(fpcr, f->fpcr);
}

void arch_vcpu_save(struct vcpu *v)
{
    struct arch_vcpu *a = &v->arch;
    unsigned cpu = cpu_id();

    SYSREGS(SAVE)
    if (cpu_caps.pauth) {
        SYSREGS_KEYS(SAVE)
    }
    a->sp_el0 = READ_SYSREG(sp_el0);
    a->sp_el1 = READ_SYSREG(sp_el1);
    a->elr_el1 = READ_SYSREG(elr_el1);
    a->spsr_el1 = READ_SYSREG(spsr_el1);
    if (cpu_caps.el1_aarch32) {
        SYSREGS_A32(SAVE)
        a->spsr_abt = READ_SYSREG(spsr_abt);
        a->spsr_und = READ_SYSREG(spsr_und);
        a->spsr_irq = READ_SYSREG(spsr_irq);
        a->spsr_fiq = READ_SYSREG(spsr_fiq);
    }
    a->hcr = (a->hcr & ~HCR_VSE) |
             (READ_SYSREG(hcr_el2) & HCR_VSE); /* the hardware clears it when taken */
    fp_save(&a->fp);
    fp_owner[cpu] = v;
    a->fp_cpu = (int)cpu;
}

void arch_vcpu_load(struct vcpu *v)
{
    const struct arch_vcpu *a = &v->arch;
    unsigned cpu = cpu_id();

    WRITE_SYSREG(hcr_el2, a->hcr);
    WRITE_SYSREG(vmpidr_el2, a->vmpidr);
    SYSREGS(LOAD)
    if (cpu_caps.pauth) {
        SYSREGS_KEYS(LOAD)
    }
    WRITE_SYSREG(sp_el0, a->sp_el0);
    WRITE_SYSREG(sp_el1, a->sp_el1);
    WRITE_SYSREG(elr_el1, a->elr_el1);
    WRITE_SYSREG(spsr_el1, a->spsr_el1);
    if (cpu_caps.el1_aarch32) {
        SYSREGS_A32(LOAD)
        WRITE_SYSREG(spsr_abt, a->spsr_abt);
        WRITE_SYSREG(spsr_und, a->spsr_und);
        WRITE_SYSREG(spsr_irq, a->spsr_irq);
        WRITE_SYSREG(spsr_fiq, a->spsr_fiq);
    }
    if (fp_owner[cpu] != v || a->fp_cpu != (int)cpu) {
        fp_load(&a->fp);
        fp_owner[cpu] = v;
        v->arch.fp_cpu = (int)cpu;
    }
    arch_isb(); /* an AT or TLBI that follows uses this vCPU's registers */
}

int arch_vcpu_init(struct vcpu *v)
{
    struct arch_vcpu *a = &v->arch;

    if (v->domain->aarch32 && !cpu_caps.el1_aarch32)
        return -XEN_EINVAL;
    a->fp_cpu = -1;
    a->vmpidr = BIT(31) | (v->id & 0xf) | (uint64_t)(v->id >> 4) << 8;
    arch_vcpu_reset(v, 0, 0, v->domain->aarch32);
    return 0;
}

void arch_vcpu_destroy(struct vcpu *v)
{
    /* A later vCPU at the same address must not find "its" FP registers on a CPU: it starts with
     * fp_cpu = -1. */
    v->arch.fp_cpu = -1;
}

void arch_vcpu_reset(struct vcpu *v, uint64_t pc, uint64_t x0, bool aarch32)
{
    struct arch_vcpu *a = &v->arch;
    uint64_t vmpidr = a->vmpidr;

    memset(a, 0, sizeof(*a));
    a->vmpidr = vmpidr;
    a->fp_cpu = -1;
    a->hcr = HCR_VM | HCR_SWIO | HCR_PTW | HCR_FMO | HCR_IMO | HCR_AMO | HCR_FB | HCR_BSU_INNER |
             HCR_TWI | HCR_TWE | HCR_TID3 | HCR_TSC | HCR_TIDCP | HCR_TACR | HCR_TSW | HCR_TLOR |
             HCR_TERR | HCR_TID5;
    a->regs.x[0] = x0;
    if (aarch32) {
        a->regs.pc = pc & ~1ull;
        a->regs.pstate = PSR_A32_SVC | PSR_A | PSR_I | PSR_F | (pc & 1 ? PSR_A32_T : 0);
        a->sysreg[XLR_SYS_SCTLR] = SCTLR_A32_RESET;
    } else {
        a->hcr |= HCR_RW;
        if (cpu_caps.pauth)
            a->hcr |= HCR_API | HCR_APK;
        a->regs.pc = pc;
        a->regs.pstate = PSR_EL1H | PSR_D | PSR_A | PSR_I | PSR_F;
        a->sysreg[XLR_SYS_SCTLR] = SCTLR_EL1_RESET;
    }
}

/* MDSCR_EL1 traps, with all of debug: the guest may step itself, the breakpoint registers are not
 * there. */
void switch_set_mdscr(struct vcpu *v, uint64_t value)
{
    v->arch.sysreg[XLR_SYS_MDSCR] = value & MDSCR_GUEST;
    WRITE_SYSREG(mdscr_el1, value & MDSCR_GUEST);
}

/* May `pstate` go into SPSR_EL2?  A mode of EL0 or EL1 that the CPU and the domain have, and no
 * reserved bits. */
bool switch_pstate_ok(const struct vcpu *v, uint64_t pstate)
{
    uint64_t mode = pstate & PSR_MODE;

    if (pstate >> 32)
        return false;
    if (mode & PSR_A32) {
        if (mode == PSR_A32_USR)
            return cpu_caps.el0_aarch32;
        return v->domain->aarch32 &&
               (mode <= PSR_A32_SVC || mode == PSR_A32_ABT || mode == PSR_A32_UND || mode == 0x1f);
    }
    return !v->domain->aarch32 && (mode == PSR_EL0T || mode == PSR_EL1T || mode == PSR_EL1H);
}

void skip_instruction_a32(struct vcpu *v)
{
    struct guest_regs *r = &v->arch.regs;

    /* The length of a Thumb instruction is in the syndrome of this exit (ESR_EL2 may be another's
     * by now: VLPT faults). */
    bool wide = !(r->pstate & PSR_A32_T) || (v->arch.esr & ESR_IL);
    r->pc = (uint32_t)(r->pc + (wide ? 4 : 2));
    if (r->pstate & PSR_A32_T)
        r->pstate = a32_advance_it((uint32_t)r->pstate);
}
