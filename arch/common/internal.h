/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared among the files of arch/ only.  arch/common has the code that both widths share;
 * arch/arm64 and arch/arm32 have what a width supplies: assembly, <asm/width/...>, "width/..."
 * (pieces that shared code calls, in line), and the functions declared below as the width's.
 */
#ifndef ARCH_INTERNAL_H
#define ARCH_INTERNAL_H

#include "types.h" /* before the public headers: they want <stdint.h> */
#include <xen/errno.h>
#include "arch.h"
#include "abi.h"
#include "cpu.h"
#include "domain_types.h"
#include "lib.h"
#include "log.h"
#include "panic.h"
#include "spinlock.h"
#include "a32.h"
#include "symbols.h"
#include "pt.h"
#include <asm/mm.h>
#include <asm/sysreg.h>
#include "width/own.h"

/* Leaf attributes of EL2's map. MAIR index 0, inner shareable; executable only where read-only
 * (SCTLR_EL2.WXN). */
#define EL2_PAGE_RW \
    (PTE_VALID | PTE_TABLE | PTE_AF | PTE_SH_INNER | PTE_EL2_AP1 | PTE_EL2_ATTR(0) | PTE_EL2_XN)
#define EL2_PAGE_RO  (EL2_PAGE_RW | PTE_EL2_RO)
#define EL2_PAGE_RX  (EL2_PAGE_RO & ~PTE_EL2_XN)
#define EL2_PAGE_DEV (PTE_VALID | PTE_TABLE | PTE_AF | PTE_EL2_AP1 | PTE_EL2_ATTR(1) | PTE_EL2_XN)

/* Barriers of another reach than those of <asm/cpu.h>, around TLB upkeep. */
#define BARRIER(instructions) __asm__ volatile(instructions : : : "memory")

/* head.S, the linker script */
#define BOOT_L3_TABLES 4u
extern char image_start[], text_end[], rodata_end[], data_end[], bss_end[], image_end[];
extern uint64_t boot_image_l3[512 * BOOT_L3_TABLES], boot_stacks_l3[512], boot_direct_l2[1024];
extern uint8_t cpu_stacks[MAX_CPUS * STACK_BYTES];
extern char secondary_entry[], vectors[];
void boot_map(uintptr_t pa); /* the width's */

/* cpu.c: called by head.S */
_Noreturn void arch_boot(uintptr_t fdt, uintptr_t pa);
_Noreturn void arch_secondary(unsigned cpu);
void cpu_last_init(void); /* each CPU, by arch_enter_guest */

/* mmu.c */
extern uint8_t emergency_stacks[MAX_CPUS][1 << EMERGENCY_SHIFT];
extern struct pt el2_pt;
extern spinlock_t mmu_lock; /* of what arch_map_device and arch_map_lasting give out */
void mmu_cpu_init(void);    /* each CPU: switch to the final tables */
void el2_map(uintptr_t va, uint64_t pa, uint64_t bytes, uint64_t attributes);
void el2_flush_everywhere(void);
void el2_flush_page(uintptr_t va);
bool mmu_in_stack(uintptr_t sp, uintptr_t *top); /* a CPU's stack, or its emergency stack */
void mmu_check_table_bits(void);
static inline uint64_t table_desc(const void *table)
{
    return va_to_pa(table).v | PTE_TABLE | PTE_VALID;
}
/* mmu.c of the width */
void mmu_init(void); /* boot CPU: the final tables, without the one-to-one map */
paddr_t mmu_root(unsigned cpu);
uint64_t *mmu_early_entries(void);             /* the level-2 entries of EARLY_VA */
void mmu_mapped(uintptr_t va, uint64_t bytes); /* el2_map's last step, before its barriers */

/* traps.c: called by entry.S */
void trap_sync(struct vcpu *v, uint32_t esr);
void trap_irq(struct vcpu *v);
void trap_serror(struct vcpu *v);
void el2_sync(struct el2_frame *f);
_Noreturn void el2_unexpected(struct el2_frame *f, unsigned kind);
_Noreturn void el2_stack_overflow(struct el2_frame *f);
void print_el2_frame(const struct el2_frame *f); /* the width's */
/* HPFAR_EL2 has the page's number from bit 4 up. */
static inline uint64_t fault_page(uint64_t hpfar) { return hpfar << 8 & PAGE_MASK; }
static inline void count_exit(struct vcpu *v, unsigned kind) { v->exits[kind]++; }

/* cp15.c: trapped coprocessor accesses of AArch32, all of EC 0x03..0x06, 0x08, 0x0c; and accesses
 * to ACTLR of any state.  cp15_trap handles PC. */
struct vreg_access;
void cp15_trap(struct vcpu *v, uint32_t esr);
bool actlr_access(struct vcpu *v, struct vreg_access *a);

/* idregs.c: an AArch32 ID register (opc1 0, CRn 0, CRm 1..3) as this domain's guests read it.  CRm
 * 3 has MVFR0, MVFR1 and so on, where AArch64 places them. */
uint32_t idreg_a32(const struct domain *d, unsigned crm, unsigned op2);

/* inject_a32.c */
void inject_a32_undef(struct vcpu *v);
void inject_a32_abort(struct vcpu *v, uint32_t far, bool instruction);

/* switch.c of the width: may `pstate` go into SPSR_EL2? */
bool switch_pstate_ok(const struct vcpu *v, uint64_t pstate);

/* context.c of the width: between a vCPU that is not loaded and the form that state records have.
 */
struct xlr_vcpu;
struct xlr_fpsimd;
struct xlr_cpu_features;
void registers_get(const struct vcpu *v, struct xlr_vcpu *r);
void registers_set(struct vcpu *v, struct xlr_vcpu *r);
void fpsimd_get(const struct vcpu *v, struct xlr_fpsimd *f);
void fpsimd_set(struct vcpu *v, const struct xlr_fpsimd *f);
bool record_fits(const struct xlr_vcpu *r); /* in this width's registers */
void features_get(const struct domain *d, struct xlr_cpu_features *f); /* of AArch64 */
bool has_a32_id_registers(void);
void record_a32_only(struct xlr_vcpu *r); /* context.c */

/* backtrace.c of the width */
void backtrace_from(uintptr_t fp, uintptr_t pc);

#endif
