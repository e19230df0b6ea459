/* SPDX-License-Identifier: BSD-2-Clause */
/* What a CPU of arm64 can do, and the controls that depend on that. */
#include "internal.h"
#include "options.h"
#include <asm/smccc.h>
#include "width/cpu.h"

struct cpu_caps cpu_caps;

void cpu_caps_init(void)
{
    uint64_t mmfr0 = READ_SYSREG(id_aa64mmfr0_el1), mmfr1 = READ_SYSREG(id_aa64mmfr1_el1);
    uint64_t isar1 = READ_SYSREG(id_aa64isar1_el1), isar2 = READ_SYSREG(ID_AA64ISAR2_EL1),
             pfr0 = READ_SYSREG(id_aa64pfr0_el1);

    cpu_caps.pa_range = MIN(id_field(mmfr0, 0), 5u);
    cpu_caps.vmid16 = id_field(mmfr1, 4) == 2;
    cpu_caps.hw_dirty = id_field(mmfr1, 0) >= 2;
    cpu_caps.pan = id_field(mmfr1, 20) != 0;
    /* GPI, GPA, API, APA; GPA3, APA3: any of them means that there are keys to switch. */
    cpu_caps.pauth = (isar1 & 0xff000ff0ull) || (isar2 & 0xff00ull);
    cpu_caps.el0_aarch32 = id_field(pfr0, 0) == 2;
    cpu_caps.el1_aarch32 = id_field(pfr0, 4) == 2;
    cpu_caps.gicv3 = id_field(pfr0, 24) != 0;
}

/* Registers of later extensions exist only where the ID registers say so; their reset values are
 * unknown. */
void optional_controls_init(void)
{
    WRITE_SYSREG(mdscr_el1, 0);
    if (id_field(READ_SYSREG(id_aa64mmfr1_el1), 40))
        WRITE_SYSREG(HCRX_EL2, 0);
    if (id_field(READ_SYSREG(id_aa64mmfr0_el1), 56)) {
        WRITE_SYSREG(HFGRTR_EL2, 0);
        WRITE_SYSREG(HFGWTR_EL2, 0);
        WRITE_SYSREG(HFGITR_EL2, 0);
        WRITE_SYSREG(HDFGRTR_EL2, 0);
        WRITE_SYSREG(HDFGWTR_EL2, 0);
    }
}

unsigned arch_vmid_bits(void) { return cpu_caps.vmid16 ? 16 : 8; }
bool arch_has_hw_dirty(void) { return cpu_caps.hw_dirty; }

unsigned arch_pa_bits(void)
{
    static const uint8_t bits[] = { 32, 36, 40, 42, 44, 48 };
    return bits[cpu_caps.pa_range];
}

uint64_t arch_vtcr(void)
{
    uint64_t vtcr = VTCR_VALUE | ((uint64_t)cpu_caps.pa_range << VTCR_PS_SHIFT);

    if (cpu_caps.vmid16)
        vtcr |= VTCR_VS;
    if (cpu_caps.hw_dirty && cmdline.dirty_mode != 1)
        vtcr |= VTCR_HA | VTCR_HD; /* acts on leaves with DBM only */
    return vtcr;
}

uint32_t predictor_call; /* of vectors_hardened */

/*
 * Branch prediction (Spectre variant 2, BHB): where firmware says that this CPU needs its help,
 * exits from guests go through it. CPUs with ID_AA64PFR0.CSV2 that are immune answer "not required"
 * or do not know the call.
 */
void predictor_init(void)
{
    uint32_t call = smccc_required(SMCCC_ARCH_WORKAROUND_3)   ? SMCCC_ARCH_WORKAROUND_3
                    : smccc_required(SMCCC_ARCH_WORKAROUND_1) ? SMCCC_ARCH_WORKAROUND_1
                                                              : 0;

    if (!call)
        return;
    predictor_call = call; /* of all CPUs of a kind the same; the later call includes the earlier */
    WRITE_SYSREG(vbar_el2, (uint64_t)vectors_hardened);
}
