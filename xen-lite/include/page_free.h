/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free frames, by index into the frame table.  Shared by page_free.c, page.c and page_boot.c.  The
 * caller of page_free_take, page_free_take_at and page_free_give holds page_lock.
 */
#ifndef XL_PAGE_FREE_H
#define XL_PAGE_FREE_H

#include "mm.h"
#include "spinlock.h"

#define NIL 0xffffffffu /* no frame */

/*
 * Guards the lists of free blocks, the counts and the owners.  It is the innermost lock except for
 * the log's.
 */
extern spinlock_t page_lock;
/* Frames that are free or were free once: all RAM that is not reserved. */
extern uint64_t page_total;

static inline uint32_t page_index(const struct page *p) { return (uint32_t)(p - frame_table); }
/*
 * True if both frames are in the direct map, or neither is.  A free block never crosses that limit.
 */
bool page_free_same_zone(uint32_t a, uint32_t b);
/*
 * Takes a block of 2^order frames off the lists; NIL: none.  `own`: only from the direct map, for
 * the hypervisor.  *clean: in, whether a zeroed block is preferred; out, whether the block is
 * zeroed.
 */
uint32_t page_free_take(bool own, unsigned order, bool *clean);
/*
 * Takes the block of 2^order frames at pfn; NIL: a part of it is not free.  *clean: whether it is
 * zeroed.
 */
uint32_t page_free_take_at(uint64_t pfn, unsigned order, bool *clean);
void page_free_give(uint32_t i, unsigned order);
void page_free_reset(void); /* at boot: no frame is free */
void page_free_dump(void);
void page_accounts_reset(void); /* at boot: no domain owns a page */
#endif
