/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AArch32's system registers, under the names of the AArch64 registers that the architecture maps
 * them to (DDI 0487, each register's page).  Part of <asm/sysreg.h>.
 *
 * One table for C and assembly: `x` becomes READ_SYSREG(x) and WRITE_SYSREG(x, value) in C, and the
 * instructions `read_x rt` and `write_x rt` (two registers for those of 64 bits: low, high) in
 * assembly.
 */
#include <asm/sysreg.h> /* outside the guard: that file includes this one */
#ifndef ASM_WIDTH_SYSREG_H
#define ASM_WIDTH_SYSREG_H

/* CP15, 32 bits: name, Op1, CRn, CRm, Op2.  HIFAR is the upper half of FAR_EL2, HDFAR the lower. */
#define SYSREGS_CP32(X)              \
    X(midr_el1, 0, c0, c0, 0)        \
    X(ctr_el0, 0, c0, c0, 1)         \
    X(mpidr_el1, 0, c0, c0, 5)       \
    X(id_pfr0_el1, 0, c0, c1, 0)     \
    X(id_pfr1_el1, 0, c0, c1, 1)     \
    X(id_dfr0_el1, 0, c0, c1, 2)     \
    X(id_mmfr0_el1, 0, c0, c1, 4)    \
    X(id_mmfr1_el1, 0, c0, c1, 5)    \
    X(id_mmfr2_el1, 0, c0, c1, 6)    \
    X(id_mmfr3_el1, 0, c0, c1, 7)    \
    X(id_isar0_el1, 0, c0, c2, 0)    \
    X(id_isar1_el1, 0, c0, c2, 1)    \
    X(id_isar2_el1, 0, c0, c2, 2)    \
    X(id_isar3_el1, 0, c0, c2, 3)    \
    X(id_isar4_el1, 0, c0, c2, 4)    \
    X(id_isar5_el1, 0, c0, c2, 5)    \
    X(id_mmfr4_el1, 0, c0, c2, 6)    \
    X(id_isar6_el1, 0, c0, c2, 7)    \
    X(clidr_el1, 1, c0, c0, 1)       \
    X(csselr_el1, 2, c0, c0, 0)      \
    X(vpidr_el2, 4, c0, c0, 0)       \
    X(vmpidr_el2, 4, c0, c0, 5)      \
    X(sctlr_el1, 0, c1, c0, 0)       \
    X(actlr_el1, 0, c1, c0, 1)       \
    X(cpacr_el1, 0, c1, c0, 2)       \
    X(sctlr_el2, 4, c1, c0, 0)       \
    X(hcr_el2, 4, c1, c1, 0)         \
    X(mdcr_el2, 4, c1, c1, 1)        \
    X(cptr_el2, 4, c1, c1, 2)        \
    X(hstr_el2, 4, c1, c1, 3)        \
    X(tcr_el1, 0, c2, c0, 2)         \
    X(tcr_el2, 4, c2, c0, 2)         \
    X(vtcr_el2, 4, c2, c1, 2)        \
    X(dacr32_el2, 0, c3, c0, 0)      \
    X(esr_el1, 0, c5, c0, 0)         \
    X(ifsr32_el2, 0, c5, c0, 1)      \
    X(afsr0_el1, 0, c5, c1, 0)       \
    X(afsr1_el1, 0, c5, c1, 1)       \
    X(esr_el2, 4, c5, c2, 0)         \
    X(far_el2, 4, c6, c0, 0)         \
    X(hifar, 4, c6, c0, 2)           \
    X(hpfar_el2, 4, c6, c0, 4)       \
    X(pmcr_el0, 0, c9, c12, 0)       \
    X(mair_el2, 4, c10, c2, 0)       \
    X(vbar_el1, 0, c12, c0, 0)       \
    X(isr_el1, 0, c12, c1, 0)        \
    X(vbar_el2, 4, c12, c0, 0)       \
    X(contextidr_el1, 0, c13, c0, 1) \
    X(tpidr_el0, 0, c13, c0, 2)      \
    X(tpidrro_el0, 0, c13, c0, 3)    \
    X(tpidr_el1, 0, c13, c0, 4)      \
    X(tpidr_el2, 4, c13, c0, 2)      \
    X(cntfrq_el0, 0, c14, c0, 0)     \
    X(cntkctl_el1, 0, c14, c1, 0)    \
    X(cntv_ctl_el0, 0, c14, c3, 1)   \
    X(cnthctl_el2, 4, c14, c1, 0)    \
    X(cnthp_ctl_el2, 4, c14, c2, 1)

/* Two registers of 32 bits that are one of AArch64: DFAR and IFAR, MAIR0 and MAIR1, AMAIR0 and
 * AMAIR1.  Name, Op1, CRn, CRm, Op2 of the lower and of the upper half. */
#define SYSREGS_CP32_PAIR(X)      \
    X(far_el1, 0, c6, c0, 0, 2)   \
    X(mair_el1, 0, c10, c2, 0, 1) \
    X(amair_el1, 0, c10, c3, 0, 1)

/* CP15 operations that take an address or nothing: written only.  BPIALL has no AArch64 name. */
#define SYSREGS_CP32_OPS(X)         \
    X(ic_ialluis, 0, c7, c1, 0)     \
    X(ic_iallu, 0, c7, c5, 0)       \
    X(bpiall, 0, c7, c5, 6)         \
    X(dc_ivac, 0, c7, c6, 1)        \
    X(dc_cvac, 0, c7, c10, 1)       \
    X(dc_civac, 0, c7, c14, 1)      \
    X(at_s1e1r, 0, c7, c8, 0)       \
    X(at_s1e1w, 0, c7, c8, 1)       \
    X(tlbi_vmalle1is, 0, c8, c3, 0) \
    X(tlbi_vmalle1, 0, c8, c7, 0)   \
    X(tlbi_vaae1, 0, c8, c7, 3)     \
    X(tlbi_alle2is, 4, c8, c3, 0)   \
    X(tlbi_vae2is, 4, c8, c3, 1)    \
    X(tlbi_alle1is, 4, c8, c3, 4)   \
    X(tlbi_alle2, 4, c8, c7, 0)     \
    X(tlbi_vae2, 4, c8, c7, 1)      \
    X(tlbi_alle1, 4, c8, c7, 4)

/* CP14, 32 bits: ThumbEE, which AArch64 does not have. */
#define SYSREGS_CP14(X)    \
    X(teecr, 6, c0, c0, 0) \
    X(teehbr, 6, c1, c0, 0)

/* CP15, 64 bits: name, Op1, CRm. */
#define SYSREGS_CP64(X)      \
    X(ttbr0_el1, 0, c2)      \
    X(ttbr1_el1, 1, c2)      \
    X(ttbr0_el2, 4, c2)      \
    X(vttbr_el2, 6, c2)      \
    X(par_el1, 0, c7)        \
    X(cntpct_el0, 0, c14)    \
    X(cntv_cval_el0, 3, c14) \
    X(cntvoff_el2, 4, c14)   \
    X(cnthp_cval_el2, 6, c14)

/* By MRS and MSR.  LR_usr is Hyp mode's own LR, R8_usr to R12_usr are simply its R8 to R12. */
#define SYSREGS_BANKED(X) \
    X(sp_usr)             \
    X(sp_svc)             \
    X(lr_svc)             \
    X(spsr_svc)           \
    X(sp_abt)             \
    X(lr_abt)             \
    X(spsr_abt)           \
    X(sp_und)             \
    X(lr_und)             \
    X(spsr_und)           \
    X(sp_irq)             \
    X(lr_irq)             \
    X(spsr_irq)           \
    X(r8_fiq)             \
    X(r9_fiq)             \
    X(r10_fiq)            \
    X(r11_fiq)            \
    X(r12_fiq)            \
    X(sp_fiq)             \
    X(lr_fiq)             \
    X(spsr_fiq)

#ifdef __ASSEMBLER__
.arch_extension virt
#define X(name, op1, crn, crm, op2)   \
    .macro read_##name rt;            \
    mrc p15, op1, \rt, crn, crm, op2; \
    .endm;                            \
    .macro write_##name rt;           \
    mcr p15, op1, \rt, crn, crm, op2; \
    .endm;
SYSREGS_CP32(X)
#undef X
#define X(name, op1, crn, crm, op2)   \
    .macro write_##name rt;           \
    mcr p15, op1, \rt, crn, crm, op2; \
    .endm;
    SYSREGS_CP32_OPS(X)
#undef X
#define X(name, op1, crm)         \
    .macro read_##name lo, hi;    \
    mrrc p15, op1, \lo, \hi, crm; \
    .endm;                        \
    .macro write_##name lo, hi;   \
    mcrr p15, op1, \lo, \hi, crm; \
    .endm;
        SYSREGS_CP64(X)
#undef X
#else
#include <stdint.h>

typedef uint32_t sysreg_t;
#define REG(n) n##u

#define READ_SYSREG(name)         read_##name()
#define READ_SYSREG_FIXED(name)   read_fixed_##name()
#define WRITE_SYSREG(name, value) write_##name(value)

#define AT(op, va)      WRITE_SYSREG(at_##op, (uint32_t)(va))
#define DC(op, va)      WRITE_SYSREG(dc_##op, va)
#define IC(op)          WRITE_SYSREG(ic_##op, 0)
#define TLBI(op)        WRITE_SYSREG(tlbi_##op, 0)
#define TLBI_VA(op, va) WRITE_SYSREG(tlbi_##op, (va) & ~0xfffu)

/* read_NAME() and write_NAME() of a register of 32 bits in coprocessor `cp`. */
#define SYSREG_READ_(qualifier, function, cp, op1, crn, crm, op2, ...)           \
    static inline uint32_t function(void)                                        \
    {                                                                            \
        uint32_t r_;                                                             \
        __asm__ qualifier("mrc " #cp ", " #op1 ", %0, " #crn ", " #crm ", " #op2 \
                          : "=r"(r_)                                             \
                          :                                                      \
                          : __VA_ARGS__);                                        \
        return r_;                                                               \
    }
#define SYSREG_WRITE_(cp, name, op1, crn, crm, op2)                             \
    static inline void write_##name(uint32_t w_)                                \
    {                                                                           \
        __asm__ volatile("mcr " #cp ", " #op1 ", %0, " #crn ", " #crm ", " #op2 \
                         :                                                      \
                         : "r"(w_)                                              \
                         : "memory");                                           \
    }
#define SYSREG_CP_(cp, name, ...)                                  \
    SYSREG_READ_(volatile, read_##name, cp, __VA_ARGS__, "memory") \
    SYSREG_READ_(, read_fixed_##name, cp, __VA_ARGS__)             \
    SYSREG_WRITE_(cp, name, __VA_ARGS__)
#define SYSREG_CP15_(...)    SYSREG_CP_(p15, __VA_ARGS__)
#define SYSREG_CP15_OP_(...) SYSREG_WRITE_(p15, __VA_ARGS__)
#define SYSREG_CP14_(...)    SYSREG_CP_(p14, __VA_ARGS__)
SYSREGS_CP32(SYSREG_CP15_)
SYSREGS_CP32_OPS(SYSREG_CP15_OP_)
SYSREGS_CP14(SYSREG_CP14_)
#define X(name, op1, crn, crm, low, high)                                  \
    SYSREG_CP15_(name##_low, op1, crn, crm, low)                           \
    SYSREG_CP15_(name##_high, op1, crn, crm, high)                         \
    static inline uint64_t read_##name(void)                               \
    {                                                                      \
        return read_##name##_low() | (uint64_t)read_##name##_high() << 32; \
    }                                                                      \
    static inline void write_##name(uint64_t w_)                           \
    {                                                                      \
        write_##name##_low((uint32_t)w_);                                  \
        write_##name##_high((uint32_t)(w_ >> 32));                         \
    }
SYSREGS_CP32_PAIR(X)
#undef X
#define X(name, op1, crm)                                                                \
    static inline uint64_t read_##name(void)                                             \
    {                                                                                    \
        uint64_t r_;                                                                     \
        __asm__ volatile("mrrc p15, " #op1 ", %Q0, %R0, " #crm : "=r"(r_) : : "memory"); \
        return r_;                                                                       \
    }                                                                                    \
    static inline void write_##name(uint64_t w_)                                         \
    {                                                                                    \
        __asm__ volatile("mcrr p15, " #op1 ", %Q0, %R0, " #crm : : "r"(w_) : "memory");  \
    }
SYSREGS_CP64(X)
#undef X
#define X(name)                                                       \
    static inline uint32_t read_##name(void)                          \
    {                                                                 \
        uint32_t r_;                                                  \
        __asm__ volatile("mrs %0, " #name : "=r"(r_) : : "memory");   \
        return r_;                                                    \
    }                                                                 \
    static inline void write_##name(uint32_t w_)                      \
    {                                                                 \
        __asm__ volatile("msr " #name ", %0" : : "r"(w_) : "memory"); \
    }
SYSREGS_BANKED(X)
#undef X

/* Of VFP and Advanced SIMD: name here, name for VMRS and VMSR.  The compiler is told not to use
 * them, so the assembler must be told that they exist. */
#define SYSREGS_VFP(X)    \
    X(fpscr, fpscr)       \
    X(fpexc32_el2, fpexc) \
    X(mvfr0_el1, mvfr0)   \
    X(mvfr1_el1, mvfr1)
#define X(name, vfp)                                                               \
    static inline uint32_t read_##name(void)                                       \
    {                                                                              \
        uint32_t r_;                                                               \
        __asm__ volatile(".fpu neon\n\tvmrs %0, " #vfp : "=r"(r_) : : "memory");   \
        return r_;                                                                 \
    }                                                                              \
    static inline void write_##name(uint32_t w_)                                   \
    {                                                                              \
        __asm__ volatile(".fpu neon\n\tvmsr " #vfp ", %0" : : "r"(w_) : "memory"); \
    }
SYSREGS_VFP(X)
#undef X

/* D0 to D15, and D16 to D31 where they exist.  FPEXC.EN must be set: without it Armv7 denies access
 * to Hyp mode too. */
static inline void vfp_store(uint64_t d[32], int d16_up)
{
    __asm__ volatile(".fpu neon\n\tvstmia %0!, {d0-d15}" : "+r"(d) : : "memory");
    if (d16_up)
        __asm__ volatile(".fpu neon\n\tvstmia %0!, {d16-d31}" : "+r"(d) : : "memory");
}
static inline void vfp_load(const uint64_t d[32], int d16_up)
{
    __asm__ volatile(".fpu neon\n\tvldmia %0!, {d0-d15}" : "+r"(d) : : "memory");
    if (d16_up)
        __asm__ volatile(".fpu neon\n\tvldmia %0!, {d16-d31}" : "+r"(d) : : "memory");
}
#endif

/* EL2's own regime: 32-bit VA. */
#define TCR_EL2_VALUE   TCR_EL2_WALKS
#define SCTLR_EL2_RES1  0x30c50878 /* CP15BEN among them */
#define SCTLR_EL2_VALUE (SCTLR_EL2_RES1 | SCTLR_M | SCTLR_C | SCTLR_I | SCTLR_WXN)

#ifndef __ASSEMBLER__
/* HCR_EL2 while EL2 boots; what this width traps of a guest beyond the common traps. */
#define HCR_BOOT        (HCR_FMO | HCR_IMO | HCR_AMO)
#define HCR_GUEST_WIDTH 0u

/* HCPTR: VFP and Advanced SIMD (TCP10, TCP11) are the guest's; all other coprocessors but 14 and
 * 15, and trace (TTA), trap. */
#define CPTR_EL2_VALUE ((0x3fffu & ~(BIT(10) | BIT(11))) | BIT(20))

#define VTCR_T0SZ (BIT(4) | 8u) /* -8, and S, a copy of its sign */

#define MPIDR_AFFINITY 0xffffffu

#define ACTLR_SMP       BIT(6) /* of Cortex-A7 and A15: this CPU takes part in coherency */
#define ACTLR_IBE       BIT(0) /* of Cortex-A15: I-cache invalidation clears branch prediction */
#define ID_PFR0_THUMBEE (0xfu << 12)
#define FPEXC_EN        BIT(30)
#define MVFR0_REGISTERS 0xfu /* 2: D16 to D31 exist */

/* Modes that are never a guest's, and the bits that Armv7 reserves: IL, DIT, PAN, SSBS of Armv8;
 * Jazelle and ThumbEE states. */
#define PSR_MON      0x16u
#define PSR_HYP      0x1au
#define PSR_RESERVED (0xfu << 20 | PSR_A32_J)

#define EC_HVC EC_HVC32
#endif

#endif
