/* SPDX-License-Identifier: BSD-2-Clause */
/* What common/switch.c needs of arm32. */
#ifndef ARCH_WIDTH_SWITCH_H
#define ARCH_WIDTH_SWITCH_H

#include "internal.h"

/* entry.S counts on these; other offsets it gets from offsets.c. */
_Static_assert(offsetof(struct guest_regs, lr) == 52 && offsetof(struct guest_regs, pc) == 56 &&
                   offsetof(struct guest_regs, pstate) == 60,
               "struct guest_regs");
_Static_assert(sizeof(struct el2_frame) == 80 && offsetof(struct el2_frame, sp) == 52,
               "struct el2_frame");
_Static_assert(offsetof(struct guest_fpsimd, fpscr) == 256, "struct guest_fpsimd");

/* The register's place: of a register of 32 bits only the lower half is read and written. */
#define PLACE(name, reg)                                                     \
    typedef __typeof__(READ_SYSREG(reg)) __attribute__((may_alias)) place_t; \
    place_t *place = (place_t *)(uintptr_t)&a->sysreg[XLR_SYS_##name]
#define SAVE(name, reg)            \
    {                              \
        PLACE(name, reg);          \
        *place = READ_SYSREG(reg); \
    }
/* Two vCPUs of one kernel have most of these alike, and a write of a translation register makes
 * emulators forget their TLB. */
#define LOAD(name, reg)                 \
    {                                   \
        PLACE(name, reg);               \
        if (READ_SYSREG(reg) != *place) \
            WRITE_SYSREG(reg, *place);  \
    }

#define SYSREGS_A32(X)    \
    X(DACR32, dacr32_el2) \
    X(IFSR32, ifsr32_el2)

static inline bool has_thumbee(void) { return READ_SYSREG(id_pfr0_el1) & ID_PFR0_THUMBEE; }

static inline void width_save(struct arch_vcpu *a)
{
    SYSREGS_A32(SAVE)
    if (has_thumbee()) {
        a->teecr = READ_SYSREG(teecr);
        a->teehbr = READ_SYSREG(teehbr);
    }
#define X(name) a->banked.name = READ_SYSREG(name);
    SYSREGS_BANKED(X)
#undef X
}

static inline void width_load(const struct arch_vcpu *a)
{
    SYSREGS_A32(LOAD)
    if (has_thumbee()) {
        WRITE_SYSREG(teecr, a->teecr);
        WRITE_SYSREG(teehbr, a->teehbr);
    }
#define X(name) WRITE_SYSREG(name, a->banked.name);
    SYSREGS_BANKED(X)
#undef X
}

static inline bool has_d16_up(void) { return (READ_SYSREG(mvfr0_el1) & MVFR0_REGISTERS) == 2; }

static inline void fp_save(struct arch_vcpu *a)
{
    SAVE(FPEXC32, fpexc32_el2)
    WRITE_SYSREG(fpexc32_el2, FPEXC_EN);
    vfp_store(a->fp.d, has_d16_up());
    a->fp.fpscr = READ_SYSREG(fpscr);
}
static inline void fp_load(const struct arch_vcpu *a)
{
    WRITE_SYSREG(fpexc32_el2, FPEXC_EN);
    vfp_load(a->fp.d, has_d16_up());
    WRITE_SYSREG(fpscr, a->fp.fpscr);
}
/* Last, since it may make the other FP registers inaccessible. */
static inline void fp_loaded(const struct arch_vcpu *a)
{
    WRITE_SYSREG(fpexc32_el2, (uint32_t)a->sysreg[XLR_SYS_FPEXC32]);
}

static inline void width_reset(struct arch_vcpu *a, uint64_t pc, uint64_t r0, bool aarch32)
{
    (void)pc, (void)aarch32;
    a->regs.r[0] = (uint32_t)r0;
    a->sysreg[XLR_SYS_ACTLR] = READ_SYSREG(actlr_el1) & (ACTLR_SMP | ACTLR_IBE);
}

#endif
