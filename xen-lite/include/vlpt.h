/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtual-linear page table: a stage 2 as an array in EL2's address space.  vlpt.c */
#ifndef XL_VLPT_H
#define XL_VLPT_H

#include "p2m.h"
#include <asm/atomic.h>
#include <asm/mm.h>

/*
 * Takes a window for this p2m, if one is free.  Without one, and with `vlpt=off`, p2m->vlpt_slot is
 * -1 and look-ups walk.
 */
void vlpt_attach(struct p2m *p2m);
void vlpt_detach(struct p2m *p2m);
/* From now on look-ups of all domains use their windows, or walk.  May be called at any time. */
void vlpt_use(bool on);
bool vlpt_used(void);
/* The slot for a look-up, or -1.  Read it once per look-up: it may change in between. */
static inline int vlpt_slot(const struct p2m *p2m)
{
    return __atomic_load_n(&p2m->vlpt_slot, __ATOMIC_RELAXED);
}
/* True if windows reach ipa, which is below 2^IPA_BITS. */
static inline bool vlpt_reaches(uint64_t ipa)
{
    return VLPT_IPA_BITS >= IPA_BITS || !(ipa >> VLPT_IPA_BITS);
}
/*
 * The window as an array of leaves, indexed with the gfn of ipa; NULL: walk.  A CPU may have one
 * window for all domains.  The array is then this domain's only until the next look-up for another
 * domain, so call this right before use and do not keep the result.
 */
static inline uint64_t *vlpt_leaves(const struct p2m *p2m, uint64_t ipa)
{
    uint64_t *window = *(uint64_t *const volatile *)&p2m->window;
    return window && vlpt_reaches(ipa) ? vlpt_entered((unsigned)p2m->vlpt_window, window) : NULL;
}
/* A table of the p2m was linked at a root entry, or was unlinked: then EL2's TLB drops it. */
void vlpt_linked(struct p2m *p2m, uint64_t ipa, uint64_t desc);
void vlpt_forget(struct p2m *p2m, uint64_t ipa, unsigned level);

/*
 * Address of ipa's level-3 descriptor in the leaf window; or NULL, with the deciding descriptor
 * above it in *desc and *level.  Access it with load64_may_fault and cas64_may_fault unless
 * p2m->lock is held, because a merge may remove the table.  `slot` is a result of vlpt_slot() other
 * than -1; windows reach ipa.  As with vlpt_leaves(), use it before another domain's.
 */
uint64_t *vlpt_leaf(const struct p2m *p2m, unsigned slot, uint64_t ipa, uint64_t *desc,
                    unsigned *level);
/* A debug key: measures look-ups.  The domain must not change its map meanwhile. */
struct domain;
void vlpt_time(struct domain *d);

#endif
