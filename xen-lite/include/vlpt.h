/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtual-linear page table: a stage 2 as an array in EL2's address space.  vlpt.c */
#ifndef XL_VLPT_H
#define XL_VLPT_H

#include "p2m.h"
#include <asm/atomic.h>
#include <asm/mm.h>

/* Take a window for this p2m, if one is free.  Without one, and with `vlpt=off`, p2m->vlpt_slot is
 * -1 and look-ups walk. */
void vlpt_attach(struct p2m *p2m);
void vlpt_detach(struct p2m *p2m);
/* From now on look-ups of all domains take their windows, or walk.  Any time. */
void vlpt_use(bool on);
bool vlpt_used(void);
/* The window for a look-up, or -1: ask once, it may change between two questions. */
static inline int vlpt_slot(const struct p2m *p2m)
{
    return __atomic_load_n(&p2m->vlpt_slot, __ATOMIC_RELAXED);
}
/* Do windows reach as far as ipa, which is below 2^IPA_BITS? */
static inline bool vlpt_reaches(uint64_t ipa)
{
    return VLPT_IPA_BITS >= IPA_BITS || !(ipa >> VLPT_IPA_BITS);
}
/*
 * The window as an array of leaves, to index with the gfn of ipa; NULL: walk.  A CPU may have one
 * window for all domains: the array is this domain's until the next look-up of another, so ask for
 * it right before it is used, and do not keep it.
 */
static inline uint64_t *vlpt_leaves(const struct p2m *p2m, uint64_t ipa)
{
    uint64_t *window = *(uint64_t *const volatile *)&p2m->window;
    return window && vlpt_reaches(ipa) ? vlpt_entered((unsigned)p2m->vlpt_window, window) : NULL;
}
/* A table of p2m is linked at a root entry; or is unlinked: EL2's TLB forgets it. */
void vlpt_linked(struct p2m *p2m, uint64_t ipa, uint64_t desc);
void vlpt_forget(struct p2m *p2m, uint64_t ipa, unsigned level);

/*
 * The place of the level-3 descriptor of ipa in the leaf window, or NULL with *desc and *level
 * saying what stands above it. Access it by load64_may_fault and cas64_may_fault unless p2m->lock
 * is held: a merge may take the table away. `slot` is what vlpt_slot() said, and not -1; windows
 * reach ipa.  As with vlpt_leaves(), use it before another domain's.
 */
uint64_t *vlpt_leaf(const struct p2m *p2m, unsigned slot, uint64_t ipa, uint64_t *desc,
                    unsigned *level);
/* A debug key: what look-ups take.  The domain is not to change its map meanwhile. */
struct domain;
void vlpt_time(struct domain *d);

#endif
