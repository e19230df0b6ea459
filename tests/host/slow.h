/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much slower than an idle one this machine is: $XL_SLOW, which tools/check.py sets
 * (tools/pace.py), or 1.  A test stretches its limits by it, or asks for less where threads must
 * keep up with a clock.
 */
#ifndef TESTS_SLOW_H
#define TESTS_SLOW_H

#include <stdlib.h>

static inline double slow_factor(void)
{
    const char *text = getenv("XL_SLOW");
    double factor = text ? atof(text) : 1;
    return factor > 1 ? factor : 1;
}

#endif
