/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch.h"
#include "hooks.h"
#include "panic.h"

/*
 * Stack protector.  The value is the compiler's fallback until stack_guard_init(); the low byte
 * stays zero, so that a string copied too far cannot write the right value.
 */
uintptr_t __stack_chk_guard = (uintptr_t)0xa7f3c16e5b09d200ull;

/* The caller must be one that never returns (or is compiled without the protector): its own frame
 * has the old value. */
__attribute__((no_stack_protector)) void stack_guard_init(void)
{
    /* The counter at boot differs from boot to boot in its low bits only: spread them (splitmix64's
     * finaliser). */
    uint64_t x = counter() + 0x9e3779b97f4a7c15ull * (uint64_t)(uintptr_t)this_cpu();
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    x ^= x >> 31;
    __stack_chk_guard = (uintptr_t)x & ~(uintptr_t)0xff;
}

_Noreturn void __stack_chk_fail(void)
{
    panic("stack overrun: the canary of the function at %p changed", __builtin_return_address(0));
}
