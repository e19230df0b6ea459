/* SPDX-License-Identifier: BSD-2-Clause */
/* What common/cpu.c needs of arm64. */
#ifndef ARCH_WIDTH_CPU_H
#define ARCH_WIDTH_CPU_H

#include "internal.h"

static inline unsigned id_field(uint64_t reg, unsigned shift)
{
    return (unsigned)(reg >> shift) & 0xf;
}

static inline unsigned pmu_version(void) { return id_field(READ_SYSREG(id_aa64dfr0_el1), 8); }

/* Bits of MDCR_EL2 that are RES0 without their extension. */
static inline uint64_t mdcr_optional(void)
{
    uint64_t dfr0 = READ_SYSREG(id_aa64dfr0_el1), mdcr = 0;

    if (id_field(dfr0, 32))
        mdcr |= MDCR_TPMS; /* and E2PB = 0: the profiling buffer is EL2's */
    if (id_field(dfr0, 40))
        mdcr |= MDCR_TTRF;
    return mdcr;
}

/* cpu.c */
void cpu_caps_init(void);
void optional_controls_init(void);
void predictor_init(void);

#endif
