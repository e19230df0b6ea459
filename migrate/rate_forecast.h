/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Forecasts a migration from measurements.  A pure function.
 *
 * It simulates round after round.  The duration of a round follows from the number of pages that it
 * sends.  The number of pages that are dirty after a round follows from its duration.  The stop
 * rule is that of a real migration (policy.c).
 *
 * The model of the guest is a function: the number of different pages that the guest writes in a
 * given time.  It is measured for several times.  Between two measured points the model is the
 * curve c * time^p through both.  This is exact for the two extremes: a guest that always writes
 * new pages (p = 1), and a guest that writes the same pages again and again (p = 0).  Before the
 * first point and after the last point the nearest curve continues, but with p at most 1.
 */
#ifndef MIGRATE_RATE_FORECAST_H
#define MIGRATE_RATE_FORECAST_H

#include "policy.h"

#define RATE_FORECAST_POINTS_MAX 32

struct rate_forecast_point {
    double seconds, pages;
};
struct rate_forecast_model {
    int count;
    struct rate_forecast_point point[RATE_FORECAST_POINTS_MAX]; /* in ascending order of time */
    double most_pages;                                          /* size of the guest's memory */
};

/* Adds a measured point.  Points must be added in ascending order of time.  A point with fewer
 * pages than the previous one gets as many as that. */
void rate_forecast_add(struct rate_forecast_model *model, double seconds, double pages);
/* The number of different pages that the model writes in this time. */
double rate_forecast_pages(const struct rate_forecast_model *model, double seconds);

struct rate_forecast_request {
    double data_pages; /* pages of round 1: those that do not contain only zeroes */
    double mib_s;      /* bandwidth of the link */
    double setup_ms;   /* time of a migration without its rounds and its downtime */
    uint32_t downtime_limit_ms;
};

struct rate_forecast {
    bool converges;
    uint32_t rounds; /* without the final round */
    double total_ms, sent_pages;
    struct policy policy;
    struct policy_result last; /* has the expected downtime; if it does not converge, of --force */
};

void rate_forecast_run(const struct rate_forecast_model *model,
                       const struct rate_forecast_request *request, struct rate_forecast *forecast);

/* The lowest bandwidth at which the migration converges, to 5 %, at least that of the request.  0
 * if it does not converge with 100,000 MiB/s either. */
double rate_forecast_needed_mib_s(const struct rate_forecast_model *model,
                                  const struct rate_forecast_request *request);

#endif
