/* SPDX-License-Identifier: BSD-2-Clause */
/* Backtraces over frame pointers, with names from the symbol table that the second pass of the link brings. */
#include "internal.h"

void symbol_print(char buf[SYMBOL_PRINT_MAX], uint64_t addr)
{
    unsigned low = 0, high = xl_symbol_count;

    /* The last symbol at or below addr: they are sorted. */
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (xl_symbols[middle].addr <= addr)
            low = middle + 1;
        else
            high = middle;
    }
    if (low && addr < (uint64_t)text_end)
        snprintf(buf, SYMBOL_PRINT_MAX, "%s+%#lx", xl_symbols[low - 1].name, (unsigned long)(addr - xl_symbols[low - 1].addr));
    else
        snprintf(buf, SYMBOL_PRINT_MAX, "?");
}

static void print_place(unsigned n, uint64_t pc)
{
    char where[SYMBOL_PRINT_MAX];
    symbol_print(where, pc);
    log_err(" #%u %016lx %s\n", n, (unsigned long)pc, where);
}

/* A frame is { caller's frame, return address }; frames go up within one stack, else the chain is broken and ends. */
void backtrace_from(uint64_t fp, uint64_t pc)
{
    uint64_t top;

    print_place(0, pc);
    for (unsigned n = 1; n < 32 && !(fp & 7) && mmu_in_stack(fp, &top) && fp + 16 <= top; n++) {
        const uint64_t *frame = (const uint64_t *)fp;
        if (!frame[1])
            break;
        print_place(n, frame[1] - 4);   /* the call, not what follows it */
        if (frame[0] <= fp)
            break;
        fp = frame[0];
    }
}

void arch_backtrace(void)
{
    const uint64_t *frame = __builtin_frame_address(0);
    backtrace_from(frame[0], (uint64_t)__builtin_return_address(0));
}
