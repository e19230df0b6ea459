/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The image: text RX, rodata RO, data and bss RW, each from a page on: boot_map.c maps them so.  Text is first, so that the
 * symbol table, which the second link brings into rodata, moves none of it.
 */
#include <asm/mm.h>

OUTPUT_ARCH(arm)
ENTRY(_start)

SECTIONS
{
    . = IMAGE_VA;
    image_start = .;
    .text : {
        *(.text.head)
        . = ALIGN(32);
        *(.text.vectors)
        *(.text .text.*)
        *(.glue_7 .glue_7t .vfp11_veneer .v4_bx)
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
    .ARM.exidx : { *(.ARM.exidx* .ARM.extab*) }     /* of libgcc's division: nobody unwinds */
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
        *(.noinit .noinit.*)        /* boot tables and stacks: used before bss is zeroed; head.S zeroes the tables */
        . = ALIGN(4096);
    }
    image_end = .;
    image_bytes = image_end - image_start;

    /DISCARD/ : { *(.comment) *(.note.GNU-stack) *(.eh_frame) *(.ARM.attributes) *(.interp) *(.dynamic) }
}

ASSERT(image_end - image_start <= 8 << 20, "the image outgrew the boot tables (BOOT_L3_TABLES)")
ASSERT(_start == image_start, "the zImage header must come first")
