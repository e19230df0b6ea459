/* SPDX-License-Identifier: BSD-2-Clause */
/* The program of arm32's guests is in this payload too (guest32.S), so that all tests can have guests of either width. */
#include "bm.h"

extern char guest32_start[], guest32_end[];     /* guest32.S */

const struct guest_program *guest_program(void)
{
    static struct guest_program program;

    if (bm_option("guest") == 32)
        program = (struct guest_program){ guest32_start, guest32_end, .address_bits = 32, .cpsr = 0x1d3 /* Supervisor mode, all masked */ };
    else
        program = (struct guest_program){ guest_code_start, guest_code_end, GUEST_ADDRESS_BITS, GUEST_CPSR };
    return &program;
}
