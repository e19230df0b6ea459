/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * May a guest that has seen these ID registers run on this host?  A kernel reads the ID registers
 * once, at boot, and patches itself: a feature that it saw must be there for ever.  By the Arm
 * ARM's rule (D19.1.3) nearly all fields have four bits and a greater value means more.  Most are
 * unsigned; in signed ones 0xf means "not implemented".  The exceptions are listed by name.
 */
#include "abi.h"
#include "arch.h"
#include "records_internal.h"
#include "domain_types.h"
#include "lib.h"
#include "log.h"
#include <xen/xen.h>

#define FIELD(r, shift) ((unsigned)((r) >> (shift)) & 0xf)

static const char *const names[XLR_ID_REG_COUNT] = {
    "MIDR",         "CTR",          "DCZID",        "CLIDR",        "ID_AA64PFR0",  "ID_AA64PFR1",
    "ID_AA64DFR0",  "ID_AA64DFR1",  "ID_AA64ISAR0", "ID_AA64ISAR1", "ID_AA64ISAR2", "ID_AA64MMFR0",
    "ID_AA64MMFR1", "ID_AA64MMFR2", "ID_AA64ZFR0",  "ID_AA64SMFR0", "ID_PFR0",      "ID_PFR1",
    "ID_DFR0",      "ID_AFR0",      "ID_MMFR0",     "ID_MMFR1",     "ID_MMFR2",     "ID_MMFR3",
    "ID_ISAR0",     "ID_ISAR1",     "ID_ISAR2",     "ID_ISAR3",     "ID_ISAR4",     "ID_ISAR5",
    "ID_MMFR4",     "ID_ISAR6",     "MVFR0",        "MVFR1",        "MVFR2",        "ID_RES_33",
    "ID_PFR2",      "ID_DFR1",      "ID_MMFR5",     "ID_RES_37",
};

/* Masks over the sixteen fields of a register: bit n is the field at bit 4n. */
static const struct {
    uint16_t is_signed, same_or_absent, ignored;
} rules[XLR_ID_REG_COUNT] = {
    [XLR_ID_PFR0] = { .is_signed = 1u << 4 | 1u << 5, /* FP, AdvSIMD */
                      .ignored = 1u << 2 | 1u << 3 }, /* EL2, EL3: guests do not have them */
    /* PMUVer: 0xf means "implementation defined", and guests have no PMU */
    [XLR_ID_DFR0] = { .is_signed = 1u << 2 },
    [XLR_ID_ISAR1] = { .same_or_absent = 1u << 1 | 1u << 2 | 1u << 6 |
                                         1u << 7 }, /* APA, API, GPA, GPI: which algorithm */
    [XLR_ID_ISAR2] = { .same_or_absent = 1u << 2 | 1u << 3 }, /* GPA3, APA3 */
    [XLR_ID_MMFR0] = { .is_signed = 1u << 6 | 1u << 7,        /* TGran64, TGran4 */
                       /* Granules of stage 2, which guests do not have. */
                       .ignored = 1u << 8 | 1u << 9 | 1u << 10 },
    [XLR_ID_A32_DFR0] = { .is_signed = 1u << 6 }, /* PerfMon */
    [XLR_ID_A32_MMFR0] = { .is_signed = 1u << 2 |
                                        1u << 7, /* OuterShr, InnerShr: 0xf means "ignored" */
                           .ignored = 1u << 5 }, /* AuxReg: EL2 decides what a guest reads there */
    [XLR_ID_A32_MMFR3] = { .is_signed = 1u << 7, /* Supersec */
                           .ignored = 1u << 6 }, /* CMemSz: how much memory caches can address */
    /* SpecSEI; XNX and EVT are EL2's */
    [XLR_ID_A32_MMFR4] = { .ignored = 1u << 0 | 1u << 2 | 1u << 7 },
};

static bool field_ok(unsigned reg, unsigned n, unsigned seen, unsigned have)
{
    uint16_t bit = (uint16_t)(1u << n);

    if (rules[reg].ignored & bit)
        return true;
    if (rules[reg].same_or_absent & bit)
        return !seen || seen == have;
    if (rules[reg].is_signed & bit)
        return (int)(have ^ 8) - 8 >= (int)(seen ^ 8) - 8;
    return have >= seen;
}

/*
 * Cache maintenance: the guest steps by lines no larger than this host's, and omits no operation
 * that this host needs.
 */
static bool ctr_ok(uint64_t seen, uint64_t have)
{
    if (FIELD(have, 0) < FIELD(seen, 0) ||
        FIELD(have, 16) < FIELD(seen, 16)) /* IminLine, DminLine */
        return false;
    if ((seen & ~have) & (3ull << 28)) /* IDC, DIC */
        return false;
    unsigned l1_seen = (unsigned)(seen >> 14) & 3, l1_have = (unsigned)(have >> 14) & 3;
    return l1_seen == l1_have || l1_have == 3; /* PIPT works with code written for either */
}

/* DC ZVA clears as many bytes as the guest assumes, or the guest knows it as prohibited. */
static bool dczid_ok(uint64_t seen, uint64_t have)
{
    return (seen & 0x10) || (!(have & 0x10) && FIELD(seen, 0) == FIELD(have, 0));
}

int features_shortfall(const uint64_t *seen, unsigned count, const uint64_t *have, unsigned *shift)
{
    *shift = 0;
    if (!ctr_ok(seen[XLR_ID_CTR], have[XLR_ID_CTR]))
        return XLR_ID_CTR;
    if (!dczid_ok(seen[XLR_ID_DCZID], have[XLR_ID_DCZID]))
        return XLR_ID_DCZID;
    for (unsigned reg = XLR_ID_PFR0; reg < count; reg++)
        for (unsigned n = 0; n < 16; n++)
            if (!field_ok(reg, n, FIELD(seen[reg], 4 * n), FIELD(have[reg], 4 * n))) {
                *shift = 4 * n;
                return (int)reg;
            }
    return -1;
}

int features_check(const struct domain *d, const struct xlr_cpu_features *f)
{
    struct xlr_cpu_features own;
    unsigned shift, count = MIN(f->count, (uint32_t)XLR_ID_REG_COUNT);

    if (d->aarch32 && count < XLR_ID_REG_COUNT) {
        log_warn("d%u: context: without the ID registers that a 32-bit guest reads\n",
                 (unsigned)d->id);
        return -XEN_EOPNOTSUPP;
    }
    memset(&own, 0, sizeof(own));
    arch_get_features(d, &own);
    int reg = features_shortfall(f->reg, count, own.reg, &shift);
    if (reg >= 0) {
        log_warn(
            "d%u: context: this CPU lacks what the guest has seen: %s bits %u..%u: it saw %llx, "
            "here %llx\n",
            (unsigned)d->id, names[reg], shift, shift + 3, (unsigned long long)f->reg[reg],
            (unsigned long long)own.reg[reg]);
        return -XEN_EOPNOTSUPP;
    }
    if (f->reg[XLR_ID_MIDR] != own.reg[XLR_ID_MIDR])
        log_info("d%u: context: from another kind of CPU: MIDR %llx, here %llx\n", (unsigned)d->id,
                 (unsigned long long)f->reg[XLR_ID_MIDR], (unsigned long long)own.reg[XLR_ID_MIDR]);
    return 0;
}
