/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vectors, and the way in and out of guests.  The stack is empty while a guest runs, so an exit starts at its top.
 * Offsets: struct cpu { current; work; id } and struct guest_regs (asserted in switch.c).
 */
#include <asm/mm.h>

#define CPU_CURRENT 0
#define CPU_WORK    8
#define CPU_ID      12
#define REGS_PC     248                 /* and PSTATE after it */
#define FRAME_BYTES 288                 /* struct el2_frame */
#define RESERVE     3072                /* what the handlers in C need below it */

    .macro ventry, target
    .balign 128
    b       \target
    .endm

    /*
     * x0 and x1 through the stack, then x0 = the vCPU whose registers these are.  `hardened`: firmware first makes the branch
     * predictor forget what the guest taught it (SMCCC_ARCH_WORKAROUND_1 or _3; the call changes x0-x3 only).
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
    mrs     x1, tpidr_el2
    ldr     x0, [x1, #CPU_CURRENT]
    b       \target
    .endm

    /*
     * An exception of EL2's own.  The stack may be what went wrong: a valid SP has bit STACK_SHIFT set (the guard
     * below each stack has it clear), and no register is free yet, so SP and x0 change places by adding.  A store that
     * faults on the guard may leave SP just above it: hence the reserve.
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
    ventry_guest guest_irq, \hardened   /* FIQs are routed like IRQs; the GIC has no group 0 of ours: spurious at worst */
    ventry_guest guest_serror, \hardened
    ventry_guest guest_sync, \hardened  /* lower EL, 32-bit */
    ventry_guest guest_irq, \hardened
    ventry_guest guest_irq, \hardened
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
    .macro save_guest
    stp     x2, x3, [x0, #16]
    stp     x4, x5, [x0, #32]
    ldp     x2, x3, [sp], #16
    stp     x6, x7, [x0, #48]
    stp     x8, x9, [x0, #64]
    stp     x10, x11, [x0, #80]
    stp     x12, x13, [x0, #96]
    stp     x14, x15, [x0, #112]
    stp     x16, x17, [x0, #128]
    stp     x18, x19, [x0, #144]
    stp     x20, x21, [x0, #160]
    stp     x22, x23, [x0, #176]
    stp     x24, x25, [x0, #192]
    stp     x26, x27, [x0, #208]
    stp     x28, x29, [x0, #224]
    str     x30, [x0, #240]
    stp     x2, x3, [x0]
    mrs     x4, elr_el2
    mrs     x5, spsr_el2
    stp     x4, x5, [x0, #REGS_PC]
    mov     x29, xzr                    /* backtraces end here */
    .endm

guest_sync:
    save_guest
    bl      trap_sync
    b       return_to_guest
guest_irq:
    save_guest
    bl      trap_irq
    b       return_to_guest
guest_serror:
    save_guest
    bl      trap_serror
    /* fall through */

return_to_guest:
    mrs     x1, tpidr_el2
    ldr     w2, [x1, #CPU_WORK]
    cbnz    w2, 2f
1:  ldr     x0, [x1, #CPU_CURRENT]
    ldp     x2, x3, [x0, #REGS_PC]
    ldp     x4, x5, [x0, #32]
    ldp     x6, x7, [x0, #48]
    msr     elr_el2, x2
    msr     spsr_el2, x3
    ldp     x8, x9, [x0, #64]
    ldp     x10, x11, [x0, #80]
    ldp     x12, x13, [x0, #96]
    ldp     x14, x15, [x0, #112]
    ldp     x16, x17, [x0, #128]
    ldp     x18, x19, [x0, #144]
    ldp     x20, x21, [x0, #160]
    ldp     x22, x23, [x0, #176]
    ldp     x24, x25, [x0, #192]
    ldp     x26, x27, [x0, #208]
    ldp     x28, x29, [x0, #224]
    ldr     x30, [x0, #240]
    ldp     x2, x3, [x0, #16]
    ldp     x0, x1, [x0]
    eret
    dsb     nsh                         /* speculation must not run on past the ERET, with the guest's registers at EL2 */
    isb
2:  bl      guest_prepare               /* may change the current vCPU; a kick that comes after it ends the guest at once */
    mrs     x1, tpidr_el2
    b       1b

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
    b       2b

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
    bl      el2_sync                    /* returns if the exception table knew the place: elr is changed */
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
 * x0 = the bad SP (less frame and reserve), sp = that + the interrupted x0.  The machine stops after this, so two registers of
 * the guest may go as scratch.
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
