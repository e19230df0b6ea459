/* SPDX-License-Identifier: BSD-2-Clause */
/* The dirty log.  dirty*.c */
#ifndef XL_DIRTY_H
#define XL_DIRTY_H

#include "types.h"
#include "p2m_types.h"
struct domain;
struct vcpu;
struct page;

/*
 * The dirty log: a leaf itself records whether its page is dirty (dirty.c).  0 or an error;
 * -XEN_ERESTART: call again with the same arguments (the arguments or the log hold the progress).
 */
int dirty_enable(struct domain *d);  /* -XEN_EINVAL if the log is on, -XEN_ENOMEM, -XEN_ERESTART */
int dirty_disable(struct domain *d); /* also merges pages into blocks; -XEN_ERESTART */
bool dirty_on(const struct domain *d); /* dirty_enable has completed */
/*
 * The first gfn of [gfn, end) whose 2 MiB region may have dirty pages, or `end`.  *pages: length of
 * the run of such pages from there, up to `end`.  The log must be on.
 */
uint64_t dirty_next(const struct domain *d, uint64_t gfn, uint64_t end, uint64_t *pages);
/*
 * Reads the dirty state of [gfn, gfn+pages) into `words` (bit 0 is gfn, a multiple of 64).  With
 * `clear`, makes those pages clean.  *count: number of dirty pages.  0; -XEN_EINVAL: the log is
 * off, or the range is not valid.
 */
int dirty_harvest(struct domain *d, uint64_t gfn, uint64_t pages, uint64_t *words, bool clear,
                  uint64_t *count);
/*
 * Ends a round, after the last piece of a clearing harvest: renews the VMID, so that no CPU writes
 * through a stale writable entry.  Writes through stale entries before that belong to the next
 * round: dirty.c explains why none is lost.
 */
void dirty_round_end(struct domain *d);
/*
 * For idle CPUs, with split=eager: splits one block of a logged domain.  False: no block is left.
 */
bool dirty_split_idle(void);
/*
 * Handles a write fault on a logged leaf.  True: the guest can go on. entry.S handles the common
 * case by itself, with dirty_log.region.  dirty_mark.c
 */
bool dirty_fault(struct vcpu *v, ipa_t ipa);
/*
 * Marks a page after the hypervisor wrote to it, for itself or for another domain.  No p2m lock is
 * held.
 */
void dirty_mark(struct domain *d, ipa_t ipa);
/* Like dirty_mark, for a caller that has the page of RAM already. */
void dirty_mark_ram(struct domain *d, ipa_t ipa, struct page *p);
/* Marks the leaf that maps the page in its owner's map (p->gfn). */
void dirty_mark_page(struct page *p);
/*
 * Counts a writable mapping by another domain: +1 when it appears, -1 when it is gone.  No p2m lock
 * is held.
 */
void dirty_ext_writer(struct page *p, int delta);

#endif
