/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HYPERVISOR_memory_op.  public/memory.h
 *   memory_op.c       the call, questions, claims
 *   memory_reserve.c  populate and decrease
 *   memory_physmap.c  add to and remove from a physmap, resources
 *
 * Preemptible commands carry their progress in the command word: bits 0-5 say which, the rest is
 * the extent to start at.
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
#define MEMOP_EXTENTS_MAX (UINT32_MAX >> MEMOP_SHIFT) /* so that it fits a 32-bit register */
/* Of extents of more than a page, the pages of that extent that are done (decrease) are above its
 * number: fewer numbers are left. */
#define MEMOP_BLOCK_BITS 17u
#define MEMOP_BLOCKS_MAX ((1u << MEMOP_BLOCK_BITS) - 1)
#define MEMOP_PAGES_A_LOOK                                                 \
    16u /* single pages between two looks at whether something else is due \
         */

/* Go on at `extent` when the call is made again: sets the first argument. Returns -XEN_ERESTART. */
long memory_restart(unsigned op, uint64_t extent);
static inline bool gfn_valid(uint64_t gfn, uint64_t pages)
{
    uint64_t end = 1ull << (IPA_BITS - PAGE_SHIFT);
    return gfn < end && pages <= end - gfn;
}

/* Number of extents done, or -XEN_ERESTART. */
long memory_reservation(unsigned op, uint64_t arg, uint64_t start);
long memory_add(uint64_t arg, uint64_t start);
long memory_add_batch(uint64_t arg, uint64_t start);
long memory_remove(uint64_t arg);
long memory_acquire(uint64_t arg, uint64_t start);

/*
 * A page of a direct-mapped domain stays its own when it leaves the map, because only that page can
 * come back to that address: flag in struct page, under d->lock, while the reference that the map's
 * entry held is kept for it.
 */
#define PAGE_KEPT 0x40u
/* Take a page of memory out of d's map. 0, -XEN_EINVAL when there is none, -XEN_ENOMEM.  The
 * caller holds d->lock if d is direct-mapped. */
int memory_take_out(struct domain *d, uint64_t gfn);
#endif
