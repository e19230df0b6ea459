/* SPDX-License-Identifier: BSD-2-Clause */
/* The compiler's 64-bit division calls this for a divisor of zero (Run-time ABI for the Arm
 * Architecture, 4.3.2). */
#include "bm.h"

_Noreturn void panic_at(const char *file, int line, const char *fmt, ...);
long long __aeabi_ldiv0(long long value);
long long __aeabi_ldiv0(long long value)
{
    (void)value;
    panic_at(__FILE__, __LINE__, "division by zero");
}
