/* SPDX-License-Identifier: BSD-2-Clause */
/* What arch/arm32 alone has.  Part of "internal.h". */
#include "internal.h" /* outside the guard: that file includes this one */
#ifndef ARCH_WIDTH_OWN_H
#define ARCH_WIDTH_OWN_H

/* head.S */
extern uint64_t boot_l1[4], boot_l2[512], boot_direct_l3[512 * 5], boot_cpu_l1[4];

/* Tables for EL2's map before the page allocator stands: tables for ragged ends of RAM banks, and
 * devices. */
#define POOL_PAGES 48u

/* entry.S */
extern char vectors_icache[], vectors_predictor[];

/* entry.S: frame of an exception from Hyp mode itself */
struct el2_frame {
    uint32_t r[13], sp, lr, elr, spsr, esr, far, pad;
};

/* traps.c: called by the compiler's division */
_Noreturn void __aeabi_ldiv0(void);
_Noreturn void __aeabi_idiv0(void);

/* switch.c.  In memory: the register that the architecture maps to X0 to X30 (DDI 0487, D1.20.1);
 * NULL for X15, SP_hyp. */
uint32_t *switch_x_slot(struct arch_vcpu *a, unsigned x);

#endif
