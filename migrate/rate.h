/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One `xlm dirty-rate`: measures which pages a guest writes, and forecasts its migration.
 *
 * The measurement ends when the connection of its client ends.  The dirty log is always off when
 * rate_run() returns.  If the daemon dies during a measurement, its journal (JOURNAL_MEASURING)
 * makes the next daemon switch the log off.
 */
#ifndef MIGRATE_RATE_H
#define MIGRATE_RATE_H

#include "rate_forecast.h"
#include "host.h"
#include "backend.h"
#include "report.h"
#include "rate_writes.h"

#define RATE_SECONDS_MAX     3600u
#define RATE_INTERVAL_MIN_MS 10u
#define RATE_INTERVAL_MAX_MS 60000u
/* Bandwidth for a forecast if none is known: that of a link of 1 Gbit/s, rounded down. */
#define RATE_ASSUMED_MIB_S 100.0

struct rate_request {
    char guest[XLM_NAME_MAX];
    uint32_t seconds, interval_ms, downtime_limit_ms;
    uint32_t mib_s; /* bandwidth for the forecast; 0: that of the last migration */
    bool histogram;
    int fd; /* the client's connection: its end ends the measurement; or -1 */
};

/* The results, for the report. */
struct rate_summary {
    const struct rate_writes *writes;
    uint64_t measured_ns, guest_pages, data_pages;
    struct rate_forecast_model model;
    struct rate_forecast_request asked;
    const char *mib_s_from; /* "given", "last-migration", "assumed" */
    struct rate_forecast forecast;
    double needed_mib_s;
};

/* Runs the measurement in the calling thread and reports its events.  The result is also that of
 * the event `done`. */
enum rate_result { RATE_OK, RATE_FAILED, RATE_CANCELLED };
enum rate_result rate_run(struct host *host, const struct rate_request *request,
                          struct report *report);

/* Call at the start of a daemon, for a journal JOURNAL_MEASURING of an earlier one: switches the
 * log off and removes the journal.  0 or a negative errno. */
int rate_recover(struct host *host, struct backend *backend, const struct journal *j);

/* rate_report.c: the events, see docs/report.md. */
void rate_report_started(struct report *r, const struct rate_request *request, const char *guest,
                         uint64_t guest_pages);
void rate_report_interval(struct report *r, const struct rate_writes *w, uint64_t pages,
                          uint64_t interval_ns, uint64_t since_start_ns);
void rate_report_histogram(struct report *r, const char *guest, const struct rate_summary *s);
/* `s` is NULL if no interval was completed. */
void rate_report_done(struct report *r, const char *result, const char *error,
                      const struct rate_summary *s);

#endif
