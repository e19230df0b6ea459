/* SPDX-License-Identifier: BSD-2-Clause */
/* What common/switch.c needs of arm64. */
#ifndef ARCH_WIDTH_SWITCH_H
#define ARCH_WIDTH_SWITCH_H

#include "internal.h"

/* entry.S counts on these; other offsets it gets from offsets.c. */
_Static_assert(offsetof(struct guest_regs, pc) == 248 && offsetof(struct guest_regs, pstate) == 256,
               "struct guest_regs");
_Static_assert(sizeof(struct el2_frame) == 288 && offsetof(struct el2_frame, sp) == 248,
               "struct el2_frame");
_Static_assert(offsetof(struct guest_fpsimd, fpsr) == 512 &&
                   offsetof(struct guest_fpsimd, fpcr) == 516,
               "struct guest_fpsimd");

#define SAVE(name, reg) a->sysreg[XLR_SYS_##name] = READ_SYSREG(reg);
/* Two vCPUs of one kernel have most of these alike, and a write of a translation register makes
 * emulators forget their TLB. */
#define LOAD(name, reg)                                \
    if (READ_SYSREG(reg) != a->sysreg[XLR_SYS_##name]) \
        WRITE_SYSREG(reg, a->sysreg[XLR_SYS_##name]);

/* Of a CPU whose EL1 can be AArch32; elsewhere they may not exist. */
#define SYSREGS_A32(X)    \
    X(DACR32, dacr32_el2) \
    X(IFSR32, ifsr32_el2) \
    X(FPEXC32, fpexc32_el2)
/* Of a CPU with pointer authentication. */
#define SYSREGS_KEYS(X)         \
    X(APIAKEYLO, APIAKEYLO_EL1) \
    X(APIAKEYHI, APIAKEYHI_EL1) \
    X(APIBKEYLO, APIBKEYLO_EL1) \
    X(APIBKEYHI, APIBKEYHI_EL1) \
    X(APDAKEYLO, APDAKEYLO_EL1) \
    X(APDAKEYHI, APDAKEYHI_EL1) \
    X(APDBKEYLO, APDBKEYLO_EL1) \
    X(APDBKEYHI, APDBKEYHI_EL1) \
    X(APGAKEYLO, APGAKEYLO_EL1) \
    X(APGAKEYHI, APGAKEYHI_EL1)
/* Members of struct arch_vcpu that are registers. */
#define REGS_A64(X)   X(sp_el0) X(sp_el1) X(elr_el1) X(spsr_el1)
#define REGS_A32(X)   X(spsr_abt) X(spsr_und) X(spsr_irq) X(spsr_fiq)
#define SAVE_REG(reg) a->reg = READ_SYSREG(reg);
#define LOAD_REG(reg) WRITE_SYSREG(reg, a->reg);

static inline void width_save(struct arch_vcpu *a)
{
    SAVE(MDSCR, mdscr_el1)
    if (cpu_caps.pauth) {
        SYSREGS_KEYS(SAVE)
    }
    REGS_A64(SAVE_REG)
    if (cpu_caps.el1_aarch32) {
        SYSREGS_A32(SAVE)
        REGS_A32(SAVE_REG)
    }
}

static inline void width_load(const struct arch_vcpu *a)
{
    LOAD(MDSCR, mdscr_el1)
    if (cpu_caps.pauth) {
        SYSREGS_KEYS(LOAD)
    }
    REGS_A64(LOAD_REG)
    if (cpu_caps.el1_aarch32) {
        SYSREGS_A32(LOAD)
        REGS_A32(LOAD_REG)
    }
}

/* The compiler is told not to use these registers, so the assembler must be told that they exist.
 */
#define FP_PAIRS(op)                                                                             \
    ".arch_extension fp\n\t.arch_extension simd\n\t" op " q0, q1, [%0]\n\t" op                   \
    " q2, q3, [%0, #32]\n\t" op " q4, q5, [%0, #64]\n\t" op " q6, q7, [%0, #96]\n\t" op          \
    " q8, q9, [%0, #128]\n\t" op " q10, q11, [%0, #160]\n\t" op " q12, q13, [%0, #192]\n\t" op   \
    " q14, q15, [%0, #224]\n\t" op " q16, q17, [%0, #256]\n\t" op " q18, q19, [%0, #288]\n\t" op \
    " q20, q21, [%0, #320]\n\t" op " q22, q23, [%0, #352]\n\t" op " q24, q25, [%0, #384]\n\t" op \
    " q26, q27, [%0, #416]\n\t" op " q28, q29, [%0, #448]\n\t" op " q30, q31, [%0, #480]\n\t"

static inline void fp_save(struct arch_vcpu *a)
{
    __asm__ volatile(FP_PAIRS("stp") : : "r"(&a->fp) : "memory");
    a->fp.fpsr = (uint32_t)READ_SYSREG(fpsr);
    a->fp.fpcr = (uint32_t)READ_SYSREG(fpcr);
}
static inline void fp_load(const struct arch_vcpu *a)
{
    __asm__ volatile(FP_PAIRS("ldp") : : "r"(&a->fp) : "memory");
    WRITE_SYSREG(fpsr, a->fp.fpsr);
    WRITE_SYSREG(fpcr, a->fp.fpcr);
}
static inline void fp_loaded(const struct arch_vcpu *a) { (void)a; }

static inline void width_reset(struct arch_vcpu *a, uint64_t pc, uint64_t x0, bool aarch32)
{
    a->regs.x[0] = x0;
    if (aarch32)
        return;
    a->hcr |= HCR_RW;
    if (cpu_caps.pauth)
        a->hcr |= HCR_API | HCR_APK;
    a->regs.pc = pc;
    a->regs.pstate = PSR_EL1H | PSR_D | PSR_A | PSR_I | PSR_F;
    a->sysreg[XLR_SYS_SCTLR] = SCTLR_EL1_RESET;
}

#endif
