/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtual-linear page table: a stage 2 as an array in EL2's address space.  vlpt.c */
#ifndef XL_VLPT_H
#define XL_VLPT_H

#include "p2m.h"
#include <asm/atomic.h>

/* Take a window for this p2m, if one is free.  Without one, and with `vlpt=off`, p2m->vlpt_slot is -1 and look-ups walk. */
void vlpt_attach(struct p2m *p2m);
void vlpt_detach(struct p2m *p2m);
/* From now on look-ups of all domains take their windows, or walk.  Any time. */
void vlpt_use(bool on);
bool vlpt_used(void);
/* The window for a look-up, or -1: ask once, it may change between two questions. */
static inline int vlpt_slot(const struct p2m *p2m) { return __atomic_load_n(&p2m->vlpt_slot, __ATOMIC_RELAXED); }
/* The same as an array of leaves, to index with gfn; NULL: walk. */
static inline uint64_t *vlpt_leaves(const struct p2m *p2m) { return *(uint64_t *const volatile *)&p2m->window; }
/* A table of p2m is unlinked: EL2's TLB forgets it. */
void vlpt_forget(struct p2m *p2m, uint64_t ipa, unsigned level);

/*
 * The place of the level-3 descriptor of ipa in the leaf window, or NULL with *desc and *level saying what stands above it.
 * Access it by load64_may_fault and cas64_may_fault unless p2m->lock is held: a merge may take the table away.
 * `slot` is what vlpt_slot() said, and not -1; ipa below 2^40.
 */
uint64_t *vlpt_leaf(const struct p2m *p2m, unsigned slot, uint64_t ipa, uint64_t *desc, unsigned *level);
/* A debug key: what look-ups take.  The domain is not to change its map meanwhile. */
struct domain;
void vlpt_time(struct domain *d);

#endif
