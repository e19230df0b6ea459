/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared among the files of this folder only. */
#ifndef ARM64_INTERNAL_H
#define ARM64_INTERNAL_H

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
 * (SCTLR_EL2.WXN). */
#define EL2_PAGE_RW \
    (PTE_VALID | PTE_TABLE | PTE_AF | PTE_SH_INNER | PTE_EL2_AP1 | PTE_EL2_ATTR(0) | PTE_EL2_XN)
#define EL2_PAGE_RO  (EL2_PAGE_RW | PTE_EL2_RO)
#define EL2_PAGE_RX  (EL2_PAGE_RO & ~PTE_EL2_XN)
#define EL2_PAGE_DEV (PTE_VALID | PTE_TABLE | PTE_AF | PTE_EL2_AP1 | PTE_EL2_ATTR(1) | PTE_EL2_XN)

#define EL2_TABLE_XN (1ull << 60) /* in a table descriptor: nothing below executes */

/* head.S, the linker script */
#define BOOT_L3_TABLES 4u
extern char image_start[], text_end[], rodata_end[], data_end[], bss_end[], image_end[];
extern uint64_t boot_tables_start[], boot_tables_end[], boot_l0[512], boot_id_l1[512],
    image_l1[512];
extern uint64_t boot_image_l2[512], boot_image_l3[512 * BOOT_L3_TABLES], boot_stacks_l2[512],
    boot_stacks_l3[512];
extern uint64_t boot_direct_l1[512], boot_direct_l2[1024], el2_l0[512];
extern uint8_t cpu_stacks[MAX_CPUS * STACK_BYTES];
extern char secondary_entry[], vectors[], vectors_hardened[];
extern uint32_t predictor_call;
void boot_map(uint64_t pa);

/* boot.c: called by head.S */
_Noreturn void arm64_boot(uint64_t fdt, uint64_t pa);
_Noreturn void arm64_secondary(unsigned cpu);

/* mmu.c */
void mmu_init(void);     /* boot CPU: the final tables, without the one-to-one map */
void mmu_cpu_init(void); /* each CPU: switch to them */
bool mmu_in_stack(uint64_t sp, uint64_t *top); /* a CPU's stack, or its emergency stack */

/* cpu.c */
struct cpu_caps {
    unsigned pa_range; /* ID_AA64MMFR0.PARange, at most 5 */
    bool vmid16, hw_dirty, pauth, el0_aarch32, el1_aarch32, pan, gicv3;
};
extern struct cpu_caps cpu_caps;
void cpu_caps_init(void);
void cpu_traps_init(void); /* each CPU: the EL2 controls that never change */
void cpu_last_init(void);  /* each CPU, by arch_enter_guest */

/* entry.S frame of an exception from EL2 itself */
struct el2_frame {
    uint64_t x[31], sp, elr, spsr, esr, far;
};
extern uint8_t emergency_stacks[MAX_CPUS][1 << EMERGENCY_SHIFT];

/* traps.c: called by entry.S */
void trap_sync(struct vcpu *v, uint32_t esr);
void trap_sync_a32(struct vcpu *v, uint32_t esr);
bool trap_irq_a32(struct vcpu *v); /* true: back to the guest, whatever work there is */
struct vcpu *trap_emulated(struct vcpu *v, uint32_t esr);
void trap_irq(struct vcpu *v);
void trap_serror(struct vcpu *v);
void el2_sync(struct el2_frame *f);
_Noreturn void el2_unexpected(struct el2_frame *f, unsigned kind);
_Noreturn void el2_stack_overflow(struct el2_frame *f);

/* sysreg.c: traps of system registers. iss: of ESR_EL2. They handle PC. */
void sysreg_trap(struct vcpu *v, uint32_t iss);
void cp15_trap(struct vcpu *v, uint32_t esr); /* all of EC 0x03..0x06, 0x08, 0x0c */

/* idregs.c: an AArch64 ID register (Op0 3, Op1 0, CRn 0, CRm 1..7) as this domain's guests read it
 */
uint64_t idreg_read(const struct domain *d, unsigned crm, unsigned op2);

/* switch.c */
void switch_set_mdscr(struct vcpu *v, uint64_t value);
bool switch_pstate_ok(const struct vcpu *v, uint64_t pstate);

/* backtrace.c */
void backtrace_from(uint64_t fp, uint64_t pc);

#endif
