/* SPDX-License-Identifier: BSD-2-Clause */
/* A number for assembly, and the number of a mask's bit: offsets.c has the way that they take. */
#ifndef ARCH_NUMBERS_H
#define ARCH_NUMBERS_H

#define NUMBER(name, value) __asm__ volatile("\n.ascii \"->" #name " %0\"" : : "i"(value))
#define BIT_OF(name, mask)  NUMBER(name, __builtin_ctzll(mask))

#endif
