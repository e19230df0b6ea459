/* SPDX-License-Identifier: BSD-2-Clause */
/* The GICv3 system registers that the driver uses, by name (GIC architecture, IHI 0069, chapter
 * 12). */
#ifndef ASM_GICV3_H
#define ASM_GICV3_H

#include "types.h"
#include <asm/sysreg.h>

#define GIC_REG_(name, ...)                                                 \
    SYSREG_CP15_(name, __VA_ARGS__)                                         \
    static inline uint64_t gicr_read_##name(void) { return read_##name(); } \
    static inline void gicr_write_##name(uint64_t v) { write_##name((uint32_t)v); }

GIC_REG_(icc_pmr, 0, c4, c6, 0)
GIC_REG_(icc_dir, 0, c12, c11, 1)
GIC_REG_(icc_iar1, 0, c12, c12, 0)
GIC_REG_(icc_eoir1, 0, c12, c12, 1)
GIC_REG_(icc_bpr1, 0, c12, c12, 3)
GIC_REG_(icc_ctlr, 0, c12, c12, 4)
GIC_REG_(icc_sre_el1, 0, c12, c12, 5) /* ICC_SRE */
GIC_REG_(icc_igrpen1, 0, c12, c12, 7)
GIC_REG_(icc_sre_hyp, 4, c12, c9, 5) /* ICC_HSRE */
GIC_REG_(ich_hcr, 4, c12, c11, 0)
GIC_REG_(ich_vtr, 4, c12, c11, 1)
GIC_REG_(ich_misr, 4, c12, c11, 2)
GIC_REG_(ich_elrsr, 4, c12, c11, 5)
GIC_REG_(ich_vmcr, 4, c12, c11, 7)
GIC_REG_(ich_ap0r0, 4, c12, c8, 0)
GIC_REG_(ich_ap0r1, 4, c12, c8, 1)
GIC_REG_(ich_ap0r2, 4, c12, c8, 2)
GIC_REG_(ich_ap0r3, 4, c12, c8, 3)
GIC_REG_(ich_ap1r0, 4, c12, c9, 0)
GIC_REG_(ich_ap1r1, 4, c12, c9, 1)
GIC_REG_(ich_ap1r2, 4, c12, c9, 2)
GIC_REG_(ich_ap1r3, 4, c12, c9, 3)

static inline void gicr_write_icc_sgi1r(uint64_t v)
{
    __asm__ volatile("mcrr p15, 0, %Q0, %R0, c12" : : "r"(v) : "memory");
}

/*
 * List registers: the number is in the encoding, so a switch; the compiler makes it a jump table.
 * Each is two registers, ICH_LR<n> (low) and ICH_LRC<n>.  The upper half, which has the state, is
 * written last and so the whole valid at once.
 */
/* clang-format off */
#define GIC_LR_CASES_(X) \
    X(0, c12, c14, 0) X(1, c12, c14, 1) X(2, c12, c14, 2) X(3, c12, c14, 3) X(4, c12, c14, 4) X(5, c12, c14, 5) X(6, c12, c14, 6) \
    X(7, c12, c14, 7) X(8, c13, c15, 0) X(9, c13, c15, 1) X(10, c13, c15, 2) X(11, c13, c15, 3) X(12, c13, c15, 4) \
    X(13, c13, c15, 5) X(14, c13, c15, 6) X(15, c13, c15, 7)
/* clang-format on */

static inline uint64_t gicr_read_lr(unsigned n)
{
    uint32_t low = 0, high = 0;

    switch (n) {
#define X(i, crm_low, crm_high, op2)                                     \
    case i:                                                              \
        __asm__ volatile("mrc p15, 4, %0, c12, " #crm_low ", " #op2      \
                         "\n\tmrc p15, 4, %1, c12, " #crm_high ", " #op2 \
                         : "=&r"(low), "=r"(high)                        \
                         :                                               \
                         : "memory");                                    \
        break;
        GIC_LR_CASES_(X)
#undef X
    default: break;
    }
    return low | (uint64_t)high << 32;
}
static inline void gicr_write_lr(unsigned n, uint64_t v)
{
    switch (n) {
#define X(i, crm_low, crm_high, op2)                                      \
    case i:                                                               \
        __asm__ volatile("mcr p15, 4, %Q0, c12, " #crm_low ", " #op2      \
                         "\n\tmcr p15, 4, %R0, c12, " #crm_high ", " #op2 \
                         :                                                \
                         : "r"(v)                                         \
                         : "memory");                                     \
        break;
        GIC_LR_CASES_(X)
#undef X
    default: break;
    }
}

#endif
