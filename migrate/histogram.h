/* SPDX-License-Identifier: BSD-2-Clause */
/* The plot of `xlm dirty-rate --histogram`: which share of each region of the guest's memory was
 * written.  The data come from the daemon's event `histogram`. */
#ifndef MIGRATE_HISTOGRAM_H
#define MIGRATE_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define HISTOGRAM_BARS_MAX 256u

struct histogram_bar {
    uint64_t gfn;
    double pages, written, writes; /* see struct rate_writes_region */
    bool joins;                    /* the region begins where the previous one ends */
};
struct histogram {
    char guest[64];
    double intervals, interval_s;
    uint64_t region_pages;
    uint32_t count;
    struct histogram_bar bar[HISTOGRAM_BARS_MAX];
};

/* Parses the event.  False if the line is not such an event. */
bool histogram_parse(const char *line, struct histogram *h);

/* Writes a complete SVG document. */
void histogram_svg(const struct histogram *h, FILE *out);

/* Writes text for a terminal: one line per region, or per group of regions if there are many. */
void histogram_text(const struct histogram *h, FILE *out);

#endif
