/* SPDX-License-Identifier: BSD-2-Clause */
/* The dirty log's insides: what dirty*.c and p2m.c share.  p2m.h has what others use. */
#ifndef XL_DIRTY_H
#define XL_DIRTY_H

#include "p2m.h"

#define DIRTY_REGIONS (1u << (IPA_BITS - BLOCK_SHIFT))

/* One bit for each 2 MiB of guest-physical space: something in it may be dirty.  Not kept when the hardware sets dirty state. */
struct dirty_log {
    enum { DIRTY_OFF, DIRTY_ENABLING, DIRTY_ON, DIRTY_DISABLING } state;
    uint64_t cursor;                    /* gfn: progress of enabling and disabling */
    uint64_t rounds;
    bool of_new_domain;                 /* ENABLING, and it has never run: what its builder wrote starts dirty */
    uint64_t *region;                   /* DIRTY_REGIONS bits */
};

/* What a leaf that appears now has besides its attributes, which let it be written: while logging, RAM is logged, and so dirty; what is
 * shared with the hypervisor is dirty in every round. */
uint64_t dirty_new_leaf(const struct p2m *p2m, enum p2m_type type, unsigned level);
/* The region's bit. Set it after a leaf in it became dirty, clear it before reading its leaves; both order (full barrier).  No lock. */
void dirty_note(struct p2m *p2m, uint64_t ipa);
void dirty_forget(struct p2m *p2m, uint64_t ipa);
bool dirty_noted(const struct p2m *p2m, uint64_t ipa);
bool dirty_any(void);                   /* some domain is logged */
/* Cut the block at ipa into leaves, each with the external-writer and log bits of its own page.  NULL: no memory.  Lock held. */
uint64_t *dirty_split(struct p2m *p2m, uint64_t ipa);
void dirty_free(struct p2m *p2m);

#endif
