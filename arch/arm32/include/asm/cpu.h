/* SPDX-License-Identifier: BSD-2-Clause */
/* The running CPU: its block, its counter, barriers and waiting.  Contract: arch.h. */
#ifndef ASM_CPU_H
#define ASM_CPU_H

#include "types.h"
#include "cpu_types.h"

/* The running CPU's block: HTPIDR, set once by the entry code of each CPU before any other C runs.
 */
static inline struct cpu *this_cpu(void)
{
    struct cpu *c;
    __asm__("mrc p15, 4, %0, c13, c0, 2" : "=r"(c));
    return c;
}
static inline unsigned cpu_id(void) { return this_cpu()->id; }

extern uint64_t counter_hz; /* CNTFRQ, read at boot */

/* The ISB keeps the read from being done early, ahead of what it is to time. */
static inline uint64_t counter(void)
{
    uint64_t t;
    __asm__ volatile("isb\n\tmrrc p15, 0, %Q0, %R0, c14" : "=r"(t) : : "memory");
    return t;
}

static inline void arch_dmb(void) { __asm__ volatile("dmb ish" ::: "memory"); }
static inline void arch_dsb(void) { __asm__ volatile("dsb sy" ::: "memory"); }
static inline void arch_isb(void) { __asm__ volatile("isb" ::: "memory"); }
/* The DSB completes all that must be seen before sleeping; a pending interrupt, masked as it is,
 * ends the wait. */
static inline void arch_wfi(void) { __asm__ volatile("dsb sy\n\twfi" ::: "memory"); }

/* An interrupt of the machine waits for this CPU, masked as it is (ISR read in Hyp mode: Arm ARM
 * B4.1.85). */
static inline bool arch_irq_pending(void)
{
    uint32_t isr;
    __asm__ volatile("mrc p15, 0, %0, c12, c1, 0" : "=r"(isr));
    return isr & (1u << 7);
}

/*
 * Give this CPU to guests for ever: empties the stack, calls guest_prepare() and enters what it
 * chose.  The last call of core_boot and core_secondary.  entry.S
 */
_Noreturn void arch_enter_guest(void);

#endif
