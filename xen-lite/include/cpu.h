/* SPDX-License-Identifier: BSD-2-Clause */
/* The CPUs of the machine.  cpu.c */
#ifndef XL_CPU_H
#define XL_CPU_H

#include "cpu_types.h"
#include <asm/cpu.h>

static inline struct vcpu *current_vcpu(void) { return this_cpu()->current; }
uint64_t cpu_idle_ns(unsigned cpu); /* time in ns that the CPU had nothing to run */

#endif
