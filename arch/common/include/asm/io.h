/* SPDX-License-Identifier: BSD-2-Clause */
/* Device registers.  Inline assembly makes each access one plain load or store of the base
 * register: a hypervisor below us can emulate only those (their syndrome is valid). */
#ifndef ASM_IO_H
#define ASM_IO_H

#include <stdint.h>
#include <asm/width/io.h>

static inline uint32_t io_read32(const volatile void *base, uint32_t offset)
{
    uint32_t v;
    __asm__ volatile("ldr %" IO_W "0, [%1]"
                     : "=r"(v)
                     : "r"((const volatile char *)base + offset)
                     : "memory");
    return v;
}
static inline void io_write32(volatile void *base, uint32_t offset, uint32_t v)
{
    __asm__ volatile("str %" IO_W "0, [%1]"
                     :
                     : "r"(v), "r"((volatile char *)base + offset)
                     : "memory");
}
static inline uint8_t io_read8(const volatile void *base, uint32_t offset)
{
    uint32_t v;
    __asm__ volatile("ldrb %" IO_W "0, [%1]"
                     : "=r"(v)
                     : "r"((const volatile char *)base + offset)
                     : "memory");
    return (uint8_t)v;
}
static inline void io_write8(volatile void *base, uint32_t offset, uint8_t v)
{
    __asm__ volatile("strb %" IO_W "0, [%1]"
                     :
                     : "r"((uint32_t)v), "r"((volatile char *)base + offset)
                     : "memory");
}

#include <asm/width/io64.h>

#endif
