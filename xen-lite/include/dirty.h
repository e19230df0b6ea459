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
 * Dirty log (dirty.c).  The leaf is the record.  All 0 or -errno; -ERESTART: call again with the
 * same arguments (progress is kept in the arguments or the log).
 */
int dirty_enable(struct domain *d);    /* -EINVAL twice, -ENOMEM; -ERESTART */
int dirty_disable(struct domain *d);   /* merges blocks again; -ERESTART */
bool dirty_on(const struct domain *d); /* enabled, to the end */
/*
 * The first page of [gfn, end) in a region that may have dirty pages, or `end`; in *pages, how many
 * there are of which that can be said, up to `end`.  Logging is on.
 */
uint64_t dirty_next(const struct domain *d, uint64_t gfn, uint64_t end, uint64_t *pages);
/* Harvest [gfn, gfn+pages) into `words` (bit 0 = gfn, a multiple of 64), clearing if asked. Number
 * of dirty pages in *count. */
int dirty_harvest(struct domain *d, uint64_t gfn, uint64_t pages, uint64_t *words, bool clear,
                  uint64_t *count);
/* After the last piece of a clearing harvest: fresh VMID so that no stale writable entry survives.
 * (Writers see the cleared leaf only then: bits collected before are of this round, writes through
 * stale entries must not be lost: dirty.c argues the order.) */
void dirty_round_end(struct domain *d);
/* For CPUs with nothing else to do: split a block of a logged domain, with split=eager.  False:
 * there is none. */
bool dirty_split_idle(void);
/* A write hit a logged leaf: true when resolved.  For p2m_fault.c; entry.S does the common case by
 * itself. */
bool dirty_fault(struct vcpu *v, ipa_t ipa);
void dirty_mark(struct domain *d,
                ipa_t ipa); /* the hypervisor (or a copy for another domain) wrote there */
void dirty_mark_ram(struct domain *d, ipa_t ipa,
                    struct page *p);  /* the same where the caller has the page of RAM at hand */
void dirty_mark_page(struct page *p); /* by page: its owner's leaf, through p->gfn */
void dirty_ext_writer(struct page *p,
                      int delta); /* a writable mapping by another domain came (+1) or went (-1) */

#endif
