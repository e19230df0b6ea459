/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine's CPUs. cpu.c */
#ifndef XL_CPU_H
#define XL_CPU_H

#include "cpu_types.h"
#include <asm/cpu.h>

static inline struct vcpu *current_vcpu(void) { return this_cpu()->current; }
/*
 * Total idle time of a CPU in ns.  On any CPU, without a lock: may be off by one idle period that
 * begins or ends now.
 */
uint64_t cpu_idle_ns(unsigned cpu);

#endif
