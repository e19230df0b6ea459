/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For what runs inside guests: position-independent, no data, no calls out of the section (built with -fPIC -fno-jump-tables
 * and placed in .guest).
 */
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

#define PSCI_CPU_OFF 0x84000002ul
#define PSCI_CPU_ON  0xc4000003ul
static inline long guest_psci(unsigned long function, unsigned long a, unsigned long b, unsigned long c)
{
    register unsigned long x0 __asm__("x0") = function;
    register unsigned long x1 __asm__("x1") = a;
    register unsigned long x2 __asm__("x2") = b;
    register unsigned long x3 __asm__("x3") = c;
    __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
    return (long)x0;
}

static inline void guest_barrier(void) { __asm__ volatile("dmb sy" ::: "memory"); }

static inline volatile uint64_t *data_page(uint64_t n)
{
    return (volatile uint64_t *)(GUEST_RAM + GUEST_DATA + n * PAGE);
}

void guest_routes(struct mailbox *m, uint64_t command);    /* guest_routes.c: the commands from GUEST_HYPERCALL on */
__attribute__((visibility("hidden"))) void guest_soak(struct mailbox *m, uint64_t id);        /* guest_soak.c */

void guest_bench(struct mailbox *m, uint64_t id, uint64_t command);     /* guest_bench.c: those from GUEST_BENCH on */
void guest_sleep(uint64_t ticks);

#endif
