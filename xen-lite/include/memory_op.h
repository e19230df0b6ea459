/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HYPERVISOR_memory_op.  public/memory.h
 *   memory_op.c       dispatch, queries, claims
 *   memory_reserve.c  populate and decrease
 *   memory_physmap.c  add to and remove from a physmap, resources
 *
 * Preemptible commands carry their progress in the command word: bits 0-5 are the command, the
 * other bits are the extent to start at.
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
 * If extents have more than one page, the number of finished pages in the current extent (decrease)
 * is stored above the extent's number.  This leaves fewer bits for the extent's number.
 */
#define MEMOP_BLOCK_BITS   17u
#define MEMOP_BLOCKS_MAX   ((1u << MEMOP_BLOCK_BITS) - 1)
#define MEMOP_PAGES_A_LOOK 16u /* single pages between two checks for preemption */

/*
 * Sets the first argument so that the repeated call continues at `extent`.  Returns -XEN_ERESTART.
 */
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
 * A page of a direct-mapped domain stays the domain's own when it leaves the map, because no other
 * page can come back to that address.  This flag in struct page, under d->lock, marks such a page;
 * the reference of the former map entry is kept for it.
 */
#define PAGE_KEPT 0x40u
/*
 * Removes a page of RAM from d's map.  0; -XEN_EINVAL: there is none; -XEN_ENOMEM.  The caller
 * holds d->lock if d is direct-mapped.
 */
int memory_take_out(struct domain *d, uint64_t gfn);
#endif
