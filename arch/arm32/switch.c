/* SPDX-License-Identifier: BSD-2-Clause */
/* A vCPU's banked registers, in memory or in the CPU. */
#include "internal.h"

/* A mode of PL0 or PL1, Arm or Thumb state, and none of the bits that Armv7 reserves. */
bool switch_pstate_ok(const struct vcpu *v, uint64_t cpsr)
{
    (void)v;
    if (cpsr >> 32 || (cpsr & PSR_RESERVED))
        return false;
    switch (cpsr & PSR_MODE) {
    case PSR_A32_USR:
    case PSR_A32_FIQ:
    case PSR_A32_IRQ:
    case PSR_A32_SVC:
    case PSR_A32_ABT:
    case PSR_A32_UND:
    case PSR_A32_SYS: return true;
    default: return false;
    }
}

/* Banked registers by the number of the AArch64 register that the architecture maps them to (DDI
 * 0487, D1.20.1). */
#define BANKED_BY_X(X) \
    X(13, sp_usr)      \
    X(16, lr_irq)      \
    X(17, sp_irq)      \
    X(18, lr_svc)      \
    X(19, sp_svc)      \
    X(20, lr_abt)      \
    X(21, sp_abt)      \
    X(22, lr_und)      \
    X(23, sp_und)      \
    X(24, r8_fiq)      \
    X(25, r9_fiq)      \
    X(26, r10_fiq)     \
    X(27, r11_fiq)     \
    X(28, r12_fiq)     \
    X(29, sp_fiq)      \
    X(30, lr_fiq)

uint32_t *switch_x_slot(struct arch_vcpu *a, unsigned x)
{
    switch (x) {
#define X(number, name) \
    case number: return &a->banked.name;
        BANKED_BY_X(X)
#undef X
    case 14: return &a->regs.lr;
    case 15: return NULL; /* SP_hyp: not the guest's */
    default: return &a->regs.r[x];
    }
}

static uint32_t live_get(unsigned x)
{
    switch (x) {
#define X(number, name) \
    case number: return READ_SYSREG(name);
        BANKED_BY_X(X)
#undef X
    default: return 0;
    }
}

static void live_set(unsigned x, uint32_t value)
{
    switch (x) {
#define X(number, name) \
    case number: WRITE_SYSREG(name, value); break;
        BANKED_BY_X(X)
#undef X
    default: break;
    }
}

/* The number, of those, of register R<n> in the mode that `pstate` has. */
static unsigned x_of_reg(uint32_t pstate, unsigned n)
{
    static const uint8_t sp_x[16] = {
        [PSR_A32_FIQ & 15] = 29, [PSR_A32_IRQ & 15] = 17, [PSR_A32_SVC & 15] = 19,
        [PSR_A32_ABT & 15] = 21, [PSR_A32_UND & 15] = 23,
    };
    unsigned sp = sp_x[pstate & 15];

    if (n > 14 || !sp)
        return n; /* User and System mode */
    if (n < 13)
        return n + 16; /* FIQ mode */
    if (sp == 29)
        return n + 16;
    return n == 13 ? sp : sp - 1;
}

uint32_t banked_reg_get(const struct vcpu *v, unsigned n)
{
    struct arch_vcpu *a = (struct arch_vcpu *)arch_regs_(v);
    unsigned x = x_of_reg(a->regs.pstate, n);

    if (n == 15)
        return a->regs.pc;
    if (x != 14 && v == current_vcpu())
        return live_get(x);
    return x < 31 ? *switch_x_slot(a, x) : 0;
}

void banked_reg_set(struct vcpu *v, unsigned n, uint32_t value)
{
    struct arch_vcpu *a = &v->arch;
    unsigned x = x_of_reg(a->regs.pstate, n);

    if (n > 14)
        return;
    if (x != 14 && v == current_vcpu())
        live_set(x, value);
    else
        *switch_x_slot(a, x) = value;
}
