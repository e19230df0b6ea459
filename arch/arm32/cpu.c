/* SPDX-License-Identifier: BSD-2-Clause */
/* What a CPU of arm32 can do: what Armv7-A with the virtualization extensions has. */
#include "internal.h"
#include "width/cpu.h"

unsigned arch_vmid_bits(void) { return 8; }
bool arch_has_hw_dirty(void) { return false; }
unsigned arch_pa_bits(void) { return 40; } /* LPAE */
uint64_t arch_vtcr(void) { return VTCR_VALUE; }

/* Arm's CPUs whose branch predictor must be made to forget when a guest exits (Spectre variant 2),
 * by MIDR's implementer and part. */
void predictor_init(void)
{
    switch (READ_SYSREG(midr_el1) & 0xff00fff0u) {
    case 0x4100c0f0u: /* Cortex-A15: forgets with its instruction cache */
        WRITE_SYSREG(vbar_el2, (uint32_t)(uintptr_t)vectors_icache);
        break;
    case 0x4100c0d0u: /* Cortex-A12 */
    case 0x4100c0e0u: /* Cortex-A17 */
        WRITE_SYSREG(vbar_el2, (uint32_t)(uintptr_t)vectors_predictor);
        break;
    default: break;
    }
}
