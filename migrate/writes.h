/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which pages a guest writes, watched over intervals of equal length.  Theory of operation:
 *
 * How many different pages a guest writes in a time T is not T times a rate: a page that is written
 * again counts once.  How it depends on T decides how a migration goes, so the mean over all
 * windows of k intervals is wanted, for every k, from one look at each interval. A window of k
 * intervals misses a page if it lies within one of the page's pauses: a pause of L intervals holds
 * L - k + 1 such windows.  So the lengths of all pauses are enough: those between two writes of a
 * page, before its first, and after its last.  That is one number a page (when it was last written)
 * and one count for each length.
 */
#ifndef MIGRATE_WRITES_H
#define MIGRATE_WRITES_H

#include "memory.h"

#define WRITES_REGIONS_MAX  128u /* bars of a plot */
#define WRITES_REGION_PAGES 512u /* at least: a block of stage 2 */

struct write_region {
    uint64_t gfn, pages; /* that have memory */
    uint64_t written;    /* of them, at some time */
    uint64_t writes;     /* the sum over all intervals of the pages written in each */
};

struct writes {
    const struct memory *memory;
    uint32_t interval;   /* the running one, from 1 */
    uint32_t *last;      /* by slot: the interval in which it was last written; 0: never */
    uint64_t *pauses;    /* by length in intervals: how many */
    uint64_t ever_pages; /* written at some time */
    uint64_t now_pages;  /* in the running interval */
    uint64_t total_pages,
        most_pages; /* over the intervals that have ended: their sum, and the busiest one */
    uint64_t region_pages;
    uint64_t bank_pages[4]; /* that are in regions */
    uint32_t region_count, bank_region[4];
    struct write_region region[WRITES_REGIONS_MAX];
};

/* `memory` with its layout and `populated`; it must outlive this.  Begins the first interval.  -1
 * with *f set. */
int writes_init(struct writes *w, const struct memory *memory, uint32_t intervals,
                struct failure *f);
void writes_free(struct writes *w);

/* The page of this slot has been written in the running interval; as often as one likes. */
void writes_note(struct writes *w, uint64_t slot);
/* Ends the running interval and begins the next; `intervals` times at most. */
void writes_next_interval(struct writes *w);

/* Nothing comes any more.  Call it when an interval has ended and nothing has been noted in the
 * next. */
void writes_close(struct writes *w);
/* Intervals that have ended. */
static inline uint32_t writes_intervals(const struct writes *w) { return w->interval - 1; }
/* After that: the mean number of different pages written in so many intervals in a row (1 to
 * writes_intervals()). */
double writes_mean(const struct writes *w, uint32_t intervals);

#endif
