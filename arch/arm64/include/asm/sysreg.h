/* SPDX-License-Identifier: BSD-2-Clause */
/* System registers: access, and the bits that EL2 programs (Arm ARM D17). */
#ifndef ASM_SYSREG_H
#define ASM_SYSREG_H

#ifndef __ASSEMBLER__
#include <stdint.h>
/* Two levels, so that the names below expand before they become text. */
#define READ_SYSREG(name)         READ_SYSREG_(name)
#define WRITE_SYSREG(name, value) WRITE_SYSREG_(name, value)
#define READ_SYSREG_(name)                                          \
    ({                                                              \
        uint64_t r_;                                                \
        __asm__ volatile("mrs %0, " #name : "=r"(r_) : : "memory"); \
        r_;                                                         \
    })
#define WRITE_SYSREG_(name, value)                                      \
    do {                                                                \
        uint64_t w_ = (value);                                          \
        __asm__ volatile("msr " #name ", %x0" : : "rZ"(w_) : "memory"); \
    } while (0)
#endif

/* Names that the assembler knows only under later -march. */
#define HCRX_EL2         s3_4_c1_c2_2
#define HFGRTR_EL2       s3_4_c1_c1_4
#define HFGWTR_EL2       s3_4_c1_c1_5
#define HFGITR_EL2       s3_4_c1_c1_6
#define HDFGRTR_EL2      s3_4_c3_c1_4
#define HDFGWTR_EL2      s3_4_c3_c1_5
#define APIAKEYLO_EL1    s3_0_c2_c1_0
#define APIAKEYHI_EL1    s3_0_c2_c1_1
#define APIBKEYLO_EL1    s3_0_c2_c1_2
#define APIBKEYHI_EL1    s3_0_c2_c1_3
#define APDAKEYLO_EL1    s3_0_c2_c2_0
#define APDAKEYHI_EL1    s3_0_c2_c2_1
#define APDBKEYLO_EL1    s3_0_c2_c2_2
#define APDBKEYHI_EL1    s3_0_c2_c2_3
#define APGAKEYLO_EL1    s3_0_c2_c3_0
#define APGAKEYHI_EL1    s3_0_c2_c3_1
#define ID_AA64ISAR2_EL1 s3_0_c0_c6_2
#define ID_PFR2_EL1      s3_0_c0_c3_4
#define ID_DFR1_EL1      s3_0_c0_c3_5
#define ID_MMFR5_EL1     s3_0_c0_c3_6

/* EL2's own regime. MAIR index 0: normal write-back; 1: Device-nGnRE. */
#define MAIR_EL2_VALUE 0x04ff
/* 48-bit VA, 4 KiB granule, inner-shareable write-back walks, RES1 bits; PS is added from
 * ID_AA64MMFR0. */
#define TCR_EL2_VALUE   ((1 << 31) | (1 << 23) | (3 << 12) | (1 << 10) | (1 << 8) | 16)
#define SCTLR_EL2_RES1  0x30c50830
#define SCTLR_M         (1 << 0)
#define SCTLR_C         (1 << 2)
#define SCTLR_SA        (1 << 3)
#define SCTLR_I         (1 << 12)
#define SCTLR_WXN       (1 << 19)
#define SCTLR_EL2_VALUE (SCTLR_EL2_RES1 | SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_I | SCTLR_WXN)

#define PSTATE_A32_BIT 4

#ifndef __ASSEMBLER__
#define BIT(n) (1ull << (n))

#define HCR_VM   BIT(0)
#define HCR_SWIO BIT(1) /* DC ISW cleans too */
#define HCR_PTW  BIT(2) /* a stage 1 walk in Device memory faults */
#define HCR_FMO  BIT(3)
#define HCR_IMO  BIT(4)
#define HCR_AMO  BIT(5)
#define HCR_VSE  BIT(8)
#define HCR_FB \
    BIT(9) /* EL1's TLB and I-cache operations reach the inner shareable domain: vCPUs move */
#define HCR_BSU_INNER BIT(10) /* and its barriers */
#define HCR_TWI       BIT(13)
#define HCR_TWE       BIT(14)
#define HCR_TID3      BIT(18)
#define HCR_TSC       BIT(19)
#define HCR_TIDCP     BIT(20)
#define HCR_TACR      BIT(21)
#define HCR_TSW       BIT(22)
#define HCR_RW        BIT(31)
#define HCR_TLOR      BIT(35)
#define HCR_TERR      BIT(36)
#define HCR_APK       BIT(40)
#define HCR_API       BIT(41)
#define HCR_TID5      BIT(58)

/* nVHE layout. FP is the guest's; SVE and SME (TZ, TSM in the RES1 bits), trace and activity
 * monitors trap. */
#define CPTR_EL2_VALUE (0x33ffull | BIT(20) | BIT(30))

#define MDCR_HPMN_MASK 0x1full
#define MDCR_TPMCR     BIT(5)
#define MDCR_TPM       BIT(6)
#define MDCR_TDA       BIT(9)
#define MDCR_TDOSA     BIT(10)
#define MDCR_TDRA      BIT(11)
#define MDCR_TPMS      BIT(14)
#define MDCR_TTRF      BIT(19)

/* Stage 2: 40-bit IPA from level 1 (two root pages), 4 KiB granule, inner-shareable write-back
 * walks. */
#define VTCR_VALUE    (BIT(31) | (3ull << 12) | (1ull << 10) | (1ull << 8) | (1ull << 6) | 24)
#define VTCR_PS_SHIFT 16
#define VTCR_VS       BIT(19)
#define VTCR_HA       BIT(21)
#define VTCR_HD       BIT(22)

#define SCTLR_EL1_RESET 0x30d00800ull /* RES1 bits: MMU and caches off, little-endian */
#define SCTLR_A32_RESET 0x00c50078ull
#define SCTLR_SPAN      BIT(23)
#define SCTLR_DSSBS     BIT(44)
#define SCTLR_A32_V     BIT(13)
#define SCTLR_A32_EE    BIT(25)
#define SCTLR_A32_TE    BIT(30)
#define SCTLR_A32_DSSBS BIT(31)
#define MDSCR_GUEST     (BIT(0) | BIT(12) | BIT(13) | BIT(15)) /* SS, TDCC, KDE, MDE */

/* PSTATE as in SPSR_EL2. */
#define PSR_MODE     0x1full
#define PSR_EL0T     0x00ull
#define PSR_EL1T     0x04ull
#define PSR_EL1H     0x05ull
#define PSR_A32      BIT(PSTATE_A32_BIT)
#define PSR_A32_USR  0x10ull
#define PSR_A32_FIQ  0x11ull
#define PSR_A32_IRQ  0x12ull
#define PSR_A32_SVC  0x13ull
#define PSR_A32_ABT  0x17ull
#define PSR_A32_UND  0x1bull
#define PSR_A32_T    BIT(5)
#define PSR_F        BIT(6)
#define PSR_I        BIT(7)
#define PSR_A        BIT(8)
#define PSR_D        BIT(9)
#define PSR_A32_E    BIT(9)
#define PSR_SSBS     BIT(12)
#define PSR_A32_SSBS BIT(23)
#define PSR_A32_J    BIT(24)
#define PSR_IL       BIT(20)
#define PSR_SS       BIT(21)
#define PSR_PAN      BIT(22)
#define PSR_DIT      BIT(24)
#define PSR_NZCV     (0xfull << 28)
#define PSR_A32_IT   ((3ull << 25) | (0x3full << 10))

/* ESR_EL2. */
#define ESR_EC(esr) (((esr) >> 26) & 0x3f)
#define ESR_IL      BIT(25)
enum {
    EC_UNKNOWN = 0x00,
    EC_WFX = 0x01,
    EC_CP15_32 = 0x03,
    EC_CP15_64 = 0x04,
    EC_CP14_32 = 0x05,
    EC_CP14_LS = 0x06,
    EC_CP10 = 0x08,
    EC_CP14_64 = 0x0c,
    EC_HVC32 = 0x12,
    EC_SMC32 = 0x13,
    EC_HVC64 = 0x16,
    EC_SMC64 = 0x17,
    EC_SYSREG = 0x18,
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
    FSC_CONFLICT = 0x30
};

/* A system register's encoding as ESR_EL2 reports it, without Rt and direction. */
#define SYSREG_ISS(op0, op1, crn, crm, op2)                                        \
    (((uint32_t)(op0) << 20) | ((uint32_t)(op2) << 17) | ((uint32_t)(op1) << 14) | \
     ((uint32_t)(crn) << 10) | ((uint32_t)(crm) << 1))
#define SYSREG_ISS_MASK 0x3ffc1eu
#endif

#endif
