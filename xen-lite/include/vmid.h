/* SPDX-License-Identifier: BSD-2-Clause */
/* VMIDs: the tags of guests' TLB entries.  vmid.c */
#ifndef XL_VMID_H
#define XL_VMID_H

#include "types.h"
struct domain;

/* VMIDs. vmid.c: makes d->vttbr current for entry; may flush when a generation opens. */
void vmid_init(void);
uint64_t vmid_enter(
    struct domain *d); /* called with the domain about to run on this CPU; returns VTTBR */
/*
 * Drop all stage-2 TLB state, by a fresh VMID; returns when no CPU can use an old entry.  One
 * renewal of a domain at a time, no lock held but domctl_lock: it waits for CPUs that are in the
 * guest.
 */
void vmid_renew(struct domain *d);
void vmid_idle(void); /* this CPU, which runs nothing and has an empty map loaded, may not use the
                         last domain's number again */
/* Entries for a page or block, or all of the domain's, after a change of its map; any lock may be
 * held. */
void vmid_flush_ipa(struct domain *d, ipa_t ipa);
void vmid_flush(struct domain *d);
void vmid_dump(void);
/* The VMID goes for good, with all TLB entries: the tables are about to be freed.  From
 * p2m_destroy */
void vmid_forget(struct domain *d);

#endif
