/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry of the boot CPU (Linux's zImage protocol: r2 = device tree, MMU off) and of the others
 * (PSCI: r0 = CPU number).  Runs where it was loaded, at any 4 KiB-aligned place, until the MMU is
 * on; then at IMAGE_VA.
 */
#include <asm/mm.h>
#include <asm/sysreg.h>

    /* Where a symbol is now.  The boot loader chooses the place, so only differences are known. */
    .macro adr_l, reg, sym
    movw    \reg, #:lower16:(\sym - (1f + 8))
    movt    \reg, #:upper16:(\sym - (1f + 8))
1:  add     \reg, \reg, pc
    .endm

    .macro mov_l, reg, value
    movw    \reg, #:lower16:(\value)
    movt    \reg, #:upper16:(\value)
    .endm

    .arm
    .section .text.head, "ax"
    .global _start
_start:
    .rept   8
    mov     r0, r0
    .endr
    b       boot_entry
    .word   0x016f2818              /* zImage */
    .word   0                       /* anywhere */
    .word   file_bytes

boot_entry:
    cpsid   aif
    mov     r10, r2                 /* device tree */
    bl      check_mode
    adr_l   r8, image_start
    adr_l   r9, image_end
    mov_l   r0, 0xfff
    tst     r8, r0
    bne     started_wrongly

    /*
     * Tables and stack are written now with the caches off.  Lines that the firmware left dirty
     * must not be written back over them later, so the lines are dropped before; clean lines that
     * speculation fetches meanwhile are dropped after.
     */
    adr_l   r0, bss_end
    mov     r1, r9
    bl      invalidate_range
    adr_l   r0, boot_tables_start
    adr_l   r1, boot_tables_end
    mov     r2, #0
    mov     r3, #0
1:  strd    r2, r3, [r0], #8
    cmp     r0, r1
    blo     1b
    adr_l   r0, cpu_stacks + STACK_BYTES
    mov     sp, r0
    mov     r11, #0
    mov     r0, r8
    bl      boot_map
    adr_l   r0, bss_end
    mov     r1, r9
    bl      invalidate_range

    mov     r7, #0                  /* CPU number */
    bl      mmu_on                  /* returns at IMAGE_VA, on this CPU's stack */

    adr_l   r0, bss_start
    adr_l   r1, bss_end
    mov     r2, #0
    mov     r3, #0
2:  strd    r2, r3, [r0], #8
    cmp     r0, r1
    blo     2b
    mov     r0, r10
    mov     r1, r8
    bl      arch_boot
    b       .

    .global secondary_entry
secondary_entry:
    cpsid   aif
    mov     r7, r0
    bl      check_mode
    bl      mmu_on
    mov     r0, r7
    bl      arch_secondary
    b       .

    /* Hyp mode is required.  MMU and caches off, whatever state the firmware left them in. */
check_mode:
    mrs     r0, cpsr
    and     r0, r0, #0x1f
    cmp     r0, #0x1a
    bne     started_wrongly
    mov_l   r0, SCTLR_EL2_RES1
    write_sctlr_el2 r0
    isb
    bx      lr

/*
 * Turn the MMU on with the boot tables and return at the caller's linked address, with the stack of
 * CPU r7 and the vectors in place.  The boot tables map the image at IMAGE_VA, and one to one: that
 * map is read-only, so that WXN lets it execute.
 */
mmu_on:
    mov_l   r0, MAIR_EL2_VALUE
    write_mair_el2 r0
    mov_l   r0, TCR_EL2_VALUE
    write_tcr_el2 r0
    adr_l   r0, boot_l1
    mov     r1, #0
    write_ttbr0_el2 r0, r1
    /* The TLB and the instruction cache may hold anything of a former owner. */
    dsb     nsh
    write_tlbi_alle2 r0
    write_ic_iallu r0
    dsb     nsh
    isb
    adr_l   r2, image_start
    sub     lr, lr, r2
    mov_l   r3, IMAGE_VA
    add     lr, lr, r3
    mov_l   r1, SCTLR_EL2_VALUE
    ldr     r4, =1f                 /* before the change */
    write_sctlr_el2 r1
    isb                             /* translation is on from here */
    bx      r4
1:  ldr     r0, =vectors
    write_vbar_el2 r0
    mov_l   r0, STACKS_VA + STACK_STRIDE
    add     sp, r0, r7, lsl #(STACK_SHIFT + 1)
    mov     r11, #0
    isb
    bx      lr
    .ltorg

/* Drop the cache lines of [r0, r1), page-aligned, from all levels. */
invalidate_range:
    read_ctr_el0 r3
    ubfx    r3, r3, #16, #4
    mov     r2, #4
    lsl     r2, r2, r3
1:  write_dc_ivac r0
    add     r0, r0, r2
    cmp     r0, r1
    blo     1b
    dsb     sy
    bx      lr

/* Started wrongly there is nothing to be done but to say so, and stop. */
started_wrongly:
    adr     r1, 1f
    mov_l   r2, 0x09000000          /* the `virt` board's PL011; elsewhere the store faults */
2:  ldrb    r3, [r1], #1
    cmp     r3, #0
    beq     3f
    str     r3, [r2]
    b       2b
3:  wfi
    b       3b
1:  .asciz  "xen-lite must be started in Hyp mode, 4 KiB aligned\r\n"
    .balign 4

    .section .noinit, "aw", %nobits
    .balign 4096
    .global boot_tables_start, boot_tables_end, boot_l1, boot_l2, boot_image_l3, boot_stacks_l3
    .global boot_direct_l2, boot_direct_l3
    .global boot_cpu_l1, cpu_stacks
boot_tables_start:
boot_l2:        .skip 4096          /* of GiB 0, to turn the MMU on; mmu.c copies from it */
boot_image_l3:  .skip 4 * 4096      /* BOOT_L3_TABLES */
boot_stacks_l3: .skip 4096
boot_direct_l2: .skip 2 * 4096      /* of the direct map's GiB that the image is in, and the next */
boot_direct_l3: .skip 5 * 4096      /* the image in the direct map: not 2 MiB aligned */
boot_l1:        .skip 32
boot_cpu_l1:    .skip 32            /* the direct map's part of all CPUs' roots */
    .balign 4096
boot_tables_end:
cpu_stacks:     .skip 8 * STACK_BYTES /* MAX_CPUS */
