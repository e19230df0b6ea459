/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vectors, and the way in and out of guests.  The stack is empty while a guest runs, so an exit
 * starts at its top.
 *
 * An exit saves r0-r12, LR_usr, ELR_hyp and SPSR_hyp.  Most of that is one instruction, so only one
 * exit is lighter: a write fault of the dirty log is resolved here, without C.  The banked
 * registers of the guest's modes stay in the CPU until another vCPU is loaded.
 */
#include <asm/mm.h>
#include <asm/sysreg.h>
#include "offsets.h"

#define RESERVE     2048                /* what the handlers in C need below a frame */
#define FRAME_SP    52                  /* struct el2_frame: sp, lr; elr, spsr; esr, far */
#define FRAME_LR    56
#define FRAME_ELR   60
#define FRAME_SPSR  64
#define FRAME_ESR   68
#define FRAME_FAR 72

    .arm

    .section .text.vectors, "ax"
    .macro vector_table, sync, irq
    .balign 32
    b       el2_reset
    b       el2_undefined
    b       el2_call
    b       el2_prefetch_abort
    b       data_abort                  /* Hyp mode's own, and asynchronous aborts of guests */
    b       \sync                       /* whatever else a guest does that comes here */
    b       \irq
    /* FIQs are routed like IRQs; we use no group 0: spurious at worst */
    b       \irq
    .endm

    .global vectors, vectors_icache, vectors_predictor
vectors:
    vector_table guest_sync, guest_irq
    .balign 32
vectors_icache:
    vector_table guest_sync_icache, guest_irq_icache
    .balign 32
vectors_predictor:
    vector_table guest_sync_predictor, guest_irq_predictor

    /* Clear the branch predictor, which the guest may have trained (cpu.c).  The value written does
     * not matter. */
guest_sync_icache:
    write_ic_iallu r0
    isb
    b       guest_sync
guest_irq_icache:
    write_ic_iallu r0
    isb
    b       guest_irq
guest_sync_predictor:
    write_bpiall r0
    isb
    b       guest_sync
guest_irq_predictor:
    write_bpiall r0
    isb
    b       guest_irq

    /* r0 and r1 are on the stack.  r0: the current vCPU.  Leaves r1. */
    .macro save_guest
    read_tpidr_el2 r0
    ldr     r0, [r0, #CPU_CURRENT]
    add     r0, r0, #8
    stm     r0, {r2-r12, lr}
    sub     r0, r0, #8
    pop     {r2, r3}
    strd    r2, r3, [r0]
    mrs     r2, elr_hyp
    mrs     r3, spsr
    strd    r2, r3, [r0, #VCPU_PC]      /* and CPSR after it */
    mov     r11, #0                     /* backtraces end here */
    .endm

    .macro go_to_guest
    eret
    /* speculation past the ERET must not use the guest's registers */
    dsb     nsh
    isb
    .endm

    /* Count in 64 bits, at an offset beyond LDRD's reach.  Changes r1, r4, r5. */
    .macro count64, base, offset
    movw    r1, #\offset
    ldrd    r4, r5, [\base, r1]
    adds    r4, r4, #1
    adc     r5, r5, #0
    strd    r4, r5, [\base, r1]
    .endm

    /* The commonest of the dirty log first.  r1 = ESR all the way to C. */
guest_sync:
    push    {r0, r1}
    read_esr_el2 r1
    lsr     r0, r1, #ESR_EC_SHIFT
    cmp     r0, #EC_DABT_LOW
    bne     guest_sync_any
    and     r0, r1, #0xff               /* S1PTW, WnR, DFSC */
    cmp     r0, #ESR_WRITE_FAULT_L3
    bne     guest_sync_any

    /*
     * A store to a read-only page, found by the last level of the walk: most likely the page of a
     * logged domain.  This code makes the leaf writable, as the hardware's dirty state would do,
     * then notes the region and drops this CPU's TLB entries for the page.  dirty.c explains this
     * order, and what may happen meanwhile.  dirty_fault() handles all other cases: a window that
     * shows another domain, a guest with short descriptors, an address beyond the window.
     */
    push    {r2-r9}
    read_far_el2 r2
    read_par_el1 r4, r5                  /* the guest may be about to read it, after an ATS1C */
    write_at_s1e1r r2
    isb
    read_par_el1 r6, r7
    write_par_el1 r4, r5
    tst     r6, #(1 << PAR_F_BIT)
    bne     write_fault_done            /* the guest's own map changed meanwhile: run it again */
    tst     r6, #(1 << PAR_LPAE_BIT)
    beq     write_fault_slow
    read_tpidr_el2 r9
    ldr     r5, [r9, #CPU_CURRENT]
    ldr     r8, [r9, #CPU_ID]
    str     r1, [r5, #VCPU_ESR]         /* an abort of our own below would replace these */
    mrs     r0, elr_hyp
    mrs     r1, spsr
    strd    r0, r1, [r5, #VCPU_PC]
    ldr     r0, [r5, #VCPU_DOMAIN]
    lsr     r3, r6, #12                 /* gfn: 28 bits */
    and     r7, r7, #0xff
    orr     r3, r3, r7, lsl #20
    lsrs    r4, r3, #(VLPT_IPA_BITS - 12)
    bne     write_fault_slow
    ldr     r4, [r0, #DOMAIN_SLOT]
    movw    r6, #:lower16:vlpt_shown
    movt    r6, #:upper16:vlpt_shown
    ldr     r6, [r6, r8, lsl #2]
    cmp     r4, r6
    bne     write_fault_slow
    mov     r1, #VLPT_LEAF_VA
    /* the leaf, in the VLPT; faults while a merge removes its table */
    add     r1, r1, r3, lsl #3
1:  ldrexd  r6, r7, [r1]
    tst     r7, #(1 << (PTE_SW_LOGGED_BIT - 32))
    beq     write_fault_slow
    tst     r6, #(1 << PTE_VALID_BIT)
    beq     write_fault_slow
    tst     r6, #(1 << PTE_S2_W_BIT)
    bne     write_fault_was_dirty
    orr     r6, r6, #(1 << PTE_S2_W_BIT)
2:  strexd  r4, r6, r7, [r1]
    cmp     r4, #0
    bne     1b
    dmb     ish                         /* the leaf first, the look at the region after it */
    ldr     r1, [r0, #DOMAIN_REGION]
    lsr     r4, r3, #14                 /* half a word of the bitmap: 32 regions of 512 pages */
    ubfx    r5, r3, #9, #5
    mov     r6, #1
    lsl     r6, r6, r5
    add     r1, r1, r4, lsl #2
    ldr     r4, [r1]
    tst     r4, r6
    beq     write_fault_note
write_fault_noted:
    count64 r0, DOMAIN_FAULTS           /* a statistic: may miss one when CPUs race */
    dsb     nshst
    bfc     r2, #0, #12
    write_tlbi_vaae1 r2               /* all ASIDs: the CPU may have kept the read-only entry */
write_fault_flushed:
    dsb     nsh                         /* no ISB: the ERET is one */
    ldr     r0, [r9, #CPU_CURRENT]
    count64 r0, VCPU_WRITE_FAULTS
write_fault_done:
    pop     {r2-r9}
    pop     {r0, r1}
    go_to_guest

    /*
     * Another CPU was first, or this CPU's TLB has separate entries of stage 2, by guest-physical
     * address.  Armv7-A can invalidate those only with the whole VMID, so it is done here, when the
     * store comes again.
     */
write_fault_was_dirty:
    clrex
    count64 r0, DOMAIN_SPURIOUS
    dsb     nshst
    write_tlbi_vmalle1 r2
    b       write_fault_flushed

    /* The first fault in its region since a harvest.  r1: word's address, r6: bit. */
write_fault_note:
3:  ldrex   r4, [r1]
    orr     r4, r4, r6
    strex   r5, r4, [r1]
    cmp     r5, #0
    bne     3b
    b       write_fault_noted

    /* The window has nothing there: put back the registers that our own abort has overwritten, and
     * take the long way. */
write_fault_in_window:
    ldr     r5, [r9, #CPU_CURRENT]
    ldrd    r0, r1, [r5, #VCPU_PC]
    msr     elr_hyp, r0
    msr     spsr_cxsf, r1
    ldr     r1, [r5, #VCPU_ESR]
    write_esr_el2 r1
    write_far_el2 r2
    .pushsection .ex_table, "a"
    .balign 4
    .word   1b - .
    .word   write_fault_in_window - .
    .word   2b - .
    .word   write_fault_in_window - .
    .popsection
write_fault_slow:
    clrex
    read_esr_el2 r1
    pop     {r2-r9}

guest_sync_any:                         /* r1: ESR */
    save_guest
    bl      trap_sync
    b       return_to_guest

guest_irq:
    push    {r0, r1}
    save_guest
    bl      trap_irq

return_to_guest:
    read_tpidr_el2 r1
    ldr     r2, [r1, #CPU_WORK]
    cmp     r2, #0
    bne     prepare
1:  ldr     r0, [r1, #CPU_CURRENT]
    ldrd    r2, r3, [r0, #VCPU_PC]
    msr     elr_hyp, r2
    msr     spsr_cxsf, r3
    ldm     r0, {r0-r12, lr}
    go_to_guest
prepare:
    /* may change the current vCPU; a later kick ends the guest at once */
    bl      guest_prepare
    read_tpidr_el2 r1
    b       1b

    .global arch_enter_guest
arch_enter_guest:
    bl      cpu_last_init
    read_tpidr_el2 r1
    ldr     r2, [r1, #CPU_ID]
    add     r2, r2, #1
    movw    r3, #:lower16:STACKS_VA
    movt    r3, #:upper16:STACKS_VA
    add     sp, r3, r2, lsl #(STACK_SHIFT + 1)
    mov     r11, #0
    b       prepare

    /*
     * struct el2_frame at SP.  The exception's cause may be the stack: a valid SP has bit
     * STACK_SHIFT set (in the guard below each stack it is clear).  A store that faults on the
     * guard may leave SP just above it: hence the reserve.
     */
    .macro save_el2
    sub     sp, sp, #(FRAME_BYTES + RESERVE)
    tst     sp, #(1 << STACK_SHIFT)
    beq     stack_overflow
    add     sp, sp, #RESERVE
    stm     sp, {r0-r12}
    add     r1, sp, #FRAME_BYTES
    str     r1, [sp, #FRAME_SP]
    save_el2_rest
    .endm

    .macro save_el2_rest
    str     lr, [sp, #FRAME_LR]
    mrs     r1, elr_hyp
    str     r1, [sp, #FRAME_ELR]
    mrs     r1, spsr
    str     r1, [sp, #FRAME_SPSR]
    read_esr_el2 r2
    str     r2, [sp, #FRAME_ESR]
    read_far_el2 r2
    str     r2, [sp, #FRAME_FAR]
    mov     r0, sp
    .endm

    .macro el2_fatal, kind
    save_el2
    mov     r1, #\kind
    bl      el2_unexpected
    .endm

el2_reset:
    el2_fatal 0
el2_undefined:
    el2_fatal 1
el2_call:
    el2_fatal 2
el2_prefetch_abort:
    el2_fatal 3

data_abort:
    save_el2
    and     r1, r1, #0x1f               /* SPSR: the mode that it came from */
    cmp     r1, #PSR_HYP
    bne     guest_serror
    /* returns with a new ELR if the exception table has the place */
    bl      el2_sync
    ldr     r0, [sp, #FRAME_ELR]
    ldr     r1, [sp, #FRAME_SPSR]
    msr     elr_hyp, r0
    msr     spsr_cxsf, r1
    ldr     lr, [sp, #FRAME_LR]
    ldm     sp, {r0-r12}
    add     sp, sp, #FRAME_BYTES
    eret
    dsb     nsh
    isb

guest_serror:
    ldm     sp, {r0-r12}
    add     sp, sp, #FRAME_BYTES
    push    {r0, r1}
    save_guest
    bl      trap_serror
    b       return_to_guest

/* sp = the bad SP (less frame and reserve).  The machine stops after this, so two registers of the
 * guest serve as scratch. */
stack_overflow:
    write_tpidr_el0 r0
    mov     r0, sp
    write_tpidrro_el0 r0
    read_tpidr_el2 r0
    ldr     r0, [r0, #CPU_ID]
    add     r0, r0, #1
    lsl     r0, r0, #EMERGENCY_SHIFT
    mov     sp, r0
    movw    r0, #:lower16:emergency_stacks
    movt    r0, #:upper16:emergency_stacks
    add     sp, sp, r0
    sub     sp, sp, #FRAME_BYTES
    read_tpidr_el0 r0
    stm     sp, {r0-r12}
    read_tpidrro_el0 r1
    add     r1, r1, #(FRAME_BYTES + RESERVE)
    str     r1, [sp, #FRAME_SP]
    save_el2_rest
    bl      el2_stack_overflow
