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
#ifndef MIGRATE_FORECAST_H
#define MIGRATE_FORECAST_H

#include "policy.h"

#define FORECAST_POINTS_MAX 32

struct forecast_point {
    double seconds, pages;
};
struct forecast_model {
    int count;
    struct forecast_point point[FORECAST_POINTS_MAX]; /* ascending */
    double most_pages;                                /* the guest's memory */
};

/* Adds a measured point; later ones are for longer times, and have no fewer pages. */
void forecast_add(struct forecast_model *model, double seconds, double pages);
/* Different pages written in a time. */
double forecast_pages(const struct forecast_model *model, double seconds);

struct forecast_request {
    double data_pages; /* that are not all zero: the first round's */
    double mib_s;      /* what the link carries */
    double setup_ms;   /* of a migration, besides its rounds and its downtime */
    uint32_t downtime_limit_ms;
};

struct forecast {
    bool converges;
    uint32_t rounds; /* while the guest runs; one more with the guest stopped */
    double total_ms, sent_pages;
    struct policy policy;
    struct policy_result
        last; /* with the expected downtime; of a forced stop if it does not converge */
};

void forecast_run(const struct forecast_model *model, const struct forecast_request *request,
                  struct forecast *forecast);

/* The least bandwidth from the request's on, to 5 %, at which it converges; 0 if it does at none of
 * up to 100,000 MiB/s. */
double forecast_needed_mib_s(const struct forecast_model *model,
                             const struct forecast_request *request);

#endif
