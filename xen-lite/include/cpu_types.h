/* SPDX-License-Identifier: BSD-2-Clause */
/* Types: a soft timer, and the state of a physical CPU.  timer.h and cpu.h have their functions. */
#ifndef XL_CPU_TYPES_H
#define XL_CPU_TYPES_H

#include "lib.h"
#include "spinlock.h"
struct vcpu;

struct timer {
    struct list link;
    uint64_t deadline; /* in counter ticks */
    void (*fn)(void *arg);
    void *arg;
    struct cpu *cpu; /* CPU whose list has it, or had it last */
    spinlock_t lock;
    uint32_t running; /* number of callbacks in progress */
    bool armed;
};

/*
 * Per physical CPU.  `current` is first and `work` second, because assembly reads them (asserted in
 * arch).
 */
struct cpu {
    struct vcpu *current; /* vCPU whose registers an exit saves; never NULL in a guest */
    uint32_t work; /* WORK_* bits; other CPUs set them atomically and then call arch_kick_cpu */
    uint32_t id;
    uint8_t *stack_top;
    struct vcpu *loaded; /* vCPU whose system registers are in the hardware (saved or not) */
    bool online, idle;
    uint64_t mpidr;
    struct vcpu *scheduled; /* under the scheduler's lock: vCPU that has this CPU; NULL: idle */
    uint64_t slice_ns;      /* length of the current time slice */
    bool slice_armed;       /* `slice` is armed to end it */
    struct list timers;     /* soft timers, sorted (timer.c) */
    spinlock_t timer_lock;
    uint64_t armed;              /* deadline in the hardware timer */
    struct timer *timer_running; /* timer whose callback runs here */
    uint64_t idle_since, idle_end, idle_ticks,
        /* Counter values and sums; busy_ticks up to the start of the last idle period. */
        busy_ticks;
    uint8_t *scratch; /* a page for copies */
    struct timer slice;
};
/*
 * RESCHED: choose again which vCPU runs.  TIMER: soft timers are due.  VGIC: the current vCPU's
 * interrupts changed.  REAP: dead domains wait to be freed.  VMID: the domain that was entered last
 * has another VMID now.
 */
enum { WORK_RESCHED = 1, WORK_TIMER = 2, WORK_VGIC = 4, WORK_REAP = 8, WORK_VMID = 16 };
enum {
    EXIT_IRQ,
    EXIT_HYPERCALL,
    EXIT_PSCI,
    EXIT_MMIO,
    EXIT_WRITE_FAULT,
    EXIT_WFI,
    EXIT_SYSREG,
    EXIT_SGI,
    EXIT_OTHER,
    EXIT_COUNT
};
extern struct cpu cpus[];
extern unsigned cpu_count; /* online CPUs */

#endif
