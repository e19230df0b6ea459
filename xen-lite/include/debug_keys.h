/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Debug keys: dumps of the hypervisor's state to the log.  debug_keys.c; debug_key() is in hooks.h.
 */
#ifndef XL_DEBUG_KEYS_H
#define XL_DEBUG_KEYS_H

#include "types.h"

void debug_keys_dump_all(void);

#endif
