/* SPDX-License-Identifier: BSD-2-Clause */
/* What common/cpu.c needs of arm32. */
#ifndef ARCH_WIDTH_CPU_H
#define ARCH_WIDTH_CPU_H

#include "internal.h"

static inline unsigned pmu_version(void) { return READ_SYSREG(id_dfr0_el1) >> 24 & 0xf; }
static inline uint32_t mdcr_optional(void) { return 0; }
static inline void cpu_caps_init(void) {}
static inline void optional_controls_init(void) {}

/* cpu.c */
void predictor_init(void);

#endif
