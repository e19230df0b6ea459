/* SPDX-License-Identifier: BSD-2-Clause */
#include "rate_forecast.h"

#include <math.h>

#define MIB             1048576.0
#define WIRE_PAGE_BYTES 4112.0 /* a page, its checksum, and its share of the runs and headers */
#define ROUND_SECONDS   0.005 /* time of a round without its bytes: harvest, acknowledgement of B */
#define MOST_MIB_S      100000.0

void rate_forecast_add(struct rate_forecast_model *model, double seconds, double pages)
{
    const struct rate_forecast_point *last = model->count ? &model->point[model->count - 1] : NULL;
    if (model->count == RATE_FORECAST_POINTS_MAX || (last && seconds <= last->seconds))
        return;
    if (last && pages < last->pages) /* the points come from different samples; a longer time cannot
                                        have fewer pages */
        pages = last->pages;
    model->point[model->count++] = (struct rate_forecast_point){ seconds, pages };
}

/* The curve c * time^p through a and b. Outside of them p is at most 1, because a guest cannot
 * write new pages at a growing rate for ever. */
static double along(struct rate_forecast_point a, struct rate_forecast_point b, double seconds)
{
    if (a.pages <= 0)
        return b.pages * seconds / b.seconds;
    double power = log(b.pages / a.pages) / log(b.seconds / a.seconds);
    if (power > 1 && seconds < a.seconds)
        return a.pages * seconds / a.seconds;
    if (power > 1 && seconds > b.seconds)
        return b.pages * seconds / b.seconds;
    return a.pages * pow(seconds / a.seconds, power);
}

double rate_forecast_pages(const struct rate_forecast_model *model, double seconds)
{
    const struct rate_forecast_point *p = model->point;
    int i = 1;
    if (!model->count)
        return 0;
    while (i < model->count - 1 && p[i].seconds < seconds)
        i++;
    double pages = model->count == 1 ? p[0].pages * seconds / p[0].seconds
                                     : along(p[i - 1], p[i], seconds);
    return pages < model->most_pages ? pages : model->most_pages;
}

void rate_forecast_run(const struct rate_forecast_model *model,
                       const struct rate_forecast_request *request, struct rate_forecast *forecast)
{
    double todo = request->data_pages, bytes_s = request->mib_s * MIB;
    *forecast = (struct rate_forecast){ .total_ms = request->setup_ms };
    policy_init(&forecast->policy, request->downtime_limit_ms, false);
    do {
        double seconds = todo * WIRE_PAGE_BYTES / bytes_s + ROUND_SECONDS,
               dirty = rate_forecast_pages(model, seconds);
        struct policy_round round = { (uint64_t)(todo * WIRE_PAGE_BYTES), (uint64_t)(seconds * 1e9),
                                      (uint64_t)todo, (uint64_t)dirty };
        forecast->last = policy_after_round(&forecast->policy, &round);
        forecast->rounds++;
        forecast->total_ms += seconds * 1000;
        forecast->sent_pages += todo;
        todo = dirty;
    } while (forecast->last.verdict == POLICY_GO_ON);
    forecast->converges = forecast->last.verdict == POLICY_STOP;
    forecast->total_ms += forecast->last.downtime_ms;
    forecast->sent_pages += todo;
}

double rate_forecast_needed_mib_s(const struct rate_forecast_model *model,
                                  const struct rate_forecast_request *request)
{
    struct rate_forecast_request faster = *request;
    struct rate_forecast forecast;
    for (; faster.mib_s <= MOST_MIB_S; faster.mib_s *= 1.05) {
        rate_forecast_run(model, &faster, &forecast);
        if (forecast.converges)
            return faster.mib_s;
    }
    return 0;
}
