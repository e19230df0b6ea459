/* SPDX-License-Identifier: BSD-2-Clause */
/* Types: emulated MMIO of a domain.  mmio.h has the functions. */
#ifndef XL_MMIO_TYPES_H
#define XL_MMIO_TYPES_H

#include "types.h"
struct domain;
struct vcpu;

/*
 * Width of the generation number of a device map, as leaves store it.  A debug build has 3 bits, so
 * that the wrap can be tested.
 */
#ifndef MMIO_GENERATION_BITS
#define MMIO_GENERATION_BITS 32
#endif
#define MMIO_GENERATION_MAX ((uint32_t)((1ull << MMIO_GENERATION_BITS) - 1))

struct mmio_access {
    uint64_t offset; /* from the start of the region */
    uint64_t value;
    uint8_t size;
    bool write;
};
/*
 * Handles one access.  True: done, and `value` is set for a read.  False: the guest gets an abort.
 */
typedef bool (*mmio_handler)(struct vcpu *v, void *arg, struct mmio_access *a);
struct mmio_region {
    uint64_t start, size;
    mmio_handler fn;
    void *arg;
};
#define MMIO_REGIONS 16u
struct mmio_map {
    unsigned count;
    /* Changes with each change of `region`.  A leaf with another generation is stale. */
    uint32_t generation;
    struct mmio_region region[MMIO_REGIONS]; /* sorted by address */
    /* Look-ups of mmio_dispatch by leaf and by search.  Updated without a lock, so not exact. */
    uint64_t hits, slow;
};

#endif
