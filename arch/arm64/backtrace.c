/* SPDX-License-Identifier: BSD-2-Clause */
/* Backtraces over frame pointers, with names from the symbol table that the second pass of the link
 * brings. */
#include "internal.h"

static void print_frame(unsigned n, uint64_t pc)
{
    char where[SYMBOL_PRINT_MAX];
    symbol_print(where, pc);
    log_err(" #%u %016lx %s\n", n, (unsigned long)pc, where);
}

/* A frame is { caller's frame, return address }; frames go up within one stack, else the chain is
 * broken and ends. */
void backtrace_from(uintptr_t fp, uintptr_t pc)
{
    uintptr_t top;

    print_frame(0, pc);
    for (unsigned n = 1; n < 32 && !(fp & 7) && mmu_in_stack(fp, &top) && fp + 16 <= top; n++) {
        const uint64_t *frame = (const uint64_t *)fp;
        if (!frame[1])
            break;
        print_frame(n, frame[1] - 4); /* the call, not what follows it */
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
