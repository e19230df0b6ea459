/* SPDX-License-Identifier: BSD-2-Clause */
/* Panic, and checks that lead to it. panic.c, stack_guard.c */
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
/* Checked only in a debug build (`make debug`), because it costs too much in others. */
#define ASSERT(cond)         \
    do {                     \
        if (XL_DEBUG)        \
            BUG_ON(!(cond)); \
    } while (0)

/* A CPU that reads true must call panic_stop_cpu(); guest_prepare() checks this. */
extern bool panic_in_progress;
_Noreturn void panic_stop_cpu(void);

/*
 * Sets the stack protector's canary, once at boot (stack_guard.c).  The caller must never return.
 */
void stack_guard_init(void);

#endif
