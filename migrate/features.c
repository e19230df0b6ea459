/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arm's rule for ID fields (Arm ARM D13.1.3, "Principles of the ID scheme"): a field has 4 bits.
 * Most fields are unsigned: a greater value includes everything that a smaller value promises. Some
 * are signed, with 0xf for "not implemented". So a host fits if its value is the same or greater.
 * Fields that are not such numbers (page sizes, cache geometry) have rules of their own. A field
 * that this table does not name must be at least as great, unsigned: the cautious choice.
 */
#include "features.h"

#include <stdio.h>
#include <string.h>

#include "../xen-lite/include/records.h"

enum rule {
    AT_LEAST, /* unsigned */
    AT_LEAST_SIGNED,
    IGNORED, /* no guest relies on it, or only EL2 and EL3 can use it */
    SAME,
};

struct field {
    uint8_t reg, shift, rule;
    const char *name;
};

static const char *const reg_name[XLR_ID_REG_COUNT] = {
    "MIDR_EL1",
    "CTR_EL0",
    "DCZID_EL0",
    "CLIDR_EL1",
    "ID_AA64PFR0_EL1",
    "ID_AA64PFR1_EL1",
    "ID_AA64DFR0_EL1",
    "ID_AA64DFR1_EL1",
    "ID_AA64ISAR0_EL1",
    "ID_AA64ISAR1_EL1",
    "ID_AA64ISAR2_EL1",
    "ID_AA64MMFR0_EL1",
    "ID_AA64MMFR1_EL1",
    "ID_AA64MMFR2_EL1",
    "ID_AA64ZFR0_EL1",
    "ID_AA64SMFR0_EL1",
    "ID_PFR0",
    "ID_PFR1",
    "ID_DFR0",
    "ID_AFR0",
    "ID_MMFR0",
    "ID_MMFR1",
    "ID_MMFR2",
    "ID_MMFR3",
    "ID_ISAR0",
    "ID_ISAR1",
    "ID_ISAR2",
    "ID_ISAR3",
    "ID_ISAR4",
    "ID_ISAR5",
    "ID_MMFR4",
    "ID_ISAR6",
    "MVFR0",
    "MVFR1",
    "MVFR2",
    "ID_RES_33",
    "ID_PFR2",
    "ID_DFR1",
    "ID_MMFR5",
    "ID_RES_37",
};

static const struct field fields[] = {
    { XLR_ID_PFR0, 0, AT_LEAST, "EL0" },
    { XLR_ID_PFR0, 4, AT_LEAST, "EL1" },
    { XLR_ID_PFR0, 8, IGNORED, "EL2" },
    { XLR_ID_PFR0, 12, IGNORED, "EL3" },
    { XLR_ID_PFR0, 16, AT_LEAST_SIGNED, "FP" },
    { XLR_ID_PFR0, 20, AT_LEAST_SIGNED, "AdvSIMD" },
    { XLR_ID_PFR0, 24, AT_LEAST, "GIC" },
    { XLR_ID_PFR0, 28, AT_LEAST, "RAS" },
    { XLR_ID_PFR0, 32, AT_LEAST, "SVE" },
    { XLR_ID_PFR0, 36, IGNORED, "SEL2" },
    { XLR_ID_PFR0, 40, IGNORED, "MPAM" },
    { XLR_ID_PFR0, 44, IGNORED, "AMU" },
    { XLR_ID_PFR0, 48, AT_LEAST, "DIT" },
    { XLR_ID_PFR0, 52, IGNORED, "RME" },
    { XLR_ID_PFR0, 56, AT_LEAST, "CSV2" },
    { XLR_ID_PFR0, 60, AT_LEAST, "CSV3" },
    { XLR_ID_PFR1, 0, AT_LEAST, "BT" },
    { XLR_ID_PFR1, 4, AT_LEAST, "SSBS" },
    { XLR_ID_PFR1, 8, AT_LEAST, "MTE" },
    { XLR_ID_PFR1, 12, IGNORED, "RAS_frac" },
    { XLR_ID_PFR1, 24, AT_LEAST, "SME" },
    { XLR_ID_DFR0, 0, AT_LEAST, "DebugVer" },
    { XLR_ID_DFR0, 4, IGNORED, "TraceVer" },
    { XLR_ID_DFR0, 8, AT_LEAST_SIGNED, "PMUVer" },
    { XLR_ID_DFR0, 12, AT_LEAST, "BRPs" },
    { XLR_ID_DFR0, 20, AT_LEAST, "WRPs" },
    { XLR_ID_DFR0, 28, AT_LEAST, "CTX_CMPs" },
    { XLR_ID_DFR0, 36, AT_LEAST_SIGNED, "DoubleLock" },
    { XLR_ID_ISAR0, 4, AT_LEAST, "AES" },
    { XLR_ID_ISAR0, 8, AT_LEAST, "SHA1" },
    { XLR_ID_ISAR0, 12, AT_LEAST, "SHA2" },
    { XLR_ID_ISAR0, 16, AT_LEAST, "CRC32" },
    { XLR_ID_ISAR0, 20, AT_LEAST, "ATOMICS" },
    { XLR_ID_ISAR0, 24, AT_LEAST, "TME" },
    { XLR_ID_ISAR0, 28, AT_LEAST, "RDM" },
    { XLR_ID_ISAR0, 32, AT_LEAST, "SHA3" },
    { XLR_ID_ISAR0, 36, AT_LEAST, "SM3" },
    { XLR_ID_ISAR0, 40, AT_LEAST, "SM4" },
    { XLR_ID_ISAR0, 44, AT_LEAST, "DP" },
    { XLR_ID_ISAR0, 48, AT_LEAST, "FHM" },
    { XLR_ID_ISAR0, 52, AT_LEAST, "TS" },
    { XLR_ID_ISAR0, 56, AT_LEAST, "TLB" },
    { XLR_ID_ISAR0, 60, AT_LEAST, "RNDR" },
    { XLR_ID_ISAR1, 0, AT_LEAST, "DPB" },
    { XLR_ID_ISAR1, 4, SAME, "APA" },
    { XLR_ID_ISAR1, 8, SAME, "API" },
    { XLR_ID_ISAR1, 12, AT_LEAST, "JSCVT" },
    { XLR_ID_ISAR1, 16, AT_LEAST, "FCMA" },
    { XLR_ID_ISAR1, 20, AT_LEAST, "LRCPC" },
    { XLR_ID_ISAR1, 24, SAME, "GPA" },
    { XLR_ID_ISAR1, 28, SAME, "GPI" },
    { XLR_ID_ISAR1, 32, AT_LEAST, "FRINTTS" },
    { XLR_ID_ISAR1, 36, AT_LEAST, "SB" },
    { XLR_ID_ISAR1, 40, AT_LEAST, "SPECRES" },
    { XLR_ID_ISAR1, 44, AT_LEAST, "BF16" },
    { XLR_ID_ISAR1, 48, AT_LEAST, "DGH" },
    { XLR_ID_ISAR1, 52, AT_LEAST, "I8MM" },
    { XLR_ID_ISAR2, 8, SAME, "GPA3" },
    { XLR_ID_ISAR2, 12, SAME, "APA3" },
    { XLR_ID_MMFR0, 0, AT_LEAST, "PARange" },
    { XLR_ID_MMFR0, 4, AT_LEAST, "ASIDBits" },
    { XLR_ID_MMFR0, 8, AT_LEAST, "BigEnd" },
    { XLR_ID_MMFR0, 16, AT_LEAST, "BigEndEL0" },
    { XLR_ID_MMFR0, 20, AT_LEAST, "TGran16" },
    { XLR_ID_MMFR0, 24, AT_LEAST_SIGNED, "TGran64" },
    { XLR_ID_MMFR0, 28, AT_LEAST_SIGNED, "TGran4" },
    { XLR_ID_MMFR0, 32, IGNORED, "TGran16_2" },
    { XLR_ID_MMFR0, 36, IGNORED, "TGran64_2" },
    { XLR_ID_MMFR0, 40, IGNORED, "TGran4_2" },
    { XLR_ID_MMFR0, 56, IGNORED, "FGT" },
    { XLR_ID_MMFR0, 60, IGNORED, "ECV" },
    { XLR_ID_MMFR1, 0, AT_LEAST, "HAFDBS" },
    { XLR_ID_MMFR1, 4, IGNORED, "VMIDBits" },
    { XLR_ID_MMFR1, 8, IGNORED, "VH" },
    { XLR_ID_MMFR1, 12, AT_LEAST, "HPDS" },
    { XLR_ID_MMFR1, 16, AT_LEAST, "LO" },
    { XLR_ID_MMFR1, 20, AT_LEAST, "PAN" },
    { XLR_ID_MMFR1, 28, IGNORED, "XNX" },
    { XLR_ID_MMFR1, 32, IGNORED, "TWED" },
    { XLR_ID_MMFR1, 36, AT_LEAST, "ETS" },
    { XLR_ID_MMFR2, 0, AT_LEAST, "CnP" },
    { XLR_ID_MMFR2, 4, AT_LEAST, "UAO" },
    { XLR_ID_MMFR2, 8, AT_LEAST, "LSM" },
    { XLR_ID_MMFR2, 16, AT_LEAST, "VARange" },
    { XLR_ID_MMFR2, 24, IGNORED, "NV" },
    { XLR_ID_MMFR2, 28, IGNORED, "ST" },
    { XLR_ID_MMFR2, 32, AT_LEAST, "AT" },
    { XLR_ID_MMFR2, 48, IGNORED, "FWB" },
    { XLR_ID_MMFR2, 56, AT_LEAST, "BBM" },
    { XLR_ID_MMFR2, 60, AT_LEAST, "E0PD" },
    { XLR_ID_A32_PFR0, 12, AT_LEAST, "State3" },
    { XLR_ID_A32_PFR0, 24, AT_LEAST, "DIT" },
    { XLR_ID_A32_PFR1, 16, AT_LEAST, "GenTimer" },
    { XLR_ID_A32_PFR1, 28, AT_LEAST, "GIC" },
    { XLR_ID_A32_DFR0, 0, AT_LEAST, "CopDbg" },
    { XLR_ID_A32_DFR0, 24, AT_LEAST_SIGNED, "PerfMon" },
    { XLR_ID_A32_MMFR0, 0, AT_LEAST, "VMSA" },
    { XLR_ID_A32_MMFR0, 8, AT_LEAST_SIGNED, "OuterShr" },
    { XLR_ID_A32_MMFR0, 20, IGNORED, "AuxReg" },
    { XLR_ID_A32_MMFR0, 28, AT_LEAST_SIGNED, "InnerShr" },
    { XLR_ID_A32_MMFR1, 28, AT_LEAST, "BPred" },
    { XLR_ID_A32_MMFR3, 16, AT_LEAST, "PAN" },
    { XLR_ID_A32_MMFR3, 24, IGNORED, "CMemSz" },
    { XLR_ID_A32_MMFR3, 28, AT_LEAST_SIGNED, "Supersec" },
    { XLR_ID_A32_MMFR4, 0, IGNORED, "SpecSEI" },
    { XLR_ID_A32_MMFR4, 8, IGNORED, "XNX" },
    { XLR_ID_A32_MMFR4, 16, AT_LEAST, "HPDS" },
    { XLR_ID_A32_MMFR4, 28, IGNORED, "EVT" },
    { XLR_ID_A32_ISAR0, 0, AT_LEAST, "Swap" },
    { XLR_ID_A32_ISAR0, 24, AT_LEAST, "Divide" },
    { XLR_ID_A32_ISAR5, 4, AT_LEAST, "AES" },
    { XLR_ID_A32_ISAR5, 8, AT_LEAST, "SHA1" },
    { XLR_ID_A32_ISAR5, 12, AT_LEAST, "SHA2" },
    { XLR_ID_A32_ISAR5, 16, AT_LEAST, "CRC32" },
    { XLR_ID_A32_ISAR5, 24, AT_LEAST, "RDM" },
    { XLR_ID_A32_ISAR6, 4, AT_LEAST, "DP" },
    { XLR_ID_A32_ISAR6, 8, AT_LEAST, "FHM" },
    { XLR_ID_A32_ISAR6, 12, AT_LEAST, "SB" },
    { XLR_ID_A32_MVFR0, 0, AT_LEAST, "SIMDReg" },
    { XLR_ID_A32_MVFR0, 4, AT_LEAST, "FPSP" },
    { XLR_ID_A32_MVFR0, 8, AT_LEAST, "FPDP" },
    { XLR_ID_A32_MVFR1, 24, AT_LEAST, "FPHP" },
    { XLR_ID_A32_MVFR1, 28, AT_LEAST, "SIMDFMAC" },
};

static struct field field_of(unsigned reg, unsigned shift)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        if (fields[i].reg == reg && fields[i].shift == shift)
            return fields[i];
    return (struct field){ (uint8_t)reg, (uint8_t)shift, AT_LEAST, NULL };
}

static bool field_fits(enum rule rule, unsigned guest, unsigned host)
{
    int signed_guest = guest < 8 ? (int)guest : (int)guest - 16,
        signed_host = host < 8 ? (int)host : (int)host - 16;
    switch (rule) {
    case AT_LEAST: return host >= guest;
    case AT_LEAST_SIGNED: return signed_host >= signed_guest;
    case SAME: return guest == 0 || host == guest;
    default: return true;
    }
}

static int compare_fields(unsigned reg, uint64_t guest, uint64_t host, struct failure *f)
{
    for (unsigned shift = 0; shift < 64; shift += 4) {
        unsigned g = guest >> shift & 15, h = host >> shift & 15;
        struct field field = field_of(reg, shift);
        if (field_fits(field.rule, g, h))
            continue;
        char bits[16];
        snprintf(bits, sizeof(bits), "[%u:%u]", shift + 3, shift);
        return fail(f, XLM_E_CPU, "%s.%s: the guest has seen %u, the target host offers %u",
                    reg_name[reg], field.name ? field.name : bits, g, h);
    }
    return 0;
}

/* If the host's cache lines are smaller than the guest assumes, the guest skips lines when it
 * cleans a range of addresses. */
static int compare_ctr(uint64_t guest, uint64_t host, struct failure *f)
{
    static const struct {
        unsigned shift;
        const char *name;
    } line[] = { { 0, "IminLine" }, { 16, "DminLine" } };
    for (int i = 0; i < 2; i++) {
        unsigned g = guest >> line[i].shift & 15, h = host >> line[i].shift & 15;
        if (h < g)
            return fail(
                f, XLM_E_CPU,
                "CTR_EL0.%s: the guest has seen cache lines of %u bytes, the target host has %u "
                "bytes",
                line[i].name, 4u << g, 4u << h);
    }
    /* If DIC or IDC is set, the guest omits cache maintenance. L1Ip: VIPT (2) needs more
     * maintenance than PIPT (3). */
    uint64_t need = guest & (3ull << 28);
    if ((host & need) != need)
        return fail(f, XLM_E_CPU,
                    "CTR_EL0.%s: the guest relies on it, the target host does not have it",
                    need & ~host & 1ull << 28 ? "IDC" : "DIC");
    if ((host >> 14 & 3) < (guest >> 14 & 3))
        return fail(f, XLM_E_CPU, "CTR_EL0.L1Ip: the guest has seen %u, the target host offers %u",
                    (unsigned)(guest >> 14 & 3), (unsigned)(host >> 14 & 3));
    return 0;
}

static int compare_reg(unsigned reg, uint64_t guest, uint64_t host, struct failure *f)
{
    switch (reg) {
    case XLR_ID_MIDR:
    case XLR_ID_CLIDR: return 0;
    case XLR_ID_CTR: return compare_ctr(guest, host, f);
    case XLR_ID_DCZID:
        /* DC ZVA clears a block of exactly this size. With another size the guest would clear
         * too much or too little. */
        if (!(guest & 16) && (guest & 31) != (host & 31))
            return fail(f, XLM_E_CPU, "DCZID_EL0: the guest has seen %x, the target host has %x",
                        (unsigned)guest & 31, (unsigned)host & 31);
        return 0;
    default: return compare_fields(reg, guest, host, f);
    }
}

int features_compare(const void *guest, size_t guest_bytes, const void *host, size_t host_bytes,
                     struct failure *f, char *warning, size_t warning_size)
{
    struct xlr_cpu_features g = { 0 }, h = { 0 };
    memcpy(&g, guest, guest_bytes < sizeof(g) ? guest_bytes : sizeof(g));
    memcpy(&h, host, host_bytes < sizeof(h) ? host_bytes : sizeof(h));
    /* An older hypervisor may have written fewer registers: the others cannot be compared. */
    unsigned count = g.count < XLR_ID_REG_COUNT ? g.count : XLR_ID_REG_COUNT;
    warning[0] = 0;
    for (size_t i = sizeof(g); i + 8 <= guest_bytes; i += 8) {
        uint64_t more;
        memcpy(&more, (const uint8_t *)guest + i, 8);
        if (more)
            return fail(
                f, XLM_E_CPU,
                "the guest has seen an ID register that the target host's xlmd does not know "
                "(number %zu)",
                (i - 8) / 8);
    }
    for (unsigned reg = 0; reg < count; reg++)
        if (compare_reg(reg, g.reg[reg], h.reg[reg], f) < 0)
            return -1;
    for (unsigned reg = 0; reg < count; reg++)
        if ((reg == XLR_ID_MIDR || reg == XLR_ID_CLIDR) && g.reg[reg] != h.reg[reg]) {
            snprintf(warning, warning_size,
                     "%s differs: the guest has seen %llx, the target host has %llx", reg_name[reg],
                     (unsigned long long)g.reg[reg], (unsigned long long)h.reg[reg]);
            break;
        }
    return 0;
}
