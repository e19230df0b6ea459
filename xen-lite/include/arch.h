/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The architecture's contract: everything that the core uses of it.  arch/common and one of
 * arch/arm64 and arch/arm32 implement it, and so does the fake architecture of the host tests
 * (tests/host/fake).  docs/porting.md describes what a new width supplies.
 *
 * Four headers belong to the contract:
 *   <asm/cpu.h>     struct cpu *this_cpu(void), unsigned cpu_id(void), counter(), barriers, WFI
 *   <asm/vcpu.h>    struct arch_vcpu, struct guest_regs, access to a guest's registers
 *   <asm/mm.h>      pa_to_va(), va_to_pa(), places of the VLPT windows
 *   <asm/atomic.h>  atomic_cas64(), and 64-bit accesses that may fault
 */
#ifndef XL_ARCH_H
#define XL_ARCH_H

#include "types.h"
#include <asm/cpu.h>
#include <asm/vcpu.h>
#include <asm/mm.h>

struct vcpu;
struct domain;

/* clang-format off: tables */
/*
 * ---- provided by <asm/cpu.h> as inlines or functions ----
 * struct cpu *this_cpu(void)      the running CPU's block (sched.h), in TPIDR_EL2
 * unsigned cpu_id(void)           0..cpu_count-1
 * uint64_t counter(void)          CNTPCT, with the ISB that orders it
 * uint64_t counter_hz             CNTFRQ (a variable, set at boot)
 * bool arch_irq_pending(void)     a physical interrupt is pending for this CPU
 * void arch_wfi(void)             DSB SY; WFI.  Interrupts stay masked: a pending one ends the wait
 * void arch_dmb(void), arch_dsb(void), arch_isb(void)
 *
 * ---- provided by <asm/mm.h> ----
 * bool pa_in_direct_map(paddr_t pa)     RAM that EL2 has mapped for good; ends at a multiple of
 *                                       2 MiB.  Constant where all RAM is in the direct map
 * void *pa_to_va(paddr_t pa)            EL2's direct map of RAM
 * paddr_t va_to_pa(const void *va)      of the direct map or the image
 * VLPT_IPA_BITS                         windows show guest-physical addresses below 2^this; at most
 *                                       IPA_BITS
 * uint64_t *vlpt_window(unsigned slot)  the slot's leaf window: index with gfn
 * uint64_t *vlpt_upper(unsigned slot)   the slot's upper window: index with ipa >> 21
 * uint64_t *vlpt_entered(unsigned slot, uint64_t *window)
 *                                       vlpt_window(slot) again, for a caller that has its value in
 *                                       `window`
 * Where a CPU has one window for all slots, these three make it show this slot.  Their result is
 * valid on this CPU until one of them is called for another slot.
 */
/* clang-format on */

/* Time: one-shot EL2 timer (CNTHP) of this CPU, in counter() ticks; ~0 disarms. */
void arch_timer_set(uint64_t deadline);

/* CNTV of this CPU, and CNTVOFF. */
void arch_vtimer_write(uint64_t cval, uint32_t ctl, uint64_t voff, uint32_t cntkctl);
void arch_vtimer_read(uint64_t *cval, uint32_t *ctl, uint32_t *cntkctl);
void arch_vtimer_mask(void); /* set IMASK in CNTV_CTL */

/* Inter-processor interrupts: make the CPU leave its guest or WFI and run guest_prepare() again. */
void arch_kick_cpu(unsigned cpu);

/* Ask for a CPU to be powered on (PSCI CPU_ON by MPIDR); boot.c calls it for each CPU in the device
 * tree. 0 or -errno */
int arch_cpu_on(unsigned cpu, uint64_t mpidr);
_Noreturn void arch_reboot(void);   /* PSCI SYSTEM_RESET */
_Noreturn void arch_poweroff(void); /* PSCI SYSTEM_OFF */
_Noreturn void arch_halt(void);

/* EL2's own map. Device memory: Device-nGnRE, RW, XN; never undone for boot-time users. NULL when
 * the VA space is full. */
void *arch_map_device(paddr_t pa, uint64_t bytes);
/* Map all of RAM range [pa, pa+bytes) in the direct map (RW, XN; the image's own text/rodata stay
 * read-only). Boot only. */
void arch_map_ram(paddr_t pa, uint64_t bytes);
/*
 * A page of RAM outside the direct map; mm.h has what the core calls.  For a moment: on this CPU,
 * the last that was mapped is unmapped first, a few at a time.  For long: on all CPUs; NULL when
 * the room for it is full.
 */
void *arch_map_page(paddr_t pa);
void arch_unmap_page(const void *va);
void *arch_map_lasting(paddr_t pa);
void arch_unmap_lasting(const void *va);
/* VLPT: hook root pages of a domain's p2m into EL2's map at `slot`, both windows; and out again
 * with TLB upkeep. */
void arch_vlpt_attach(unsigned slot, paddr_t root);
void arch_vlpt_detach(unsigned slot);
/*
 * The root entry of ipa, empty until now, is `desc`, a table.  For windows that copy root entries:
 * a CPU that makes its window show the slot at the same time either finds the entry or is found
 * here.  The p2m's lock is held; nothing is in the table before it returns.
 */
void arch_vlpt_linked(unsigned slot, ipa_t ipa, uint64_t desc);
/* A level-3 (resp. level-2) table that was visible through the windows is going away. Call between
 * unlinking and freeing. */
void arch_vlpt_forget(unsigned slot, ipa_t ipa, unsigned level);

/* Stage-2 TLB upkeep, inner shareable, with the barriers before and after.
 * `vttbr` carries VMID and root of the domain; the running guest's own VTTBR is put back. */
void arch_tlb_flush_ipa(uint64_t vttbr, ipa_t ipa); /* one page or block, + EL1 combined entries */
void arch_tlb_flush_vmid(uint64_t vttbr);
void arch_tlb_flush_all_guests(void); /* ALLE1IS */
uint64_t arch_make_vttbr(paddr_t root, uint16_t vmid);
void arch_load_vttbr(uint64_t vttbr); /* of this CPU, now; ISB included */
void arch_unload_vttbr(void);         /* an empty map, under the VMID that was loaded */
unsigned arch_vmid_bits(void);        /* 8 or 16 */
uint64_t arch_vtcr(void);     /* as programmed; 40-bit IPA, 4 KiB, start level 1, two root pages */
bool arch_has_hw_dirty(void); /* FEAT_HAFDBS with dirty state */
unsigned arch_pa_bits(void);

/* Caches, to the point of coherency. */
void arch_dcache_clean(const void *va, size_t bytes);
void arch_dcache_clean_invalidate(const void *va, size_t bytes);
void arch_icache_invalidate_all(void);
/* Zero whole pages; with `clean`, to the point of coherency too.  arm64: DC ZVA where the CPU has
 * it. */
void arch_clear_pages(void *va, size_t pages, bool clean);

/* Stage 1 of the CURRENT vCPU: guest VA to IPA, for EL1 (or EL0) read or write. 0 or -EFAULT. */
int arch_gva_to_ipa(gva_t va, bool write, ipa_t *ipa);

/* vCPUs. */
int arch_vcpu_init(struct vcpu *v); /* after zeroing; MPIDR from v->id. 0 or -errno */
void arch_vcpu_destroy(struct vcpu *v);
/* Reset for power-on: PC, x0 (r0), EL1 with MMU off; AArch32 when `aarch32`. */
void arch_vcpu_reset(struct vcpu *v, uint64_t pc, uint64_t x0, bool aarch32);
void arch_vcpu_save(
    struct vcpu *v); /* EL1 system registers and FP of the vCPU loaded here -> memory */
void arch_vcpu_load(
    struct vcpu *v); /* memory -> this CPU, with HCR, VMPIDR, traps; not VTTBR, vGIC, timer */
void arch_inject_undef(struct vcpu *v); /* current vCPU */
void arch_inject_abort(struct vcpu *v, gva_t far, bool instruction);
uint64_t arch_reg_get(const struct vcpu *v,
                      unsigned n); /* xN, 31 reads zero; 32-bit guests zero-extended */
void arch_reg_set(struct vcpu *v, unsigned n, uint64_t value);
void arch_skip_instruction(struct vcpu *v); /* advance PC, IT state too */
/* Hypercalls: argument n (0..4) and the call's number (x16/r12); restart: execute the HVC again
 * with the same arguments. */
uint64_t arch_hypercall_arg(const struct vcpu *v, unsigned n);
void arch_hypercall_set_arg(struct vcpu *v, unsigned n, uint64_t value);
void arch_hypercall_return(struct vcpu *v, int64_t value);
void arch_hypercall_restart(struct vcpu *v);
bool arch_vcpu_in_user_mode(const struct vcpu *v);

/* The public vcpu_guest_context (domctl get/setvcpucontext, VCPUOP_initialise). `v` is not running.
 * 0 or -EINVAL */
struct vcpu_guest_context;
void arch_get_context(const struct vcpu *v, struct vcpu_guest_context *c);
int arch_set_context(struct vcpu *v, const struct vcpu_guest_context *c);
/* State records (records.h). set validates before it changes anything. */
struct xlr_vcpu;
struct xlr_fpsimd;
struct xlr_cpu_features;
void arch_get_record(const struct vcpu *v, struct xlr_vcpu *r, struct xlr_fpsimd *f);
int arch_set_record(struct vcpu *v, const struct xlr_vcpu *r, const struct xlr_fpsimd *f);
bool arch_el1_width_ok(bool aarch32); /* can EL1 of this machine be 32-bit; 64-bit? */
void arch_get_features(const struct domain *d, struct xlr_cpu_features *f);

void arch_backtrace(void); /* of the caller, symbolised, to the log */

/* ---- what the core gives to the architecture (called from entry code) ---- */
_Noreturn void core_boot(paddr_t fdt);       /* boot CPU, MMU on, image mapped; main.c */
_Noreturn void core_secondary(unsigned cpu); /* each further CPU, this_cpu() set; main.c */
/*
 * Enter the guest for ever: entry.S calls guest_prepare() before every ERET that follows an exit
 * that did more than trivial work; it handles pending work, schedules, loads vGIC and timer, and
 * returns with this_cpu()->current being the vCPU whose registers are to be loaded.  It waits in
 * WFI when none can run.
 */
void guest_prepare(void);              /* sched_switch.c */
_Noreturn void arch_enter_guest(void); /* core_boot's and core_secondary's last call: reset this
                                          CPU's stack, guest_prepare(), ERET */
/* Cheap test that entry.S may do in line: anything to do before returning to the same vCPU?
 * this_cpu()->work != 0 */

/* Trap classes that the architecture decodes and hands on, all with the current vCPU: */
void hypercall_dispatch(struct vcpu *v);      /* HVC with XEN_HYPERCALL_TAG; hypercall.c */
void vpsci_dispatch(struct vcpu *v);          /* HVC/SMC #0 (SMCCC, PSCI); vpsci.c */
void vcpu_wait_for_interrupt(struct vcpu *v); /* WFI; block.c */
void vcpu_yield(struct vcpu *v);              /* WFE; sched.c */
void host_irq(void); /* an interrupt of the machine is pending: ack and handle all; host_irq.c */

struct stage2_fault {
    ipa_t ipa; /* full address where HPFAR/FAR give it */
    gva_t va;
    uint32_t esr; /* ESR_EL2 as is (arm32: HSR, same layout) */
    bool write;   /* as the syndrome has it: has no meaning for a walk of stage 1 */
    bool instruction, permission, s1_walk;
    bool decoded; /* ISV, and not `permission`: the next four are valid */
    uint8_t reg, size_log2;
    bool sign_extend, reg64;
};
/* Resolves a write to a logged leaf, dispatches emulated MMIO, else injects an abort; counts the
 * exit by what it was.  p2m_fault.c */
void stage2_fault(struct vcpu *v, const struct stage2_fault *f);
/*
 * Emulated MMIO, and the exit counted, if the leaf, at level 3, says who it is: returns `v`; NULL:
 * nothing was done.  `iss`: of a data abort with ISV set (ESR_EL2 or HSR: one layout, Arm ARM
 * D17.2.37).  mmio.c
 */
struct vcpu *mmio_leaf_access(struct vcpu *v, uint32_t iss, ipa_t ipa);

#endif
