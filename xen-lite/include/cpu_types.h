/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types: a soft timer, and the hypervisor's state per physical CPU. timer.h and cpu.h have the
 * functions.
 */
#ifndef XL_CPU_TYPES_H
#define XL_CPU_TYPES_H

#include "lib.h"
#include "spinlock.h"
struct vcpu;

struct timer {
    struct list link;
    uint64_t deadline; /* counter ticks */
    void (*fn)(void *arg);
    void *arg;
    /* CPU whose list it is in, or was in last. */
    struct cpu *cpu;
    spinlock_t lock;
    uint32_t running; /* number of running callbacks */
    bool armed;
};

/*
 * Per physical CPU.  Assembly reads `current` and `work`, so they are first (checked by static
 * assertions in arch/).
 */
struct cpu {
    /* The vCPU whose registers an exit saves.  Never NULL while a guest runs. */
    struct vcpu *current;
    /* WORK_* bits.  Other CPUs set them atomically and then call arch_kick_cpu. */
    uint32_t work;
    uint32_t id;
    uint8_t *stack_top;
    /* The vCPU whose EL1 system registers this CPU has, saved or not. */
    struct vcpu *loaded;
    bool online, idle;
    uint64_t mpidr;
    /* The vCPU that the scheduler gave this CPU; NULL: idle.  Under the scheduler's lock. */
    struct vcpu *scheduled;
    uint64_t slice_ns;  /* length of the present time slice */
    bool slice_armed;   /* the timer `slice` is armed */
    struct list timers; /* soft timers, sorted by deadline (timer.c) */
    spinlock_t timer_lock;
    uint64_t armed;              /* deadline that the hardware timer is set to */
    struct timer *timer_running; /* timer whose callback runs on this CPU */
    /*
     * Counter values and sums in ticks.  busy_ticks: up to the last time that the CPU became idle.
     */
    uint64_t idle_since, idle_end, idle_ticks, busy_ticks;
    uint8_t *scratch; /* one page, for copies */
    struct timer slice;
};
/*
 * RESCHED: choose the vCPU again.  TIMER: soft timers are due.  VGIC: the current vCPU's interrupts
 * changed.  REAP: dead domains can be freed.  VMID: the domain that was entered last has a new
 * VMID.
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
extern unsigned cpu_count; /* number of online CPUs */

#endif
