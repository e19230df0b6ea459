/* SPDX-License-Identifier: BSD-2-Clause */
/* This payload also has the program of arm32's guests (guest32.S), so that all tests can use guests
 * of either width. */
#include "bm.h"

#define CPSR_32 0x1d3u /* Supervisor mode; A, I and F masked */

extern char guest32_start[], guest32_end[], probe_start[], probe_end[]; /* guest32.S */
bool guest_is_probe;

const struct guest_program *guest_program(void)
{
    static struct guest_program program;

    if (guest_is_probe)
        program = (struct guest_program){ probe_start, probe_end, 32, CPSR_32 };
    else if (bm_option("guest") == 32)
        program = (struct guest_program){ guest32_start, guest32_end, 32, CPSR_32 };
    else
        program = (struct guest_program){ guest_code_start, guest_code_end, GUEST_ADDRESS_BITS,
                                          GUEST_CPSR };
    return &program;
}
