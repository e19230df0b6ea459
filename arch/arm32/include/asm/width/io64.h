/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Part of <asm/io.h>: two accesses, the low word first.  The only 64-bit registers that we use are
 * GICD_IROUTER and GICR_TYPER, and both allow 32-bit accesses (IHI 0069, 12.1.3).
 */
#include <asm/io.h> /* outside the guard: that file includes this one */
#ifndef ASM_WIDTH_IO64_H
#define ASM_WIDTH_IO64_H

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
