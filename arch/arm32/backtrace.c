/* SPDX-License-Identifier: BSD-2-Clause */
/* Backtraces over frame pointers, with names from the symbol table that the second pass of the link
 * brings. */
#include "internal.h"

static void print_frame(unsigned n, uint32_t pc)
{
    char where[SYMBOL_PRINT_MAX];
    symbol_print(where, pc);
    log_err(" #%u %08lx %s\n", n, (unsigned long)pc, where);
}

/*
 * R11 points at a pair { caller's R11, return address } (clang) or at its second half (GCC).  SP is
 * aligned to 8 at each call, and so is the pair.  A function of GCC's that calls none saves R11
 * alone, where the return address would be; only the innermost can be one. Frames go up within one
 * stack, else the chain is broken and ends.
 */
void backtrace_from(uintptr_t fp, uintptr_t pc)
{
    uintptr_t top;

    print_frame(0, pc);
    for (unsigned n = 1; n < 32 && mmu_in_stack(fp & ~7u, &top) && (fp & ~7u) + 8 <= top; n++) {
        const uint32_t *frame = (const uint32_t *)(uintptr_t)(fp & ~7u);
        bool leaf = n == 1 && frame[1] > fp && frame[1] < top;
        uint32_t caller = frame[leaf ? 1 : 0];

        if (!leaf && !frame[1])
            break;
        if (!leaf)
            print_frame(n, frame[1] - 4); /* the call, not what follows it */
        if (caller <= fp)
            break;
        fp = caller;
    }
}

void arch_backtrace(void)
{
    const uint32_t *frame = (const uint32_t *)((uintptr_t)__builtin_frame_address(0) & ~7u);
    backtrace_from(frame[0], (uint32_t)(uintptr_t)__builtin_return_address(0));
}
