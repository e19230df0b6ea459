/* SPDX-License-Identifier: BSD-2-Clause */
/* A vCPU's registers between memory and a CPU. */
#include "internal.h"

/* entry.S counts on these; other offsets it gets from offsets.c. */
_Static_assert(offsetof(struct vcpu, arch) == 0 && offsetof(struct arch_vcpu, regs) == 0,
               "struct vcpu");
_Static_assert(offsetof(struct guest_regs, lr) == 52 && offsetof(struct guest_regs, pc) == 56 &&
                   offsetof(struct guest_regs, pstate) == 60,
               "struct guest_regs");
_Static_assert(sizeof(struct el2_frame) == 80 && offsetof(struct el2_frame, sp) == 52,
               "struct el2_frame");
_Static_assert(offsetof(struct guest_fpsimd, fpscr) == 256, "struct guest_fpsimd");

/* The vCPU whose FP registers a CPU holds.  Hyp mode has none of its own, so they survive while
 * other vCPUs' never come by. */
static struct vcpu *fp_owner[MAX_CPUS];

static void banked_save(struct guest_banked *b)
{
#define X(name) b->name = READ_SYSREG(name);
    SYSREGS_BANKED(X)
#undef X
}

static void banked_load(const struct guest_banked *b)
{
#define X(name) WRITE_SYSREG(name, b->name);
    SYSREGS_BANKED(X)
#undef X
}

static void cp15_save(struct arch_vcpu *a)
{
#define X(name) a->cp15.name = READ_SYSREG(name);
    SYSREGS_GUEST(X)
#undef X
#define X(name) a->cp15_64.name = READ_SYSREG(name);
    SYSREGS_GUEST_64(X)
#undef X
}

/* Two vCPUs of one kernel have most of these alike, and a write of a translation register makes
 * emulators forget their TLB. */
static void cp15_load(const struct arch_vcpu *a)
{
#define X(name)                            \
    if (READ_SYSREG(name) != a->cp15.name) \
        WRITE_SYSREG(name, a->cp15.name);
    SYSREGS_GUEST(X)
#undef X
#define X(name)                               \
    if (READ_SYSREG(name) != a->cp15_64.name) \
        WRITE_SYSREG(name, a->cp15_64.name);
    SYSREGS_GUEST_64(X)
#undef X
}

static bool has_thumbee(void) { return READ_SYSREG(id_pfr0) & ID_PFR0_THUMBEE; }

static void thumbee_save(struct arch_vcpu *a)
{
    if (!has_thumbee())
        return;
    a->teecr = READ_SYSREG(teecr);
    a->teehbr = READ_SYSREG(teehbr);
}

static void thumbee_load(const struct arch_vcpu *a)
{
    if (!has_thumbee())
        return;
    WRITE_SYSREG(teecr, a->teecr);
    WRITE_SYSREG(teehbr, a->teehbr);
}

static bool has_d16_up(void) { return (READ_SYSREG(mvfr0) & MVFR0_REGISTERS) == 2; }

static void fp_save(struct guest_fpsimd *f)
{
    vfp_store(f->d, has_d16_up());
    f->fpscr = READ_SYSREG(fpscr);
}

static void fp_load(const struct guest_fpsimd *f)
{
    vfp_load(f->d, has_d16_up());
    WRITE_SYSREG(fpscr, f->fpscr);
}

void arch_vcpu_save(struct vcpu *v)
{
    struct arch_vcpu *a = &v->arch;
    unsigned cpu = cpu_id();

    cp15_save(a);
    thumbee_save(a);
    banked_save(&a->banked);
    a->hcr = (a->hcr & ~HCR_VA) |
             (READ_SYSREG(hcr) & HCR_VA); /* the hardware clears it when taken */
    a->fpexc = READ_SYSREG(fpexc);
    WRITE_SYSREG(fpexc, FPEXC_EN);
    fp_save(&a->fp);
    fp_owner[cpu] = v;
    a->fp_cpu = (int)cpu;
}

void arch_vcpu_load(struct vcpu *v)
{
    struct arch_vcpu *a = &v->arch;
    unsigned cpu = cpu_id();

    WRITE_SYSREG(hcr, a->hcr);
    WRITE_SYSREG(vmpidr, a->vmpidr);
    cp15_load(a);
    thumbee_load(a);
    banked_load(&a->banked);
    if (fp_owner[cpu] != v || a->fp_cpu != (int)cpu) {
        WRITE_SYSREG(fpexc, FPEXC_EN);
        fp_load(&a->fp);
        fp_owner[cpu] = v;
        a->fp_cpu = (int)cpu;
    }
    WRITE_SYSREG(fpexc, a->fpexc);
    arch_isb(); /* an ATS1C or TLBI that follows uses this vCPU's registers */
}

int arch_vcpu_init(struct vcpu *v)
{
    struct arch_vcpu *a = &v->arch;

    a->fp_cpu = -1;
    a->vmpidr = BIT(31) | (v->id & 0xf) | (v->id >> 4) << 8;
    arch_vcpu_reset(v, 0, 0, true);
    return 0;
}

void arch_vcpu_destroy(struct vcpu *v)
{
    /* A later vCPU at the same address must not find "its" FP registers on a CPU: it starts with
     * fp_cpu = -1. */
    v->arch.fp_cpu = -1;
}

/* AArch32 is all that there is. */
void arch_vcpu_reset(struct vcpu *v, uint64_t pc, uint64_t r0, bool aarch32)
{
    struct arch_vcpu *a = &v->arch;
    uint32_t vmpidr = a->vmpidr;

    (void)aarch32;
    memset(a, 0, sizeof(*a));
    a->vmpidr = vmpidr;
    a->fp_cpu = -1;
    a->actlr = READ_SYSREG(actlr) & (ACTLR_SMP | ACTLR_IBE);
    a->hcr = HCR_VM | HCR_SWIO | HCR_PTW | HCR_FMO | HCR_IMO | HCR_AMO | HCR_FB | HCR_BSU_INNER |
             HCR_TWI | HCR_TWE | HCR_TID3 | HCR_TSC | HCR_TIDCP | HCR_TAC | HCR_TSW;
    a->regs.r[0] = (uint32_t)r0;
    a->regs.pc = (uint32_t)pc & ~1u;
    a->regs.pstate = PSR_SVC | PSR_A | PSR_I | PSR_F | (pc & 1 ? PSR_T : 0);
    a->cp15.sctlr = SCTLR_RESET;
}

/* May `cpsr` go into SPSR_hyp?  A mode of PL0 or PL1, Arm or Thumb state, and none of the bits that
 * Armv7 keeps for later. */
bool switch_cpsr_ok(uint64_t cpsr)
{
    if (cpsr >> 32 || (cpsr & PSR_RESERVED))
        return false;
    switch (cpsr & PSR_MODE) {
    case PSR_USR:
    case PSR_FIQ:
    case PSR_IRQ:
    case PSR_SVC:
    case PSR_ABT:
    case PSR_UND:
    case PSR_SYS: return true;
    default: return false;
    }
}

/* Banked registers by the number of the AArch64 register that the architecture maps them to (DDI
 * 0487, D1.20.1). */
/* clang-format off */
#define BANKED_BY_X(X) \
    X(13, sp_usr) X(16, lr_irq) X(17, sp_irq) X(18, lr_svc) X(19, sp_svc) X(20, lr_abt) X(21, sp_abt) X(22, lr_und) X(23, sp_und) \
    X(24, r8_fiq) X(25, r9_fiq) X(26, r10_fiq) X(27, r11_fiq) X(28, r12_fiq) X(29, sp_fiq) X(30, lr_fiq)
/* clang-format on */

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

/* Which of them R8 to R14 are in the mode that `pstate` has. */
static unsigned x_of_reg(uint32_t pstate, unsigned n)
{
    static const uint8_t sp_x[16] = {
        [PSR_FIQ & 15] = 29, [PSR_IRQ & 15] = 17, [PSR_SVC & 15] = 19,
        [PSR_ABT & 15] = 21, [PSR_UND & 15] = 23,
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

void skip_instruction_thumb(struct vcpu *v)
{
    struct guest_regs *r = &v->arch.regs;

    /* The length is in the syndrome of this exit (HSR may be another's by now: VLPT faults). */
    r->pc += v->arch.hsr & HSR_IL ? 4 : 2;
    r->pstate = a32_advance_it(r->pstate);
}
