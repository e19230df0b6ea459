/* SPDX-License-Identifier: BSD-2-Clause */
/* Device registers.  Inline assembly keeps each access one plain load or store of the base
 * register. */
#ifndef ASM_IO_H
#define ASM_IO_H

#include <stdint.h>

static inline uint32_t io_read32(const volatile void *base, uint32_t offset)
{
    uint32_t v;
    __asm__ volatile("ldr %w0, [%1]"
                     : "=r"(v)
                     : "r"((const volatile char *)base + offset)
                     : "memory");
    return v;
}
static inline void io_write32(volatile void *base, uint32_t offset, uint32_t v)
{
    __asm__ volatile("str %w0, [%1]" : : "r"(v), "r"((volatile char *)base + offset) : "memory");
}
static inline void io_write8(volatile void *base, uint32_t offset, uint8_t v)
{
    __asm__ volatile("strb %w0, [%1]" : : "r"(v), "r"((volatile char *)base + offset) : "memory");
}
static inline uint8_t io_read8(const volatile void *base, uint32_t offset)
{
    uint32_t v;
    __asm__ volatile("ldrb %w0, [%1]"
                     : "=r"(v)
                     : "r"((const volatile char *)base + offset)
                     : "memory");
    return (uint8_t)v;
}
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
