/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions to EL2: from guests, decoded and handed on; from EL2 itself, fixed up or fatal. */
#include "internal.h"
#include <asm/at.h>
#include "width/traps.h"

#define HVC_XEN 0xea1u /* XEN_HYPERCALL_TAG of public/arch-arm.h, as an immediate */

/* What trap_sync compares first: exception class, and for an abort ISV, S1PTW and the fault status
 * with its level. */
#define ESR_HYPERCALL     ((uint32_t)EC_HVC << ESR_EC_SHIFT | ESR_IL | HVC_XEN)
#define ESR_PSCI          ((uint32_t)EC_HVC << ESR_EC_SHIFT | ESR_IL)
#define ESR_EMULATED_MASK (0x3fu << ESR_EC_SHIFT | ESR_ISV | ESR_S1PTW | 0x3fu)
#define ESR_EMULATED      ((uint32_t)EC_DABT_LOW << ESR_EC_SHIFT | ESR_ISV | FSC_TRANSLATION | 3u)

struct ex_entry {
    int32_t at, to;
}; /* relative to themselves: EX_TABLE of <asm/atomic.h> */
extern const struct ex_entry ex_table_start[], ex_table_end[];

/*
 * HPFAR_EL2 is valid for translation and access flag faults and for walks of stage 1.  For a
 * permission fault of the access itself it need not be, so the guest's own stage 1 is translated
 * again.  False: that translation has changed meanwhile, and the guest must run the instruction
 * again.
 */
static bool fault_ipa(struct stage2_fault *f)
{
    if (f->permission && !f->s1_walk)
        return guest_at(f->va, false, &f->ipa);
    f->ipa = IPA(fault_page(READ_SYSREG(hpfar_el2)));
    /* Of a walk it is the table's page; FAR_EL2 is the address that was being translated. */
    if (!f->s1_walk)
        f->ipa.v |= f->va.v & (PAGE_SIZE - 1);
    return true;
}

/* Aborts that are no faults of stage 2's map. */
static void other_abort(struct vcpu *v, uint32_t fsc, gva_t va, bool instruction)
{
    if (fsc == FSC_CONFLICT) {
        /* Two TLB entries for one address: drop all of the guests' on this CPU, and let the
         * instruction run again. */
        arch_dsb();
        TLBI(alle1);
        arch_dsb();
        arch_isb();
    } else if (abort_is_serror(fsc)) {
        trap_serror(v);
    } else { /* an external abort, of an access or a walk: the guest caused it itself */
        count_exit(v, EXIT_OTHER);
        arch_inject_abort(v, va, instruction);
    }
}

/* Any abort.  p2m_fault.c has the order in which a fault is tried.  No array is in it: no canary.
 */
static __attribute__((noinline, no_stack_protector)) void guest_abort(struct vcpu *v, uint32_t esr,
                                                                      bool instruction)
{
    uint32_t fsc = esr & 0x3f, type = fsc & FSC_TYPE;
    struct stage2_fault f = {
        .va = GVA(fault_va(instruction)),
        .esr = esr,
        .instruction = instruction,
        .s1_walk = (esr & ESR_S1PTW) != 0,
        .write = !instruction && (esr & ESR_WNR),
        .permission = type == FSC_PERMISSION,
    };

    if (type > FSC_PERMISSION) {
        other_abort(v, fsc, f.va, instruction);
        return;
    }
    if (!fault_ipa(&f))
        return;
    /* Only an access that met no mapping can be emulated. */
    if (!f.permission && !instruction && !f.s1_walk && (esr & ESR_ISV)) {
        f.decoded = true;
        f.reg = esr >> 16 & 0x1f;
        f.size_log2 = esr >> 22 & 3;
        f.sign_extend = esr >> 21 & 1;
        f.reg64 = esr >> 15 & 1; /* RES0 in AArch32 */
    }
    stage2_fault(v, &f);
}

static void guest_wfx(struct vcpu *v, uint32_t esr)
{
    count_exit(v, EXIT_WFI);
    bool holds = condition_holds(v, esr);
    arch_skip_instruction(
        v); /* first: when the vCPU is woken it continues behind the instruction */
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
        count_exit(v, EXIT_HYPERCALL);
        hypercall_dispatch(v);
    } else if (immediate == 0) {
        count_exit(v, EXIT_PSCI);
        vpsci_dispatch(v);
    } else {
        count_exit(v, EXIT_OTHER);
        /* HVC returns behind itself; the undefined exception is at the instruction. */
        v->arch.regs.pc -= 4;
        arch_inject_undef(v);
    }
}

/* A trapped SMC returns to itself.  Of an AArch32 guest the immediate is not reported, and the
 * syndrome tells whether the condition is known to pass (CCKNOWNPASS clear). */
static void guest_smc(struct vcpu *v, uint32_t esr)
{
    bool is32 = ESR_EC(esr) == EC_SMC32;

    count_exit(v, EXIT_PSCI);
    if (is32 && (esr & (1u << 19)) && !condition_holds(v, esr)) {
        arch_skip_instruction(v);
    } else if (!is32 && (esr & 0xffff)) {
        arch_inject_undef(v); /* SMCCC: only immediate 0 is a call */
    } else {
        arch_skip_instruction(v);
        vpsci_dispatch(v);
    }
}

/* All that trap_sync does not handle by itself. */
static TRAP_SYNC_OTHER void trap_sync_other(struct vcpu *v, uint32_t esr)
{
    if ((esr & ESR_EMULATED_MASK) == ESR_EMULATED && emulated(v, esr))
        return;
    switch (ESR_EC(esr)) {
    case EC_HVC64:
    case EC_HVC32: guest_hvc(v, esr); return;
    case EC_DABT_LOW: guest_abort(v, esr, false); return;
    case EC_IABT_LOW: guest_abort(v, esr, true); return;
    case EC_WFX: guest_wfx(v, esr); return;
    case EC_SMC64:
    case EC_SMC32: guest_smc(v, esr); return;
    case EC_DABT: return; /* arm64's table_gone(), when entry.S called trap_emulated */
    case EC_SYSREG:
        count_exit(v, EXIT_SYSREG);
        sysreg_trap(v, esr & 0x1ffffff);
        return;
    case EC_CP15_32:
    case EC_CP15_64:
    case EC_CP14_32:
    case EC_CP14_LS:
    case EC_CP14_64:
    case EC_CP10:
        count_exit(v, EXIT_SYSREG);
        cp15_trap(v, esr);
        return;
    default: /* features that are hidden from the guest: SVE, pointer authentication, coprocessors
              */
        count_exit(v, EXIT_OTHER);
        arch_inject_undef(v);
        return;
    }
}

void trap_sync(struct vcpu *v, uint32_t esr)
{
    v->arch.esr = esr;
    /* The commonest first: each test is one comparison. */
    if (likely(esr == ESR_HYPERCALL)) {
        count_exit(v, EXIT_HYPERCALL);
        hypercall_dispatch(v);
    } else if (esr == ESR_PSCI) {
        count_exit(v, EXIT_PSCI);
        vpsci_dispatch(v);
    } else {
        trap_sync_other(v, esr);
    }
}

void trap_irq(struct vcpu *v)
{
    count_exit(v, EXIT_IRQ);
    host_irq();
}

/* An error that the guest's access raised earlier: the guest gets it as its own.  It stays pending
 * in HCR_EL2 until the guest unmasks it. */
void trap_serror(struct vcpu *v)
{
    count_exit(v, EXIT_OTHER);
    log_warn("d%u v%u: SError, syndrome %#lx\n", v->domain->id, v->id,
             (unsigned long)READ_SYSREG(esr_el2));
    v->arch.hcr |= HCR_VSE;
    WRITE_SYSREG(hcr_el2, READ_SYSREG(hcr_el2) | HCR_VSE);
}

/* ---- EL2's own ---- */

/* A fault while a fault is being printed: stop at once. */
static void fatal_once(void)
{
    static bool fatal[MAX_CPUS];
    if (fatal[cpu_id()])
        arch_halt();
    fatal[cpu_id()] = true;
}

static inline uintptr_t ex_place(const int32_t *offset)
{
    return (uintptr_t)offset + (uintptr_t)(intptr_t)*offset;
}

void el2_sync(struct el2_frame *f)
{
    if (ESR_EC(f->esr) == EC_DABT) {
        for (const struct ex_entry *e = ex_table_start; e < ex_table_end; e++) {
            if (ex_place(&e->at) == f->elr) {
                f->elr = (sysreg_t)ex_place(&e->to);
                return;
            }
        }
    }
    fatal_once();
    print_el2_frame(f);
    panic("unexpected exception at EL2, class %#x, syndrome %#lx", (unsigned)ESR_EC(f->esr),
          (unsigned long)f->esr);
}

/* kind: the number of the vector. */
void el2_unexpected(struct el2_frame *f, unsigned kind)
{
    static const char *const name[] = { EL2_VECTOR_NAMES };

    fatal_once();
    print_el2_frame(f);
    panic("unexpected %s at EL2", name[kind & (ARRAY_SIZE(name) - 1)]);
}

void el2_stack_overflow(struct el2_frame *f)
{
    uintptr_t top = (uintptr_t)this_cpu()->stack_top;

    fatal_once();
    print_el2_frame(f);
    panic("stack overflow on CPU%u: sp %#lx, stack %#lx..%#lx", cpu_id(), (unsigned long)f->sp,
          (unsigned long)top - STACK_BYTES, (unsigned long)top);
}
