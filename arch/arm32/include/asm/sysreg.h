/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System registers: access, and the bits that Hyp mode programs (Arm ARM, DDI 0406C, B4.1 and B1.9;
 * DDI 0487, G8).
 *
 * One table for C and assembly: `x` becomes READ_SYSREG(x) and WRITE_SYSREG(x, value) in C, and the
 * instructions `read_x rt` and `write_x rt` (two registers for those of 64 bits: low, high) in
 * assembly.
 */
#ifndef ASM_SYSREG_H
#define ASM_SYSREG_H

/* CP15, 32 bits: name, Op1, CRn, CRm, Op2. */
/* clang-format off */
#define SYSREGS_CP32(X) \
    X(midr, 0, c0, c0, 0) X(ctr, 0, c0, c0, 1) X(mpidr, 0, c0, c0, 5) X(revidr, 0, c0, c0, 6) \
    X(id_pfr0, 0, c0, c1, 0) X(id_pfr1, 0, c0, c1, 1) X(id_dfr0, 0, c0, c1, 2) X(id_afr0, 0, c0, c1, 3) \
    X(id_mmfr0, 0, c0, c1, 4) X(id_mmfr1, 0, c0, c1, 5) X(id_mmfr2, 0, c0, c1, 6) X(id_mmfr3, 0, c0, c1, 7) \
    X(id_isar0, 0, c0, c2, 0) X(id_isar1, 0, c0, c2, 1) X(id_isar2, 0, c0, c2, 2) X(id_isar3, 0, c0, c2, 3) \
    X(id_isar4, 0, c0, c2, 4) X(id_isar5, 0, c0, c2, 5) X(id_mmfr4, 0, c0, c2, 6) X(id_isar6, 0, c0, c2, 7) \
    X(ccsidr, 1, c0, c0, 0) X(clidr, 1, c0, c0, 1) X(csselr, 2, c0, c0, 0) X(vpidr, 4, c0, c0, 0) X(vmpidr, 4, c0, c0, 5) \
    X(sctlr, 0, c1, c0, 0) X(actlr, 0, c1, c0, 1) X(cpacr, 0, c1, c0, 2) X(nsacr, 0, c1, c1, 2) \
    X(hsctlr, 4, c1, c0, 0) X(hactlr, 4, c1, c0, 1) X(hcr, 4, c1, c1, 0) X(hdcr, 4, c1, c1, 1) X(hcptr, 4, c1, c1, 2) \
    X(hstr, 4, c1, c1, 3) X(hcr2, 4, c1, c1, 4) X(hacr, 4, c1, c1, 7) \
    X(ttbr0, 0, c2, c0, 0) X(ttbr1, 0, c2, c0, 1) X(ttbcr, 0, c2, c0, 2) X(htcr, 4, c2, c0, 2) X(vtcr, 4, c2, c1, 2) \
    X(dacr, 0, c3, c0, 0) \
    X(dfsr, 0, c5, c0, 0) X(ifsr, 0, c5, c0, 1) X(adfsr, 0, c5, c1, 0) X(aifsr, 0, c5, c1, 1) \
    X(hadfsr, 4, c5, c1, 0) X(haifsr, 4, c5, c1, 1) X(hsr, 4, c5, c2, 0) \
    X(dfar, 0, c6, c0, 0) X(ifar, 0, c6, c0, 2) X(hdfar, 4, c6, c0, 0) X(hifar, 4, c6, c0, 2) X(hpfar, 4, c6, c0, 4) \
    X(par, 0, c7, c4, 0) \
    X(pmcr, 0, c9, c12, 0) \
    X(mair0, 0, c10, c2, 0) X(mair1, 0, c10, c2, 1) X(amair0, 0, c10, c3, 0) X(amair1, 0, c10, c3, 1) \
    X(hmair0, 4, c10, c2, 0) X(hmair1, 4, c10, c2, 1) \
    X(vbar, 0, c12, c0, 0) X(isr, 0, c12, c1, 0) X(hvbar, 4, c12, c0, 0) \
    X(fcseidr, 0, c13, c0, 0) X(contextidr, 0, c13, c0, 1) X(tpidrurw, 0, c13, c0, 2) X(tpidruro, 0, c13, c0, 3) \
    X(tpidrprw, 0, c13, c0, 4) X(htpidr, 4, c13, c0, 2) \
    X(cntfrq, 0, c14, c0, 0) X(cntkctl, 0, c14, c1, 0) X(cntp_tval, 0, c14, c2, 0) X(cntp_ctl, 0, c14, c2, 1) \
    X(cntv_tval, 0, c14, c3, 0) X(cntv_ctl, 0, c14, c3, 1) X(cnthctl, 4, c14, c1, 0) X(cnthp_tval, 4, c14, c2, 0) \
    X(cnthp_ctl, 4, c14, c2, 1)
/* clang-format on */

/* CP15 operations that take an address, a set and way, or nothing: written only. */
/* clang-format off */
#define SYSREGS_CP32_OPS(X) \
    X(icialluis, 0, c7, c1, 0) X(bpiallis, 0, c7, c1, 6) X(iciallu, 0, c7, c5, 0) X(icimvau, 0, c7, c5, 1) X(bpiall, 0, c7, c5, 6) \
    X(dcimvac, 0, c7, c6, 1) X(dcisw, 0, c7, c6, 2) X(dccmvac, 0, c7, c10, 1) X(dccsw, 0, c7, c10, 2) X(dccmvau, 0, c7, c11, 1) \
    X(dccimvac, 0, c7, c14, 1) X(dccisw, 0, c7, c14, 2) \
    X(ats1cpr, 0, c7, c8, 0) X(ats1cpw, 0, c7, c8, 1) X(ats1cur, 0, c7, c8, 2) X(ats1cuw, 0, c7, c8, 3) \
    X(ats12nsopr, 0, c7, c8, 4) X(ats12nsopw, 0, c7, c8, 5) X(ats1hr, 4, c7, c8, 0) X(ats1hw, 4, c7, c8, 1) \
    X(tlbiallis, 0, c8, c3, 0) X(tlbimvais, 0, c8, c3, 1) X(tlbiasidis, 0, c8, c3, 2) X(tlbimvaais, 0, c8, c3, 3) \
    X(tlbiall, 0, c8, c7, 0) X(tlbimva, 0, c8, c7, 1) X(tlbiasid, 0, c8, c7, 2) X(tlbimvaa, 0, c8, c7, 3) \
    X(tlbiallhis, 4, c8, c3, 0) X(tlbimvahis, 4, c8, c3, 1) X(tlbiallnsnhis, 4, c8, c3, 4) \
    X(tlbiallh, 4, c8, c7, 0) X(tlbimvah, 4, c8, c7, 1) X(tlbiallnsnh, 4, c8, c7, 4)
/* clang-format on */

/* CP14, 32 bits. */
#define SYSREGS_CP14(X) X(teecr, 6, c0, c0, 0) X(teehbr, 6, c1, c0, 0)

/* CP15, 64 bits: name, Op1, CRm. */
/* clang-format off */
#define SYSREGS_CP64(X) \
    X(ttbr0_64, 0, c2) X(ttbr1_64, 1, c2) X(httbr, 4, c2) X(vttbr, 6, c2) X(par_64, 0, c7) \
    X(cntpct, 0, c14) X(cntvct, 1, c14) X(cntp_cval, 2, c14) X(cntv_cval, 3, c14) X(cntvoff, 4, c14) X(cnthp_cval, 6, c14)
/* clang-format on */

/* By MRS and MSR.  LR_usr is Hyp mode's own LR, R8_usr to R12_usr are simply its R8 to R12. */
/* clang-format off */
#define SYSREGS_BANKED(X) \
    X(sp_usr) X(sp_svc) X(lr_svc) X(spsr_svc) X(sp_abt) X(lr_abt) X(spsr_abt) X(sp_und) X(lr_und) X(spsr_und) \
    X(sp_irq) X(lr_irq) X(spsr_irq) X(r8_fiq) X(r9_fiq) X(r10_fiq) X(r11_fiq) X(r12_fiq) X(sp_fiq) X(lr_fiq) X(spsr_fiq)
/* clang-format on */

/* What of CP15 is the guest's own, and switched with it. */
/* clang-format off */
#define SYSREGS_GUEST(X) \
    X(sctlr) X(cpacr) X(ttbcr) X(dacr) X(dfsr) X(ifsr) X(adfsr) X(aifsr) X(dfar) X(ifar) X(mair0) X(mair1) X(amair0) X(amair1) \
    X(vbar) X(contextidr) X(tpidrurw) X(tpidruro) X(tpidrprw) X(csselr)
/* clang-format on */
#define SYSREGS_GUEST_64(X) X(ttbr0_64) X(ttbr1_64) X(par_64)

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

#define READ_SYSREG(name)         read_##name()
#define WRITE_SYSREG(name, value) write_##name(value)

/* read_NAME() and write_NAME() of a register of 32 bits in coprocessor `cp`. */
#define SYSREG_READ_(cp, name, op1, crn, crm, op2)                              \
    static inline uint32_t read_##name(void)                                    \
    {                                                                           \
        uint32_t r_;                                                            \
        __asm__ volatile("mrc " #cp ", " #op1 ", %0, " #crn ", " #crm ", " #op2 \
                         : "=r"(r_)                                             \
                         :                                                      \
                         : "memory");                                           \
        return r_;                                                              \
    }
#define SYSREG_WRITE_(cp, name, op1, crn, crm, op2)                             \
    static inline void write_##name(uint32_t w_)                                \
    {                                                                           \
        __asm__ volatile("mcr " #cp ", " #op1 ", %0, " #crn ", " #crm ", " #op2 \
                         :                                                      \
                         : "r"(w_)                                              \
                         : "memory");                                           \
    }
#define SYSREG_CP15_(...)    SYSREG_READ_(p15, __VA_ARGS__) SYSREG_WRITE_(p15, __VA_ARGS__)
#define SYSREG_CP15_OP_(...) SYSREG_WRITE_(p15, __VA_ARGS__)
#define SYSREG_CP14_(...)    SYSREG_READ_(p14, __VA_ARGS__) SYSREG_WRITE_(p14, __VA_ARGS__)
SYSREGS_CP32(SYSREG_CP15_)
SYSREGS_CP32_OPS(SYSREG_CP15_OP_)
SYSREGS_CP14(SYSREG_CP14_)
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
X(elr_hyp)
#undef X

/* SPSR_hyp, whose banked name only Monitor mode may use. */
static inline uint32_t read_spsr(void)
{
    uint32_t r;
    __asm__ volatile("mrs %0, spsr" : "=r"(r) : : "memory");
    return r;
}
static inline void write_spsr(uint32_t w)
{
    __asm__ volatile("msr spsr_cxsf, %0" : : "r"(w) : "memory");
}

/* Of VFP and Advanced SIMD, which the compiler is told not to use, and the assembler so does not
 * know. */
#define X(name)                                                                     \
    static inline uint32_t read_##name(void)                                        \
    {                                                                               \
        uint32_t r_;                                                                \
        __asm__ volatile(".fpu neon\n\tvmrs %0, " #name : "=r"(r_) : : "memory");   \
        return r_;                                                                  \
    }                                                                               \
    static inline void write_##name(uint32_t w_)                                    \
    {                                                                               \
        __asm__ volatile(".fpu neon\n\tvmsr " #name ", %0" : : "r"(w_) : "memory"); \
    }
X(fpsid)
X(fpscr)
X(fpexc)
#undef X
#define X(name)                                                                   \
    static inline uint32_t read_##name(void)                                      \
    {                                                                             \
        uint32_t r_;                                                              \
        __asm__ volatile(".fpu neon\n\tvmrs %0, " #name : "=r"(r_) : : "memory"); \
        return r_;                                                                \
    }
X(mvfr0)
X(mvfr1)
#undef X

/* D0 to D15, and from D16 where they are; with FPEXC.EN set: without, Armv7 gives Hyp mode no
   access either. */
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

/* Hyp mode's own regime.  HMAIR0 index 0: normal write-back; 1: Device (nGnRE). */
#define HMAIR0_VALUE 0x04ff
#define HMAIR1_VALUE 0
/* 32-bit VA, inner-shareable write-back walks, RES1 bits. */
#define HTCR_VALUE   ((1 << 31) | (1 << 23) | (3 << 12) | (1 << 10) | (1 << 8))
#define HSCTLR_RES1  0x30c50878 /* CP15BEN among them */
#define HSCTLR_M     (1 << 0)
#define HSCTLR_A     (1 << 1)
#define HSCTLR_C     (1 << 2)
#define HSCTLR_I     (1 << 12)
#define HSCTLR_WXN   (1 << 19)
#define HSCTLR_EE    (1 << 25)
#define HSCTLR_TE    (1 << 30)
#define HSCTLR_VALUE (HSCTLR_RES1 | HSCTLR_M | HSCTLR_C | HSCTLR_I | HSCTLR_WXN)

#ifndef __ASSEMBLER__
#define BIT(n) (1u << (n))

#define HCR_VM   BIT(0)
#define HCR_SWIO BIT(1) /* DCISW cleans too */
#define HCR_PTW  BIT(2) /* a stage 1 walk in Device memory faults */
#define HCR_FMO  BIT(3)
#define HCR_IMO  BIT(4)
#define HCR_AMO  BIT(5)
#define HCR_VF   BIT(6)
#define HCR_VI   BIT(7)
#define HCR_VA   BIT(8)
#define HCR_FB \
    BIT(9) /* PL1's TLB and I-cache operations reach the inner shareable domain: vCPUs move */
#define HCR_BSU_INNER BIT(10) /* and its barriers */
#define HCR_DC        BIT(12)
#define HCR_TWI       BIT(13)
#define HCR_TWE       BIT(14)
#define HCR_TID0      BIT(15)
#define HCR_TID1      BIT(16)
#define HCR_TID2      BIT(17)
#define HCR_TID3      BIT(18)
#define HCR_TSC       BIT(19)
#define HCR_TIDCP     BIT(20)
#define HCR_TAC       BIT(21)
#define HCR_TSW       BIT(22)
#define HCR_TPC       BIT(23)
#define HCR_TPU       BIT(24)
#define HCR_TTLB      BIT(25)
#define HCR_TVM       BIT(26)
#define HCR_TGE       BIT(27)

/* VFP and Advanced SIMD are the guest's; all other coprocessors but 14 and 15, and trace, trap. */
#define HCPTR_TCP10 BIT(10)
#define HCPTR_TCP11 BIT(11)
#define HCPTR_TASE  BIT(15)
#define HCPTR_TTA   BIT(20)
#define HCPTR_TCPAC BIT(31)
#define HCPTR_VALUE ((0x3fffu & ~(HCPTR_TCP10 | HCPTR_TCP11)) | HCPTR_TTA)

#define HDCR_HPMN_MASK 0x1fu
#define HDCR_TPMCR     BIT(5)
#define HDCR_TPM       BIT(6)
#define HDCR_TDA       BIT(9)
#define HDCR_TDOSA     BIT(10)
#define HDCR_TDRA      BIT(11)

/* Stage 2: 40-bit IPA (T0SZ -8, S its sign) from level 1 (two root pages), inner-shareable
 * write-back walks. */
#define VTCR_VALUE (BIT(31) | (3u << 12) | (1u << 10) | (1u << 8) | (1u << 6) | (1u << 4) | 8u)

#define SCTLR_RESET \
    0x00c50078u /* RES1 bits and CP15BEN: MMU and caches off, little-endian, Arm state */
#define SCTLR_V   BIT(13)
#define SCTLR_EE  BIT(25)
#define SCTLR_TE  BIT(30)
#define TTBCR_EAE BIT(31) /* long descriptors */
#define ACTLR_SMP BIT(6)  /* of Cortex-A7 and A15: this CPU takes part in coherency */
#define ACTLR_IBE \
    BIT(0) /* of Cortex-A15: invalidating the instruction cache invalidates branch prediction */
#define ID_PFR0_THUMBEE (0xfu << 12)
#define FPEXC_EN        BIT(30)
#define MVFR0_REGISTERS 0xfu /* 2: D16 to D31 exist */

/* CPSR and SPSR. */
#define PSR_MODE 0x1fu
#define PSR_USR  0x10u
#define PSR_FIQ  0x11u
#define PSR_IRQ  0x12u
#define PSR_SVC  0x13u
#define PSR_MON  0x16u
#define PSR_ABT  0x17u
#define PSR_HYP  0x1au
#define PSR_UND  0x1bu
#define PSR_SYS  0x1fu
#define PSR_T    BIT(5)
#define PSR_F    BIT(6)
#define PSR_I    BIT(7)
#define PSR_A    BIT(8)
#define PSR_E    BIT(9)
#define PSR_IL   BIT(20)
#define PSR_J    BIT(24)
#define PSR_RESERVED \
    (0xfu << 20 | PSR_J) /* IL, DIT, PAN, SSBS of Armv8; Jazelle and ThumbEE states */
#define PSR_IT ((3u << 25) | (0x3fu << 10))

/* HSR, in the layout of ESR_EL2. */
#define HSR_EC_SHIFT 26
#define HSR_EC(hsr)  ((hsr) >> HSR_EC_SHIFT)
#define HSR_IL       BIT(25)
#define HSR_ISV      BIT(24)
#define HSR_S1PTW    BIT(7)
#define HSR_WNR      BIT(6)
                enum {
                    EC_UNKNOWN = 0x00,
                    EC_WFX = 0x01,
                    EC_CP15_32 = 0x03,
                    EC_CP15_64 = 0x04,
                    EC_CP14_32 = 0x05,
                    EC_CP14_LS = 0x06,
                    EC_CP = 0x07,
                    EC_CP10 = 0x08,
                    EC_BXJ = 0x0a,
                    EC_CP14_64 = 0x0c,
                    EC_SVC = 0x11,
                    EC_HVC = 0x12,
                    EC_SMC = 0x13,
                    EC_IABT_LOW = 0x20,
                    EC_IABT = 0x21,
                    EC_DABT_LOW = 0x24,
                    EC_DABT = 0x25
                };
enum {
    FSC_TYPE = 0x3c,
    FSC_TRANSLATION = 0x04,
    FSC_ACCESS = 0x08,
    FSC_PERMISSION = 0x0c,
    FSC_EXTERNAL = 0x10,
    FSC_ASYNC = 0x11,
    FSC_ASYNC_PARITY = 0x19,
    FSC_CONFLICT = 0x30
};
#endif

#endif
