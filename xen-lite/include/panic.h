/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of the hypervisor, and what must never be.  panic.c, stack_guard.c */
#ifndef XL_PANIC_H
#define XL_PANIC_H

#include "lib.h"

_Noreturn void panic_at(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
#define panic(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)
#define BUG_ON(cond)                                           \
    do {                                                       \
        if (unlikely(cond))                                    \
            panic_at(__FILE__, __LINE__, "BUG_ON(%s)", #cond); \
    } while (0)
/* A debug build (`make debug`) checks more than others can afford to. */
#define ASSERT(cond)         \
    do {                     \
        if (XL_DEBUG)        \
            BUG_ON(!(cond)); \
    } while (0)

/* A CPU that sees this set must call panic_stop_cpu(); guest_prepare() asks. */
extern bool panic_in_progress;
_Noreturn void panic_stop_cpu(void);

/* Stack protector (stack_guard.c): a fresh canary, once at boot. The caller must never return. */
void stack_guard_init(void);

#endif
