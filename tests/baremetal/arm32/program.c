/* SPDX-License-Identifier: BSD-2-Clause */
#include "bm.h"

const struct guest_program *guest_program(void)
{
    static struct guest_program own = { .address_bits = GUEST_ADDRESS_BITS, .cpsr = GUEST_CPSR };
    own.start = guest_code_start;
    own.end = guest_code_end;
    return &own;
}

/* All other tests use guests of this width already. */
void test_aarch32(void) {}
