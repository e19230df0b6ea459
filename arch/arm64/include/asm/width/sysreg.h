/* SPDX-License-Identifier: BSD-2-Clause */
/* AArch64's system registers.  Part of <asm/sysreg.h>. */
#include <asm/sysreg.h> /* outside the guard: that file includes this one */
#ifndef ASM_WIDTH_SYSREG_H
#define ASM_WIDTH_SYSREG_H

#ifndef __ASSEMBLER__
#include <stdint.h>

typedef uint64_t sysreg_t;
#define REG(n) n##ull

/* Two levels, so that the names below expand before they become text. */
#define READ_SYSREG(name)         READ_SYSREG_(name)
#define WRITE_SYSREG(name, value) WRITE_SYSREG_(name, value)
#define READ_SYSREG_(name)                                          \
    ({                                                              \
        uint64_t r_;                                                \
        __asm__ volatile("mrs %0, " #name : "=r"(r_) : : "memory"); \
        r_;                                                         \
    })
#define READ_SYSREG_FIXED(name)               \
    ({                                        \
        uint64_t r_;                          \
        __asm__("mrs %0, " #name : "=r"(r_)); \
        r_;                                   \
    })
#define WRITE_SYSREG_(name, value)                                      \
    do {                                                                \
        uint64_t w_ = (value);                                          \
        __asm__ volatile("msr " #name ", %x0" : : "rZ"(w_) : "memory"); \
    } while (0)

#define SYSTEM_OP_(op)           __asm__ volatile(op : : : "memory")
#define SYSTEM_OP_ON_(op, value) __asm__ volatile(op ", %0" : : "r"(value) : "memory")
#define AT(op, va)               SYSTEM_OP_ON_("at " #op, va)
#define DC(op, va)               SYSTEM_OP_ON_("dc " #op, va)
#define IC(op)                   SYSTEM_OP_("ic " #op)
#define TLBI(op)                 SYSTEM_OP_("tlbi " #op)
#define TLBI_VA(op, va)          SYSTEM_OP_ON_("tlbi " #op, ((va) >> 12) & 0xfffffffffffull)
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
#define id_isar6_el1     s3_0_c0_c2_7

/* EL2's own regime: 48-bit VA, 4 KiB granule; head.S adds PS from ID_AA64MMFR0. */
#define TCR_EL2_VALUE   (TCR_EL2_WALKS | 16)
#define SCTLR_EL2_RES1  0x30c50830
#define SCTLR_EL2_VALUE (SCTLR_EL2_RES1 | SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_I | SCTLR_WXN)

#define PSTATE_A32_BIT 4

#ifndef __ASSEMBLER__
#define HCR_RW   BIT(31)
#define HCR_TLOR BIT(35)
#define HCR_TERR BIT(36)
#define HCR_APK  BIT(40)
#define HCR_API  BIT(41)
#define HCR_TID5 BIT(58)
/* HCR_EL2 while EL2 boots; what this width traps of a guest beyond the common traps. */
#define HCR_BOOT        (HCR_FMO | HCR_IMO | HCR_AMO | HCR_RW)
#define HCR_GUEST_WIDTH (HCR_TLOR | HCR_TERR | HCR_TID5)

/* nVHE layout.  FP is the guest's; SVE and SME (TZ, TSM in the RES1 bits), trace and activity
 * monitors trap. */
#define CPTR_EL2_VALUE (0x33ffull | BIT(20) | BIT(30))

#define MDCR_TPMS BIT(14)
#define MDCR_TTRF BIT(19)

#define VTCR_T0SZ     24
#define VTCR_PS_SHIFT 16
#define VTCR_VS       BIT(19)
#define VTCR_HA       BIT(21)
#define VTCR_HD       BIT(22)

#define MPIDR_AFFINITY 0xff00ffffffull

#define SCTLR_EL1_RESET 0x30d00800ull /* RES1 bits: MMU and caches off, little-endian */
#define SCTLR_SPAN      BIT(23)
#define SCTLR_DSSBS     BIT(44)
#define SCTLR_A32_DSSBS BIT(31)
#define MDSCR_GUEST     (BIT(0) | BIT(12) | BIT(13) | BIT(15)) /* SS, TDCC, KDE, MDE */

/* PSTATE as in SPSR_EL2. */
#define PSR_EL0T 0x00ull
#define PSR_EL1T 0x04ull
#define PSR_EL1H 0x05ull
#define PSR_A32  BIT(PSTATE_A32_BIT)
#define PSR_D    BIT(9)
#define PSR_SSBS BIT(12)
#define PSR_SS   BIT(21)
#define PSR_PAN  BIT(22)
#define PSR_DIT  BIT(24)
#define PSR_NZCV (0xfull << 28)

#define EC_HVC EC_HVC64

/* A system register's encoding as ESR_EL2 reports it, without Rt and direction. */
#define SYSREG_ISS(op0, op1, crn, crm, op2)                                        \
    (((uint32_t)(op0) << 20) | ((uint32_t)(op2) << 17) | ((uint32_t)(op1) << 14) | \
     ((uint32_t)(crn) << 10) | ((uint32_t)(crm) << 1))
#define SYSREG_ISS_MASK 0x3ffc1eu
#endif

#endif
