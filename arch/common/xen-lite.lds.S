/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The image: text RX, rodata RO, data and bss RW, each from a page on, as boot_map.c maps them.
 * Text is first, so that the symbol table, which the second link adds to rodata, does not move it.
 */
#include <asm/mm.h>

ENTRY(_start)

SECTIONS
{
    . = IMAGE_VA;
    image_start = .;
    .text : {
        *(.text.head)
        *(.text.vectors)        /* aligns itself */
        *(.text .text.*)
        *(.glue_7 .glue_7t .vfp11_veneer .v4_bx)        /* arm32's linker makes these */
    }
    . = ALIGN(4096);
    text_end = .;
    .rodata : {
        *(.rodata .rodata.*)
        . = ALIGN(8);
        ex_table_start = .;
        KEEP(*(.ex_table))
        ex_table_end = .;
    }
    .ARM.exidx : { *(.ARM.exidx* .ARM.extab*) }     /* of arm32's libgcc: nobody unwinds */
    .note.gnu.build-id : { *(.note.gnu.build-id) }
    . = ALIGN(4096);
    rodata_end = .;
    .data : { *(.data .data.*) . = ALIGN(16); }
    data_end = .;
    file_bytes = . - image_start;
    .bss (NOLOAD) : {
        . = ALIGN(16);
        bss_start = .;
        *(.bss .bss.* COMMON)
        . = ALIGN(4096);
        bss_end = .;
        /* Boot tables and stacks are used before bss is zeroed; head.S zeroes the tables. */
        *(.noinit .noinit.*)
        . = ALIGN(4096);
    }
    image_end = .;
    image_bytes = image_end - image_start;

    /DISCARD/ : {
        *(.comment) *(.note.GNU-stack) *(.eh_frame) *(.ARM.attributes) *(.interp) *(.dynamic)
    }
}

ASSERT(image_end - image_start <= 8 << 20, "the image outgrew the boot tables (BOOT_L3_TABLES)")
ASSERT(_start == image_start, "the boot header must come first")
