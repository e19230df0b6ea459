/* SPDX-License-Identifier: BSD-2-Clause */
/* Part of <asm/io.h>. */
#ifndef ASM_WIDTH_IO_H
#define ASM_WIDTH_IO_H

#define IO_W "w" /* an operand's 32-bit name */

#endif
