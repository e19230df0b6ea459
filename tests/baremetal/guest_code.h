/* SPDX-License-Identifier: BSD-2-Clause */
/* For code that runs inside guests.  It is position-independent, without data and without calls out
 * of its section (built with -fPIC -fno-jump-tables, placed in .guest). */
#ifndef GUEST_CODE_H
#define GUEST_CODE_H

#include "bm.h"

#define GUEST __attribute__((section(".guest"), noinline))

#define PSCI_CPU_OFF 0x84000002ul

static inline volatile uint64_t *data_page(uint64_t n)
{
    return (volatile uint64_t *)(uintptr_t)(GUEST_RAM + GUEST_DATA + n * PAGE);
}

/* On arm32 a 64-bit division would call the compiler's library, outside the section. */
static inline uint32_t remainder_of(uint64_t n, uint64_t divisor)
{
    return (uint32_t)n % (uint32_t)divisor;
}

/* guest_routes.c: the commands from GUEST_HYPERCALL on. */
void guest_routes(struct mailbox *m, uint64_t command);
/* guest_soak.c */
__attribute__((visibility("hidden"))) void guest_soak(struct mailbox *m, uint64_t id);

/* guest_bench.c: the commands from GUEST_BENCH on. */
void guest_bench(struct mailbox *m, uint64_t id, uint64_t command);
void guest_sleep(uint64_t ticks);

#endif
