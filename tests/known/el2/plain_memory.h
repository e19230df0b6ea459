/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest accessors for cases in which a guest's virtual address is an address of this program. */
#ifndef TESTS_KNOWN_PLAIN_MEMORY_H
#define TESTS_KNOWN_PLAIN_MEMORY_H

#include "domain_world.h"

size_t copy_from_guest(void *dst, uint64_t gva, size_t n)
{
    memcpy(dst, (void *)(uintptr_t)gva, n);
    return 0;
}

size_t copy_to_guest(uint64_t gva, const void *src, size_t n)
{
    memcpy((void *)(uintptr_t)gva, src, n);
    return 0;
}

size_t clear_guest(uint64_t gva, size_t n)
{
    memset((void *)(uintptr_t)gva, 0, n);
    return 0;
}

paddr_t uart_base;
uint32_t uart_intid;

#endif
