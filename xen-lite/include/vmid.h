/* SPDX-License-Identifier: BSD-2-Clause */
/* VMIDs: the tags of guests' TLB entries.  vmid.c */
#ifndef XL_VMID_H
#define XL_VMID_H

#include "types.h"
struct domain;

/*
 * VMIDs.  vmid_enter makes d->vttbr valid for entering the guest; it may flush when a generation
 * begins.
 */
void vmid_init(void);
/* Returns the VTTBR of d, which is about to run on this CPU.  May assign a new VMID. */
uint64_t vmid_enter(struct domain *d);
/*
 * Gives up all stage-2 TLB state by a fresh VMID.  Returns when no CPU can use an old entry.  One
 * renewal per domain at a time; no lock held but domctl_lock, because it waits for CPUs to leave
 * the guest.
 */
void vmid_renew(struct domain *d);
/*
 * This CPU runs nothing and has an empty map loaded: it must not use the last domain's VMID again.
 */
void vmid_idle(void);
/*
 * After a change of the domain's map: flushes the entries of a page or block, or all.  Any lock may
 * be held.
 */
void vmid_flush_ipa(struct domain *d, ipa_t ipa);
void vmid_flush(struct domain *d);
void vmid_dump(void);
/*
 * Gives the VMID up for good, with all TLB entries, before the tables are freed.  For p2m_destroy.
 */
void vmid_forget(struct domain *d);

#endif
