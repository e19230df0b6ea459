/* SPDX-License-Identifier: BSD-2-Clause */
/* A CPU from head.S to the core: what it can do, EL2's fixed controls, power, kicks. */
#include "internal.h"
#include "hw.h"
#include "options.h"
#include <asm/smccc.h>

struct cpu_caps cpu_caps;

static unsigned field(uint64_t reg, unsigned shift) { return (unsigned)(reg >> shift) & 0xf; }

void cpu_caps_init(void)
{
    uint64_t mmfr0 = READ_SYSREG(id_aa64mmfr0_el1), mmfr1 = READ_SYSREG(id_aa64mmfr1_el1);
    uint64_t isar1 = READ_SYSREG(id_aa64isar1_el1), isar2 = READ_SYSREG(ID_AA64ISAR2_EL1),
             pfr0 = READ_SYSREG(id_aa64pfr0_el1);

    cpu_caps.pa_range = MIN(field(mmfr0, 0), 5u);
    cpu_caps.vmid16 = field(mmfr1, 4) == 2;
    cpu_caps.hw_dirty = field(mmfr1, 0) >= 2;
    cpu_caps.pan = field(mmfr1, 20) != 0;
    /* GPI, GPA, API, APA; GPA3, APA3: any of them means that there are keys to switch. */
    cpu_caps.pauth = (isar1 & 0xff000ff0ull) || (isar2 & 0xff00ull);
    cpu_caps.el0_aarch32 = field(pfr0, 0) == 2;
    cpu_caps.el1_aarch32 = field(pfr0, 4) == 2;
    cpu_caps.gicv3 = field(pfr0, 24) != 0;
    counter_hz = READ_SYSREG(cntfrq_el0);
}

/* Registers of later extensions exist only where the ID registers say so; their reset values are
 * unknown. */
static void optional_controls_init(void)
{
    if (field(READ_SYSREG(id_aa64mmfr1_el1), 40))
        WRITE_SYSREG(HCRX_EL2, 0);
    if (field(READ_SYSREG(id_aa64mmfr0_el1), 56)) {
        WRITE_SYSREG(HFGRTR_EL2, 0);
        WRITE_SYSREG(HFGWTR_EL2, 0);
        WRITE_SYSREG(HFGITR_EL2, 0);
        WRITE_SYSREG(HDFGRTR_EL2, 0);
        WRITE_SYSREG(HDFGWTR_EL2, 0);
    }
}

void cpu_traps_init(void)
{
    uint64_t dfr0 = READ_SYSREG(id_aa64dfr0_el1), mdcr = MDCR_TDA | MDCR_TDOSA | MDCR_TDRA;
    unsigned pmu = field(dfr0, 8);

    if (pmu && pmu != 0xf) /* the guest has none: all of it traps; HPMN keeps its legal maximum */
        mdcr |= MDCR_TPM | MDCR_TPMCR | ((READ_SYSREG(pmcr_el0) >> 11) & MDCR_HPMN_MASK);
    if (field(dfr0, 32))
        mdcr |= MDCR_TPMS; /* and E2PB = 0: the profiling buffer is EL2's */
    if (field(dfr0, 40))
        mdcr |= MDCR_TTRF;
    WRITE_SYSREG(mdcr_el2, mdcr);
    WRITE_SYSREG(cptr_el2, CPTR_EL2_VALUE);
    WRITE_SYSREG(hstr_el2, 0);
    WRITE_SYSREG(hcr_el2, HCR_FMO | HCR_IMO | HCR_AMO | HCR_RW);
    WRITE_SYSREG(vpidr_el2, READ_SYSREG(midr_el1));
    WRITE_SYSREG(cnthctl_el2,
                 0); /* EL1's physical counter and timer trap; no event stream of EL2's */
    WRITE_SYSREG(cnthp_ctl_el2, 0);
    WRITE_SYSREG(cntv_ctl_el0, 0);
    WRITE_SYSREG(cntvoff_el2, 0);
    WRITE_SYSREG(mdscr_el1, 0);
    optional_controls_init();
    arch_isb();
}

static void cpu_block_init(unsigned n)
{
    struct cpu *c = &cpus[n];

    c->id = n;
    c->mpidr = READ_SYSREG(mpidr_el1) & 0xff00ffffffull;
    c->stack_top = (uint8_t *)(STACKS_VA + (uint64_t)(n + 1) * STACK_STRIDE);
    WRITE_SYSREG(tpidr_el2, (uint64_t)c);
}

_Noreturn void arm64_boot(uint64_t fdt, uint64_t pa)
{
    cpu_block_init(0);
    image_pa = pa;
    cpu_caps_init();
    mmu_init();
    cpu_traps_init();
    core_boot(PA(fdt));
}

_Noreturn void arm64_secondary(unsigned n)
{
    cpu_block_init(n);
    mmu_cpu_init();
    cpu_traps_init();
    core_secondary(n);
}

int arch_cpu_on(unsigned n, uint64_t mpidr)
{
    if (n >= MAX_CPUS)
        return -XEN_EINVAL;
    /* It starts with its caches off; what it reads until they are on is the image as loaded and the
     * boot tables. */
    return psci_cpu_on(mpidr, va_to_pa(secondary_entry), n);
}

void arch_kick_cpu(unsigned n) { gic->send_sgi(n, INTID_SGI_KICK); }
_Noreturn void arch_reboot(void) { psci_system_reset(); }
_Noreturn void arch_poweroff(void) { psci_system_off(); }

_Noreturn void arch_halt(void)
{
    for (;;)
        arch_wfi();
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
static void predictor_init(void)
{
    uint32_t call = smccc_required(SMCCC_ARCH_WORKAROUND_3)   ? SMCCC_ARCH_WORKAROUND_3
                    : smccc_required(SMCCC_ARCH_WORKAROUND_1) ? SMCCC_ARCH_WORKAROUND_1
                                                              : 0;

    if (!call)
        return;
    predictor_call = call; /* of all CPUs of a kind the same; the later call includes the earlier */
    WRITE_SYSREG(vbar_el2, (uint64_t)vectors_hardened);
}

/* arch_enter_guest (entry.S), once on each CPU: what depends on the command line and on firmware.
 */
void cpu_last_init(void)
{
    predictor_init();
    WRITE_SYSREG(vtcr_el2, arch_vtcr());
    /* The TLB may hold walks under whatever VTCR_EL2 was before. */
    __asm__ volatile("isb\n\ttlbi alle1\n\tdsb nsh\n\tisb" ::: "memory");
}
