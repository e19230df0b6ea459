/* SPDX-License-Identifier: BSD-2-Clause */
/* A CPU from head.S to the core: EL2's fixed controls, power, kicks. */
#include "internal.h"
#include "hw.h"
#include <asm/smccc.h>
#include "width/cpu.h"

/* The EL2 controls that never change. */
static void cpu_traps_init(void)
{
    sysreg_t mdcr = MDCR_TDA | MDCR_TDOSA | MDCR_TDRA | mdcr_optional();
    unsigned pmu = pmu_version();

    if (pmu && pmu != 0xf) /* hidden from guests: all of it traps; HPMN keeps its legal maximum */
        mdcr |= MDCR_TPM | MDCR_TPMCR | ((READ_SYSREG(pmcr_el0) >> 11) & MDCR_HPMN_MASK);
    WRITE_SYSREG(mdcr_el2, mdcr);
    WRITE_SYSREG(cptr_el2, CPTR_EL2_VALUE);
    WRITE_SYSREG(hstr_el2, 0);
    WRITE_SYSREG(hcr_el2, HCR_BOOT);
    WRITE_SYSREG(vpidr_el2, READ_SYSREG(midr_el1));
    /* EL1's physical counter and timer trap; EL2 has no event stream. */
    WRITE_SYSREG(cnthctl_el2, 0);
    WRITE_SYSREG(cnthp_ctl_el2, 0);
    WRITE_SYSREG(cntv_ctl_el0, 0);
    WRITE_SYSREG(cntvoff_el2, 0);
    optional_controls_init();
    arch_isb();
}

static void cpu_block_init(unsigned n)
{
    struct cpu *c = &cpus[n];

    c->id = n;
    c->mpidr = READ_SYSREG(mpidr_el1) & MPIDR_AFFINITY;
    c->stack_top = (uint8_t *)(STACKS_VA + (uintptr_t)(n + 1) * STACK_STRIDE);
    WRITE_SYSREG(tpidr_el2, (uintptr_t)c);
}

_Noreturn void arch_boot(uintptr_t fdt, uintptr_t pa)
{
    cpu_block_init(0);
    image_pa = pa;
    counter_hz = READ_SYSREG(cntfrq_el0);
    cpu_caps_init();
    mmu_init();
    cpu_traps_init();
    core_boot(PA(fdt));
}

_Noreturn void arch_secondary(unsigned n)
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
    /* The CPU starts with its caches off.  Until they are on it reads only the image as loaded and
     * the boot tables. */
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

/* arch_enter_guest (entry.S), once on each CPU: controls that depend on the command line and on
 * firmware. */
void cpu_last_init(void)
{
    predictor_init();
    WRITE_SYSREG(vtcr_el2, (sysreg_t)arch_vtcr());
    BARRIER("isb");
    TLBI(alle1); /* the TLB may hold walks under the former value of VTCR_EL2 */
    BARRIER("dsb nsh\n\tisb");
}
