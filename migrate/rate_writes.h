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
#ifndef MIGRATE_RATE_WRITES_H
#define MIGRATE_RATE_WRITES_H

#include "memory.h"

#define RATE_WRITES_REGIONS_MAX  128u /* bars of a plot */
#define RATE_WRITES_REGION_PAGES 512u /* at least: a block of stage 2 */

struct rate_writes_region {
    uint64_t gfn, pages; /* that have memory */
    uint64_t written;    /* of them, at some time */
    uint64_t writes;     /* the sum over all intervals of the pages written in each */
};

struct rate_writes {
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
    struct rate_writes_region region[RATE_WRITES_REGIONS_MAX];
};

/* `memory` with its layout and `populated`; it must outlive this.  Begins the first interval.  -1
 * with *f set. */
int rate_writes_init(struct rate_writes *w, const struct memory *memory, uint32_t intervals,
                     struct failure *f);
void rate_writes_free(struct rate_writes *w);

/* The page of this slot has been written in the running interval; as often as one likes. */
void rate_writes_note(struct rate_writes *w, uint64_t slot);
/* Ends the running interval and begins the next; `intervals` times at most. */
void rate_writes_next_interval(struct rate_writes *w);

/* Nothing comes any more.  Call it when an interval has ended and nothing has been noted in the
 * next. */
void rate_writes_close(struct rate_writes *w);
/* Intervals that have ended. */
static inline uint32_t rate_writes_intervals(const struct rate_writes *w)
{
    return w->interval - 1;
}
/* After that: the mean number of different pages written in so many intervals in a row (1 to
 * rate_writes_intervals()). */
double rate_writes_mean(const struct rate_writes *w, uint32_t intervals);

#endif
