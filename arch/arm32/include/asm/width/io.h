/* SPDX-License-Identifier: BSD-2-Clause */
/* Part of <asm/io.h>. */
#ifndef ASM_WIDTH_IO_H
#define ASM_WIDTH_IO_H

#define IO_W "" /* an operand's 32-bit name is its only name */

#endif
