/* SPDX-License-Identifier: BSD-2-Clause */
/* What `xlm dirty-rate --histogram` draws from the daemon's `histogram` event: how much of each
 * region of the guest's memory was written. */
#ifndef MIGRATE_HISTOGRAM_H
#define MIGRATE_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define HISTOGRAM_BARS_MAX 256u

struct histogram_bar {
    uint64_t gfn;
    double pages, written, writes; /* see struct rate_writes_region */
    bool joins;                    /* begins where the bar before it ends */
};
struct histogram {
    char guest[64];
    double intervals, interval_s;
    uint64_t region_pages;
    uint32_t count;
    struct histogram_bar bar[HISTOGRAM_BARS_MAX];
};

/* Reads the event's line; false if it is none. */
bool histogram_parse(const char *line, struct histogram *h);

/* A whole SVG document. */
void histogram_svg(const struct histogram *h, FILE *out);

/* For a terminal: a line a region, or for several if there are many. */
void histogram_text(const struct histogram *h, FILE *out);

#endif
