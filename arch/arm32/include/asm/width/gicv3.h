/* SPDX-License-Identifier: BSD-2-Clause */
/* Access to the GIC's registers by encoding.  Part of <asm/gicv3.h>. */
#include <asm/gicv3.h> /* outside the guard: that file includes this one */
#ifndef ASM_WIDTH_GICV3_H
#define ASM_WIDTH_GICV3_H

#define GIC_REG_(name, ...)                                                 \
    SYSREG_CP15_(name, __VA_ARGS__)                                         \
    static inline uint64_t gicr_read_##name(void) { return read_##name(); } \
    static inline void gicr_write_##name(uint64_t v) { write_##name((uint32_t)v); }

static inline void gicr_write_icc_sgi1r(uint64_t v)
{
    __asm__ volatile("mcrr p15, 0, %Q0, %R0, c12" : : "r"(v) : "memory");
}

/* Each list register is two, ICH_LR<n> (low) and ICH_LRC<n>.  The upper half has the state: it is
 * written last, so that the list register becomes valid as a whole. */
#define GIC_READ_LR_(crm, crm_high, op2)                                 \
    ({                                                                   \
        uint32_t low_, high_;                                            \
        __asm__ volatile("mrc p15, 4, %0, c12, " #crm ", " #op2          \
                         "\n\tmrc p15, 4, %1, c12, " #crm_high ", " #op2 \
                         : "=&r"(low_), "=r"(high_)                      \
                         :                                               \
                         : "memory");                                    \
        low_ | (uint64_t)high_ << 32;                                    \
    })
#define GIC_WRITE_LR_(v, crm, crm_high, op2)                          \
    __asm__ volatile("mcr p15, 4, %Q0, c12, " #crm ", " #op2          \
                     "\n\tmcr p15, 4, %R0, c12, " #crm_high ", " #op2 \
                     :                                                \
                     : "r"(v)                                         \
                     : "memory")

#endif
