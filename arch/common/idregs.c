/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AArch32's ID registers as guests read them: a whitelist of fields.  A field is kept when the
 * feature works in a guest without help from EL2, or EL2 switches its state; all others read as
 * zero
 * ("not implemented").  A guest migrates between widths, so both widths keep the same fields.
 */
#include "internal.h"
#include "width/idregs.h"

#define F(shift) (0xfu << (shift))

/*
 * All but ThumbEE, AMU and RAS.  ThumbEE is deprecated and has no place in state records.  QEMU
 * does not trap reads of these registers on Armv7 CPUs (HCR.TID3), so a guest may find ThumbEE all
 * the same: its two registers are switched, but do not migrate.
 */
static uint32_t pfr0(void) { return (uint32_t)READ_SYSREG(id_pfr0_el1) & ~(F(12) | F(20) | F(28)); }

/* ProgMod MProgMod GenTimer; EL2 and security are not the guest's; GIC registers as the domain has
 * them. */
static uint32_t pfr1(const struct domain *d)
{
    uint32_t hw = (uint32_t)READ_SYSREG(id_pfr1_el1), v = hw & (F(0) | F(8) | F(16));

    if (d->vgic.version == 3 && (hw & F(28)))
        v |= 1u << 28;
    return v;
}

static sysreg_t a32(const struct domain *d, unsigned crm, unsigned op2)
{
    switch (crm << 4 | op2) {
    case 0x10: return pfr0();
    case 0x11: return pfr1(d);
    case 0x12: return READ_SYSREG(id_dfr0_el1) & (F(0) | F(8)); /* CopDbg MMapDbg; no PMU, trace */
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
    case 0x27: return READ_SYSREG(id_isar6_el1);
    case 0x30: return READ_SYSREG(mvfr0_el1);
    case 0x31: return READ_SYSREG(mvfr1_el1);
    default: return idreg_a32_of_armv8(crm, op2);
    }
}

uint32_t idreg_a32(const struct domain *d, unsigned crm, unsigned op2)
{
    return (uint32_t)a32(d, crm, op2);
}
