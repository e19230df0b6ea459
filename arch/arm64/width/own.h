/* SPDX-License-Identifier: BSD-2-Clause */
/* What arch/arm64 alone has.  Part of "internal.h". */
#include "internal.h" /* outside the guard: that file includes this one */
#ifndef ARCH_WIDTH_OWN_H
#define ARCH_WIDTH_OWN_H

#define EL2_TABLE_XN (1ull << 60) /* in a table descriptor: nothing below executes */

/* head.S */
extern uint64_t boot_tables_start[], boot_tables_end[], boot_l0[512], boot_id_l1[512],
    image_l1[512], boot_image_l2[512], boot_stacks_l2[512], boot_direct_l1[512], el2_l0[512];

/* Tables for EL2's map before the page allocator stands: 8 RAM banks of any alignment and some
 * devices. */
#define POOL_PAGES 64u

/* entry.S */
extern char vectors_hardened[];
extern uint32_t predictor_call;

/* cpu.c */
struct cpu_caps {
    unsigned pa_range; /* ID_AA64MMFR0.PARange, at most 5 */
    bool vmid16, hw_dirty, pauth, el0_aarch32, el1_aarch32, pan, gicv3;
};
extern struct cpu_caps cpu_caps;

/* entry.S: frame of an exception from EL2 itself */
struct el2_frame {
    uint64_t x[31], sp, elr, spsr, esr, far;
};

/* traps.c, called by entry.S: exits of AArch32 guests, and accesses to emulated pages */
void trap_sync_a32(struct vcpu *v, uint32_t esr);
struct vcpu *trap_emulated(struct vcpu *v, uint32_t esr);
bool trap_irq_a32(struct vcpu *v); /* true: back to the guest, whatever work there is */

/* sysreg.c: trapped MSR and MRS.  iss: of ESR_EL2.  It handles PC. */
void sysreg_trap(struct vcpu *v, uint32_t iss);

/* idregs.c: an AArch64 ID register (Op0 3, Op1 0, CRn 0, CRm 1..7) as this domain's guests read it.
 */
uint64_t idreg_read(const struct domain *d, unsigned crm, unsigned op2);

/* switch.c */
void switch_set_mdscr(struct vcpu *v, uint64_t value);

#endif
