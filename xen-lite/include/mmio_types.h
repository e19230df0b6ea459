/* SPDX-License-Identifier: BSD-2-Clause */
/* Types: emulated MMIO of a domain.  mmio.h has the functions. */
#ifndef XL_MMIO_TYPES_H
#define XL_MMIO_TYPES_H

#include "types.h"
struct domain;
struct vcpu;

/*
 * Bits of a device map's generation in leaves.  A debug build has 3, so that the number wraps
 * within a test.
 */
#ifndef MMIO_GENERATION_BITS
#define MMIO_GENERATION_BITS 32
#endif
#define MMIO_GENERATION_MAX ((uint32_t)((1ull << MMIO_GENERATION_BITS) - 1))

struct mmio_access {
    uint64_t offset; /* within the region */
    uint64_t value;
    uint8_t size;
    bool write;
};
/* True: done, and value set for a read.  False: an abort is injected. */
typedef bool (*mmio_handler)(struct vcpu *v, void *arg, struct mmio_access *a);
struct mmio_region {
    uint64_t start, size;
    mmio_handler fn;
    void *arg;
};
#define MMIO_REGIONS 16u
struct mmio_map {
    unsigned count;
    uint32_t
        generation; /* changes whenever `region` changes: a leaf with another generation is stale */
    struct mmio_region region[MMIO_REGIONS]; /* sorted by address */
    uint64_t hits, slow; /* look-ups of mmio_dispatch by leaf, and by search; approximate */
};

#endif
