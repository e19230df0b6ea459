/* SPDX-License-Identifier: BSD-2-Clause */
/* Access to the GIC's registers by encoding.  Part of <asm/gicv3.h>. */
#include <asm/gicv3.h> /* outside the guard: that file includes this one */
#ifndef ASM_WIDTH_GICV3_H
#define ASM_WIDTH_GICV3_H

#define GIC_REG_(name, op1, crn, crm, op2)                    \
    static inline uint64_t gicr_read_##name(void)             \
    {                                                         \
        return READ_SYSREG(s3_##op1##_##crn##_##crm##_##op2); \
    }                                                         \
    static inline void gicr_write_##name(uint64_t v)          \
    {                                                         \
        WRITE_SYSREG(s3_##op1##_##crn##_##crm##_##op2, v);    \
    }

GIC_REG_(icc_sgi1r, 0, c12, c11, 5)

#define GIC_READ_LR_(crm, crm_high, op2)     READ_SYSREG(s3_4_c12_##crm##_##op2)
#define GIC_WRITE_LR_(v, crm, crm_high, op2) WRITE_SYSREG(s3_4_c12_##crm##_##op2, v)

#endif
