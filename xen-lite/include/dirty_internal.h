/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Internals of the dirty log, shared by dirty*.c and p2m*.c. dirty.h has the interface for others.
 */
#ifndef XL_DIRTY_INTERNAL_H
#define XL_DIRTY_INTERNAL_H

#include "dirty.h"
#include "options.h"

/*
 * The log's bits for a new RAM leaf at `level`: while the log is on, the leaf is logged and dirty.
 */
uint64_t dirty_new_leaf(const struct p2m *p2m, unsigned level);
/*
 * The bit of ipa's 2 MiB region.  dirty_note sets it, after a leaf in the region became dirty.
 * dirty_forget clears it, before the region's leaves are read.  Both include a full barrier.  No
 * lock needed.
 */
void dirty_note(struct p2m *p2m, uint64_t ipa);
void dirty_forget(struct p2m *p2m, uint64_t ipa);
bool dirty_noted(const struct p2m *p2m, uint64_t ipa);
bool dirty_any(void); /* the log of some domain is on */
/*
 * Splits the block at ipa into leaves.  Each leaf gets the external-writer and log bits of its own
 * page.  Returns ipa's leaf; NULL: no memory.  The caller holds p2m->lock.
 */
uint64_t *dirty_split(struct p2m *p2m, uint64_t ipa);
int dirty_init(struct p2m *p2m); /* 0, -XEN_ENOMEM */
void dirty_free(struct p2m *p2m);
/*
 * Background splitting (split=eager): start when logging is on, stop when it ends.  A second stop
 * has no effect.  The caller of dirty_eager_start holds p2m->lock.  So does that of
 * dirty_eager_stop, unless the domain is about to be freed.
 */
void dirty_eager_start(struct p2m *p2m);
void dirty_eager_stop(struct p2m *p2m);
/* True if new RAM should be mapped as pages, because a block would be split soon. */
static inline bool dirty_wants_leaves(const struct p2m *p2m)
{
    return p2m->logging && cmdline.split_eager;
}

#endif
