/* SPDX-License-Identifier: BSD-2-Clause */
/* Part of <asm/io.h>. */
#include <asm/io.h> /* outside the guard: that file includes this one */
#ifndef ASM_WIDTH_IO_H
#define ASM_WIDTH_IO_H

#define IO_W "w" /* an operand's 32-bit name */

#endif
