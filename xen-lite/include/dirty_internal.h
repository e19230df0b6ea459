/* SPDX-License-Identifier: BSD-2-Clause */
/* What dirty*.c and p2m*.c share.  dirty.h has the interface for all others. */
#ifndef XL_DIRTY_INTERNAL_H
#define XL_DIRTY_INTERNAL_H

#include "dirty.h"
#include "options.h"

/*
 * Bits of a new RAM leaf at `level` in addition to its attributes: while the log is on, the leaf is
 * logged and dirty.
 */
uint64_t dirty_new_leaf(const struct p2m *p2m, unsigned level);
/*
 * The region's bit.  Set it after a leaf in the region became dirty; clear it before reading the
 * region's leaves.  Both include a full barrier.  No lock.
 */
void dirty_note(struct p2m *p2m, uint64_t ipa);
void dirty_forget(struct p2m *p2m, uint64_t ipa);
bool dirty_noted(const struct p2m *p2m, uint64_t ipa);
bool dirty_any(void); /* true if any domain is logged */
/*
 * Splits the block at ipa into leaves, each with the external-writer and log bits of its own page.
 * NULL: no memory.  The caller holds p2m->lock.
 */
uint64_t *dirty_split(struct p2m *p2m, uint64_t ipa);
int dirty_init(struct p2m *p2m); /* -ENOMEM */
void dirty_free(struct p2m *p2m);
/*
 * For split=eager: the log is on; it is turned off (a second call has no effect).  The caller of
 * dirty_eager_start holds p2m->lock; so does that of dirty_eager_stop, unless the domain is about
 * to be freed.
 */
void dirty_eager_start(struct p2m *p2m);
void dirty_eager_stop(struct p2m *p2m);
/* True if new RAM should be mapped as pages, because a block would be split soon. */
static inline bool dirty_wants_leaves(const struct p2m *p2m)
{
    return p2m->logging && cmdline.split_eager;
}

#endif
