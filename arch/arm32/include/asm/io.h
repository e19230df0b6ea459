/* SPDX-License-Identifier: BSD-2-Clause */
/* Device registers.  Inline assembly keeps each access one plain load or store of the base
 * register: only these can be emulated. */
#ifndef ASM_IO_H
#define ASM_IO_H

#include <stdint.h>

static inline uint32_t io_read32(const volatile void *base, uint32_t offset)
{
    uint32_t v;
    __asm__ volatile("ldr %0, [%1]"
                     : "=r"(v)
                     : "r"((const volatile char *)base + offset)
                     : "memory");
    return v;
}
static inline void io_write32(volatile void *base, uint32_t offset, uint32_t v)
{
    __asm__ volatile("str %0, [%1]" : : "r"(v), "r"((volatile char *)base + offset) : "memory");
}
static inline void io_write8(volatile void *base, uint32_t offset, uint8_t v)
{
    __asm__ volatile("strb %0, [%1]"
                     :
                     : "r"((uint32_t)v), "r"((volatile char *)base + offset)
                     : "memory");
}
static inline uint8_t io_read8(const volatile void *base, uint32_t offset)
{
    uint32_t v;
    __asm__ volatile("ldrb %0, [%1]"
                     : "=r"(v)
                     : "r"((const volatile char *)base + offset)
                     : "memory");
    return (uint8_t)v;
}
/*
 * A device sees two accesses, the low word first.  GICD_IROUTER and GICR_TYPER, all that is 64 bits
 * wide for us, allow that (IHI 0069, 12.1.3).
 */
static inline uint64_t io_read64(const volatile void *base, uint32_t offset)
{
    uint32_t low = io_read32(base, offset);
    return low | (uint64_t)io_read32(base, offset + 4) << 32;
}
static inline void io_write64(volatile void *base, uint32_t offset, uint64_t v)
{
    io_write32(base, offset, (uint32_t)v);
    io_write32(base, offset + 4, (uint32_t)(v >> 32));
}

#endif
