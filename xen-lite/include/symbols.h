/* SPDX-License-Identifier: BSD-2-Clause */
/* The hypervisor's functions by address, for backtraces: made by tools/symtab, brought by the
 * second pass of the link.  symbols.c */
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
/* "function+0xoffset" of an address in the image's text, else "?". */
void symbol_print(char buf[SYMBOL_PRINT_MAX], uint64_t addr);
#endif
