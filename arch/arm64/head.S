/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry of the boot CPU (Linux's arm64 Image protocol: x0 = device tree, MMU off) and of the others
 * (PSCI: x0 = CPU number).  Runs where it was loaded, at any 4 KiB-aligned place, until the MMU is
 * on; then at IMAGE_VA.
 */
#include <asm/mm.h>
#include <asm/sysreg.h>

    .macro adr_l, reg, sym
    adrp    \reg, \sym
    add     \reg, \reg, :lo12:\sym
    .endm

    .macro mov_q, reg, value
    movz    \reg, :abs_g3:\value
    movk    \reg, :abs_g2_nc:\value
    movk    \reg, :abs_g1_nc:\value
    movk    \reg, :abs_g0_nc:\value
    .endm

    .section .text.head, "ax"
    .global _start
_start:
    b       boot_entry
    .long   0
    .quad   0                       /* text offset from a 2 MiB boundary */
    .quad   image_bytes             /* memory needed, bss and stacks included */
    .quad   0xa                     /* little-endian, 4 KiB pages, anywhere in memory */
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

boot_entry:
    msr     daifset, #0xf
    mov     x20, x0                 /* device tree */
    mrs     x1, CurrentEL
    cmp     x1, #(2 << 2)
    b.ne    not_el2
    /* MMU and caches off, whatever the firmware left: nothing below relies on them. */
    mov_q   x1, SCTLR_EL2_RES1
    msr     sctlr_el2, x1
    isb
    adrp    x21, image_start
    adrp    x22, image_end
    /* the header requires 2 MiB alignment, and boot_map.c uses it */
    tst     x21, #0x1fffff
    b.ne    not_el2

    /*
     * Tables and stack are written now with the caches off.  Lines that the firmware left dirty
     * must not be written back over them later, so the lines are dropped before; clean lines that
     * speculation fetches meanwhile are dropped after.
     */
    adr_l   x0, bss_end
    mov     x1, x22
    bl      invalidate_range
    adr_l   x0, boot_tables_start
    adr_l   x1, boot_tables_end
1:  stp     xzr, xzr, [x0], #16
    cmp     x0, x1
    b.lo    1b
    adr_l   x0, cpu_stacks + STACK_BYTES
    mov     sp, x0
    mov     x29, xzr
    mov     x0, x21
    bl      boot_map
    adr_l   x0, bss_end
    mov     x1, x22
    bl      invalidate_range

    mov     x19, xzr                /* CPU number */
    bl      mmu_on                  /* returns at IMAGE_VA, on this CPU's stack */

    adr_l   x0, bss_start
    adr_l   x1, bss_end
2:  stp     xzr, xzr, [x0], #16
    cmp     x0, x1
    b.lo    2b
    mov     x0, x20
    mov     x1, x21
    bl      arch_boot
    b       .

    .global secondary_entry
secondary_entry:
    msr     daifset, #0xf
    mov     x19, x0
    mrs     x1, CurrentEL
    cmp     x1, #(2 << 2)
    b.ne    not_el2
    mov_q   x1, SCTLR_EL2_RES1
    msr     sctlr_el2, x1
    isb
    bl      mmu_on
    mov     x0, x19
    bl      arch_secondary
    b       .

/*
 * Turn the MMU on with the boot tables and return at the caller's linked address, with the stack of
 * CPU x19 and the vectors in place.  The boot tables map the image at IMAGE_VA, and one to one:
 * that map is read-only, so that WXN lets it execute.
 */
mmu_on:
    mov_q   x1, MAIR_EL2_VALUE
    msr     mair_el2, x1
    mov_q   x1, TCR_EL2_VALUE & 0xffffffff
    mrs     x2, id_aa64mmfr0_el1
    and     x2, x2, #0xf            /* PARange */
    mov     x3, #5                  /* 48 bits: what 4 KiB descriptors hold */
    cmp     x2, x3
    csel    x2, x2, x3, lo
    orr     x1, x1, x2, lsl #16
    msr     tcr_el2, x1
    adr_l   x1, boot_l0
    msr     ttbr0_el2, x1
    /* The TLB and the instruction cache may hold anything of a former owner. */
    dsb     nsh
    tlbi    alle2
    ic      iallu
    dsb     nsh
    isb
    adr_l   x2, image_start
    sub     x30, x30, x2
    mov_q   x3, IMAGE_VA
    add     x30, x30, x3
    mov_q   x1, SCTLR_EL2_VALUE & 0xffffffff
    ldr     x4, =1f                 /* before the change: the literal is at the physical place */
    msr     sctlr_el2, x1
    isb                             /* translation is on from here */
    br      x4
1:  adr_l   x1, vectors
    msr     vbar_el2, x1
    mov_q   x1, STACKS_VA + STACK_STRIDE
    add     x1, x1, x19, lsl #(STACK_SHIFT + 1)
    mov     sp, x1
    mov     x29, xzr
    isb
    ret
    .ltorg

/* Drop the cache lines of [x0, x1), page-aligned, from all levels. */
invalidate_range:
    mrs     x3, ctr_el0
    ubfx    x3, x3, #16, #4
    mov     x2, #4
    lsl     x2, x2, x3
1:  dc      ivac, x0
    add     x0, x0, x2
    cmp     x0, x1
    b.lo    1b
    dsb     sy
    ret

/* Started wrongly there is nothing to be done but to say so, and stop. */
not_el2:
    adr     x1, 1f
    mov_q   x2, 0x09000000          /* the `virt` board's PL011; elsewhere the store faults */
2:  ldrb    w3, [x1], #1
    cbz     w3, 3f
    str     w3, [x2]
    b       2b
3:  wfi
    b       3b
1:  .asciz  "xen-lite must be started at EL2, 2 MiB aligned\r\n"
    .balign 4

    .section .noinit, "aw", %nobits
    .balign 4096
    .global boot_tables_start, boot_tables_end, boot_l0, boot_id_l1, image_l1, boot_image_l2
    .global boot_image_l3
    .global boot_stacks_l2, boot_stacks_l3, boot_direct_l1, boot_direct_l2, el2_l0, cpu_stacks
boot_tables_start:
boot_l0:        .skip 4096
boot_id_l1:     .skip 4096
image_l1:       .skip 4096          /* of IMAGE_VA's 512 GiB: the final map links it too */
boot_image_l2:  .skip 4096
boot_image_l3:  .skip 4 * 4096
boot_stacks_l2: .skip 4096
boot_stacks_l3: .skip 4096
boot_direct_l1: .skip 4096
boot_direct_l2: .skip 2 * 4096
el2_l0:         .skip 4096          /* the final map's root */
boot_tables_end:
cpu_stacks:     .skip 8 * STACK_BYTES /* MAX_CPUS */
