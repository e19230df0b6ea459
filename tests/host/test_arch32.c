/* SPDX-License-Identifier: BSD-2-Clause */
// cflags: -Wno-missing-prototypes -Iarch/common/include -Iarch/arm32/include -iquote arch/common
// cflags: -iquote arch/arm32
// libs: -lcmocka
/*
 * Tests of arch/arm32, and of the parts of arch/common that it uses, without the CPU: the sources
 * run over registers that are variables.  Covered:
 * the handling of each exit's syndrome, a vCPU's registers in each mode, exceptions injected into
 * it, and its state in the record format that both widths share.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <asm/sysreg.h>

/* The CPU's registers by name, and the effects of its instructions. */
static struct {
#define X(name, ...) uint32_t name;
    SYSREGS_CP32(X)
    SYSREGS_CP32_OPS(X)
    SYSREGS_CP14(X)
    SYSREGS_BANKED(X)
    SYSREGS_VFP(X)
#undef X
#define X(name, ...) uint64_t name;
    SYSREGS_CP32_PAIR(X)
    SYSREGS_CP64(X)
#undef X
    uint64_t d[32];
} machine;
#undef READ_SYSREG
#undef WRITE_SYSREG
#define READ_SYSREG(name)         (machine.name)
#define WRITE_SYSREG(name, value) ((void)(machine.name = (value)), wrote(&machine.name))
static uint64_t at_answer;
static void wrote(const void *reg)
{
    if (reg == &machine.at_s1e1r || reg == &machine.at_s1e1w)
        machine.par_el1 = at_answer;
}
static void machine_vfp_store(uint64_t *d, bool all)
{
    assert_true(machine.fpexc32_el2 & FPEXC_EN);
    memcpy(d, machine.d, all ? sizeof(machine.d) : sizeof(machine.d) / 2);
}
static void machine_vfp_load(const uint64_t *d, bool all)
{
    assert_true(machine.fpexc32_el2 & FPEXC_EN);
    memcpy(machine.d, d, all ? sizeof(machine.d) : sizeof(machine.d) / 2);
}
#define vfp_store machine_vfp_store
#define vfp_load  machine_vfp_load

/* Not the fake architecture's. */
#include "../../arch/common/include/asm/mm.h"
#include "../../arch/common/include/asm/vcpu.h"
#include "../../arch/arm32/switch.c"
#include "../../arch/arm32/inject.c"
#include "../../arch/arm32/context.c"
#include "../../arch/common/switch.c"
#include "../../arch/common/inject_a32.c"
#include "../../arch/common/idregs.c"
#undef F
#include "../../arch/common/context.c"
#include "../../arch/common/cp15.c"
#include "../../xen-lite/vgic/vreg.c"
#include "../../xen-lite/lib/a32.c"
#include "../../arch/common/traps.c"

/* ---- stand-ins for the functions that the sources call ---- */
struct cpu cpus[MAX_CPUS];
_Thread_local unsigned fake_cpu;
const struct ex_entry ex_table_start[1], ex_table_end[1];
static unsigned hypercalls, psci_calls, waits, yields, flushes, faults;
static uint64_t sgi_value, timer_value;
static unsigned sgi_group;
static enum vtimer_reg timer_reg;
static struct stage2_fault fault;
static ipa_t leaf_ipa;
static bool leaf_is_mmio, hyp_aborts;

void hypercall_dispatch(struct vcpu *v)
{
    (void)v;
    hypercalls++;
}
void vpsci_dispatch(struct vcpu *v)
{
    (void)v;
    psci_calls++;
}
void vcpu_wait_for_interrupt(struct vcpu *v)
{
    (void)v;
    waits++;
}
void vcpu_yield(struct vcpu *v)
{
    (void)v;
    yields++;
}
void host_irq(void) {}
void stage2_fault(struct vcpu *v, const struct stage2_fault *f)
{
    (void)v;
    fault = *f;
    faults++;
}
struct vcpu *mmio_leaf_access(struct vcpu *v, uint32_t iss, ipa_t ipa)
{
    (void)iss;
    leaf_ipa = ipa;
    if (hyp_aborts)
        machine.far_el2 = 0xdeadbeef, machine.hpfar_el2 = 0xdeadbeef;
    return leaf_is_mmio ? v : NULL;
}
void p2m_cache_flush(struct domain *d, uint64_t first, uint64_t end)
{
    (void)d;
    (void)first;
    (void)end;
    flushes++;
}
uint64_t p2m_max_gfn(const struct domain *d)
{
    (void)d;
    return 1000;
}
bool vgic_sgi_write(struct vcpu *v, uint64_t value, unsigned group)
{
    (void)v;
    sgi_value = value;
    sgi_group = group;
    return true;
}
uint64_t vtimer_phys_read(struct vcpu *v, enum vtimer_reg reg)
{
    (void)v;
    timer_reg = reg;
    return 0x1122334455667788;
}
void vtimer_phys_write(struct vcpu *v, enum vtimer_reg reg, uint64_t value)
{
    (void)v;
    timer_reg = reg;
    timer_value = value;
}
void log_printf(enum log_level level, const char *fmt, ...)
{
    (void)level;
    (void)fmt;
}
void panic_at(const char *file, int line, const char *fmt, ...)
{
    (void)fmt;
    _fail(file, line);
    abort();
}
void arch_halt(void) { abort(); }
void symbol_print(char buf[SYMBOL_PRINT_MAX], uint64_t addr)
{
    (void)addr;
    buf[0] = 0;
}
void print_el2_frame(const struct el2_frame *f) { (void)f; }

/* ---- one vCPU, current ---- */
static struct domain dom;
static struct vcpu vcpu, other;
static struct guest_regs *const r = &vcpu.arch.regs;

static int start(void **state)
{
    (void)state;
    memset(&machine, 0, sizeof(machine));
    memset(&dom, 0, sizeof(dom));
    memset(&vcpu, 0, sizeof(vcpu));
    memset(&other, 0, sizeof(other));
    memset(fp_owner, 0, sizeof(fp_owner));
    hypercalls = psci_calls = waits = yields = flushes = faults = 0;
    leaf_is_mmio = hyp_aborts = false;
    machine.mvfr0_el1 = 2;
    vcpu.domain = other.domain = &dom;
    dom.vgic.version = 3;
    dom.aarch32 = true;
    assert_int_equal(arch_vcpu_init(&vcpu), 0);
    assert_int_equal(arch_vcpu_init(&other), 0);
    cpus[0].current = &vcpu;
    r->pc = 0x8000;
    return 0;
}

static void test_state_at_reset(void **state)
{
    (void)state;
    arch_vcpu_reset(&vcpu, 0x1235, 7, true);
    assert_int_equal(r->pc, 0x1234);
    assert_int_equal(r->pstate, 0x1f3); /* Supervisor, all masked, Thumb */
    assert_int_equal(r->r[0], 7);
    arch_vcpu_reset(&vcpu, 0x1000, 0, true);
    assert_int_equal(r->pstate, 0x1d3);
    assert_int_equal(vcpu.arch.vmpidr, 0x80000000);
}

/* R8 to R14 of each mode are the registers that Arm ARM B1.3.1 gives it. */
static void test_banked_registers(void **state)
{
    static const struct {
        uint32_t mode;
        uint32_t *sp, *lr;
    } modes[] = {
        { PSR_A32_SVC, &machine.sp_svc, &machine.lr_svc },
        { PSR_A32_ABT, &machine.sp_abt, &machine.lr_abt },
        { PSR_A32_UND, &machine.sp_und, &machine.lr_und },
        { PSR_A32_IRQ, &machine.sp_irq, &machine.lr_irq },
        { PSR_A32_FIQ, &machine.sp_fiq, &machine.lr_fiq },
        { PSR_A32_USR, &machine.sp_usr, NULL },
        { PSR_A32_SYS, &machine.sp_usr, NULL },
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
        r->pstate = modes[i].mode | PSR_I;
        uint32_t *lr = modes[i].lr ? modes[i].lr : &r->lr;
        arch_reg_set(&vcpu, 13, 0x1300 + i);
        arch_reg_set(&vcpu, 14, 0x1400 + i);
        assert_int_equal(*modes[i].sp, 0x1300 + i);
        assert_int_equal(*lr, 0x1400 + i);
        *modes[i].sp = 0x2300 + i;
        *lr = 0x2400 + i;
        assert_int_equal(arch_reg_get(&vcpu, 13), 0x2300 + i);
        assert_int_equal(arch_reg_get(&vcpu, 14), 0x2400 + i);
        arch_reg_set(&vcpu, 12, 0x1200 + i);
        assert_int_equal(arch_reg_get(&vcpu, 12), 0x1200 + i);
        assert_int_equal(modes[i].mode == PSR_A32_FIQ ? machine.r12_fiq : r->r[12], 0x1200 + i);
        arch_reg_set(&vcpu, 7, 0x700 + i);
        assert_int_equal(r->r[7], 0x700 + i);
    }
    /* The registers of a vCPU that is not current are in memory. */
    other.arch.regs.pstate = PSR_A32_SVC;
    other.arch.banked.lr_svc = 77;
    assert_int_equal(arch_reg_get(&other, 14), 77);
    assert_int_equal(arch_reg_get(&vcpu, 15), 0x8000);
    /* Dumps read all of AArch64's register numbers. */
    machine.lr_und = 22;
    assert_int_equal(arch_reg_get(&vcpu, 22), 22);
    assert_int_equal(arch_reg_get(&vcpu, 15 + 16), 0);
}

/* Save and load restore all registers, also after another vCPU whose FP registers replaced the
 * first vCPU's. */
static void test_save_and_load(void **state)
{
    (void)state;
#define X(number, name) machine.name = XLR_SYS_##number + 0x100;
    SYSREGS(X)
    SYSREGS_A32(X)
#undef X
#define X(name, ...) machine.name = (uint32_t)offsetof(struct guest_banked, name) + 0x200;
    SYSREGS_BANKED(X)
#undef X
    machine.ttbr0_el1 = 0x123456789abc;
    machine.par_el1 = 0xff00000040000b00;
    machine.id_pfr0_el1 = 0x1131;
    machine.teecr = 1;
    machine.teehbr = 0x7000;
    machine.fpexc32_el2 = 0; /* FP is off in the guest until first use */
    for (unsigned i = 0; i < 32; i++)
        machine.d[i] = 0x1000 + i;
    __typeof__(machine) before = machine;
    arch_vcpu_save(&vcpu);
    cpus[0].current = &other;
    arch_vcpu_load(&other);
    assert_int_equal(machine.sctlr_el1, SCTLR_A32_RESET);
    assert_int_equal(machine.lr_abt, 0);
    assert_int_equal(machine.teehbr, 0);
    assert_int_equal(machine.d[31], 0);
    assert_int_equal(machine.hcr_el2 & HCR_VM, HCR_VM);
    arch_vcpu_save(&other);
    cpus[0].current = &vcpu;
    arch_vcpu_load(&vcpu);
    before.hcr_el2 = machine.hcr_el2;
    before.vmpidr_el2 = machine.vmpidr_el2;
    assert_memory_equal(&before, &machine, sizeof(machine));
    /* The FP registers are still the vCPU's, so they are not loaded again. */
    arch_vcpu_save(&vcpu);
    vcpu.arch.fp.d[3] = 99;
    arch_vcpu_load(&vcpu);
    assert_int_equal(machine.d[3], 0x1003);
    vcpu.arch.fp_cpu = -1; /* unless they were replaced */
    arch_vcpu_load(&vcpu);
    assert_int_equal(machine.d[3], 99);
    assert_int_equal(machine.fpexc32_el2, 0);
    /* A virtual abort that the guest has taken must not return. */
    vcpu.arch.hcr |= HCR_VSE;
    machine.hcr_el2 &= ~HCR_VSE;
    arch_vcpu_save(&vcpu);
    assert_int_equal(vcpu.arch.hcr & HCR_VSE, 0);
}

static void test_injected_exceptions(void **state)
{
    (void)state;
    machine.vbar_el1 = 0xc0001000;
    r->pstate = PSR_A32_USR | 0xa0000000 | PSR_A32_T | PSR_A32_IT;
    arch_inject_undef(&vcpu);
    assert_int_equal(machine.lr_und, 0x8002);
    assert_int_equal(machine.spsr_und, PSR_A32_USR | 0xa0000000 | PSR_A32_T | PSR_A32_IT);
    assert_int_equal(r->pc, 0xc0001004);
    assert_int_equal(r->pstate, PSR_A32_UND | 0xa0000000 | PSR_I);
    machine.sctlr_el1 = SCTLR_A32_V | SCTLR_A32_TE | SCTLR_A32_EE;
    r->pc = 0x8000;
    r->pstate = PSR_A32_SVC;
    arch_inject_undef(&vcpu);
    assert_int_equal(machine.lr_und, 0x8004);
    assert_int_equal(r->pc, 0xffff0004);
    assert_int_equal(r->pstate, PSR_A32_UND | PSR_I | PSR_A32_T | PSR_A32_E);
    machine.sctlr_el1 = 0;
    r->pc = 0x8000;
    r->pstate = PSR_A32_SVC;
    arch_inject_abort(&vcpu, GVA(0x12345678), false);
    assert_int_equal(machine.esr_el1, 0x008);
    assert_int_equal((uint32_t)machine.far_el1, 0x12345678);
    assert_int_equal(machine.lr_abt, 0x8008);
    assert_int_equal(machine.spsr_abt, PSR_A32_SVC);
    assert_int_equal(r->pc, 0xc0001010);
    assert_int_equal(r->pstate, PSR_A32_ABT | PSR_I | PSR_A);
    machine.tcr_el1 = TTBCR_EAE;
    r->pc = 0x8000;
    arch_inject_abort(&vcpu, GVA(0x8000), true);
    assert_int_equal(machine.ifsr32_el2, 0x210);
    assert_int_equal(machine.far_el1 >> 32, 0x8000);
    assert_int_equal(machine.lr_abt, 0x8004);
    assert_int_equal(r->pc, 0xc000100c);
}

static uint32_t with_it(unsigned it)
{
    return PSR_A32_SVC | PSR_A32_T | (it & 0xfc) << 8 | (it & 3) << 25;
}

static void test_skip_in_it_block(void **state)
{
    (void)state;
    r->pstate = PSR_A32_SVC;
    arch_skip_instruction(&vcpu);
    assert_int_equal(r->pc, 0x8004);
    /* An IT block of three (EQ, NE, EQ; from bit 4 up the next instruction's condition), then of
     * two, one, none. */
    r->pstate = with_it(0x16);
    vcpu.arch.esr = 0;
    arch_skip_instruction(&vcpu);
    assert_int_equal(r->pc, 0x8006);
    assert_int_equal(r->pstate, with_it(0x0c));
    r->pc -= 2;
    arch_skip_instruction(&vcpu);
    assert_int_equal(r->pstate, with_it(0x18));
    vcpu.arch.esr = ESR_IL;
    arch_skip_instruction(&vcpu);
    assert_int_equal(r->pc, 0x800a);
    assert_int_equal(r->pstate, with_it(0));
}

/* All sixteen conditions against all flags, from the syndrome and from the IT state, by their
 * definitions (Arm ARM A8.3). */
static void test_instruction_conditions(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 16; flags++) {
        bool n = flags & 8, z = flags & 4, c = flags & 2, o = flags & 1;
        const bool holds[15] = { z,   !z,      c,       !c,     n,      !n,           o,
                                 !o,  c && !z, !c || z, n == o, n != o, !z && n == o, z || n != o,
                                 true };
        for (unsigned cond = 0; cond < 15; cond++) {
            r->pstate = PSR_A32_SVC | flags << 28;
            assert_int_equal(a32_condition_holds(r->pstate, 1u << 24 | cond << 20), holds[cond]);
            r->pstate = with_it(cond << 4 | 8) | flags << 28;
            assert_int_equal(a32_condition_holds(r->pstate, 0), holds[cond]);
        }
        r->pstate = PSR_A32_SVC | PSR_A32_T | flags << 28;
        assert_true(a32_condition_holds(r->pstate, 0));
    }
}

/* ---- exits ---- */
static uint32_t syndrome(unsigned ec, uint32_t iss) { return ec << ESR_EC_SHIFT | ESR_IL | iss; }

static void test_hvc_and_smc(void **state)
{
    (void)state;
    trap_sync(&vcpu, syndrome(EC_HVC, 0xea1));
    assert_int_equal(hypercalls, 1);
    assert_int_equal(vcpu.exits[EXIT_HYPERCALL], 1);
    trap_sync(&vcpu, syndrome(EC_HVC, 0));
    assert_int_equal(psci_calls, 1);
    assert_int_equal(r->pc, 0x8000); /* the hardware returns to the instruction after HVC */
    trap_sync(&vcpu, syndrome(EC_SMC32, 0));
    assert_int_equal(psci_calls, 2);
    assert_int_equal(r->pc, 0x8004);
    /* Armv8 may trap instructions whose condition fails: EQ, and Z is clear */
    trap_sync(&vcpu, syndrome(EC_SMC32, 1u << 19 | 1u << 24 | 0u << 20));
    assert_int_equal(psci_calls, 2);
    assert_int_equal(r->pc, 0x8008);
    trap_sync(&vcpu, syndrome(EC_HVC, 0x123));
    /* the exception is taken at the HVC, four bytes back */
    assert_int_equal(machine.lr_und, 0x8008);
    assert_int_equal(r->pstate & PSR_MODE, PSR_A32_UND);
}

static void test_wfi_and_wfe(void **state)
{
    (void)state;
    trap_sync(&vcpu, syndrome(EC_WFX, 1u << 24 | 14u << 20));
    assert_int_equal(waits, 1);
    trap_sync(&vcpu, syndrome(EC_WFX, 1u << 24 | 14u << 20 | 1));
    assert_int_equal(yields, 1);
    trap_sync(&vcpu, syndrome(EC_WFX, 1u << 24 | 0u << 20)); /* WFIEQ with Z clear: no effect */
    assert_int_equal(waits + yields, 2);
    assert_int_equal(r->pc, 0x800c);
}

static void test_aborts(void **state)
{
    uint32_t load = syndrome(EC_DABT_LOW, ESR_ISV | 2u << 22 | 5u << 16 | FSC_TRANSLATION | 3);
    (void)state;
    /* Emulated by its leaf.  Address bits from 32 up come from HPFAR. */
    machine.hpfar_el2 = 0x12345670 >> 0; /* IPA[39:12] in 31:4 */
    machine.far_el2 = 0xc0000abc;
    leaf_is_mmio = true;
    trap_sync(&vcpu, load);
    assert_int_equal(leaf_ipa.v, 0x1234567abcull);
    assert_int_equal(faults, 0);
    /* No leaf emulates the access, and the look-up itself aborted in Hyp mode. */
    leaf_is_mmio = false;
    hyp_aborts = true;
    trap_sync(&vcpu, load);
    assert_int_equal(faults, 1);
    assert_int_equal(fault.ipa.v, 0x1234567abcull);
    assert_int_equal(fault.va.v, 0xc0000abc);
    assert_true(fault.decoded && !fault.write && !fault.permission);
    assert_int_equal(fault.reg, 5);
    assert_int_equal(fault.size_log2, 2);
    /* A permission fault: HPFAR may be stale, so the address comes from a stage-1 translation.  The
     * guest's PAR is preserved. */
    machine.hpfar_el2 = 0xbad0;
    machine.far_el2 = 0xc0001234;
    machine.par_el1 = 0x1234;
    at_answer = 0xff00000050006b80;
    trap_sync(&vcpu, syndrome(EC_DABT_LOW, ESR_WNR | FSC_PERMISSION | 3));
    assert_int_equal(machine.at_s1e1r, 0xc0001234);
    assert_int_equal(faults, 2);
    assert_int_equal(fault.ipa.v, 0x50006234);
    assert_true(fault.write && fault.permission && !fault.decoded);
    assert_int_equal(machine.par_el1, 0x1234);
    /* Stage 1 no longer translates the address: the guest repeats the access. */
    at_answer = PAR_LPAE | PAR_F;
    trap_sync(&vcpu, syndrome(EC_DABT_LOW, ESR_WNR | FSC_PERMISSION | 3));
    assert_int_equal(faults, 2);
    /* A fetch takes the address from HIFAR.  For a stage-1 walk, the address is the table's. */
    machine.hifar = 0x9000;
    machine.hpfar_el2 = 0x400000;
    trap_sync(&vcpu, syndrome(EC_IABT_LOW, FSC_TRANSLATION | 2));
    assert_true(fault.instruction);
    assert_int_equal(fault.va.v, 0x9000);
    trap_sync(&vcpu, syndrome(EC_DABT_LOW, ESR_S1PTW | FSC_TRANSLATION | 2));
    assert_true(fault.s1_walk && !fault.write);
    assert_int_equal(fault.ipa.v, 0x40000000);
    /* A synchronous external abort is injected.  An asynchronous one is taken when the guest
     * unmasks aborts. */
    trap_sync(&vcpu, syndrome(EC_DABT_LOW, FSC_EXTERNAL));
    assert_int_equal(r->pstate & PSR_MODE, PSR_A32_ABT);
    r->pstate = PSR_A32_SVC;
    trap_sync(&vcpu, syndrome(EC_DABT_LOW, FSC_ASYNC));
    assert_int_equal(r->pstate & PSR_MODE, PSR_A32_SVC);
    assert_int_equal(machine.hcr_el2 & HCR_VSE, HCR_VSE);
    assert_int_equal(vcpu.arch.hcr & HCR_VSE, HCR_VSE);
}

static void test_par_short(void **state)
{
    ipa_t ipa;
    (void)state;
    at_answer = 0x45678000 | 0x14; /* a page */
    assert_true(guest_at(GVA(0xc0000123), true, &ipa));
    assert_int_equal(machine.at_s1e1w, 0xc0000123);
    assert_int_equal(ipa.v, 0x45678123);
    at_answer = 0x87000000 | 0x12 << 16 | PAR_SUPERSECTION;
    assert_true(guest_at(GVA(0xc0345678), false, &ipa));
    assert_int_equal(ipa.v, 0x1287345678ull);
    at_answer = 0x200 | 5 << 1 | PAR_F; /* bit 9 marks the long-descriptor format */
    assert_false(guest_at(GVA(0xc0000123), false, &ipa));
    assert_int_equal(guest_at_par(GVA(0), false) & PAR_S, 0);
}

/* ---- coprocessors ---- */
#define ALWAYS (1u << 24 | 14u << 20)
static uint32_t cp32(unsigned ec, unsigned op1, unsigned crn, unsigned crm, unsigned op2,
                     unsigned rt, bool read)
{
    return syndrome(ec, (ec == EC_CP10 ? 0 : op2 << 17) | op1 << 14 | crn << 10 | rt << 5 |
                            crm << 1 | read) |
           ALWAYS;
}
static bool undefined(uint32_t hsr)
{
    r->pc = 0x8000;
    r->pstate = PSR_A32_SVC;
    trap_sync(&vcpu, hsr);
    bool undef = (r->pstate & PSR_MODE) == PSR_A32_UND;
    if (!undef)
        assert_int_equal(r->pc, 0x8004);
    return undef;
}

static void test_id_registers(void **state)
{
    (void)state;
    machine.id_pfr0_el1 = 0x00001131; /* Cortex-A15 */
    machine.id_pfr1_el1 = 0x00011011;
    machine.id_dfr0_el1 = 0x02010555;
    machine.mvfr1_el1 = 0x11111111;
    assert_false(undefined(cp32(EC_CP15_32, 0, 0, 1, 0, 3, true)));
    assert_int_equal(r->r[3], 0x131); /* no ThumbEE */
    assert_false(undefined(cp32(EC_CP15_32, 0, 0, 1, 1, 3, true)));
    assert_int_equal(r->r[3], 0x10001); /* no Hyp mode, no security */
    assert_false(undefined(cp32(EC_CP15_32, 0, 0, 1, 2, 3, true)));
    assert_int_equal(r->r[3], 0x505); /* no PMU */
    assert_false(undefined(cp32(EC_CP15_32, 0, 0, 5, 0, 3, true)));
    assert_int_equal(r->r[3], 0); /* reserved */
    assert_false(undefined(cp32(EC_CP10, 7, 6, 0, 0, 4, true)));
    assert_int_equal(r->r[4], 0x11111111);
    assert_true(undefined(cp32(EC_CP15_32, 0, 0, 1, 0, 3, false)));
    /* Debug registers: two breakpoints of ID_DFR0's version, the OS lock open, the rest zero. */
    assert_false(undefined(cp32(EC_CP14_32, 0, 0, 0, 0, 3, true)));
    assert_int_equal(r->r[3], 0x11050000);
    assert_true(undefined(cp32(EC_CP14_32, 6, 0, 0, 0, 3, true)));  /* TEECR */
    assert_true(undefined(cp32(EC_CP15_32, 0, 9, 12, 0, 3, true))); /* PMCR */
    /* The record has the same values. */
    struct xlr_cpu_features f;
    arch_get_features(&dom, &f);
    assert_int_equal(f.reg[XLR_ID_A32_PFR0], 0x131);
    assert_int_equal(f.reg[XLR_ID_A32_DFR0], 0x505);
    assert_int_equal(f.reg[XLR_ID_A32_MVFR1], 0x11111111);
    assert_int_equal(f.reg[XLR_ID_PFR0], 0);
    assert_int_equal(f.count, XLR_ID_REG_COUNT);
}

static void test_coprocessors(void **state)
{
    (void)state;
    /* ACTLR reads as at reset, whatever the guest writes. */
    vcpu.arch.sysreg[XLR_SYS_ACTLR] = ACTLR_SMP;
    r->r[3] = 0xffff;
    assert_false(undefined(cp32(EC_CP15_32, 0, 1, 0, 1, 3, false)));
    assert_false(undefined(cp32(EC_CP15_32, 0, 1, 0, 1, 3, true)));
    assert_int_equal(r->r[3], ACTLR_SMP);
    /* Maintenance by set and way: one flush for a loop over all sets and ways. */
    for (unsigned loop = 0; loop < 2; loop++)
        for (unsigned set = 0; set < 8; set++) {
            r->r[3] = set << 6;
            assert_false(undefined(cp32(EC_CP15_32, 0, 7, 14, 2, 3, false)));
        }
    assert_int_equal(flushes, 2);
    /* The physical timer, and the counter by two registers. */
    r->r[3] = 5;
    assert_false(undefined(cp32(EC_CP15_32, 0, 14, 2, 0, 3, false)));
    assert_int_equal(timer_reg, VTIMER_CNTP_TVAL);
    assert_int_equal(timer_value, 5);
    assert_false(
        undefined(syndrome(EC_CP15_64, 0u << 16 | 3u << 10 | 2u << 5 | 14u << 1 | 1) | ALWAYS));
    assert_int_equal(timer_reg, VTIMER_CNTPCT);
    assert_int_equal(r->r[2], 0x55667788);
    assert_int_equal(r->r[3], 0x11223344);
    /* the counter is read-only */
    assert_true(undefined(syndrome(EC_CP15_64, 3u << 10 | 2u << 5 | 14u << 1) | ALWAYS));
    /* SGIs. */
    r->r[2] = 0x03000002;
    r->r[3] = 0x100;
    assert_false(
        undefined(syndrome(EC_CP15_64, 0u << 16 | 3u << 10 | 2u << 5 | 12u << 1) | ALWAYS));
    assert_int_equal(sgi_value, 0x10003000002ull);
    assert_int_equal(sgi_group, 1);
    assert_int_equal(vcpu.exits[EXIT_SGI], 1);
    dom.vgic.version = 2;
    assert_true(undefined(syndrome(EC_CP15_64, 0u << 16 | 3u << 10 | 2u << 5 | 12u << 1) | ALWAYS));
    /* Implementation-defined registers: ignored for a kernel, undefined for a user program. */
    assert_false(undefined(cp32(EC_CP15_32, 0, 15, 0, 1, 3, true)));
    assert_int_equal(r->r[3], 0);
    r->pstate = PSR_A32_USR;
    trap_sync(&vcpu, cp32(EC_CP15_32, 0, 15, 0, 1, 3, true));
    assert_int_equal(r->pstate & PSR_MODE, PSR_A32_UND);
    /* The condition fails: the instruction is skipped without effect. */
    r->pstate = PSR_A32_SVC;
    r->pc = 0x8000;
    r->r[3] = 0x1234;
    trap_sync(&vcpu, (cp32(EC_CP15_32, 0, 1, 0, 1, 3, true) & ~(15u << 20)));
    assert_int_equal(r->r[3], 0x1234);
    assert_int_equal(r->pc, 0x8004);
    /* The operand is a banked register of the current mode. */
    assert_false(undefined(cp32(EC_CP15_32, 0, 1, 0, 1, 14, true)));
    assert_int_equal(machine.lr_svc, ACTLR_SMP);
}

/* ---- state ---- */
static void fill(struct arch_vcpu *a)
{
    uint32_t n = 0x1000;
    for (unsigned i = 0; i < 13; i++)
        a->regs.r[i] = n++;
    a->regs.lr = n++;
    a->regs.pc = n++;
    a->regs.pstate = PSR_A32_ABT | PSR_I | PSR_F;
#define X(name, ...) a->banked.name = n++;
    SYSREGS_BANKED(X)
#undef X
#define X(number, name)                                                             \
    a->sysreg[XLR_SYS_##number] = sizeof(machine.name) == 8                         \
                                      ? 0x100000000ull * n++ + 1 + XLR_SYS_##number \
                                      : n++;
    SYSREGS(X)
    SYSREGS_A32(X)
#undef X
    a->sysreg[XLR_SYS_ACTLR] = ACTLR_SMP;
    a->sysreg[XLR_SYS_FPEXC32] = FPEXC_EN;
    a->fp.fpscr = 0x9f07e01f; /* flags, modes, exceptions seen */
    for (unsigned i = 0; i < 32; i++)
        a->fp.d[i] = 0xd000 + i;
}

static void test_record(void **state)
{
    struct arch_vcpu *a = &vcpu.arch;
    struct xlr_vcpu rec, again;
    struct xlr_fpsimd fp, fp_again;
    (void)state;
    fill(a);
    arch_get_record(&vcpu, &rec, &fp);
    /* Fields are where AArch64 maps them (Arm ARM D1.20.1). */
    assert_int_equal(rec.x[12], a->regs.r[12]);
    assert_int_equal(rec.x[13], a->banked.sp_usr);
    assert_int_equal(rec.x[14], a->regs.lr);
    assert_int_equal(rec.x[15], 0);
    assert_int_equal(rec.x[16], a->banked.lr_irq);
    assert_int_equal(rec.x[17], a->banked.sp_irq);
    assert_int_equal(rec.x[18], a->banked.lr_svc);
    assert_int_equal(rec.x[19], a->banked.sp_svc);
    assert_int_equal(rec.x[20], a->banked.lr_abt);
    assert_int_equal(rec.x[21], a->banked.sp_abt);
    assert_int_equal(rec.x[22], a->banked.lr_und);
    assert_int_equal(rec.x[23], a->banked.sp_und);
    assert_int_equal(rec.x[24], a->banked.r8_fiq);
    assert_int_equal(rec.x[28], a->banked.r12_fiq);
    assert_int_equal(rec.x[29], a->banked.sp_fiq);
    assert_int_equal(rec.x[30], a->banked.lr_fiq);
    assert_int_equal(rec.spsr_el1, a->banked.spsr_svc);
    assert_memory_equal(rec.sysreg, a->sysreg, sizeof(rec.sysreg));
    assert_int_equal(rec.pstate, a->regs.pstate);
    assert_int_equal(fp.v[31], 0xd01f);
    assert_int_equal(fp.v[32], 0);
    assert_int_equal(fp.fpsr, 0x9800001f);
    assert_int_equal(fp.fpcr, 0x0707e000);
    /* Loading the record into another vCPU restores the first one's state. */
    assert_int_equal(arch_set_record(&other, &rec, &fp), 0);
    assert_memory_equal(&a->regs, &other.arch.regs, sizeof(a->regs));
    assert_memory_equal(&a->banked, &other.arch.banked, sizeof(a->banked));
    assert_memory_equal(&a->sysreg, &other.arch.sysreg, sizeof(a->sysreg));
    assert_memory_equal(&a->fp, &other.arch.fp, sizeof(a->fp));
    arch_get_record(&other, &again, &fp_again);
    assert_memory_equal(&rec, &again, sizeof(rec));
    assert_memory_equal(&fp, &fp_again, sizeof(fp));
}

static void test_record_refused(void **state)
{
    struct xlr_vcpu rec;
    struct xlr_fpsimd fp;
    struct arch_vcpu before = other.arch;
    (void)state;
    fill(&vcpu.arch);
    arch_get_record(&vcpu, &rec, &fp);
#define REFUSED(member, value)                                             \
    do {                                                                   \
        struct xlr_vcpu bad = rec;                                         \
        bad.member = (value);                                              \
        assert_int_equal(arch_set_record(&other, &bad, &fp), -XEN_EINVAL); \
        assert_memory_equal(&before, &other.arch, sizeof(before));         \
    } while (0)
    REFUSED(pstate, PSR_HYP);
    REFUSED(pstate, PSR_MON);
    REFUSED(pstate, 0x3c5); /* EL1h */
    REFUSED(pstate, PSR_A32_SVC | PSR_A32_J);
    REFUSED(pstate, PSR_A32_SVC | 1ull << 32);
    REFUSED(mpidr, 0x80000001);
    REFUSED(sysreg_count, 3);
    REFUSED(pc, 1ull << 32);
    REFUSED(sysreg[XLR_SYS_TCR], 1ull << 41); /* TTBCR2: hierarchical permissions off */
}

static void test_context(void **state)
{
    struct vcpu_guest_context c;
    (void)state;
    fill(&vcpu.arch);
    vcpu.online = true;
    arch_get_context(&vcpu, &c);
    assert_int_equal(c.flags, VGCF_online);
    assert_int_equal(c.user_regs.r7_usr, vcpu.arch.regs.r[7]);
    assert_int_equal(c.user_regs.sp_svc, vcpu.arch.banked.sp_svc);
    assert_int_equal(c.user_regs.r10_fiq, vcpu.arch.banked.r10_fiq);
    assert_int_equal(c.user_regs.pc32, vcpu.arch.regs.pc);
    assert_int_equal(c.user_regs.spsr_abt, vcpu.arch.banked.spsr_abt);
    assert_int_equal(c.ttbr1, vcpu.arch.sysreg[XLR_SYS_TTBR1]);
    assert_int_equal(arch_set_context(&other, &c), 0);
    assert_memory_equal(&vcpu.arch.regs, &other.arch.regs, sizeof(other.arch.regs));
    assert_memory_equal(&vcpu.arch.banked, &other.arch.banked, sizeof(other.arch.banked));
    c.user_regs.cpsr = PSR_HYP;
    assert_int_equal(arch_set_context(&other, &c), -XEN_EINVAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, start)
    const struct CMUnitTest tests[] = {
        TEST(test_state_at_reset),   TEST(test_banked_registers),
        TEST(test_save_and_load),    TEST(test_injected_exceptions),
        TEST(test_skip_in_it_block), TEST(test_instruction_conditions),
        TEST(test_hvc_and_smc),      TEST(test_wfi_and_wfe),
        TEST(test_aborts),           TEST(test_par_short),
        TEST(test_id_registers),     TEST(test_coprocessors),
        TEST(test_record),           TEST(test_record_refused),
        TEST(test_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
