/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System registers, under AArch64's names on both widths (Arm ARM D17; for AArch32 DDI 0406C, B4.1
 * and B1.9, and DDI 0487, G8).  <asm/width/sysreg.h> supplies
 *   READ_SYSREG(name), WRITE_SYSREG(name, value)
 *   READ_SYSREG_FIXED(name)    a read that the compiler may merge with others or move
 *   AT(op, va), TLBI(op), TLBI_VA(op, va), DC(op, va), IC(op)    operations, without barriers
 *   sysreg_t, REG(n)           a register's width; a constant of that width
 *   EC_HVC                     the exception class of HVC from a guest of the host's own width
 * and the bits that one width alone has.  Below are the bits that are the same in both.
 */
#ifndef ASM_SYSREG_H
#define ASM_SYSREG_H

/* SCTLR_EL2 (AArch32: HSCTLR); for assembly too. */
#define SCTLR_M   (1 << 0)
#define SCTLR_C   (1 << 2)
#define SCTLR_SA  (1 << 3)
#define SCTLR_I   (1 << 12)
#define SCTLR_WXN (1 << 19)

#include <asm/width/sysreg.h>

/* TCR_EL2 and HTCR: inner-shareable write-back walks, RES1 bits. */
#define TCR_EL2_WALKS ((1 << 31) | (1 << 23) | (3 << 12) | (1 << 10) | (1 << 8))
/* MAIR_EL2 index 0: normal write-back; 1: Device-nGnRE. */
#define MAIR_EL2_VALUE 0x04ff

#define ESR_EC_SHIFT 26

#ifndef __ASSEMBLER__
#define BIT(n) (REG(1) << (n))

#define HCR_VM   BIT(0)
#define HCR_SWIO BIT(1) /* DC ISW cleans too */
#define HCR_PTW  BIT(2) /* a stage 1 walk in Device memory faults */
#define HCR_FMO  BIT(3)
#define HCR_IMO  BIT(4)
#define HCR_AMO  BIT(5)
#define HCR_VSE  BIT(8)
/* EL1's TLB and I-cache operations reach the inner shareable domain, since vCPUs move between CPUs;
 * so do its barriers. */
#define HCR_FB        BIT(9)
#define HCR_BSU_INNER BIT(10)
#define HCR_TWI       BIT(13)
#define HCR_TWE       BIT(14)
#define HCR_TID3      BIT(18)
#define HCR_TSC       BIT(19)
#define HCR_TIDCP     BIT(20)
#define HCR_TACR      BIT(21)
#define HCR_TSW       BIT(22)

#define MDCR_HPMN_MASK REG(0x1f)
#define MDCR_TPMCR     BIT(5)
#define MDCR_TPM       BIT(6)
#define MDCR_TDA       BIT(9)
#define MDCR_TDOSA     BIT(10)
#define MDCR_TDRA      BIT(11)

/* VTCR_EL2: 40-bit IPA from level 1 (two root pages), 4 KiB granule, inner-shareable write-back
 * walks.  VTCR_T0SZ: the width's way to write 40 bits. */
#define VTCR_VALUE \
    (BIT(31) | (REG(3) << 12) | (REG(1) << 10) | (REG(1) << 8) | (REG(1) << 6) | VTCR_T0SZ)

/* SCTLR of AArch32's PL1: RES1 bits and CP15BEN; MMU and caches off, little-endian, Arm state. */
#define SCTLR_A32_RESET REG(0x00c50078)
#define SCTLR_A32_V     BIT(13)
#define SCTLR_A32_EE    BIT(25)
#define SCTLR_A32_TE    BIT(30)
#define TTBCR_EAE       BIT(31) /* TCR_EL1 of an AArch32 guest: long descriptors */

/* AArch32's CPSR, as SPSR_EL2 holds it. */
#define PSR_MODE     REG(0x1f)
#define PSR_A32_USR  REG(0x10)
#define PSR_A32_FIQ  REG(0x11)
#define PSR_A32_IRQ  REG(0x12)
#define PSR_A32_SVC  REG(0x13)
#define PSR_A32_ABT  REG(0x17)
#define PSR_A32_UND  REG(0x1b)
#define PSR_A32_SYS  REG(0x1f)
#define PSR_A32_T    BIT(5)
#define PSR_F        BIT(6)
#define PSR_I        BIT(7)
#define PSR_A        BIT(8)
#define PSR_A32_E    BIT(9)
#define PSR_IL       BIT(20)
#define PSR_A32_SSBS BIT(23)
#define PSR_A32_J    BIT(24)
#define PSR_A32_IT   ((REG(3) << 25) | (REG(0x3f) << 10))

/* ESR_EL2 (AArch32: HSR, which has the same layout). */
#define ESR_EC(esr) (((esr) >> ESR_EC_SHIFT) & 0x3f)
#define ESR_IL      (1u << 25)
#define ESR_ISV     (1u << 24) /* of a data abort: the bits below describe the access */
#define ESR_S1PTW   (1u << 7)
#define ESR_WNR     (1u << 6)
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
/* The fault status of an abort: kind and, in the lowest two bits, level. */
enum {
    FSC_TYPE = 0x3c,
    FSC_TRANSLATION = 0x04,
    FSC_ACCESS = 0x08,
    FSC_PERMISSION = 0x0c,
    FSC_EXTERNAL = 0x10,
    FSC_CONFLICT = 0x30
};
#endif

#endif
