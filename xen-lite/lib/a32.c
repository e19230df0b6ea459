/* SPDX-License-Identifier: BSD-2-Clause */
/* AArch32's condition codes and IT blocks (a32.h). */
#include "a32.h"
#include "types.h"

/* The condition is in bits 23:20; otherwise (Thumb) in the IT state. */
#define SYNDROME_CV (1u << 24)
#define CPSR_IT     ((3u << 25) | (0x3fu << 10))

static uint32_t it_state(uint32_t cpsr) { return (cpsr >> 8 & 0xfc) | (cpsr >> 25 & 3); }

bool a32_condition_holds(uint32_t cpsr, uint32_t syndrome)
{
    unsigned cond = (syndrome >> 20) & 0xf, it = it_state(cpsr);
    bool n = cpsr >> 31 & 1, z = cpsr >> 30 & 1, c = cpsr >> 29 & 1, o = cpsr >> 28 & 1, holds;

    if (!(syndrome & SYNDROME_CV))
        cond = it & 0xf ? it >> 4 : 0xe;
    switch (cond >> 1) {
    case 0: holds = z; break;
    case 1: holds = c; break;
    case 2: holds = n; break;
    case 3: holds = o; break;
    case 4: holds = c && !z; break;
    case 5: holds = n == o; break;
    case 6: holds = n == o && !z; break;
    default: return true;
    }
    return cond & 1 ? !holds : holds;
}

uint32_t a32_advance_it(uint32_t cpsr)
{
    uint32_t it = it_state(cpsr);
    it = it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
    return (cpsr & ~CPSR_IT) | (it & 0xfc) << 8 | (it & 3) << 25;
}
