/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ID registers as guests read them: a whitelist of fields.  A field is kept when the feature works
 * in a guest without help from EL2, or EL2 switches its state; all others read as zero ("not
 * implemented").
 */
#include "internal.h"

#define F(shift) (0xfull << (shift))

/* CSV2 above 1 promises SCXTNUM_ELx, which is not switched; EL1 and EL0 only; GIC as the domain has
 * it. */
static uint64_t pfr0(const struct domain *d)
{
    uint64_t hw = READ_SYSREG(id_aa64pfr0_el1);
    uint64_t v = hw &
                 (F(0) | F(4) | F(16) | F(20) | F(48) | F(60)); /* EL0 EL1 FP AdvSIMD DIT CSV3 */

    if (hw & F(56))
        v |= 1ull << 56; /* CSV2 */
    if (d->vgic.version == 3 && (hw & F(24)))
        v |= 1ull << 24;
    return v;
}

/* Armv8 debug with the smallest numbers there are; no PMU, trace, profiling. */
static uint64_t dfr0(void) { return 6ull | 1ull << 12 | 1ull << 20; }

/* The IPA space is 40 bits, whatever the machine has. */
static uint64_t mmfr0(void)
{
    uint64_t hw = READ_SYSREG(id_aa64mmfr0_el1);
    return MIN(hw & F(0), 2ull) | (hw & (F(4) | F(8) | F(16) | F(20) | F(24) | F(28)));
}

static uint64_t aa64(const struct domain *d, unsigned crm, unsigned op2)
{
    switch (crm << 4 | op2) {
    case 0x40: return pfr0(d);
    case 0x41: return READ_SYSREG(id_aa64pfr1_el1) & (F(0) | F(4)); /* BT SSBS */
    case 0x50: return dfr0();
    /* all but TME */
    case 0x60: return READ_SYSREG(id_aa64isar0_el1) & ~(F(0) | F(24));
    /* all but XS and LS64, which HCRX_EL2 would have to enable */
    case 0x61: return READ_SYSREG(id_aa64isar1_el1) & ~(F(56) | F(60));
    case 0x62: return READ_SYSREG(ID_AA64ISAR2_EL1) & (F(8) | F(12)); /* GPA3 APA3 */
    case 0x70: return mmfr0();
    /* HAFDBS HPDS PAN ETS AFP */
    case 0x71: return READ_SYSREG(id_aa64mmfr1_el1) & (F(0) | F(12) | F(20) | F(36) | F(44));
    /* CnP UAO LSM CCIDX ST AT IDS TTL BBM E0PD */
    case 0x72:
        return READ_SYSREG(s3_0_c0_c7_2) &
               (F(0) | F(4) | F(8) | F(20) | F(28) | F(32) | F(36) | F(48) | F(52) | F(60));
    default: return 0; /* ZFR0, SMFR0, AFR, DFR1 and what is not allocated */
    }
}

/* AArch32's view. EL2, security, PMU, trace, RAS and AMU do not show. */
static uint64_t aa32(unsigned crm, unsigned op2)
{
    switch (crm << 4 | op2) {
    case 0x10: return READ_SYSREG(id_pfr0_el1) & ~(F(20) | F(28)); /* AMU RAS */
    case 0x11:
        return READ_SYSREG(id_pfr1_el1) & (F(0) | F(8) | F(16)); /* ProgMod MProgMod GenTimer */
    case 0x12: return READ_SYSREG(id_dfr0_el1) & (F(0) | F(8));  /* CopDbg MMapDbg */
    case 0x14: return READ_SYSREG(id_mmfr0_el1);
    case 0x15: return READ_SYSREG(id_mmfr1_el1);
    case 0x16: return READ_SYSREG(id_mmfr2_el1);
    case 0x17: return READ_SYSREG(id_mmfr3_el1);
    case 0x20: return READ_SYSREG(id_isar0_el1);
    case 0x21: return READ_SYSREG(id_isar1_el1);
    case 0x22: return READ_SYSREG(id_isar2_el1);
    case 0x23: return READ_SYSREG(id_isar3_el1);
    case 0x24: return READ_SYSREG(id_isar4_el1);
    case 0x25: return READ_SYSREG(id_isar5_el1);
    case 0x26: return READ_SYSREG(id_mmfr4_el1);
    case 0x27: return READ_SYSREG(s3_0_c0_c2_7); /* ID_ISAR6 */
    case 0x30: return READ_SYSREG(mvfr0_el1);
    case 0x31: return READ_SYSREG(mvfr1_el1);
    case 0x32: return READ_SYSREG(mvfr2_el1);
    case 0x34: return READ_SYSREG(ID_PFR2_EL1) & (F(0) | F(4)); /* CSV3 SSBS */
    case 0x36: return READ_SYSREG(ID_MMFR5_EL1);
    default: return 0;
    }
}

uint64_t idreg_read(const struct domain *d, unsigned crm, unsigned op2)
{
    if (crm >= 4)
        return aa64(d, crm, op2);
    uint64_t v = aa32(crm, op2);
    if (crm == 1 && op2 == 1 && d->vgic.version == 3)
        v |= READ_SYSREG(id_pfr1_el1) & F(28) ? 1ull << 28 : 0; /* GIC system registers */
    return v;
}
