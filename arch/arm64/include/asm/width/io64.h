/* SPDX-License-Identifier: BSD-2-Clause */
/* Part of <asm/io.h>: one access of 64 bits. */
#include <asm/io.h> /* outside the guard: that file includes this one */
#ifndef ASM_WIDTH_IO64_H
#define ASM_WIDTH_IO64_H

static inline uint64_t io_read64(const volatile void *base, uint32_t offset)
{
    uint64_t v;
    __asm__ volatile("ldr %0, [%1]"
                     : "=r"(v)
                     : "r"((const volatile char *)base + offset)
                     : "memory");
    return v;
}
static inline void io_write64(volatile void *base, uint32_t offset, uint64_t v)
{
    __asm__ volatile("str %0, [%1]" : : "r"(v), "r"((volatile char *)base + offset) : "memory");
}

#endif
