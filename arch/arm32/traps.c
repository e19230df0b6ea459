/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions to Hyp mode: from guests, decoded and handed on; from Hyp mode itself, fixed up or
 * fatal. */
#include "internal.h"
#include <asm/at.h>

#define HVC_XEN 0xea1u /* XEN_HYPERCALL_TAG of public/arch-arm.h, as an immediate */

/* What trap_sync looks for first: exception class, and of an abort ISV, S1PTW and the status code
 * with its level. */
#define HSR_HYPERCALL     ((uint32_t)EC_HVC << HSR_EC_SHIFT | HSR_IL | HVC_XEN)
#define HSR_PSCI          ((uint32_t)EC_HVC << HSR_EC_SHIFT | HSR_IL)
#define HSR_EMULATED_MASK (0x3fu << HSR_EC_SHIFT | HSR_ISV | HSR_S1PTW | 0x3fu)
#define HSR_EMULATED      ((uint32_t)EC_DABT_LOW << HSR_EC_SHIFT | HSR_ISV | FSC_TRANSLATION | 3u)

struct ex_entry {
    int32_t at, to;
}; /* relative to themselves: EX_TABLE of <asm/atomic.h> */
extern const struct ex_entry ex_table_start[], ex_table_end[];

static inline void count(struct vcpu *v, unsigned kind) { v->exits[kind]++; }

static void flush_conflict(void)
{
    /* Two entries for one address: drop all of the guests' on this CPU and let the instruction run
     * again. */
    arch_dsb();
    WRITE_SYSREG(tlbiallnsnh, 0);
    arch_dsb();
    arch_isb();
}

/* HPFAR: bits 39:12 of the address in 31:4. */
static inline uint64_t hpfar_page(uint32_t hpfar) { return (uint64_t)(hpfar & ~0xfu) << 8; }

/*
 * HPFAR has the page for translation and access flag faults and for walks of stage 1; for a
 * permission fault of the access itself it need not.  Then the guest's own stage 1 is asked. False:
 * the answer has changed meanwhile, run it again.
 */
static bool fault_ipa(struct stage2_fault *f, uint32_t type)
{
    uint64_t page = hpfar_page(READ_SYSREG(hpfar));

    if (f->s1_walk) {
        f->ipa = IPA(page); /* of the table; HDFAR is the address that was being translated */
        return true;
    }
    if (type == FSC_PERMISSION)
        return guest_at(f->va, false, &f->ipa);
    f->ipa = IPA(page | (f->va.v & (PAGE_SIZE - 1)));
    return true;
}

/* Any abort: the long way. */
static __attribute__((noinline)) void guest_abort(struct vcpu *v, uint32_t hsr, bool instruction)
{
    uint32_t fsc = hsr & 0x3f, type = fsc & FSC_TYPE;
    struct stage2_fault f = {
        .va = GVA(instruction ? READ_SYSREG(hifar) : READ_SYSREG(hdfar)),
        .esr = hsr,
        .instruction = instruction,
        .s1_walk = (hsr & HSR_S1PTW) != 0,
        .write = !instruction && (hsr & HSR_WNR),
        .permission = type == FSC_PERMISSION,
    };

    if (fsc == FSC_CONFLICT) {
        flush_conflict();
        return;
    }
    if (fsc == FSC_ASYNC || fsc == FSC_ASYNC_PARITY) {
        trap_serror(v);
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
    if (!f.permission && !instruction && !f.s1_walk && (hsr & HSR_ISV)) {
        f.decoded = true;
        f.reg = hsr >> 16 & 0xf;
        f.size_log2 = hsr >> 22 & 3;
        f.sign_extend = hsr >> 21 & 1;
    }
    stage2_fault(v, &f);
}

/*
 * A load or store that met an empty level-3 entry: of an emulated page, most likely.  False:
 * nothing was done.  The look into the window may have ended in an abort of our own, which leaves
 * its own address.
 */
static inline bool emulated(struct vcpu *v, uint32_t hsr)
{
    uint32_t hpfar = READ_SYSREG(hpfar), hdfar = READ_SYSREG(hdfar);

    if (likely(mmio_leaf_access(v, hsr, IPA(hpfar_page(hpfar) | (hdfar & (PAGE_SIZE - 1))))))
        return true;
    WRITE_SYSREG(hpfar, hpfar);
    WRITE_SYSREG(hdfar, hdfar);
    return false;
}

static void guest_wfx(struct vcpu *v, uint32_t hsr)
{
    count(v, EXIT_WFI);
    bool holds = a32_condition_holds(v->arch.regs.pstate, hsr);
    arch_skip_instruction(v); /* first: the vCPU continues behind it when it is woken */
    if (!holds)
        return;
    if (hsr & 1)
        vcpu_yield(v);
    else
        vcpu_wait_for_interrupt(v);
}

/* Neither Xen's number nor firmware's. */
static void guest_hvc_unknown(struct vcpu *v)
{
    count(v, EXIT_OTHER);
    v->arch.regs.pc -= 4; /* HVC returns behind itself; the undefined exception is at it */
    arch_inject_undef(v);
}

/* The immediate is not reported. Armv7 traps it only when its condition holds; Armv8 says whether
 * that is known. */
static void guest_smc(struct vcpu *v, uint32_t hsr)
{
    bool holds = !(hsr & BIT(19)) || a32_condition_holds(v->arch.regs.pstate, hsr);

    count(v, EXIT_PSCI);
    arch_skip_instruction(v); /* a trapped SMC returns to itself */
    if (holds)
        vpsci_dispatch(v);
}

void trap_sync(struct vcpu *v, uint32_t hsr)
{
    v->arch.hsr = hsr;
    /* The commonest first: each test is one comparison. */
    if (likely(hsr == HSR_HYPERCALL)) {
        count(v, EXIT_HYPERCALL);
        hypercall_dispatch(v);
        return;
    }
    if (hsr == HSR_PSCI) {
        count(v, EXIT_PSCI);
        vpsci_dispatch(v);
        return;
    }
    if ((hsr & HSR_EMULATED_MASK) == HSR_EMULATED && emulated(v, hsr))
        return;
    switch (HSR_EC(hsr)) {
    case EC_DABT_LOW: guest_abort(v, hsr, false); return;
    case EC_IABT_LOW: guest_abort(v, hsr, true); return;
    case EC_HVC: guest_hvc_unknown(v); return;
    case EC_WFX: guest_wfx(v, hsr); return;
    case EC_SMC: guest_smc(v, hsr); return;
    case EC_CP15_32:
    case EC_CP15_64:
    case EC_CP14_32:
    case EC_CP14_LS:
    case EC_CP14_64:
    case EC_CP10:
        count(v, EXIT_SYSREG);
        cp15_trap(v, hsr);
        return;
    default: /* coprocessors that there are none of, and what else was hidden from it */
        count(v, EXIT_OTHER);
        arch_inject_undef(v);
        return;
    }
}

void trap_irq(struct vcpu *v)
{
    count(v, EXIT_IRQ);
    host_irq();
}

/* An error that the guest's access raised earlier: it gets it as its own.  Pending in HCR until it
 * unmasks. */
void trap_serror(struct vcpu *v)
{
    count(v, EXIT_OTHER);
    log_warn("d%u v%u: asynchronous abort, syndrome %#lx\n", v->domain->id, v->id,
             (unsigned long)READ_SYSREG(hsr));
    v->arch.hcr |= HCR_VA;
    WRITE_SYSREG(hcr, READ_SYSREG(hcr) | HCR_VA);
}

/* ---- Hyp mode's own ---- */

static void print_frame(const struct el2_frame *f)
{
    char where[SYMBOL_PRINT_MAX];

    symbol_print(where, f->elr);
    log_err("CPU%u: pc %08lx %s\n", cpu_id(), (unsigned long)f->elr, where);
    log_err(" sp %08lx lr %08lx spsr %08lx hsr %08lx hdfar %08lx\n", (unsigned long)f->sp,
            (unsigned long)f->lr, (unsigned long)f->spsr, (unsigned long)f->hsr,
            (unsigned long)f->hdfar);
    for (unsigned i = 0; i < 12; i += 4)
        log_err(" r%-2u %08lx r%-2u %08lx r%-2u %08lx r%-2u %08lx\n", i, (unsigned long)f->r[i],
                i + 1, (unsigned long)f->r[i + 1], i + 2, (unsigned long)f->r[i + 2], i + 3,
                (unsigned long)f->r[i + 3]);
    log_err(" r12 %08lx\n", (unsigned long)f->r[12]);
    backtrace_from(f->r[11], f->elr);
}

/* A fault while a fault is being printed: stop at once. */
static void fatal_once(void)
{
    static bool fatal[MAX_CPUS];
    if (fatal[cpu_id()])
        arch_halt();
    fatal[cpu_id()] = true;
}

static inline uint32_t ex_place(const int32_t *offset)
{
    return (uint32_t)(uintptr_t)offset + (uint32_t)*offset;
}

void el2_sync(struct el2_frame *f)
{
    if (HSR_EC(f->hsr) == EC_DABT) {
        for (const struct ex_entry *e = ex_table_start; e < ex_table_end; e++) {
            if (ex_place(&e->at) == f->elr) {
                f->elr = ex_place(&e->to);
                return;
            }
        }
    }
    fatal_once();
    print_frame(f);
    panic("unexpected exception in Hyp mode, class %#x, syndrome %#lx", (unsigned)HSR_EC(f->hsr),
          (unsigned long)f->hsr);
}

/* kind: the number of the vector. */
void el2_unexpected(struct el2_frame *f, unsigned kind)
{
    static const char *const name[] = { "reset",
                                        "undefined instruction",
                                        "hypervisor call",
                                        "prefetch abort",
                                        "data abort",
                                        "trap",
                                        "IRQ",
                                        "FIQ" };

    fatal_once();
    print_frame(f);
    panic("unexpected %s in Hyp mode", name[kind & 7]);
}

void el2_stack_overflow(struct el2_frame *f)
{
    fatal_once();
    print_frame(f);
    panic("stack overflow on CPU%u: sp %#lx, stack %#lx..%#lx", cpu_id(), (unsigned long)f->sp,
          (unsigned long)(uintptr_t)this_cpu()->stack_top - STACK_BYTES,
          (unsigned long)(uintptr_t)this_cpu()->stack_top);
}

/* What the compiler's division of 64-bit numbers, a function of its library, does by zero. */
void __aeabi_ldiv0(void) { panic("division by zero"); }
void __aeabi_idiv0(void) { panic("division by zero"); }
