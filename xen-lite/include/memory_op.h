/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HYPERVISOR_memory_op. public/memory.h
 *   memory_op.c       the dispatcher, queries, claims
 *   memory_reserve.c  populate and decrease
 *   memory_physmap.c  add to and remove from a physmap, resources
 *
 * The command word holds the progress of a preemptible command: bits 0-5 are the command, the upper
 * bits are the extent to continue at.
 */
#ifndef XL_MEMORY_OP_H
#define XL_MEMORY_OP_H
#include "types.h"
#include <xen/memory.h>
#include "hypercall.h"
#include "domain.h"
#include "rights.h"

#define MEMOP_SHIFT       6u
#define MEMOP_MASK        ((1u << MEMOP_SHIFT) - 1)
#define MEMOP_EXTENTS_MAX (UINT32_MAX >> MEMOP_SHIFT) /* fits a 32-bit register */
/*
 * For decrease with extents of more than one page, the progress is the page in the extent (upper
 * bits) and the number of the extent (MEMOP_BLOCK_BITS bits), so a call can have fewer extents.
 */
#define MEMOP_BLOCK_BITS 17u
#define MEMOP_BLOCKS_MAX ((1u << MEMOP_BLOCK_BITS) - 1)
/* Single pages between two preemption checks. */
#define MEMOP_PAGES_A_LOOK 16u

/*
 * Sets the first argument so that the repeated call continues at `extent`.  Returns -XEN_ERESTART.
 */
long memory_restart(unsigned op, uint64_t extent);
static inline bool gfn_valid(uint64_t gfn, uint64_t pages)
{
    uint64_t end = 1ull << (IPA_BITS - PAGE_SHIFT);
    return gfn < end && pages <= end - gfn;
}

/* Number of extents done, 0, -XEN_ERESTART or another error. */
long memory_reservation(unsigned op, uint64_t arg, uint64_t start);
long memory_add(uint64_t arg, uint64_t start);
long memory_add_batch(uint64_t arg, uint64_t start);
long memory_remove(uint64_t arg);
long memory_acquire(uint64_t arg, uint64_t start);

/*
 * Flag in struct page, under d->lock: a page of a direct-mapped domain that has left the map.  The
 * domain keeps the page, with the reference that the map's entry held, because no other page can be
 * mapped at that address.
 */
#define PAGE_KEPT 0x40u
/*
 * Removes a page of RAM from d's map.  0; -XEN_EINVAL: no RAM is mapped there; -XEN_ENOMEM.  The
 * caller holds d->lock if d is direct-mapped.
 */
int memory_take_out(struct domain *d, uint64_t gfn);
#endif
