/* SPDX-License-Identifier: BSD-2-Clause */
/* A CPU from head.S to the core: what it can do, EL2's fixed controls, power, kicks. */
#include "internal.h"
#include "hw.h"
#include <asm/smccc.h>

void cpu_traps_init(void)
{
    uint32_t hdcr = HDCR_TDA | HDCR_TDOSA | HDCR_TDRA;
    unsigned pmu = (READ_SYSREG(id_dfr0) >> 24) & 0xf;

    if (pmu && pmu != 0xf) /* the guest has none: all of it traps; HPMN keeps its legal maximum */
        hdcr |= HDCR_TPM | HDCR_TPMCR | ((READ_SYSREG(pmcr) >> 11) & HDCR_HPMN_MASK);
    WRITE_SYSREG(hdcr, hdcr);
    WRITE_SYSREG(hcptr, HCPTR_VALUE);
    WRITE_SYSREG(hstr, 0);
    WRITE_SYSREG(hcr, HCR_FMO | HCR_IMO | HCR_AMO);
    WRITE_SYSREG(vpidr, READ_SYSREG(midr));
    WRITE_SYSREG(cnthctl, 0); /* PL1's physical counter and timer trap; no event stream of EL2's */
    WRITE_SYSREG(cnthp_ctl, 0);
    WRITE_SYSREG(cntv_ctl, 0);
    WRITE_SYSREG(cntvoff, 0);
    arch_isb();
}

static void cpu_block_init(unsigned n)
{
    struct cpu *c = &cpus[n];

    c->id = n;
    c->mpidr = READ_SYSREG(mpidr) & 0xffffff;
    c->stack_top = (uint8_t *)(uintptr_t)(STACKS_VA + (n + 1) * STACK_STRIDE);
    WRITE_SYSREG(htpidr, (uint32_t)(uintptr_t)c);
}

_Noreturn void arm32_boot(uint32_t fdt, uint32_t pa)
{
    cpu_block_init(0);
    image_pa = pa;
    counter_hz = READ_SYSREG(cntfrq);
    mmu_init();
    cpu_traps_init();
    core_boot(PA(fdt));
}

_Noreturn void arm32_secondary(unsigned n)
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

unsigned arch_vmid_bits(void) { return 8; }
bool arch_has_hw_dirty(void) { return false; }
unsigned arch_pa_bits(void) { return 40; } /* LPAE */
uint64_t arch_vtcr(void) { return VTCR_VALUE; }

/* Arm's CPUs whose branch predictor must be made to forget when a guest exits (Spectre variant 2),
 * by MIDR's implementer and part. */
static void predictor_init(void)
{
    switch (READ_SYSREG(midr) & 0xff00fff0u) {
    case 0x4100c0f0u: /* Cortex-A15: forgets with its instruction cache */
        WRITE_SYSREG(hvbar, (uint32_t)(uintptr_t)vectors_icache);
        break;
    case 0x4100c0d0u: /* Cortex-A12 */
    case 0x4100c0e0u: /* Cortex-A17 */
        WRITE_SYSREG(hvbar, (uint32_t)(uintptr_t)vectors_predictor);
        break;
    default: break;
    }
}

/* arch_enter_guest (entry.S), once on each CPU. */
void cpu_last_init(void)
{
    predictor_init();
    WRITE_SYSREG(vtcr, (uint32_t)arch_vtcr());
    BARRIER("isb");
    WRITE_SYSREG(tlbiallnsnh, 0); /* the TLB may hold walks under whatever VTCR was before */
    BARRIER("dsb nsh\n\tisb");
}
