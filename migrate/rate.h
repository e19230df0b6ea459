/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest writes now, and how it would migrate: one `xlm dirty-rate`.
 *
 * The measurement belongs to the connection that asked for it: it ends with it.  The dirty log is
 * off again when rate_run() returns, whatever happened; a daemon that dies leaves a journal
 * (JOURNAL_MEASURING), and the next one switches the log off.
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
#define RATE_ASSUMED_MIB_S                                                \
    100.0 /* for want of anything better: what a link of 1 Gbit/s carries \
           */

struct rate_request {
    char guest[XLM_NAME_MAX];
    uint32_t seconds, interval_ms, downtime_limit_ms;
    uint32_t mib_s; /* of the forecast; 0: what is known */
    bool histogram;
    int fd; /* ends the measurement when it is at its end; or -1 */
};

/* What has been measured, for the report. */
struct rate_summary {
    const struct rate_writes *writes;
    uint64_t measured_ns, guest_pages, data_pages;
    struct rate_forecast_model model;
    struct rate_forecast_request asked;
    const char *mib_s_from; /* "given", "last-migration", "assumed" */
    struct rate_forecast forecast;
    double needed_mib_s;
};

/* Runs it in the calling thread and reports it.  What it returns is what `done` said. */
enum rate_result { RATE_OK, RATE_FAILED, RATE_CANCELLED };
enum rate_result rate_run(struct host *host, const struct rate_request *request,
                          struct report *report);

/* A daemon has died while it measured: log off.  0 or a negative errno. */
int rate_recover(struct host *host, struct backend *backend, const struct journal *j);

/* rate_report.c */
void rate_report_started(struct report *r, const struct rate_request *request, const char *guest,
                         uint64_t guest_pages);
void rate_report_interval(struct report *r, const struct rate_writes *w, uint64_t pages,
                          uint64_t interval_ns, uint64_t since_start_ns);
void rate_report_histogram(struct report *r, const char *guest, const struct rate_summary *s);
/* `s` is NULL if not even one interval has been measured. */
void rate_report_done(struct report *r, const char *result, const char *error,
                      const struct rate_summary *s);

#endif
