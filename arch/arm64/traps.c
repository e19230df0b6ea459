/* SPDX-License-Identifier: BSD-2-Clause */
/* Exits that arm64 alone has, and the registers of a fatal exception. */
#include "internal.h"
#include "timer.h"

/*
 * A load or store that met an empty level-3 entry, most likely that of an emulated page.  entry.S
 * calls it too, for an abort with ISV set, when x19-x28 are not saved and the access's register is
 * none of them.  Returns `v`, or NULL: nothing was done.
 */
struct vcpu *trap_emulated(struct vcpu *v, uint32_t esr)
{
    uint64_t page = fault_page(READ_SYSREG(hpfar_el2)), va = READ_SYSREG(far_el2);

    v->arch.esr = esr;
    return mmio_leaf_access(v, esr, IPA(page | (va & ~PAGE_MASK)));
}

/*
 * The register that the syndrome of an abort names.  The architecture reports the number of the
 * AArch64 register that the AArch32 register is mapped to (Arm ARM D1.20.1), but QEMU reports the
 * number in the instruction.  The two cannot be confused: no instruction of these modes reaches the
 * registers whose own numbers these are.
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
    if (ESR_EC(esr) == EC_DABT_LOW && (esr & ESR_ISV))
        esr = (esr & ~(0x1fu << 16)) | a32_register(v->arch.regs.pstate, esr >> 16 & 0x1f) << 16;
    trap_sync(v, esr);
}

/*
 * QEMU keeps the SPSR of an AArch32 guest's current mode where EL2 can neither read nor write it,
 * so another AArch32 vCPU that gets this CPU changes it.  A kernel depends on that SPSR for a few
 * instructions after an exception and before the return from it: in modes that it leaves at once,
 * and in Supervisor mode with interrupts masked.  A vCPU that is interrupted there therefore runs
 * on for a moment, as if the interrupt had come later.  The number of such moments is limited,
 * because kernels mask interrupts for other reasons too, and because the emulator may not get far
 * in that time on a busy machine.
 */
#define A32_PUT_OFF_NS 50000u

/* The limit of moments in a row. */
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

/*
 * The length of the next moment.  It varies by up to 1,023 ticks and follows no short pattern (a
 * linear congruential generator): with equal or evenly growing lengths, a guest's loop of a fitting
 * length would be interrupted at the same instruction every time.
 */
static uint64_t a32_moment_ticks(void)
{
    static uint32_t state[MAX_CPUS];
    uint32_t *s = &state[cpu_id()];

    *s = *s * 1664525u + 1013904223u;
    return ns_to_ticks(A32_PUT_OFF_NS) + (*s >> 22);
}

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
    timer_run_expired(); /* a timer that is due would end the guest's moment at once */
    t->fn = nothing;
    timer_set(t, counter() + a32_moment_ticks());
    return true;
}

void print_el2_frame(const struct el2_frame *f)
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
