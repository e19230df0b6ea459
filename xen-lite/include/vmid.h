/* SPDX-License-Identifier: BSD-2-Clause */
/* VMIDs: the tags of guests' stage-2 TLB entries. vmid.c */
#ifndef XL_VMID_H
#define XL_VMID_H

#include "types.h"
struct domain;

void vmid_init(void);
/*
 * Returns the VTTBR of d, which is about to run on this CPU.  Assigns a VMID if d has none of this
 * generation; when a new generation begins, all guests' TLB entries are flushed.
 */
uint64_t vmid_enter(struct domain *d);
/*
 * Makes all stage-2 TLB entries of the domain unused, by a fresh VMID.  Returns when no CPU can use
 * an old entry, so it waits for CPUs that are in the guest.  The caller holds no lock except
 * domctl_lock, and renews each domain on one CPU at a time.
 */
void vmid_renew(struct domain *d);
/* For this CPU, which runs no vCPU and has an empty map loaded: forgets the last domain's VMID. */
void vmid_idle(void);
/*
 * Flush the TLB entries of one page or block, or of the whole domain, after its map changed.  Any
 * lock may be held.
 */
void vmid_flush_ipa(struct domain *d, ipa_t ipa);
void vmid_flush(struct domain *d);
void vmid_dump(void);
/*
 * Gives up the domain's VMID with all its TLB entries.  p2m_destroy calls it before it frees the
 * tables.
 */
void vmid_forget(struct domain *d);

#endif
