/* SPDX-License-Identifier: BSD-2-Clause */
/* Who holds a lock, for the assertions of a debug build (spinlock.h). */
#include "lib.h"
#include "spinlock.h"
#include <asm/cpu.h>

#if XL_DEBUG
uint32_t spin_self(void) { return cpu_id() + 1; }
#endif
