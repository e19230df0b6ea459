/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ID registers as guests read them: a whitelist of fields.  A field is kept when the feature works
 * in a guest without help from Hyp mode, or Hyp mode switches its state; all others read as zero
 * ("not implemented").  arch/arm64 shows an AArch32 guest the same fields.
 */
#include "internal.h"

#define F(shift) (0xfu << (shift))

/*
 * All but ThumbEE, which is deprecated and has no place in state records, AMU and RAS.  QEMU does
 * not trap reads of these registers on Armv7 CPUs (HCR.TID3), so a guest may find ThumbEE all the
 * same: its two registers are switched, but do not migrate.
 */
static uint32_t pfr0(void) { return READ_SYSREG(id_pfr0) & ~(ID_PFR0_THUMBEE | F(20) | F(28)); }

/* ProgMod MProgMod GenTimer; Hyp mode and security are not the guest's; GIC registers as the domain
 * has them. */
static uint32_t pfr1(const struct domain *d)
{
    uint32_t hw = READ_SYSREG(id_pfr1), v = hw & (F(0) | F(8) | F(16));

    if (d->vgic.version == 3 && (hw & F(28)))
        v |= 1u << 28;
    return v;
}

uint32_t idreg_read(const struct domain *d, unsigned crm, unsigned opc2)
{
    switch (crm << 4 | opc2) {
    case 0x10: return pfr0();
    case 0x11: return pfr1(d);
    case 0x12: return READ_SYSREG(id_dfr0) & (F(0) | F(8)); /* CopDbg MMapDbg: no PMU, no trace */
    case 0x14: return READ_SYSREG(id_mmfr0);
    case 0x15: return READ_SYSREG(id_mmfr1);
    case 0x16: return READ_SYSREG(id_mmfr2);
    case 0x17: return READ_SYSREG(id_mmfr3);
    case 0x20: return READ_SYSREG(id_isar0);
    case 0x21: return READ_SYSREG(id_isar1);
    case 0x22: return READ_SYSREG(id_isar2);
    case 0x23: return READ_SYSREG(id_isar3);
    case 0x24: return READ_SYSREG(id_isar4);
    case 0x25: return READ_SYSREG(id_isar5);
    case 0x26: return READ_SYSREG(id_mmfr4);
    case 0x27: return READ_SYSREG(id_isar6);
    case 0x30: return READ_SYSREG(mvfr0); /* CRm 3: in the places that arch/arm64 has them in */
    case 0x31: return READ_SYSREG(mvfr1);
    default: return 0; /* AFR0, and what Armv8 has beyond: zero on Armv7 (DDI 0406C, B7.1) */
    }
}
