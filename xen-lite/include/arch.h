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

/* Sets this CPU's one-shot EL2 timer (CNTHP) to a deadline in counter() ticks; ~0 disarms it. */
void arch_timer_set(uint64_t deadline);

/* This CPU's CNTV registers, and CNTVOFF. */
void arch_vtimer_write(uint64_t cval, uint32_t ctl, uint64_t voff, uint32_t cntkctl);
void arch_vtimer_read(uint64_t *cval, uint32_t *ctl, uint32_t *cntkctl);
void arch_vtimer_mask(void); /* sets IMASK in CNTV_CTL */

/* Makes another CPU leave its guest or WFI and run guest_prepare() again. */
void arch_kick_cpu(unsigned cpu);

/*
 * Powers a CPU on (PSCI CPU_ON by MPIDR).  core_boot calls it for each CPU of the device tree.  0
 * or -XEN_E*.
 */
int arch_cpu_on(unsigned cpu, uint64_t mpidr);
_Noreturn void arch_reboot(void);   /* PSCI SYSTEM_RESET */
_Noreturn void arch_poweroff(void); /* PSCI SYSTEM_OFF */
_Noreturn void arch_halt(void);

/*
 * Maps device memory in EL2's own map: Device-nGnRE, read-write, not executable.  There is no
 * unmap.  NULL: no addresses left.
 */
void *arch_map_device(paddr_t pa, uint64_t bytes);
/*
 * Maps the RAM [pa, pa+bytes) in the direct map: read-write, not executable.  The image's text and
 * read-only data stay read-only.  At boot only.
 */
void arch_map_ram(paddr_t pa, uint64_t bytes);
/*
 * Map a page of RAM outside the direct map; the core calls them through the functions of mm.h.
 * arch_map_page: for a short use on this CPU, a few pages at a time, the last unmapped first.
 * arch_map_lasting: on all CPUs; NULL: no room.
 */
void *arch_map_page(paddr_t pa);
void arch_unmap_page(const void *va);
void *arch_map_lasting(paddr_t pa);
void arch_unmap_lasting(const void *va);
/*
 * Links the root pages of a p2m into EL2's map as both VLPT windows of `slot`, and unlinks them
 * with the TLB flush.
 */
void arch_vlpt_attach(unsigned slot, paddr_t root);
void arch_vlpt_detach(unsigned slot);
/*
 * Called when the empty root entry of ipa has become the table descriptor `desc`, for windows that
 * copy root entries.  If another CPU turns its window to the slot at the same time, it reads the
 * new entry, or this call updates its window.  The p2m's lock is held.  The table has no entries
 * before the call returns.
 */
void arch_vlpt_linked(unsigned slot, ipa_t ipa, uint64_t desc);
/*
 * Called for a level-3 or level-2 table that was visible through the windows, between unlinking and
 * freeing it.
 */
void arch_vlpt_forget(unsigned slot, ipa_t ipa, unsigned level);

/*
 * Stage-2 TLB flushes, inner shareable, with the barriers before and after.  `vttbr` has the VMID
 * and root of the domain.  The running guest's VTTBR is restored.
 */
/* One page or block, and combined EL1 entries. */
void arch_tlb_flush_ipa(uint64_t vttbr, ipa_t ipa);
void arch_tlb_flush_vmid(uint64_t vttbr);
void arch_tlb_flush_all_guests(void); /* all VMIDs (ALLE1IS) */
uint64_t arch_make_vttbr(paddr_t root, uint16_t vmid);
void arch_load_vttbr(uint64_t vttbr); /* on this CPU, with the ISB */
void arch_unload_vttbr(void);         /* loads an empty map with the VMID that was loaded */
unsigned arch_vmid_bits(void);        /* 8 or 16 */
/* The value of VTCR: 40-bit IPA, 4 KiB pages, start level 1, two root pages. */
uint64_t arch_vtcr(void);
bool arch_has_hw_dirty(void); /* FEAT_HAFDBS with dirty state */
unsigned arch_pa_bits(void);

/* Cache maintenance by virtual address, to the point of coherency. */
void arch_dcache_clean(const void *va, size_t bytes);
void arch_dcache_clean_invalidate(const void *va, size_t bytes);
void arch_icache_invalidate_all(void);
/*
 * Zeroes whole pages.  With `clean`, also cleans them to the point of coherency. arm64 uses DC ZVA
 * if the CPU has it.
 */
void arch_clear_pages(void *va, size_t pages, bool clean);

/*
 * Stage 1 of the CURRENT vCPU: translates a guest-virtual address for a read or write.  0;
 * -XEN_EFAULT: not mapped, or no permission.  No p2m lock is held.
 */
int arch_gva_to_ipa(gva_t va, bool write, ipa_t *ipa);

/* vCPUs. */
int arch_vcpu_init(struct vcpu *v); /* after zeroing; sets MPIDR from v->id; 0 or -XEN_E* */
void arch_vcpu_destroy(struct vcpu *v);
/* State after power-on: PC, x0 (r0), EL1 with the MMU off; AArch32 if `aarch32`. */
void arch_vcpu_reset(struct vcpu *v, uint64_t pc, uint64_t x0, bool aarch32);
/* Saves the EL1 system registers and FP registers of the vCPU loaded on this CPU. */
void arch_vcpu_save(struct vcpu *v);
/*
 * Loads v's EL1 system registers and FP registers, HCR, VMPIDR and traps; not VTTBR, vGIC, timer.
 */
void arch_vcpu_load(struct vcpu *v);
void arch_inject_undef(struct vcpu *v); /* into the current vCPU */
void arch_inject_abort(struct vcpu *v, gva_t far, bool instruction);
/* Register xN; 31 reads as zero.  Registers of 32-bit guests are zero-extended. */
uint64_t arch_reg_get(const struct vcpu *v, unsigned n);
void arch_reg_set(struct vcpu *v, unsigned n, uint64_t value);
void arch_skip_instruction(struct vcpu *v); /* advances the PC and the IT state */
/*
 * Hypercalls: arguments 0 to 4, and 5 for the call number (x16, r12).  arch_hypercall_restart makes
 * the guest execute the HVC again with the same arguments.
 */
uint64_t arch_hypercall_arg(const struct vcpu *v, unsigned n);
void arch_hypercall_set_arg(struct vcpu *v, unsigned n, uint64_t value);
void arch_hypercall_return(struct vcpu *v, int64_t value);
void arch_hypercall_restart(struct vcpu *v);
bool arch_vcpu_in_user_mode(const struct vcpu *v);

/*
 * Conversion from and to the public vcpu_guest_context (domctl get/setvcpucontext,
 * VCPUOP_initialise). v does not run.  0 or -XEN_EINVAL.
 */
struct vcpu_guest_context;
void arch_get_context(const struct vcpu *v, struct vcpu_guest_context *c);
int arch_set_context(struct vcpu *v, const struct vcpu_guest_context *c);
/* State records (records.h).  arch_set_record validates before it changes v.  0 or -XEN_E*. */
struct xlr_vcpu;
struct xlr_fpsimd;
struct xlr_cpu_features;
void arch_get_record(const struct vcpu *v, struct xlr_vcpu *r, struct xlr_fpsimd *f);
int arch_set_record(struct vcpu *v, const struct xlr_vcpu *r, const struct xlr_fpsimd *f);
/* True if EL1 of this machine can have this width. */
bool arch_el1_width_ok(bool aarch32);
void arch_get_features(const struct domain *d, struct xlr_cpu_features *f);

void arch_backtrace(void); /* logs the caller's call stack, with symbols */

/* ---- functions of the core that the architecture's entry code calls ---- */
_Noreturn void core_boot(paddr_t fdt);       /* boot CPU, MMU on, image mapped; main.c */
_Noreturn void core_secondary(unsigned cpu); /* other CPUs, this_cpu() is set; main.c */
/*
 * Prepares the entry to a guest. entry.S calls it before the ERET that ends an exit, unless the
 * exit was trivial.  It does pending work, chooses a vCPU, and loads vGIC and timer.  On return,
 * this_cpu()->current is the vCPU whose registers are to be loaded.  If no vCPU can run, it waits
 * in WFI.
 */
void guest_prepare(void); /* sched_switch.c */
/*
 * The last call of core_boot and core_secondary: resets this CPU's stack, calls guest_prepare() and
 * enters the guest.
 */
_Noreturn void arch_enter_guest(void);
/*
 * entry.S may check this_cpu()->work != 0 by itself: is there work before the return to the same
 * vCPU?
 */

/* Classes of traps that the architecture decodes.  All act on the current vCPU. */
void hypercall_dispatch(struct vcpu *v);      /* HVC with XEN_HYPERCALL_TAG; hypercall.c */
void vpsci_dispatch(struct vcpu *v);          /* HVC/SMC #0 (SMCCC, PSCI); vpsci.c */
void vcpu_wait_for_interrupt(struct vcpu *v); /* WFI; block.c */
void vcpu_yield(struct vcpu *v);              /* WFE; sched.c */
/* A physical interrupt is pending: acknowledges and handles all.  host_irq.c. */
void host_irq(void);

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
/*
 * Handles a stage-2 fault: a write to a logged leaf, emulated MMIO, or otherwise an abort for the
 * guest.  Counts the exit by its kind.  p2m_fault.c
 */
void stage2_fault(struct vcpu *v, const struct stage2_fault *f);
/*
 * Emulates an MMIO access and counts the exit, if the level-3 leaf has a cached handler, and
 * returns `v`.  NULL: nothing was done.  `iss`: of a data abort with ISV set (ESR_EL2 and HSR have
 * one layout, Arm ARM D17.2.37). mmio.c
 */
struct vcpu *mmio_leaf_access(struct vcpu *v, uint32_t iss, ipa_t ipa);

#endif
