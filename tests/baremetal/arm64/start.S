/* SPDX-License-Identifier: BSD-2-Clause */
/* Image header, an identity map of 512 GiB in 1 GiB blocks, exception vectors, and the functions
 * for HVC. */
    .section .head, "ax"
    .globl _start
_start:
    b       start
    .long   0
    .quad   0x0                     /* text offset */
    .quad   image_bytes - _start
    .quad   0xa                     /* little-endian, 4 KiB pages, loaded anywhere */
    .quad   0, 0, 0
    .long   0x644d5241
    .long   0
start:
    adrp    x20, _start
    add     x20, x20, :lo12:_start
    adrp    x1, stack_top
    add     x1, x1, :lo12:stack_top
    mov     sp, x1
    mov     x21, x0
    adrp    x0, bss_start
    add     x0, x0, :lo12:bss_start
    adrp    x1, bss_end
    add     x1, x1, :lo12:bss_end
2:  cmp     x0, x1
    b.hs    3f
    str     xzr, [x0], #8
    b       2b
3:  bl      relocate
    bl      mmu_on
    mov     x0, x21
    bl      bm_main
4:  wfi
    b       4b

/* The image is linked at 0.  Each entry is an R_AARCH64_RELATIVE (rules.mk checks this): an offset,
 * a type, and an addend. */
relocate:
    adrp    x0, rela_start
    add     x0, x0, :lo12:rela_start
    adrp    x1, rela_end
    add     x1, x1, :lo12:rela_end
7:  cmp     x0, x1
    b.hs    8f
    ldp     x2, x3, [x0], #16
    ldr     x4, [x0], #8
    add     x4, x4, x20
    str     x4, [x2, x20]
    b       7b
8:  ret

    .globl bm_secondary
bm_secondary:                       /* x0: context, the CPU's number */
    mov     x19, x0
    adrp    x1, secondary_stacks
    add     x1, x1, :lo12:secondary_stacks
    add     x2, x0, #1
    add     x1, x1, x2, lsl #13
    mov     sp, x1
    bl      mmu_on
    mov     x0, x19
    bl      bm_secondary_main
5:  wfi
    b       5b

/* Every caller fills the table with the same values, which is harmless. */
mmu_on:
    adrp    x0, level1
    add     x0, x0, :lo12:level1
    mov     x1, #0                  /* block 0: devices */
    mov     x2, #0x401              /* AF, block, attr 0 */
    str     x2, [x0]
    mov     x1, #1
6:  lsl     x2, x1, #30
    mov     x3, #0x705              /* AF, inner shareable, attr 1, block */
    orr     x2, x2, x3
    str     x2, [x0, x1, lsl #3]
    add     x1, x1, #1
    cmp     x1, #512
    b.lo    6b
    dsb     sy
    mov     x1, #0xff04             /* attr 0 Device-nGnRE, attr 1 normal write-back */
    msr     mair_el1, x1
    /* 39 bits of virtual addresses, 40-bit PA, TTBR1 off */
    ldr     x1, =(25 | (1 << 8) | (1 << 10) | (3 << 12) | (1 << 23) | (2 << 32))
    msr     tcr_el1, x1
    msr     ttbr0_el1, x0
    adrp    x1, bm_vectors
    add     x1, x1, :lo12:bm_vectors
    msr     vbar_el1, x1
    isb
    tlbi    vmalle1
    dsb     sy
    isb
    mrs     x1, sctlr_el1
    mov     x2, #0x1005             /* I, C, M */
    orr     x1, x1, x2
    msr     sctlr_el1, x1
    isb
    ret

    .text
    .globl bm_hypercall
bm_hypercall:
    mov     x16, x0
    mov     x0, x1
    mov     x1, x2
    mov     x2, x3
    mov     x3, x4
    mov     x4, x5
    hvc     #0xea1
    ret

    .globl smccc
smccc:
    hvc     #0
    ret

    .macro  vector target
    .balign 128
    b       \target
    .endm
    .balign 2048
    .globl bm_vectors
bm_vectors:
    .rept 4
    vector  bad
    .endr
    vector  sync
    vector  irq
    vector  bad
    vector  bad
    .rept 8
    vector  bad
    .endr

    .macro  save
    sub     sp, sp, #272
    stp     x0, x1, [sp]
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x29, [sp, #144]
    mrs     x0, elr_el1
    mrs     x1, spsr_el1
    stp     x30, x0, [sp, #160]
    str     x1, [sp, #176]
    .endm
    .macro  restore
    ldp     x30, x0, [sp, #160]
    ldr     x1, [sp, #176]
    msr     elr_el1, x0
    msr     spsr_el1, x1
    ldp     x2, x3, [sp, #16]
    ldp     x4, x5, [sp, #32]
    ldp     x6, x7, [sp, #48]
    ldp     x8, x9, [sp, #64]
    ldp     x10, x11, [sp, #80]
    ldp     x12, x13, [sp, #96]
    ldp     x14, x15, [sp, #112]
    ldp     x16, x17, [sp, #128]
    ldp     x18, x29, [sp, #144]
    ldp     x0, x1, [sp]
    add     sp, sp, #272
    eret
    .endm
irq:
    save
    bl      bm_irq
    restore
/* Tests expect some exceptions: bm_sync steps over the instruction.  Otherwise it ends the run. */
sync:
    save
    mrs     x0, esr_el1
    mrs     x1, far_el1
    add     x2, sp, #168
    bl      bm_sync
    restore
bad:
    mrs     x0, esr_el1
    mrs     x1, elr_el1
    bl      bm_bad
    b       bad

    .bss
    .balign 4096
    .globl level1
level1: .skip 4096
stack:  .skip 65536
stack_top:
secondary_stacks: .skip 8192 * 9

/* Entry of the guests' program; x0 is the vCPU's number.  The MMU is off, which is safe because
 * QEMU's memory is coherent. */
    .section .guest.entry, "ax"
    mov     x1, #0x40000000 + 0x200000
    add     x1, x1, x0, lsl #12
    add     sp, x1, #0xff0          /* the rest of the mailbox's page is the stack */
    bl      guest_main
1:  wfi
    b       1b
