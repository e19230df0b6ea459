/* SPDX-License-Identifier: BSD-2-Clause */
/* The GICv3 system registers that the driver uses, by name: gicr_read_NAME(), gicr_write_NAME(v)
 * (GIC architecture, IHI 0069, chapter 12). */
#ifndef ASM_GICV3_H
#define ASM_GICV3_H

#include "types.h"
#include <asm/sysreg.h>
#include <asm/width/gicv3.h>

/* Name, Op1, CRn, CRm, Op2: the same numbers in AArch64 (with Op0 = 3) and in CP15. */
GIC_REG_(icc_pmr, 0, c4, c6, 0)
GIC_REG_(icc_dir, 0, c12, c11, 1)
GIC_REG_(icc_iar1, 0, c12, c12, 0)
GIC_REG_(icc_eoir1, 0, c12, c12, 1)
GIC_REG_(icc_bpr1, 0, c12, c12, 3)
GIC_REG_(icc_ctlr, 0, c12, c12, 4)
GIC_REG_(icc_sre_el1, 0, c12, c12, 5)
GIC_REG_(icc_igrpen1, 0, c12, c12, 7)
GIC_REG_(icc_sre_hyp, 4, c12, c9, 5)
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

/*
 * List registers: number, CRm of ICH_LR<n>_EL2, CRm of AArch32's ICH_LRC<n>, Op2.  The number is
 * part of the encoding, so access goes through a switch; the compiler makes a jump table of it.
 */
#define GIC_LR_CASES_(X) \
    X(0, c12, c14, 0)    \
    X(1, c12, c14, 1)    \
    X(2, c12, c14, 2)    \
    X(3, c12, c14, 3)    \
    X(4, c12, c14, 4)    \
    X(5, c12, c14, 5)    \
    X(6, c12, c14, 6)    \
    X(7, c12, c14, 7)    \
    X(8, c13, c15, 0)    \
    X(9, c13, c15, 1)    \
    X(10, c13, c15, 2)   \
    X(11, c13, c15, 3)   \
    X(12, c13, c15, 4)   \
    X(13, c13, c15, 5)   \
    X(14, c13, c15, 6)   \
    X(15, c13, c15, 7)

static inline uint64_t gicr_read_lr(unsigned n)
{
    switch (n) {
#define X(i, ...) \
    case i: return GIC_READ_LR_(__VA_ARGS__);
        GIC_LR_CASES_(X)
#undef X
    default: return 0;
    }
}
static inline void gicr_write_lr(unsigned n, uint64_t v)
{
    switch (n) {
#define X(i, ...) \
    case i: GIC_WRITE_LR_(v, __VA_ARGS__); break;
        GIC_LR_CASES_(X)
#undef X
    default: break;
    }
}

#endif
