/* SPDX-License-Identifier: BSD-2-Clause */
/* The dirty log's insides: what dirty*.c and p2m.c share.  dirty.h has what others use. */
#ifndef XL_DIRTY_INTERNAL_H
#define XL_DIRTY_INTERNAL_H

#include "dirty.h"
#include "options.h"

/* What a RAM leaf at `level` that appears now has besides its attributes: while logging, it is
 * logged and dirty. */
uint64_t dirty_new_leaf(const struct p2m *p2m, unsigned level);
/* The region's bit. Set it after a leaf in it became dirty, clear it before reading its leaves;
 * both order (full barrier).  No lock. */
void dirty_note(struct p2m *p2m, uint64_t ipa);
void dirty_forget(struct p2m *p2m, uint64_t ipa);
bool dirty_noted(const struct p2m *p2m, uint64_t ipa);
bool dirty_any(void); /* some domain is logged */
/* Cut the block at ipa into leaves, each with the external-writer and log bits of its own page.
 * NULL: no memory.  The caller holds p2m->lock. */
uint64_t *dirty_split(struct p2m *p2m, uint64_t ipa);
int dirty_init(struct p2m *p2m); /* -ENOMEM */
void dirty_free(struct p2m *p2m);
/* split=eager: logging is on; it ends (again: no-op).  The caller of dirty_eager_start holds
 * p2m->lock; that of dirty_eager_stop too, or the domain is about to be freed. */
void dirty_eager_start(struct p2m *p2m);
void dirty_eager_stop(struct p2m *p2m);
/* New RAM is to come as leaves: a block would be split soon. */
static inline bool dirty_wants_leaves(const struct p2m *p2m)
{
    return p2m->logging && cmdline.split_eager;
}

#endif
