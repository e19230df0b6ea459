/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A 32-bit guest for cases that no kernel has on purpose: hypercalls and firmware calls from both
 * instruction sets, device accesses by banked registers and inside IT blocks, faults of every kind.
 * The results go into numbered words (slots.h) in the page of the guest's mailbox, and
 * arm64/test_aarch32.c checks them.  The MMU is off, so all accesses are in program order.
 */
#include "slots.h"

    .syntax unified
    .arch armv7-a
    .arch_extension virt
    .arch_extension sec
    .fpu    neon
    .text
    .arm

#define RESULTS     0x40200000
#define GICD        0x03001000
#define GICR_SGI    0x03030000
#define NOWHERE     0x10000000

    .macro save slot, reg               /* r10: the address of the results */
    str     \reg, [r10, #4 * (\slot)]
    .endm
    .macro set reg, value
    movw    \reg, #(\value) & 0xffff
    movt    \reg, #(\value) >> 16 & 0xffff
    .endm
    /* The next instruction causes an exception.  Its handler leaves the exception's mode in r4 and
     * LR in r6, and continues at `to`. */
    .macro expect to
    adr     r9, \to
    .endm

    b       start
    .balign 32
vectors:
    b       .
    b       undefined
    b       .
    b       prefetch_abort
    b       data_abort
    b       .
    b       .
    b       .
undefined:
    mrs     r4, cpsr
    mrs     r5, spsr
    mov     r6, lr
    b       resume
prefetch_abort:
    mrs     r4, cpsr
    mov     r6, lr
    mrc     p15, 0, r7, c5, c0, 1
    mrc     p15, 0, r8, c6, c0, 2
    b       resume
data_abort:
    mrs     r4, cpsr
    mov     r6, lr
    mrc     p15, 0, r7, c5, c0, 0
    mrc     p15, 0, r8, c6, c0, 0
/* Return without SPSR: QEMU sets a wrong SPSR for exceptions that EL2 injects. */
resume:
    cps     #0x13
    bx      r9

start:
    mrs     r0, cpsr
    set     r10, RESULTS
    save    SLOT_CPSR, r0
    adr     r0, vectors
    mcr     p15, 0, r0, c12, c0, 0      /* VBAR */
    isb

    /* Hypercalls: the number is in r12. */
    set     r1, 0x11111111
    mov     r12, #17                    /* xen_version */
    mov     r0, #0
    hvc     #0xea1
    save    SLOT_VERSION_ARM, r0
    save    SLOT_KEPT, r1
    blx     thumb_version
    save    SLOT_VERSION_THUMB, r0
    mov     r12, #63
    hvc     #0xea1
    save    SLOT_NO_CALL, r0
    mov     r12, #17
    mov     r0, #1                      /* XENVER_extraversion */
    add     r1, r10, #0x800
    hvc     #0xea1
    save    SLOT_EXTRAVERSION, r0
    mov     r12, #17
    mov     r0, #1
    set     r1, NOWHERE
    hvc     #0xea1
    save    SLOT_BAD_POINTER, r0

    /* Undefined-instruction exceptions that the hypervisor injects. */
    expect  1f
    adr     r11, 0f
0:  hvc     #1
1:  save    SLOT_UND_MODE, r4
    sub     r6, r6, r11
    save    SLOT_UND_LR, r6
    blx     thumb_undefined
    save    SLOT_UND_LR_THUMB, r6
    expect  1f
    adr     r11, 0f
0:  mrc     p15, 0, r0, c9, c12, 0      /* PMCR */
1:  sub     r6, r6, r11
    save    SLOT_PMCR_LR, r6

    /* Device accesses by the banked registers of every mode. */
    set     r1, GICD
    mov     r2, r10
    ldr     r0, [r1, #4]                /* GICD_TYPER */
    save    SLOT_TYPER, r0
    .macro bank mode, slot
    cps     #\mode
    ldr     sp, [r1, #4]
    ldr     lr, [r1, #4]
    str     sp, [r2, #4 * (\slot)]
    str     lr, [r2, #4 * (\slot) + 4]
    .endm
    bank    0x12, SLOT_TYPER_IRQ
    bank    0x17, SLOT_TYPER_ABT
    bank    0x1b, SLOT_TYPER_UND
    bank    0x1f, SLOT_TYPER_SYS
    bank    0x11, SLOT_TYPER_FIQ
    ldr     r8, [r1, #4]
    ldr     r12, [r1, #4]
    str     r8, [r2, #4 * SLOT_TYPER_R8]
    str     r12, [r2, #4 * SLOT_TYPER_R8 + 4]
    bank    0x13, SLOT_TYPER_SVC
    add     r1, r1, #0x400              /* GICD_IPRIORITYR */
    set     lr, 0xa0b0c0d0
    str     lr, [r1, #0x20]
    ldr     r0, [r1, #0x20]
    save    SLOT_STORE, r0
    mov     lr, #0x48
    strb    lr, [r1, #0x21]
    ldr     r0, [r1, #0x20]
    save    SLOT_STORE_BYTE, r0
    ldrsb   r0, [r1, #0x23]
    save    SLOT_SIGNED, r0
    ldrb    r0, [r1, #0x23]
    save    SLOT_UNSIGNED, r0
    set     r1, GICD
    blx     thumb_device

    /* Aborts, reported in the short-descriptor format, then in the long-descriptor format. */
    set     r3, NOWHERE
    expect  1f
    adr     r11, 0f
0:  ldr     r0, [r3]
1:  save    SLOT_DFSR_SHORT, r7
    save    SLOT_DFAR, r8
    save    SLOT_DABT_MODE, r4
    sub     r6, r6, r11
    save    SLOT_DABT_LR, r6
    set     r0, 0x80000000
    mcr     p15, 0, r0, c2, c0, 2       /* TTBCR.EAE */
    isb
    expect  1f
0:  ldr     r0, [r3]
1:  save    SLOT_DFSR_LONG, r7
    expect  1f
0:  ldrd    r0, r1, [r3]                /* ESR_EL2.ISV is 0 for LDRD */
1:  save    SLOT_DFSR_PAIR, r7
    expect  1f
    bx      r3
1:  save    SLOT_IFSR, r7
    save    SLOT_IFAR, r8
    sub     r6, r6, r3
    save    SLOT_PABT_LR, r6
    mov     r0, #0
    mcr     p15, 0, r0, c2, c0, 2
    isb

    /* Firmware. */
    set     r0, 0x84000000              /* PSCI_VERSION */
    hvc     #0
    save    SLOT_PSCI_HVC, r0
    set     r0, 0x84000000
    smc     #0
    save    SLOT_PSCI_SMC, r0
    set     r0, 0xc4000003              /* CPU_ON, the 64-bit function */
    hvc     #0
    save    SLOT_PSCI_64, r0
    adr     r2, thumb_second
    orr     r2, r2, #1
    mov     r3, #0x77
    bl      cpu_on
    save    SLOT_ON_THUMB, r0
    adr     r2, arm_second
    mov     r3, #0x99
    bl      cpu_on
    save    SLOT_ON_ARM, r0

    /* Timers.  The physical timer is emulated. */
    mrrc    p15, 0, r0, r1, c14         /* CNTPCT */
    mrrc    p15, 0, r2, r3, c14
    subs    r0, r2, r0
    sbcs    r1, r3, r1
    movlo   r0, #0
    save    SLOT_CNTPCT, r0
    mov     r0, #2
    mcr     p15, 0, r0, c14, c2, 1      /* CNTP_CTL: masked */
    set     r0, 0x12345678
    set     r1, 0x9abcdef0
    mcrr    p15, 2, r0, r1, c14         /* CNTP_CVAL */
    mrrc    p15, 2, r2, r3, c14
    save    SLOT_CVAL, r2
    save    SLOT_CVAL + 1, r3

    /* Other accesses that trap. */
    mov     r4, #0
    expect  1f
    mrc     p15, 0, r0, c1, c0, 1       /* ACTLR */
    mcr     p15, 0, r0, c1, c0, 1
    mov     r0, #0
    mcr     p15, 0, r0, c7, c6, 2       /* DCISW */
    mrc     p14, 0, r0, c0, c0, 0
    save    SLOT_DBGDIDR, r0
    mrc     p15, 0, r0, c0, c1, 1
    save    SLOT_ID_PFR1, r0
1:  save    SLOT_NO_TRAP, r4

    /* VFP and NEON registers must survive calls that yield the CPU. */
    set     r0, 0x00f00000
    mcr     p15, 0, r0, c1, c0, 2       /* CPACR */
    isb
    set     r0, 0x40000000
    vmsr    fpexc, r0
    vmrs    r0, mvfr0
    save    SLOT_MVFR0, r0
    set     r2, 0x13579bdf
    set     r3, 0x2468ace0
    vmov    d0, r2, r3
    vmov    d31, r3, r2
    mov     r5, #20
1:  bl      yield
    subs    r5, r5, #1
    bne     1b
    vmov    r0, r1, d31
    save    SLOT_D31, r0
    vmov    r0, r1, d0
    save    SLOT_D0, r0

    /* HVC in User mode is undefined. */
    expect  1f
    cps     #0x10
    hvc     #0xea1
    mov     r4, #0
1:  save    SLOT_USER_MODE, r4
    and     r5, r5, #0x1f
    save    SLOT_USER_SPSR, r5

    /* Both vCPUs share one CPU, and both write and read SPSR again and again. */
    mov     r0, #0
    save    SLOT_SPSR_LOST, r0
    save    SLOT_SPSR_LOST + 1, r0
    save    SLOT_SECOND, r0
    set     r0, 0x84000003
    mov     r1, #1
    adr     r2, second_spsr
    hvc     #0
    mov     r5, #0x10
    set     r6, 300000
    bl      keep_spsr
    save    SLOT_SPSR_LOST, r8
    mov     r0, #1
    save    SLOT_SECOND, r0
1:  bl      yield
    ldr     r0, [r10, #4 * SLOT_SECOND]
    cmp     r0, #2
    bne     1b

    /* Marks in banked registers.  The payload looks for them in the records, and again after the
     * vCPU has been switched out and in many times. */
    set     r0, 0xb0000010
    .macro mark mode
    cps     #\mode
    mov     lr, r0
    add     sp, r0, #1
    add     r0, r0, #2
    .endm
    mark    0x12
    mark    0x13
    mark    0x17
    mark    0x1b
    mark    0x11
    mov     r8, r0
    mov     r12, r0
    cps     #0x13
    set     r0, 0x600d
    save    SLOT_DONE, r0
1:  mov     r12, #29                    /* sched_op */
    mov     r0, #0                      /* yield */
    hvc     #0xea1
    b       1b

yield:
    mov     r12, #29
    mov     r0, #0
    hvc     #0xea1
    bx      lr

/* Writes r5 to SPSR_irq and reads it back some instructions later, r6 times or until SLOT_SECOND is
 * 1.  Returns in r8 how often the value differed. */
keep_spsr:
    mov     r8, #0
1:  cpsid   i, #0x12
    msr     spsr_cxsf, r5
    .rept 40
    mov     r7, r5
    .endr
    mrs     r7, spsr
    cpsie   i, #0x13
    cmp     r7, r5
    addne   r8, r8, #1
    ldr     r7, [r10, #4 * SLOT_SECOND]
    cmp     r7, #1
    bxeq    lr
    subs    r6, r6, #1
    bne     1b
    bx      lr

second_spsr:
    set     r10, RESULTS
    set     r5, 0xf0000010
    mov     r6, #0
    bl      keep_spsr
    save    SLOT_SPSR_LOST + 1, r8
    mov     r0, #2
    save    SLOT_SECOND, r0
    set     r0, 0x84000002              /* CPU_OFF */
    hvc     #0
    b       .

/* Starts the second vCPU at r2 with context r3.  r0 is 0 if it came up, reported, and
 * turned off. */
cpu_on:
    mov     r0, #0
    save    SLOT_SECOND, r0
    set     r0, 0x84000003
    mov     r1, #1
    hvc     #0
    cmp     r0, #0
    bxne    lr
    mov     r11, lr
1:  bl      yield
    ldr     r0, [r10, #4 * SLOT_SECOND]
    cmp     r0, #0
    beq     1b
1:  set     r0, 0x84000004              /* AFFINITY_INFO, until the vCPU is off */
    mov     r1, #1
    mov     r2, #0
    hvc     #0
    cmp     r0, #1
    bne     1b
    mov     r0, #0
    bx      r11

/* Entry of the second vCPU in ARM state; r0 is the context.  The Thumb entry joins at
 * second_ends. */
    .align  2
arm_second:
    set     r10, RESULTS
    save    SLOT_ARM_CONTEXT, r0
    mrs     r0, cpsr
    save    SLOT_ARM_CPSR, r0
second_ends:
    mrc     p15, 0, r0, c0, c0, 5       /* MPIDR */
    save    SLOT_MPIDR, r0
    mov     r0, #1
    save    SLOT_SECOND, r0
    set     r0, 0x84000002              /* CPU_OFF */
    hvc     #0
    b       .

    .thumb
    .align  2
thumb_second:
    set     r10, RESULTS
    save    SLOT_THUMB_CONTEXT, r0
    adr     r0, second_ends
    bx      r0

    .thumb_func
thumb_version:
    movs    r3, #17
    mov     r12, r3
    movs    r0, #0
    hvc     #0xea1
    bx      lr

    .thumb_func
thumb_undefined:
    adr     r9, 1f
    adds    r9, r9, #1
    adr     r11, 0f
    .align  2
0:  hvc     #1
    .align  2
1:  sub     r6, r6, r11
    bx      lr

/* r1: GICD.  Loads with 16-bit and 32-bit encodings, and loads in the middle and at the end of an
 * IT block. */
    .thumb_func
thumb_device:
    ldr.n   r0, [r1, #4]
    save    SLOT_THUMB_SHORT, r0
    ldr.w   r3, [r1, #4]
    save    SLOT_THUMB_LONG, r3
    movs    r0, #0
    movs    r3, #9
    cmp     r0, r0
    ite     eq
    ldreq   r0, [r1, #4]
    movne   r3, #5
    save    SLOT_IT, r0
    save    SLOT_IT + 1, r3
    movs    r3, #0
    cmp     r3, r3
    ite     ne
    movne   r3, #1
    ldreq   r3, [r1, #4]
    movs    r0, #7                      /* sets flags only outside an IT block */
    ite     ne
    movne   r0, #1
    moveq   r0, #2
    save    SLOT_IT_LAST, r3
    save    SLOT_IT_LAST + 1, r0
    bx      lr
