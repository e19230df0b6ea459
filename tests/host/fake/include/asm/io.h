/* SPDX-License-Identifier: BSD-2-Clause */
/* Device registers: a test that links a driver is the device, and has these two. */
#ifndef ASM_IO_H
#define ASM_IO_H

#include <stdint.h>

uint64_t fake_io_read(const volatile void *at, unsigned bytes);
void fake_io_write(volatile void *at, unsigned bytes, uint64_t v);

static inline const volatile void *io_at(const volatile void *base, uint32_t offset)
{
    return (const volatile char *)base + offset;
}
static inline uint32_t io_read32(const volatile void *base, uint32_t offset)
{
    return (uint32_t)fake_io_read(io_at(base, offset), 4);
}
static inline uint64_t io_read64(const volatile void *base, uint32_t offset)
{
    return fake_io_read(io_at(base, offset), 8);
}
static inline void io_write8(volatile void *base, uint32_t offset, uint8_t v)
{
    fake_io_write((volatile char *)base + offset, 1, v);
}
static inline void io_write32(volatile void *base, uint32_t offset, uint32_t v)
{
    fake_io_write((volatile char *)base + offset, 4, v);
}
static inline void io_write64(volatile void *base, uint32_t offset, uint64_t v)
{
    fake_io_write((volatile char *)base + offset, 8, v);
}

#endif
