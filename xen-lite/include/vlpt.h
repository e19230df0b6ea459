/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual-linear page table: the leaves of a stage 2 as an array in EL2's address space. vlpt.c
 */
#ifndef XL_VLPT_H
#define XL_VLPT_H

#include "p2m.h"
#include <asm/atomic.h>
#include <asm/mm.h>

/*
 * Takes a free window slot for this p2m.  Without one, or with `vlpt=off`, p2m->vlpt_slot is -1 and
 * look-ups walk the tables.  vlpt_detach gives the slot back.
 */
void vlpt_attach(struct p2m *p2m);
void vlpt_detach(struct p2m *p2m);
/* Makes look-ups of all domains use their windows (true) or walk (false).  At any time. */
void vlpt_use(bool on);
bool vlpt_used(void);
/*
 * The slot for a look-up, or -1: walk.  Read it once per look-up, because vlpt_use may change it.
 */
static inline int vlpt_slot(const struct p2m *p2m)
{
    return __atomic_load_n(&p2m->vlpt_slot, __ATOMIC_RELAXED);
}
/* True if the windows cover ipa, which is below 2^IPA_BITS. */
static inline bool vlpt_reaches(uint64_t ipa)
{
    return VLPT_IPA_BITS >= IPA_BITS || !(ipa >> VLPT_IPA_BITS);
}
/*
 * The window as an array of leaves, indexed with the gfn of ipa; NULL: walk.  A CPU may have one
 * window for all domains, so the array is valid until the next look-up in another domain: get it
 * immediately before use, and do not keep it.
 */
static inline uint64_t *vlpt_leaves(const struct p2m *p2m, uint64_t ipa)
{
    uint64_t *window = *(uint64_t *const volatile *)&p2m->window;
    return window && vlpt_reaches(ipa) ? vlpt_entered((unsigned)p2m->vlpt_window, window) : NULL;
}
/*
 * vlpt_linked: a root entry of p2m has become a table descriptor.  vlpt_forget: a table is
 * unlinked, so EL2's TLB entries for it are flushed.
 */
void vlpt_linked(struct p2m *p2m, uint64_t ipa, uint64_t desc);
void vlpt_forget(struct p2m *p2m, uint64_t ipa, unsigned level);

/*
 * The address of ipa's level-3 descriptor in the leaf window.  NULL: no table there; *desc and
 * *level are the block or empty entry above.  Access the descriptor with load64_may_fault and
 * cas64_may_fault unless p2m->lock is held, because a merge may remove the table.  `slot` is a
 * result of vlpt_slot() other than -1, and the windows cover ipa.  Like vlpt_leaves(), the result
 * is valid until a look-up in another domain.
 */
uint64_t *vlpt_leaf(const struct p2m *p2m, unsigned slot, uint64_t ipa, uint64_t *desc,
                    unsigned *level);
/*
 * For a debug key: measures look-ups and logs the times.  The domain's map must not change
 * meanwhile.
 */
struct domain;
void vlpt_time(struct domain *d);

#endif
