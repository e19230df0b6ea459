/* SPDX-License-Identifier: BSD-2-Clause */
/* No symbol table, for a link without one.  A file of its own: next to its reader the compiler
 * would take it for constant. */
#include "symbols.h"

__attribute__((weak)) const struct xl_symbol xl_symbols[1] = { { 0, NULL } };
__attribute__((weak)) const unsigned xl_symbol_count = 0;
