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
 * The functions return 0 or -errno.  -ERESTART: call again with the same arguments (progress is
 * kept in the arguments or in the log).
 */
int dirty_enable(struct domain *d);    /* -EINVAL: it is on already; -ENOMEM; -ERESTART */
int dirty_disable(struct domain *d);   /* merges blocks again; -ERESTART */
bool dirty_on(const struct domain *d); /* true once enabling has finished */
/*
 * The first page of [gfn, end) that is in a region with possibly dirty pages; `end` if there is
 * none.  *pages: how many pages from there on are in such regions, up to `end`.  The log is on.
 */
uint64_t dirty_next(const struct domain *d, uint64_t gfn, uint64_t end, uint64_t *pages);
/*
 * Harvests [gfn, gfn+pages) into `words`: bit 0 is gfn, which is a multiple of 64.  Clears the log
 * there if `clear`.  *count: number of dirty pages.
 */
int dirty_harvest(struct domain *d, uint64_t gfn, uint64_t pages, uint64_t *words, bool clear,
                  uint64_t *count);
/*
 * After the last piece of a clearing harvest: gives the domain a fresh VMID, so that no stale
 * writable TLB entry is used any more.  dirty.c argues why writes through such entries, until here,
 * are not lost.
 */
void dirty_round_end(struct domain *d);
/* For idle CPUs: splits one block of a logged domain, with split=eager.  False: there is none. */
bool dirty_split_idle(void);
/*
 * A write hit a logged leaf: true if it is resolved.  entry.S resolves the common case itself, with
 * dirty_log.region.  dirty_mark.c
 */
bool dirty_fault(struct vcpu *v, ipa_t ipa);
/* Marks a page after the hypervisor wrote to it, for itself or for another domain. */
void dirty_mark(struct domain *d, ipa_t ipa);
/* Like dirty_mark, for a caller that has the page of RAM. */
void dirty_mark_ram(struct domain *d, ipa_t ipa, struct page *p);
void dirty_mark_page(struct page *p); /* by page: marks the leaf of its owner, by p->gfn */
/* Another domain has made (+1) or dropped (-1) a writable mapping. */
void dirty_ext_writer(struct page *p, int delta);

#endif
