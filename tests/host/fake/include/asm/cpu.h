/* SPDX-License-Identifier: BSD-2-Clause */
/* The fake machine's CPUs: each thread of a test is one (fake_cpu_set).  Contract: arch.h. */
#ifndef ASM_CPU_H
#define ASM_CPU_H

#include "types.h"
struct domain;
#include "cpu_types.h"

extern _Thread_local unsigned fake_cpu;
static inline struct cpu *this_cpu(void) { return &cpus[fake_cpu]; }
static inline unsigned cpu_id(void) { return fake_cpu; }

extern uint64_t counter_hz;
uint64_t counter(void); /* fake_counter, which moves by fake_counter_step each read */

static inline void arch_dmb(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
static inline void arch_dsb(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
static inline void arch_isb(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
extern bool fake_irq_pending;
static inline bool arch_irq_pending(void) { return fake_irq_pending; }
void arch_wfi(void); /* calls fake_on_wfi, else yields */

#endif
