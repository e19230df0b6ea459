/* SPDX-License-Identifier: BSD-2-Clause */
/* zImage header, an identity map of 4 GiB in 1 GiB blocks of long descriptors, exception vectors,
 * and the functions for HVC. */
    .arch_extension virt
    .macro  place register, symbol
    movw    \register, #:lower16:(\symbol - (.Lplace\@ + 8))
    movt    \register, #:upper16:(\symbol - (.Lplace\@ + 8))
.Lplace\@:
    add     \register, pc, \register
    .endm

    .section .head, "ax"
    .globl _start
_start:
    b       start
    .skip   32
    .long   0x016f2818              /* at 0x24: the zImage magic number */
    .long   0                       /* start: 0, the image may be anywhere */
    .long   file_bytes - _start     /* end */
start:
    cpsid   aif, #0x13
    mov     r9, r2                  /* the device tree */
    place   r8, _start
    bl      move_down
    place   sp, stack_top
    place   r0, bss_start
    place   r1, bss_end
    mov     r2, #0
2:  cmp     r0, r1
    strlo   r2, [r0], #4
    blo     2b
    bl      relocate
    bl      mmu_on
    mov     r0, r9
    bl      bm_main
4:  wfi
    b       4b

/*
 * A loader may put the device tree right behind the file, where this payload's data will be, or put
 * the file at the end of its memory.  So the payload does as kernels do: it copies itself down to
 * the start of RAM, which is a multiple of 128 MiB.  It leaves the first 2 MiB free, where loaders
 * put other data.
 */
move_down:
    mov     r0, r8
    lsr     r8, r8, #27
    lsl     r8, r8, #27
    add     r8, r8, #0x200000
    cmp     r8, r0
    movhs   r8, r0                  /* already there */
    bxhs    lr
    place   r1, file_bytes
    sub     lr, lr, r0
    add     lr, lr, r8
    mov     r2, r8
1:  ldr     r3, [r0], #4
    str     r3, [r2], #4
    cmp     r0, r1
    blo     1b
    dsb     sy
    mov     r0, #0
    mcr     p15, 0, r0, c7, c5, 0   /* ICIALLU */
    dsb     sy
    isb
    bx      lr

/* The image is linked at 0.  Each entry is an R_ARM_RELATIVE (rules.mk checks this): an offset and
 * a type; the addend is in place. */
relocate:
    place   r0, rela_start
    place   r1, rela_end
7:  cmp     r0, r1
    bxhs    lr
    ldr     r2, [r0], #8
    ldr     r3, [r2, r8]
    add     r3, r3, r8
    str     r3, [r2, r8]
    b       7b

    .globl bm_secondary
bm_secondary:                       /* r0: context, the CPU's number */
    cpsid   aif, #0x13
    mov     r4, r0
    place   r1, secondary_stacks
    add     r2, r0, #1
    add     sp, r1, r2, lsl #13
    bl      mmu_on
    mov     r0, r4
    bl      bm_secondary_main
5:  wfi
    b       5b

/* Every caller fills the table with the same values, which is harmless. */
mmu_on:
    place   r0, level1
    mov     r1, #0
    movw    r2, #0x401              /* block 0: devices; AF, block, attr 0 */
    str     r2, [r0]
    str     r1, [r0, #4]
    movw    r3, #0x705              /* AF, inner shareable, attr 1, block */
    mov     r2, #1
6:  orr     r12, r3, r2, lsl #30
    add     r2, r2, #1
    str     r12, [r0, #8]!
    str     r1, [r0, #4]
    cmp     r2, #4
    blo     6b
    sub     r0, r0, #24
    dsb     sy
    movw    r2, #0xff04             /* attr 0 Device, attr 1 normal write-back */
    mcr     p15, 0, r2, c10, c2, 0  /* MAIR0 */
    ldr     r2, =0x80003500         /* EAE, inner shareable write-back walks, all by TTBR0 */
    mcr     p15, 0, r2, c2, c0, 2   /* TTBCR */
    isb
    mcrr    p15, 0, r0, r1, c2      /* TTBR0 */
    place   r2, bm_vectors
    mcr     p15, 0, r2, c12, c0, 0  /* VBAR */
    isb
    mcr     p15, 0, r1, c8, c7, 0   /* TLBIALL */
    dsb     sy
    isb
    mrc     p15, 0, r2, c1, c0, 0
    movw    r3, #0x1005             /* I, C, M */
    orr     r2, r2, r3
    mcr     p15, 0, r2, c1, c0, 0   /* SCTLR */
    isb
    bx      lr
    .ltorg

    .text
    .globl bm_hypercall
bm_hypercall:                       /* r0: number; r1 to r3 and the stack: five arguments */
    push    {r4, lr}
    mov     r12, r0
    mov     r0, r1
    mov     r1, r2
    mov     r2, r3
    ldr     r3, [sp, #8]
    ldr     r4, [sp, #12]
    hvc     #0xea1
    pop     {r4, pc}

    .globl smccc
smccc:
    hvc     #0
    bx      lr

    .balign 32
    .globl bm_vectors
bm_vectors:
    b       bad
    b       bad
    b       bad
    b       bad
    b       data_abort
    b       bad
    b       irq
    b       bad

/* Saves to Supervisor mode's stack: LR and SPSR of the exception, r0 to r4, r12, LR. */
    .macro  save ahead
    sub     lr, lr, #\ahead
    srsdb   sp!, #0x13
    cps     #0x13
    push    {r0-r4, r12, lr}
    mov     r4, sp
    bic     sp, sp, #7
    .endm
    .macro  restore
    mov     sp, r4
    pop     {r0-r4, r12, lr}
    rfeia   sp!
    .endm
irq:
    save    4
    bl      bm_irq
    restore
/* Tests expect some aborts: bm_sync steps over the instruction.  Otherwise it ends the run. */
data_abort:
    save    8
    mrc     p15, 0, r0, c5, c0, 0   /* DFSR */
    mrc     p15, 0, r1, c6, c0, 0   /* DFAR */
    add     r2, r4, #28
    bl      bm_sync
    restore
bad:                                /* the mode in CPSR tells which exception */
    mrs     r0, cpsr
    mov     r1, lr
    cps     #0x13
    bl      bm_bad
    b       bad

    .bss
    .balign 4096
    .globl level1
level1: .skip 4096
stack:  .skip 65536
stack_top:
secondary_stacks: .skip 8192 * 9

/* Entry of the guests' program; r0 is the vCPU's number.  The MMU is off, which is safe because
 * QEMU's memory is coherent. */
    .section .guest.entry, "ax"
    movw    r1, #0
    movt    r1, #0x4020             /* GUEST_RAM + GUEST_MAILS */
    add     r1, r1, r0, lsl #12
    movw    r2, #0xff0
    add     sp, r1, r2              /* the rest of the mailbox's page is the stack */
    mov     r1, #0                  /* guest_main takes a 64-bit argument */
    bl      guest_main
1:  wfi
    b       1b
