/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An empty symbol table, for a link without one.  In the file of its reader, the compiler would
 * take the table as constant.
 */
#include "symbols.h"

__attribute__((weak)) const struct xl_symbol xl_symbols[1] = { { 0, NULL } };
__attribute__((weak)) const unsigned xl_symbol_count = 0;
