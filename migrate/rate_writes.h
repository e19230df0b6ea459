/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counts the pages that a guest writes, over intervals of equal length.  Theory of operation:
 *
 * The number of different pages that a guest writes in a time T is not proportional to T, because a
 * page that is written twice counts once.  How this number depends on T decides how a migration
 * goes. So this file computes, for every k, the mean number of different pages written in k
 * consecutive intervals (a *window*).  It sees each interval only once, as the set of pages written
 * in it.
 *
 * A *pause* of a page is a maximal sequence of intervals in which the page is not written: between
 * two writes, before the first one, or after the last one.  A window does not count a page exactly
 * if the window lies inside a pause of the page.  A pause of L intervals contains L - k + 1 windows
 * of k intervals.  So it is enough to know how many pauses of each length there are.  This takes
 * one number per page (the interval of its last write) and one counter per length.
 */
#ifndef MIGRATE_RATE_WRITES_H
#define MIGRATE_RATE_WRITES_H

#include "memory.h"

#define RATE_WRITES_REGIONS_MAX  128u /* at most: bars of the plot */
#define RATE_WRITES_REGION_PAGES 512u /* at least: 2 MiB, a stage-2 block */

struct rate_writes_region {
    uint64_t gfn, pages; /* first frame; number of populated frames */
    uint64_t written;    /* pages written in at least one interval */
    uint64_t writes;     /* sum over all intervals of the pages written in each */
};

struct rate_writes {
    const struct memory *memory;
    uint32_t interval;   /* the current one, from 1 */
    uint32_t *last;      /* by slot: the interval of its last write; 0: never written */
    uint64_t *pauses;    /* by length in intervals: number of pauses of that length */
    uint64_t ever_pages; /* written in at least one interval */
    uint64_t now_pages;  /* written in the current interval */
    uint64_t total_pages, most_pages; /* sum and maximum over the completed intervals */
    uint64_t region_pages;
    uint64_t bank_pages[4]; /* pages of each bank that belong to regions */
    uint32_t region_count, bank_region[4];
    struct rate_writes_region region[RATE_WRITES_REGIONS_MAX];
};

/* Begins the first of at most `intervals` intervals.  `memory` must have been scanned, and must
 * outlive *w.  -1 with *f set on failure. */
int rate_writes_init(struct rate_writes *w, const struct memory *memory, uint32_t intervals,
                     struct failure *f);
void rate_writes_free(struct rate_writes *w);

/* The page of this slot was written in the current interval.  May be called again for the same
 * page. */
void rate_writes_note(struct rate_writes *w, uint64_t slot);
/* Ends the current interval and begins the next. */
void rate_writes_next_interval(struct rate_writes *w);

/* Ends the counting.  Call this directly after rate_writes_next_interval(). */
void rate_writes_close(struct rate_writes *w);
/* The number of completed intervals. */
static inline uint32_t rate_writes_intervals(const struct rate_writes *w)
{
    return w->interval - 1;
}
/* The mean number of different pages written in `intervals` consecutive intervals, from 1 to
 * rate_writes_intervals().  Call this only after rate_writes_close(). */
double rate_writes_mean(const struct rate_writes *w, uint32_t intervals);

#endif
