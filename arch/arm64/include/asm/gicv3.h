/* SPDX-License-Identifier: BSD-2-Clause */
/* The GICv3 system registers that the driver uses, by name (GIC architecture, IHI 0069, chapter
 * 12). */
#ifndef ASM_GICV3_H
#define ASM_GICV3_H

#include "types.h"
#include <asm/sysreg.h>

#define GIC_REG_(name, encoding)                                                    \
    static inline uint64_t gicr_read_##name(void) { return READ_SYSREG(encoding); } \
    static inline void gicr_write_##name(uint64_t v) { WRITE_SYSREG(encoding, v); }

GIC_REG_(icc_pmr, s3_0_c4_c6_0)
GIC_REG_(icc_dir, s3_0_c12_c11_1)
GIC_REG_(icc_sgi1r, s3_0_c12_c11_5)
GIC_REG_(icc_iar1, s3_0_c12_c12_0)
GIC_REG_(icc_eoir1, s3_0_c12_c12_1)
GIC_REG_(icc_bpr1, s3_0_c12_c12_3)
GIC_REG_(icc_ctlr, s3_0_c12_c12_4)
GIC_REG_(icc_sre_el1, s3_0_c12_c12_5)
GIC_REG_(icc_igrpen1, s3_0_c12_c12_7)
GIC_REG_(icc_sre_hyp, s3_4_c12_c9_5)
GIC_REG_(ich_hcr, s3_4_c12_c11_0)
GIC_REG_(ich_vtr, s3_4_c12_c11_1)
GIC_REG_(ich_misr, s3_4_c12_c11_2)
GIC_REG_(ich_elrsr, s3_4_c12_c11_5)
GIC_REG_(ich_vmcr, s3_4_c12_c11_7)
GIC_REG_(ich_ap0r0, s3_4_c12_c8_0)
GIC_REG_(ich_ap0r1, s3_4_c12_c8_1)
GIC_REG_(ich_ap0r2, s3_4_c12_c8_2)
GIC_REG_(ich_ap0r3, s3_4_c12_c8_3)
GIC_REG_(ich_ap1r0, s3_4_c12_c9_0)
GIC_REG_(ich_ap1r1, s3_4_c12_c9_1)
GIC_REG_(ich_ap1r2, s3_4_c12_c9_2)
GIC_REG_(ich_ap1r3, s3_4_c12_c9_3)

/* List registers: the number is in the encoding, so a switch; the compiler makes it a jump table.
 */
/* clang-format off */
#define GIC_LR_CASES_(X) \
    X(0, s3_4_c12_c12_0) X(1, s3_4_c12_c12_1) X(2, s3_4_c12_c12_2) X(3, s3_4_c12_c12_3) \
    X(4, s3_4_c12_c12_4) X(5, s3_4_c12_c12_5) X(6, s3_4_c12_c12_6) X(7, s3_4_c12_c12_7) \
    X(8, s3_4_c12_c13_0) X(9, s3_4_c12_c13_1) X(10, s3_4_c12_c13_2) X(11, s3_4_c12_c13_3) \
    X(12, s3_4_c12_c13_4) X(13, s3_4_c12_c13_5) X(14, s3_4_c12_c13_6) X(15, s3_4_c12_c13_7)
/* clang-format on */

static inline uint64_t gicr_read_lr(unsigned n)
{
    switch (n) {
#define X(i, encoding) \
    case i: return READ_SYSREG(encoding);
        GIC_LR_CASES_(X)
#undef X
    default: return 0;
    }
}
static inline void gicr_write_lr(unsigned n, uint64_t v)
{
    switch (n) {
#define X(i, encoding) \
    case i: WRITE_SYSREG(encoding, v); break;
        GIC_LR_CASES_(X)
#undef X
    default: break;
    }
}

#endif
