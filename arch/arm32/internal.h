/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared among the files of this folder only. */
#ifndef ARM32_INTERNAL_H
#define ARM32_INTERNAL_H

#include "types.h" /* before the public headers: they want <stdint.h> */
#include <xen/errno.h>
#include "arch.h"
#include "abi.h"
#include "cpu.h"
#include "domain_types.h"
#include "lib.h"
#include "log.h"
#include "panic.h"
#include "a32.h"
#include "symbols.h"
#include <asm/mm.h>
#include <asm/sysreg.h>

/* Leaf attributes of EL2's map. MAIR index 0, inner shareable; executable only where read-only
 * (HSCTLR.WXN). */
#define EL2_PAGE_RW \
    (PTE_VALID | PTE_TABLE | PTE_AF | PTE_SH_INNER | PTE_EL2_AP1 | PTE_EL2_ATTR(0) | PTE_EL2_XN)
#define EL2_PAGE_RO  (EL2_PAGE_RW | PTE_EL2_RO)
#define EL2_PAGE_RX  (EL2_PAGE_RO & ~PTE_EL2_XN)
#define EL2_PAGE_DEV (PTE_VALID | PTE_TABLE | PTE_AF | PTE_EL2_AP1 | PTE_EL2_ATTR(1) | PTE_EL2_XN)

/* Barriers of another reach than <asm/cpu.h>'s, around TLB upkeep. */
#define BARRIER(instructions) __asm__ volatile(instructions : : : "memory")

/* head.S, the linker script */
#define BOOT_L3_TABLES 4u
extern char image_start[], text_end[], rodata_end[], data_end[], bss_end[], image_end[];
extern uint64_t boot_l1[4], boot_l2[512], boot_image_l3[512 * BOOT_L3_TABLES], boot_stacks_l3[512];
extern uint64_t boot_direct_l2[1024], boot_direct_l3[512 * (BOOT_L3_TABLES + 1)], boot_cpu_l1[4];
extern uint8_t cpu_stacks[MAX_CPUS * STACK_BYTES];
extern char secondary_entry[], vectors[], vectors_icache[], vectors_predictor[];
void boot_map(uint32_t pa);

/* cpu.c: called by head.S */
_Noreturn void arm32_boot(uint32_t fdt, uint32_t pa);
_Noreturn void arm32_secondary(unsigned cpu);

/* mmu.c */
void mmu_init(void);     /* boot CPU: the final tables, without the one-to-one map */
void mmu_cpu_init(void); /* each CPU: switch to its own */
bool mmu_in_stack(uint32_t sp, uint32_t *top); /* a CPU's stack, or its emergency stack */

/* cpu.c */
void cpu_traps_init(void); /* each CPU: the EL2 controls that never change */
void cpu_last_init(void);  /* each CPU, by arch_enter_guest */

/* entry.S frame of an exception from Hyp mode itself */
struct el2_frame {
    uint32_t r[13], sp, lr, elr, spsr, hsr, hdfar, pad;
};
extern uint8_t emergency_stacks[MAX_CPUS][1 << EMERGENCY_SHIFT];

/* traps.c: called by entry.S */
void trap_sync(struct vcpu *v, uint32_t hsr);
void trap_irq(struct vcpu *v);
void trap_serror(struct vcpu *v);
void el2_sync(struct el2_frame *f);
_Noreturn void el2_unexpected(struct el2_frame *f, unsigned kind);
_Noreturn void el2_stack_overflow(struct el2_frame *f);
_Noreturn void __aeabi_ldiv0(void);
_Noreturn void __aeabi_idiv0(void);

/* sysreg.c: traps of coprocessor registers: all of EC 0x03..0x06, 0x08, 0x0c.  It handles PC. */
void cp15_trap(struct vcpu *v, uint32_t hsr);

/* idregs.c: an ID register (opc1 0, CRn 0, CRm 1..7) as this domain's guests read it */
uint32_t idreg_read(const struct domain *d, unsigned crm, unsigned opc2);

/* switch.c */
bool switch_cpsr_ok(uint64_t cpsr);
/* In memory: the register that the architecture maps to X0 to X30 (DDI 0487, D1.20.1); NULL for
 * X15, SP_hyp. */
uint32_t *switch_x_slot(struct arch_vcpu *a, unsigned x);

/* backtrace.c */
void backtrace_from(uint32_t fp, uint32_t pc);

#endif
