/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypervisor's functions by address, for backtraces.  tools/symtab makes the table for the
 * second pass of the link.  symbols.c
 */
#ifndef XL_SYMBOLS_H
#define XL_SYMBOLS_H

#include "types.h"

struct xl_symbol {
    uint64_t addr;
    const char *name;
};
extern const struct xl_symbol xl_symbols[]; /* sorted */
extern const unsigned xl_symbol_count;

#define SYMBOL_PRINT_MAX 96
/* Writes "function+0xoffset" for an address in the image's text, otherwise "?". */
void symbol_print(char buf[SYMBOL_PRINT_MAX], uint64_t addr);
#endif
