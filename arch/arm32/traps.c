/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers of a fatal exception, and the compiler's. */
#include "internal.h"

void print_el2_frame(const struct el2_frame *f)
{
    char where[SYMBOL_PRINT_MAX];

    symbol_print(where, f->elr);
    log_err("CPU%u: pc %08lx %s\n", cpu_id(), (unsigned long)f->elr, where);
    log_err(" sp %08lx lr %08lx spsr %08lx esr %08lx far %08lx\n", (unsigned long)f->sp,
            (unsigned long)f->lr, (unsigned long)f->spsr, (unsigned long)f->esr,
            (unsigned long)f->far);
    for (unsigned i = 0; i < 12; i += 4)
        log_err(" r%-2u %08lx r%-2u %08lx r%-2u %08lx r%-2u %08lx\n", i, (unsigned long)f->r[i],
                i + 1, (unsigned long)f->r[i + 1], i + 2, (unsigned long)f->r[i + 2], i + 3,
                (unsigned long)f->r[i + 3]);
    log_err(" r12 %08lx\n", (unsigned long)f->r[12]);
    backtrace_from(f->r[11], f->elr);
}

/* The compiler's library divides 64-bit numbers by a function.  It calls these for a divisor of
 * zero. */
void __aeabi_ldiv0(void) { panic("division by zero"); }
void __aeabi_idiv0(void) { panic("division by zero"); }
