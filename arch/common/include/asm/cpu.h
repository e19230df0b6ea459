/* SPDX-License-Identifier: BSD-2-Clause */
/* The running CPU: its block, its counter, barriers and waiting.  Contract: arch.h. */
#ifndef ASM_CPU_H
#define ASM_CPU_H

#include "types.h"
#include "cpu_types.h"
#include <asm/sysreg.h>

/* The running CPU's block.  cpu.c sets TPIDR_EL2 on each CPU before any other C code runs. */
static inline struct cpu *this_cpu(void) { return (struct cpu *)READ_SYSREG_FIXED(tpidr_el2); }
static inline unsigned cpu_id(void) { return this_cpu()->id; }

extern uint64_t counter_hz; /* CNTFRQ_EL0, read at boot */

static inline void arch_dmb(void) { __asm__ volatile("dmb ish" ::: "memory"); }
static inline void arch_dsb(void) { __asm__ volatile("dsb sy" ::: "memory"); }
static inline void arch_isb(void) { __asm__ volatile("isb" ::: "memory"); }

/* The ISB stops the CPU from reading the counter early, before the code that the read times. */
static inline uint64_t counter(void)
{
    arch_isb();
    return READ_SYSREG(cntpct_el0);
}

/* The DSB completes all accesses that other observers must see before this CPU sleeps.  A pending
 * interrupt ends the wait although interrupts are masked. */
static inline void arch_wfi(void) { __asm__ volatile("dsb sy\n\twfi" ::: "memory"); }

/* A physical interrupt is pending for this CPU.  ISR_EL1 shows it at EL2 although it is masked (Arm
 * ARM D17.2.64; for AArch32 DDI 0406C, B4.1.85). */
static inline bool arch_irq_pending(void) { return READ_SYSREG_FIXED(isr_el1) & (1u << 7); }

/*
 * Give this CPU to guests for ever: empties the stack, calls guest_prepare() and enters the vCPU
 * that guest_prepare() chose.  The last call of core_boot and core_secondary.  entry.S
 */
_Noreturn void arch_enter_guest(void);

#endif
