/* SPDX-License-Identifier: BSD-2-Clause */
/* AArch64's ID registers as guests read them: a whitelist of fields, by the rule of
 * common/idregs.c. */
#include "internal.h"

#define F(shift) (0xfull << (shift))

/* A value of CSV2 above 1 includes SCXTNUM_ELx, which is not switched.  Guests have EL1 and EL0
 * only, and the GIC that the domain has. */
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
    case 0x72: /* ID_AA64MMFR2_EL1 */
        return READ_SYSREG(s3_0_c0_c7_2) &
               (F(0) | F(4) | F(8) | F(20) | F(28) | F(32) | F(36) | F(48) | F(52) | F(60));
    default: return 0; /* ZFR0, SMFR0, AFR, DFR1 and what is not allocated */
    }
}

uint64_t idreg_read(const struct domain *d, unsigned crm, unsigned op2)
{
    return crm >= 4 ? aa64(d, crm, op2) : idreg_a32(d, crm, op2);
}
