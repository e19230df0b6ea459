/* SPDX-License-Identifier: BSD-2-Clause */
/* Dumps for people.  debug_keys.c; hooks.h has debug_key. */
#ifndef XL_DEBUG_KEYS_H
#define XL_DEBUG_KEYS_H

#include "types.h"

void debug_keys_dump_all(void);

#endif
