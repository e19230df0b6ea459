/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of addresses (symbols.h). */
#include "lib.h"
#include "symbols.h"
#include "types.h"

extern const char text_end[]; /* from the linker script */

void symbol_print(char buf[SYMBOL_PRINT_MAX], uint64_t addr)
{
    unsigned low = 0, high = xl_symbol_count;

    /* Finds the last symbol at or below addr; the table is sorted. */
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (xl_symbols[middle].addr <= addr)
            low = middle + 1;
        else
            high = middle;
    }
    if (low && addr < (uintptr_t)text_end)
        snprintf(buf, SYMBOL_PRINT_MAX, "%s+%#lx", xl_symbols[low - 1].name,
                 (unsigned long)(addr - xl_symbols[low - 1].addr));
    else
        snprintf(buf, SYMBOL_PRINT_MAX, "?");
}
