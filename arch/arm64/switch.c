/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes of a vCPU's state that need a check. */
#include "internal.h"

/* MDSCR_EL1 traps, together with all of debug: the guest may step itself, and the breakpoint
 * registers do not exist. */
void switch_set_mdscr(struct vcpu *v, uint64_t value)
{
    v->arch.sysreg[XLR_SYS_MDSCR] = value & MDSCR_GUEST;
    WRITE_SYSREG(mdscr_el1, value & MDSCR_GUEST);
}

/* A mode of EL0 or EL1 that the CPU and the domain have, and no reserved bits. */
bool switch_pstate_ok(const struct vcpu *v, uint64_t pstate)
{
    uint64_t mode = pstate & PSR_MODE;

    if (pstate >> 32)
        return false;
    if (mode & PSR_A32) {
        if (mode == PSR_A32_USR)
            return cpu_caps.el0_aarch32;
        return v->domain->aarch32 && (mode <= PSR_A32_SVC || mode == PSR_A32_ABT ||
                                      mode == PSR_A32_UND || mode == PSR_A32_SYS);
    }
    return !v->domain->aarch32 && (mode == PSR_EL0T || mode == PSR_EL1T || mode == PSR_EL1H);
}
