/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free frames, by index into the frame table.  Shared by page_free.c, page.c and page_boot.c.  The
 * caller of page_free_take, _take_at and _give holds page_lock.
 */
#ifndef XL_PAGE_FREE_H
#define XL_PAGE_FREE_H

#include "mm.h"
#include "spinlock.h"

#define NIL 0xffffffffu /* no frame */

extern spinlock_t page_lock; /* guards lists, counts and owners; innermost but for the log */
extern uint64_t page_total;  /* frames that are or were free: all RAM that is not reserved */

static inline uint32_t page_index(const struct page *p) { return (uint32_t)(p - frame_table); }
/* True if both frames are in EL2's direct map, or both are not.  No block is in both zones. */
bool page_free_same_zone(uint32_t a, uint32_t b);
/*
 * A block of 2^order, taken off the lists, or NIL.  *clean: in, the preferred kind; out, the
 * block's kind.  `own`: for the hypervisor, from the direct map.
 */
uint32_t page_free_take(bool own, unsigned order, bool *clean);
/* The block at pfn, if all of it is free. */
uint32_t page_free_take_at(uint64_t pfn, unsigned order, bool *clean);
void page_free_give(uint32_t i, unsigned order);
void page_free_reset(void); /* boot: nothing is free */
void page_free_dump(void);
void page_accounts_reset(void); /* boot: no domain owns pages */
#endif
