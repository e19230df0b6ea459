/* SPDX-License-Identifier: BSD-2-Clause */
/* The events of a migration as JSON lines: docs/report.md. */
#ifndef MIGRATE_REPORT_H
#define MIGRATE_REPORT_H

#include <stdio.h>

#include "common.h"

#define REPORT_ROUNDS_MAX 64

struct report_round {
    uint64_t pages, zero_pages, bytes, ns;
};

struct report {
    void (*emit)(void *emit_argument, const char *line); /* gets a line without "\n"; may be NULL */
    void *emit_argument;
    uint32_t round_count;
    struct report_round round[REPORT_ROUNDS_MAX];
    uint64_t total_ns, downtime_ns, suspend_ns, clock_error_ns;
    uint64_t bytes_sent, pages_sent, zero_pages;
    /* durations of the stages before round 1, and of the parts of the blackout */
    uint64_t prepare_ns, accept_ns, scan_ns, create_ns;
    uint64_t last_round_ns, state_ns, verify_ns, commit_ns;
};

/* For other events: after report_begin(), print fields to line->out, each with a comma before it,
 * then call report_end().  report_begin() returns false if there is no listener or no memory;
 * report_end() must not be called then. */
struct report_line {
    FILE *out;
    char *text;
    size_t size;
};
bool report_begin(struct report *r, struct report_line *line, const char *event);
void report_end(struct report *r, struct report_line *line);

void report_started(struct report *r, const char *guest, const char *host, uint16_t port);
/* Stores and reports a round that has ended. */
void report_round_done(struct report *r, const struct report_round *round, uint64_t dirty_pages,
                       double mib_s, double dirty_mib_s, uint64_t eta_ms);
void report_warning(struct report *r, const char *text);
/* `result`: "ok", "failed", "cancelled" or "unresolved". */
void report_done(struct report *r, const char *result, const char *error);

#endif
