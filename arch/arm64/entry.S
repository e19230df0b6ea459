/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vectors, and the way in and out of guests.  The stack is empty while a guest runs, so an exit
 * starts at its top.
 *
 * An exit saves no more than it must:
 *   a write fault of the dirty log       six registers: it is resolved here, without C
 *   HVC, and emulated MMIO by the leaf   what C may clobber (x0-x18, x29, x30); the rest only if
 *                                        another vCPU may get the CPU
 *   all else; AArch32's                  everything
 */
#include <asm/mm.h>
#include <asm/sysreg.h>
#include "offsets.h"

#define RESERVE     3072                /* what the handlers in C need below it */

    .macro ventry, target
    .balign 128
    b       \target
    .endm

    /*
     * x0 and x1 go to the stack.  `hardened`: firmware first clears the branch predictor, which the
     * guest may have trained (SMCCC_ARCH_WORKAROUND_1 or _3; the call changes x0-x3 only).
     */
    .macro ventry_guest, target, hardened
    .balign 128
    stp     x0, x1, [sp, #-16]!
    .if \hardened
    stp     x2, x3, [sp, #-16]!
    adrp    x0, predictor_call
    ldr     w0, [x0, #:lo12:predictor_call]
    smc     #0
    ldp     x2, x3, [sp], #16
    .endif
    b       \target
    .endm

    /*
     * An exception of EL2's own.  Its cause may be the stack: a valid SP has bit STACK_SHIFT set
     * (in the guard below each stack it is clear).  No register is free yet, so SP and x0 change
     * places by adding.  A store that faults on the guard may leave SP just above it: hence the
     * reserve.
     */
    .macro ventry_el2, target
    .balign 128
    sub     sp, sp, #(FRAME_BYTES + RESERVE)
    add     sp, sp, x0
    sub     x0, sp, x0
    tbz     x0, #STACK_SHIFT, stack_overflow
    sub     x0, sp, x0
    sub     sp, sp, x0
    add     sp, sp, #RESERVE
    b       \target
    .endm

    .section .text.vectors, "ax"
    .balign 2048
    .macro vector_table, hardened
    ventry_el2 el2t_any                 /* current EL with SP_EL0: never in use */
    ventry_el2 el2t_any
    ventry_el2 el2t_any
    ventry_el2 el2t_any
    ventry_el2 el2h_sync                /* current EL */
    ventry_el2 el2h_irq
    ventry_el2 el2h_fiq
    ventry_el2 el2h_serror
    ventry_guest guest_sync, \hardened  /* lower EL, 64-bit */
    ventry_guest guest_irq, \hardened
    /* FIQs are routed like IRQs; we use no group 0: spurious at worst */
    ventry_guest guest_irq, \hardened
    ventry_guest guest_serror, \hardened
    ventry_guest guest_sync_a32, \hardened      /* lower EL, 32-bit */
    ventry_guest guest_irq_a32, \hardened
    ventry_guest guest_irq_a32, \hardened
    ventry_guest guest_serror, \hardened
    .balign 128
    .endm

    .global vectors, vectors_hardened
vectors:
    vector_table 0
    .balign 2048
vectors_hardened:
    vector_table 1

    .section .text.vectors, "ax"        /* near the vectors: TBZ reaches 32 KiB */
    /* What C may clobber, and x29, into the current vCPU: x0 = it.  Leaves x1. */
    .macro save_guest_scratch
    mrs     x0, tpidr_el2
    ldr     x0, [x0, #CPU_CURRENT]
    stp     x2, x3, [x0, #16]
    stp     x4, x5, [x0, #32]
    ldp     x2, x3, [sp], #16
    stp     x6, x7, [x0, #48]
    stp     x8, x9, [x0, #64]
    stp     x10, x11, [x0, #80]
    stp     x12, x13, [x0, #96]
    stp     x14, x15, [x0, #112]
    stp     x16, x17, [x0, #128]
    str     x18, [x0, #144]
    stp     x29, x30, [x0, #232]
    stp     x2, x3, [x0]
    mrs     x4, elr_el2
    mrs     x5, spsr_el2
    stp     x4, x5, [x0, #VCPU_PC]      /* and PSTATE after it */
    mov     x29, xzr                    /* backtraces end here */
    .endm

    .macro guest_rest, op               /* stp or ldp: what C keeps */
    \op     x19, x20, [x0, #152]
    \op     x21, x22, [x0, #168]
    \op     x23, x24, [x0, #184]
    \op     x25, x26, [x0, #200]
    \op     x27, x28, [x0, #216]
    .endm

    .macro load_guest_scratch_and_go
    ldp     x2, x3, [x0, #VCPU_PC]
    ldp     x4, x5, [x0, #32]
    ldp     x6, x7, [x0, #48]
    msr     elr_el2, x2
    msr     spsr_el2, x3
    ldp     x8, x9, [x0, #64]
    ldp     x10, x11, [x0, #80]
    ldp     x12, x13, [x0, #96]
    ldp     x14, x15, [x0, #112]
    ldp     x16, x17, [x0, #128]
    ldr     x18, [x0, #144]
    ldp     x29, x30, [x0, #232]
    ldp     x2, x3, [x0, #16]
    ldp     x0, x1, [x0]
    go_to_guest
    .endm

    .macro go_to_guest
    eret
    /* speculation past the ERET must not use the guest's registers */
    dsb     nsh
    isb
    .endm

    /* The commonest first.  x0, x1: scratch; x1 = ESR all the way to C. */
guest_sync:
    mrs     x1, esr_el2
    lsr     w0, w1, #ESR_EC_SHIFT
    cmp     w0, #EC_DABT_LOW
    b.ne    guest_sync_no_abort
    and     w0, w1, #0xff               /* S1PTW, WnR, DFSC */
    cmp     w0, #ESR_WRITE_FAULT_L3
    b.ne    guest_abort_other

write_fault:
    /*
     * A store to a read-only page, found by the last level of the walk: most likely the page of a
     * logged domain.  This code makes the leaf writable, as the hardware's dirty state would do,
     * then notes the region and drops this CPU's TLB entries for the page.  dirty.c explains this
     * order, and what may happen meanwhile.  dirty_fault() handles all other cases.
     */
    stp     x2, x3, [sp, #-32]!
    stp     x4, x5, [sp, #16]
    mrs     x2, far_el2
    mrs     x3, par_el1                 /* the guest may be about to read it, after an AT */
    at      s1e1r, x2
    isb
    mrs     x4, par_el1
    msr     par_el1, x3
    tbnz    w4, #PAR_F_BIT, write_fault_done    /* the guest's map changed: run it again */
    mrs     x5, tpidr_el2
    ldr     x5, [x5, #CPU_CURRENT]
    mrs     x0, elr_el2                 /* an abort of our own below would replace these */
    mrs     x3, spsr_el2
    stp     x0, x3, [x5, #VCPU_PC]
    str     w1, [x5, #VCPU_ESR]
    ldr     x0, [x5, #VCPU_DOMAIN]
    ubfx    x3, x4, #12, #36            /* gfn */
    ldr     x1, [x0, #DOMAIN_WINDOW]
    lsr     x4, x3, #(IPA_BITS - 12)
    cbnz    x4, write_fault_slow
    cbz     x1, write_fault_slow
    /* the leaf, in the VLPT; faults while a merge removes its table */
    add     x1, x1, x3, lsl #3
1:  ldxr    x4, [x1]
    tbz     x4, #PTE_SW_LOGGED_BIT, write_fault_slow
    tbz     x4, #PTE_VALID_BIT, write_fault_slow
    tbnz    x4, #PTE_S2_W_BIT, write_fault_was_dirty
    orr     x4, x4, #(1 << PTE_S2_W_BIT)
2:  stxr    w5, x4, [x1]
    cbnz    w5, 1b
    dmb     ish                         /* the leaf first, the look at the region after it */
    ldr     x1, [x0, #DOMAIN_REGION]
    lsr     x4, x3, #15                 /* word of 64 regions of 512 pages */
    lsr     x5, x3, #9
    add     x1, x1, x4, lsl #3
    ldr     x4, [x1]
    lsr     x4, x4, x5
    tbz     w4, #0, write_fault_note
write_fault_noted:
    ldr     x1, [x0, #DOMAIN_FAULTS]    /* a statistic: may miss one when CPUs race */
    add     x1, x1, #1
    str     x1, [x0, #DOMAIN_FAULTS]
    /* x2: address, x3: gfn.  The CPU took the fault by a read-only entry, and may have kept it. */
write_fault_flush:
    dsb     nshst
    tlbi    ipas2e1, x3
    ubfx    x2, x2, #12, #44            /* all ASIDs */
    dsb     nsh
    mrs     x5, tpidr_el2
    tlbi    vaae1, x2
    ldr     x5, [x5, #CPU_CURRENT]
    dsb     nsh                         /* no ISB: the ERET is one */
    ldr     x1, [x5, #VCPU_WRITE_FAULTS]
    add     x1, x1, #1
    str     x1, [x5, #VCPU_WRITE_FAULTS]
write_fault_done:
    ldp     x4, x5, [sp, #16]
    ldp     x2, x3, [sp], #32
    ldp     x0, x1, [sp], #16
    go_to_guest

write_fault_was_dirty:
    clrex
    ldr     x1, [x0, #DOMAIN_SPURIOUS]
    add     x1, x1, #1
    str     x1, [x0, #DOMAIN_SPURIOUS]
    b       write_fault_flush

    /* The first fault in its region since a harvest.  x1: word, x5: the bit's number, modulo 64. */
write_fault_note:
    mov     x4, #1
    lsl     x4, x4, x5
3:  ldxr    x5, [x1]
    orr     x5, x5, x4
    stxr    w0, x5, [x1]
    cbnz    w0, 3b
    mrs     x0, tpidr_el2
    ldr     x0, [x0, #CPU_CURRENT]
    ldr     x0, [x0, #VCPU_DOMAIN]
    b       write_fault_noted

    /* The window has nothing there: put back the registers that our own abort has overwritten, and
     * take the long way. */
write_fault_in_window:
    mrs     x5, tpidr_el2
    ldr     x5, [x5, #CPU_CURRENT]
    ldp     x0, x3, [x5, #VCPU_PC]
    ldr     w1, [x5, #VCPU_ESR]
    msr     elr_el2, x0
    msr     spsr_el2, x3
    msr     esr_el2, x1
    msr     far_el2, x2
    .pushsection .ex_table, "a"
    .balign 4
    .word   1b - .
    .word   write_fault_in_window - .
    .word   2b - .
    .word   write_fault_in_window - .
    .popsection
write_fault_slow:
    clrex
    mrs     x1, spsr_el2
    ldp     x4, x5, [sp, #16]
    ldp     x2, x3, [sp], #32
    tbnz    x1, #PSTATE_A32_BIT, guest_sync_any_a32
    mrs     x1, esr_el2

guest_sync_any:                         /* x1: ESR */
    save_guest_scratch
    guest_rest stp
    bl      trap_sync
    b       return_to_guest

    /* This abort may be an access to an emulated page, if it is a translation fault of an access
     * that the syndrome describes. */
guest_abort_other:
    and     w0, w0, #~0x40              /* WnR */
    cmp     w0, #ESR_TRANSLATION_L3
    b.ne    guest_sync_any
    tbz     w1, #24, guest_sync_any     /* ISV */
    ubfx    w0, w1, #16, #5             /* SRT: C keeps x19-x28, which are not saved yet */
    cmp     w0, #19
    b.lo    1f
    cmp     w0, #31
    b.ne    guest_sync_any
1:  save_guest_scratch
    bl      trap_emulated               /* returns its vCPU */
    mrs     x1, tpidr_el2
    cbnz    x0, return_light
    ldr     x0, [x1, #CPU_CURRENT]
    guest_rest stp
    mrs     x1, esr_el2
    bl      trap_sync
    b       return_to_guest

guest_sync_no_abort:
    cmp     w0, #EC_HVC64
    b.ne    guest_sync_any
    save_guest_scratch
    bl      trap_sync
    mrs     x1, tpidr_el2
    ldr     x0, [x1, #CPU_CURRENT]
return_light:                           /* x0: the current vCPU, x1: the CPU */
    ldr     w2, [x1, #CPU_WORK]
    cbnz    w2, 1f
    load_guest_scratch_and_go
1:  guest_rest stp                      /* what C has kept all the while */
    b       prepare

    /* From AArch32 a write fault is the same; all other exits are rare enough for the long way.
     * Banked registers are in x16-x30. */
guest_sync_a32:
    mrs     x1, esr_el2
    lsr     w0, w1, #ESR_EC_SHIFT
    cmp     w0, #EC_DABT_LOW
    b.ne    guest_sync_any_a32
    and     w0, w1, #0xff               /* S1PTW, WnR, DFSC */
    cmp     w0, #ESR_WRITE_FAULT_L3
    b.eq    write_fault
guest_sync_any_a32:
    mrs     x1, esr_el2
    save_guest_scratch
    guest_rest stp
    bl      trap_sync_a32
    b       return_to_guest
guest_irq_a32:
    save_guest_scratch
    guest_rest stp
    bl      trap_irq_a32                /* may put work off */
    tbz     w0, #0, return_to_guest
    mrs     x1, tpidr_el2
    b       go_on

guest_irq:
    save_guest_scratch
    guest_rest stp
    bl      trap_irq
    b       return_to_guest
guest_serror:
    save_guest_scratch
    guest_rest stp
    bl      trap_serror
    /* fall through */

return_to_guest:
    mrs     x1, tpidr_el2
    ldr     w2, [x1, #CPU_WORK]
    cbnz    w2, prepare
go_on:
    ldr     x0, [x1, #CPU_CURRENT]
    guest_rest ldp
    load_guest_scratch_and_go
prepare:
    /* may change the current vCPU; a later kick ends the guest at once */
    bl      guest_prepare
    mrs     x1, tpidr_el2
    b       go_on

    .global arch_enter_guest
arch_enter_guest:
    bl      cpu_last_init
    mrs     x1, tpidr_el2
    ldr     w2, [x1, #CPU_ID]
    add     x2, x2, #1
    movz    x3, #(STACKS_VA >> 32) & 0xffff, lsl #32
    movk    x3, #(STACKS_VA >> 16) & 0xffff, lsl #16
    add     x3, x3, x2, lsl #(STACK_SHIFT + 1)
    mov     sp, x3
    mov     x29, xzr
    b       prepare

    /* struct el2_frame at SP */
    .macro save_el2
    stp     x0, x1, [sp]
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x19, [sp, #144]
    stp     x20, x21, [sp, #160]
    stp     x22, x23, [sp, #176]
    stp     x24, x25, [sp, #192]
    stp     x26, x27, [sp, #208]
    stp     x28, x29, [sp, #224]
    add     x1, sp, #FRAME_BYTES
    stp     x30, x1, [sp, #240]
    mrs     x1, elr_el2
    mrs     x2, spsr_el2
    stp     x1, x2, [sp, #256]
    mrs     x1, esr_el2
    mrs     x2, far_el2
    stp     x1, x2, [sp, #272]
    mov     x0, sp
    .endm

    .macro el2_fatal, kind
    save_el2
    mov     w1, #\kind
    bl      el2_unexpected
    .endm

el2t_any:
    el2_fatal 0
el2h_irq:
    el2_fatal 1
el2h_fiq:
    el2_fatal 2
el2h_serror:
    el2_fatal 3

el2h_sync:
    save_el2
    /* returns with a new ELR if the exception table has the place */
    bl      el2_sync
    ldp     x0, x1, [sp, #256]
    msr     elr_el2, x0
    msr     spsr_el2, x1
    ldp     x2, x3, [sp, #16]
    ldp     x4, x5, [sp, #32]
    ldp     x6, x7, [sp, #48]
    ldp     x8, x9, [sp, #64]
    ldp     x10, x11, [sp, #80]
    ldp     x12, x13, [sp, #96]
    ldp     x14, x15, [sp, #112]
    ldp     x16, x17, [sp, #128]
    ldp     x18, x19, [sp, #144]
    ldp     x20, x21, [sp, #160]
    ldp     x22, x23, [sp, #176]
    ldp     x24, x25, [sp, #192]
    ldp     x26, x27, [sp, #208]
    ldp     x28, x29, [sp, #224]
    ldr     x30, [sp, #240]
    ldp     x0, x1, [sp]
    add     sp, sp, #FRAME_BYTES
    eret
    dsb     nsh
    isb

/*
 * x0 = the bad SP (less frame and reserve), sp = that + the interrupted x0.  The machine stops
 * after this, so two registers of the guest serve as scratch.
 */
stack_overflow:
    msr     tpidr_el0, x0
    sub     x0, sp, x0
    msr     tpidrro_el0, x0
    mrs     x0, tpidr_el2
    ldr     w0, [x0, #CPU_ID]
    add     x0, x0, #1
    lsl     x0, x0, #EMERGENCY_SHIFT
    mov     sp, x0
    adrp    x0, emergency_stacks
    add     x0, x0, :lo12:emergency_stacks
    add     sp, sp, x0
    sub     sp, sp, #FRAME_BYTES
    mrs     x0, tpidrro_el0
    save_el2
    mrs     x1, tpidr_el0
    add     x1, x1, #(FRAME_BYTES + RESERVE)
    str     x1, [x0, #248]
    bl      el2_stack_overflow
