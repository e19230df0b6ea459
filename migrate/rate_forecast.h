/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a migration would go, from what has been measured.  It plays the rounds through: a round's
 * length follows from what it has to send, what is dirty after it from its length, and the stop
 * rule is that of the migration itself (policy.c).  A pure function.
 *
 * The model of the guest is the number of different pages that it writes in a time, measured at
 * several times.  Between two of them it follows the power of time that goes through both, which is
 * exact for the two extremes: a guest that writes new pages all the time (power 1), and one that
 * writes the same ones again and again (power 0).  Beyond them the nearest power goes on,
 * but not above 1.
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
    struct rate_forecast_point point[RATE_FORECAST_POINTS_MAX]; /* ascending */
    double most_pages;                                          /* the guest's memory */
};

/* Adds a measured point; later ones are for longer times, and have no fewer pages. */
void rate_forecast_add(struct rate_forecast_model *model, double seconds, double pages);
/* Different pages written in a time. */
double rate_forecast_pages(const struct rate_forecast_model *model, double seconds);

struct rate_forecast_request {
    double data_pages; /* that are not all zero: the first round's */
    double mib_s;      /* what the link carries */
    double setup_ms;   /* of a migration, besides its rounds and its downtime */
    uint32_t downtime_limit_ms;
};

struct rate_forecast {
    bool converges;
    uint32_t rounds; /* while the guest runs; one more with the guest stopped */
    double total_ms, sent_pages;
    struct policy policy;
    struct policy_result
        last; /* with the expected downtime; of a forced stop if it does not converge */
};

void rate_forecast_run(const struct rate_forecast_model *model,
                       const struct rate_forecast_request *request, struct rate_forecast *forecast);

/* The least bandwidth from the request's on, to 5 %, at which it converges; 0 if it does at none of
 * up to 100,000 MiB/s. */
double rate_forecast_needed_mib_s(const struct rate_forecast_model *model,
                                  const struct rate_forecast_request *request);

#endif
