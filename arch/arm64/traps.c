/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions to EL2: from guests, decoded and handed on; from EL2 itself, fixed up or fatal. */
#include "internal.h"
#include "timer.h"
#include <asm/at.h>

#define HVC_XEN 0xea1u /* XEN_HYPERCALL_TAG of public/arch-arm.h, as an immediate */

/* What trap_sync looks for first: exception class, and of an abort ISV, S1PTW and the status code
 * with its level. */
#define ESR_HYPERCALL     ((uint32_t)EC_HVC64 << 26 | (uint32_t)ESR_IL | HVC_XEN)
#define ESR_PSCI          ((uint32_t)EC_HVC64 << 26 | (uint32_t)ESR_IL)
#define ESR_EMULATED_MASK (0x3fu << 26 | 1u << 24 | 1u << 7 | 0x3fu)
#define ESR_EMULATED      ((uint32_t)EC_DABT_LOW << 26 | 1u << 24 | FSC_TRANSLATION | 3u)

struct ex_entry {
    int32_t at, to;
}; /* relative to themselves: EX_TABLE of <asm/atomic.h> */
extern const struct ex_entry ex_table_start[], ex_table_end[];

static inline void count(struct vcpu *v, unsigned kind) { v->exits[kind]++; }

static void flush_conflict(void)
{
    /* Two entries for one address: drop all of the guests' on this CPU and let the instruction run
     * again. */
    __asm__ volatile("dsb nshst\n\ttlbi alle1\n\tdsb nsh\n\tisb" ::: "memory");
}

/*
 * HPFAR_EL2 has the page for translation and access flag faults and for walks of stage 1; for a
 * permission fault of the access itself it need not.  Then the guest's own stage 1 is asked. False:
 * the answer has changed meanwhile, run it again.
 */
static bool fault_ipa(struct stage2_fault *f, uint32_t type)
{
    uint64_t page = (READ_SYSREG(hpfar_el2) & 0xffffffffff0ull) << 8,
             low = f->va.v & (PAGE_SIZE - 1);

    if (f->s1_walk) {
        f->ipa = IPA(page); /* of the table; FAR is the address that was being translated */
        return true;
    }
    if (type == FSC_PERMISSION)
        return guest_at(f->va, false, &f->ipa);
    f->ipa = IPA(page | low);
    return true;
}

/* Any abort: the long way. */
static __attribute__((noinline)) void guest_abort(struct vcpu *v, uint32_t esr, bool instruction)
{
    uint32_t fsc = esr & 0x3f, type = fsc & FSC_TYPE;
    struct stage2_fault f = {
        .va = GVA(READ_SYSREG(far_el2)),
        .esr = esr,
        .instruction = instruction,
        .s1_walk = esr >> 7 & 1,
        .write = !instruction && (esr >> 6 & 1),
        .permission = type == FSC_PERMISSION,
    };

    if (fsc == FSC_CONFLICT) {
        flush_conflict();
        return;
    }
    if (type >
        FSC_PERMISSION) { /* an external abort, of an access or a walk: the guest's own doing */
        count(v, EXIT_OTHER);
        arch_inject_abort(v, f.va, instruction);
        return;
    }
    if (!fault_ipa(&f, type))
        return;
    if (!f.permission && !instruction && !f.s1_walk && (esr & BIT(24))) {
        f.decoded = true;
        f.reg = esr >> 16 & 0x1f;
        f.size_log2 = esr >> 22 & 3;
        f.sign_extend = esr >> 21 & 1;
        f.reg64 = esr >> 15 & 1;
    }
    stage2_fault(v, &f);
}

/*
 * A load or store that met an empty level-3 entry: of an emulated page, most likely.  Called by
 * entry.S, for an abort with ISV set, when x19-x28 are not saved: the access's register is none of
 * them.  Returns `v`, or NULL: nothing was done.
 */
struct vcpu *trap_emulated(struct vcpu *v, uint32_t esr)
{
    uint64_t page = READ_SYSREG(hpfar_el2) << 8, va = READ_SYSREG(far_el2); /* FIPA: bits 43:4 */

    v->arch.esr = esr;
    return mmio_leaf_access(v, esr, IPA((page & PAGE_MASK) | (va & ~PAGE_MASK)));
}

/*
 * The look at the leaf took an abort of our own: its table is gone since the guest's fault.  The
 * guest's FAR is lost with that; it makes its access again, and does not come to level 3.
 */
static bool table_gone(void) { return ESR_EC(READ_SYSREG(esr_el2)) == EC_DABT; }

static void guest_wfx(struct vcpu *v, uint32_t esr)
{
    count(v, EXIT_WFI);
    bool holds = !(v->arch.regs.pstate & PSR_A32) ||
                 a32_condition_holds((uint32_t)v->arch.regs.pstate, esr);
    arch_skip_instruction(v); /* first: the vCPU continues behind it when it is woken */
    if (!holds)
        return;
    if (esr & 1)
        vcpu_yield(v);
    else
        vcpu_wait_for_interrupt(v);
}

static void guest_hvc(struct vcpu *v, uint32_t esr)
{
    uint32_t immediate = esr & 0xffff;

    if (immediate == HVC_XEN) {
        count(v, EXIT_HYPERCALL);
        hypercall_dispatch(v);
    } else if (immediate == 0) {
        count(v, EXIT_PSCI);
        vpsci_dispatch(v);
    } else {
        v->arch.regs.pc -= 4; /* HVC returns behind itself; the undefined exception is at it */
        arch_inject_undef(v);
    }
}

static void guest_smc(struct vcpu *v, uint32_t esr)
{
    bool is32 = ESR_EC(esr) == EC_SMC32;

    count(v, EXIT_PSCI);
    if (is32 && (esr & BIT(19)) &&
        !a32_condition_holds((uint32_t)v->arch.regs.pstate,
                             esr)) { /* CCKNOWNPASS clear means it is known to pass */
        arch_skip_instruction(v);
    } else if (!is32 && (esr & 0xffff)) {
        arch_inject_undef(v); /* SMCCC: only immediate 0 is a call */
    } else {
        arch_skip_instruction(v); /* a trapped SMC returns to itself */
        vpsci_dispatch(v);
    }
}

void trap_sync(struct vcpu *v, uint32_t esr)
{
    v->arch.esr = esr;
    /* The commonest first: each test is one comparison. */
    if (likely(esr == ESR_HYPERCALL)) {
        count(v, EXIT_HYPERCALL);
        hypercall_dispatch(v);
        return;
    }
    if (esr == ESR_PSCI) {
        count(v, EXIT_PSCI);
        vpsci_dispatch(v);
        return;
    }
    if ((esr & ESR_EMULATED_MASK) == ESR_EMULATED && likely(trap_emulated(v, esr) || table_gone()))
        return;
    switch (ESR_EC(esr)) {
    case EC_HVC64:
    case EC_HVC32: guest_hvc(v, esr); return;
    case EC_DABT_LOW: guest_abort(v, esr, false); return;
    case EC_IABT_LOW: guest_abort(v, esr, true); return;
    case EC_WFX: guest_wfx(v, esr); return;
    case EC_SMC64:
    case EC_SMC32: guest_smc(v, esr); return;
    case EC_DABT: return; /* table_gone(), of trap_emulated that entry.S called */
    case EC_SYSREG:
        count(v, EXIT_SYSREG);
        sysreg_trap(v, esr & 0x1ffffff);
        return;
    case EC_CP15_32:
    case EC_CP15_64:
    case EC_CP14_32:
    case EC_CP14_LS:
    case EC_CP14_64:
    case EC_CP10:
        count(v, EXIT_SYSREG);
        cp15_trap(v, esr);
        return;
    default: /* SVE, SME, pointer authentication and what else was hidden from it */
        count(v, EXIT_OTHER);
        arch_inject_undef(v);
        return;
    }
}

/*
 * The register that an abort's syndrome names, as the architecture maps them (Arm ARM D1.20.1).
 * QEMU has the instruction's number there; no instruction of these modes reaches the registers that
 * truly have these numbers.
 */
static unsigned a32_register(uint64_t pstate, unsigned n)
{
    unsigned lr;

    switch (pstate & PSR_MODE) {
    case PSR_A32_FIQ: return n >= 8 && n <= 14 ? n + 16 : n;
    case PSR_A32_IRQ: lr = 16; break;
    case PSR_A32_SVC: lr = 18; break;
    case PSR_A32_ABT: lr = 20; break;
    case PSR_A32_UND: lr = 22; break;
    default: return n;
    }
    return n == 14 ? lr : n == 13 ? lr + 1 : n;
}

void trap_sync_a32(struct vcpu *v, uint32_t esr)
{
    if (ESR_EC(esr) == EC_DABT_LOW && (esr & BIT(24)))
        esr = (esr & ~(0x1fu << 16)) | a32_register(v->arch.regs.pstate, esr >> 16 & 0x1f) << 16;
    trap_sync(v, esr);
}

void trap_irq(struct vcpu *v)
{
    count(v, EXIT_IRQ);
    host_irq();
}

/*
 * QEMU keeps the SPSR of the mode that an AArch32 guest is in where EL2 can neither read nor write
 * it, so another AArch32 vCPU that gets this CPU changes it.  It matters to a kernel for a few
 * instructions after an exception and before the return from it: in modes that it leaves at once,
 * and in Supervisor mode with interrupts masked.  Who is interrupted there goes on for a moment, as
 * if the interrupt had come later; not for long, since kernels mask interrupts for other reasons
 * too.  On a busy machine the emulator may not get far in that time.
 */
#define A32_PUT_OFF_NS         50000u
#define A32_PUT_OFF_STEP_TICKS 23u

/* How often in a row at most. */
static unsigned a32_patience(uint64_t pstate)
{
    switch (pstate & PSR_MODE) {
    case PSR_A32_FIQ:
    case PSR_A32_IRQ:
    case PSR_A32_ABT:
    case PSR_A32_UND: return 40;
    case PSR_A32_SVC: return pstate & PSR_I ? 8 : 0;
    default: return 0;
    }
}

static void nothing(void *arg) { (void)arg; }

bool trap_irq_a32(struct vcpu *v)
{
    static struct timer again[MAX_CPUS];
    struct timer *t = &again[cpu_id()];

    trap_irq(v);
    if (!this_cpu()->work || v->arch.put_off >= a32_patience(v->arch.regs.pstate)) {
        v->arch.put_off = 0;
        return false;
    }
    v->arch.put_off++;
    timer_run_expired(); /* one that is due would not let the guest go on */
    t->fn = nothing;
    /* Never the same time twice: a loop that is as long would be met at the same place again. */
    timer_set(t,
              counter() + ns_to_ticks(A32_PUT_OFF_NS) + v->arch.put_off * A32_PUT_OFF_STEP_TICKS);
    return true;
}

/* An error that the guest's access raised earlier: it gets it as its own.  Pending in HCR until it
 * unmasks. */
void trap_serror(struct vcpu *v)
{
    count(v, EXIT_OTHER);
    log_warn("d%u v%u: SError, syndrome %#lx\n", v->domain->id, v->id,
             (unsigned long)READ_SYSREG(esr_el2));
    v->arch.hcr |= HCR_VSE;
    WRITE_SYSREG(hcr_el2, READ_SYSREG(hcr_el2) | HCR_VSE);
}

/* ---- EL2's own ---- */

static void print_frame(const struct el2_frame *f)
{
    char where[SYMBOL_PRINT_MAX];

    symbol_print(where, f->elr);
    log_err("CPU%u: pc %016lx %s\n", cpu_id(), (unsigned long)f->elr, where);
    log_err(" sp %016lx spsr %08lx esr %08lx far %016lx\n", (unsigned long)f->sp,
            (unsigned long)f->spsr, (unsigned long)f->esr, (unsigned long)f->far);
    for (unsigned i = 0; i < 30; i += 3)
        log_err(" x%-2u %016lx x%-2u %016lx x%-2u %016lx\n", i, (unsigned long)f->x[i], i + 1,
                (unsigned long)f->x[i + 1], i + 2, (unsigned long)f->x[i + 2]);
    log_err(" x30 %016lx\n", (unsigned long)f->x[30]);
    backtrace_from(f->x[29], f->elr);
}

/* A fault while a fault is being printed: stop at once. */
static void fatal_once(void)
{
    static bool fatal[MAX_CPUS];
    if (fatal[cpu_id()])
        arch_halt();
    fatal[cpu_id()] = true;
}

void el2_sync(struct el2_frame *f)
{
    if (ESR_EC(f->esr) == EC_DABT) {
        for (const struct ex_entry *e = ex_table_start; e < ex_table_end; e++) {
            if ((uint64_t)&e->at + (uint64_t)(int64_t)e->at == f->elr) {
                f->elr = (uint64_t)&e->to + (uint64_t)(int64_t)e->to;
                return;
            }
        }
    }
    fatal_once();
    print_frame(f);
    panic("unexpected exception at EL2, class %#x, syndrome %#lx", (unsigned)ESR_EC(f->esr),
          (unsigned long)f->esr);
}

void el2_unexpected(struct el2_frame *f, unsigned kind)
{
    static const char *const name[] = { "exception with SP_EL0", "IRQ", "FIQ", "SError" };

    fatal_once();
    print_frame(f);
    panic("unexpected %s at EL2", name[kind & 3]);
}

void el2_stack_overflow(struct el2_frame *f)
{
    fatal_once();
    print_frame(f);
    panic("stack overflow on CPU%u: sp %#lx, stack %#lx..%#lx", cpu_id(), (unsigned long)f->sp,
          (unsigned long)this_cpu()->stack_top - STACK_BYTES, (unsigned long)this_cpu()->stack_top);
}
