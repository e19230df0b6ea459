/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch.h"
#include "hooks.h"
#include "panic.h"

/*
 * Stack protector.  This is the compiler's default value until stack_guard_init().  The low byte
 * stays zero, so that an overlong string copy cannot reproduce the value.
 */
uintptr_t __stack_chk_guard = (uintptr_t)0xa7f3c16e5b09d200ull;

/*
 * The caller must never return, or be compiled without the protector, because its own frame has the
 * old value.
 */
__attribute__((no_stack_protector)) void stack_guard_init(void)
{
    /*
     * The counter at boot differs from boot to boot in its low bits only: spread them (finaliser of
     * splitmix64).
     */
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
