/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the program in the guests share.  It has no data and calls nothing outside its section. */
#ifndef GUEST_CODE_H
#define GUEST_CODE_H

#include "bm.h"

#define GUEST __attribute__((section(".guest"), noinline))

static inline long guest_hypercall(uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
    register uint64_t x0 __asm__("x0") = a0;
    register uint64_t x1 __asm__("x1") = a1;
    register uint64_t x2 __asm__("x2") = a2;
    register uint64_t x3 __asm__("x3") = a3;
    register uint64_t x4 __asm__("x4") = 0;
    register uint64_t x16 __asm__("x16") = number;
    __asm__ volatile("hvc #0xea1" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4) : "r"(x16) : "memory");
    return (long)x0;
}

static inline volatile uint64_t *data_page(uint64_t n)
{
    return (volatile uint64_t *)(GUEST_RAM + GUEST_DATA + n * PAGE);
}

void guest_routes(struct mailbox *m, uint64_t command);    /* guest_routes.c: the commands from GUEST_HYPERCALL on */

void guest_bench(struct mailbox *m, uint64_t id, uint64_t command);     /* guest_bench.c: those from GUEST_BENCH on */
void guest_sleep(uint64_t ticks);

#endif
