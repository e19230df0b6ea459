/* SPDX-License-Identifier: BSD-2-Clause */
/* The events of `xlm dirty-rate`, which docs/report.md describes. */
#include "json.h"
#include "rate.h"

#define PAGES_PER_MIB 256.0

static double mib_s(double pages, double ns)
{
    return ns > 0 ? pages / PAGES_PER_MIB / (ns / 1e9) : 0;
}

void rate_report_started(struct report *r, const struct rate_request *request, const char *guest,
                         uint64_t guest_pages)
{
    struct report_line line;
    if (!report_begin(r, &line, "started"))
        return;
    fputs(",\"guest\":", line.out);
    json_string(line.out, guest);
    fprintf(line.out, ",\"guest_pages\":%llu,\"seconds\":%u,\"interval_ms\":%u",
            (unsigned long long)guest_pages, request->seconds, request->interval_ms);
    report_end(r, &line);
}

void rate_report_interval(struct report *r, const struct rate_writes *w, uint64_t pages,
                          uint64_t interval_ns, uint64_t since_start_ns)
{
    struct report_line line;
    if (!report_begin(r, &line, "interval"))
        return;
    fprintf(
        line.out,
        ",\"interval\":%u,\"t_ms\":%.1f,\"ms\":%.1f,\"pages\":%llu,\"mib_s\":%.2f,\"working_set_pages\":%llu",
        rate_writes_intervals(w), (double)since_start_ns / 1e6, (double)interval_ns / 1e6,
        (unsigned long long)pages, mib_s((double)pages, (double)interval_ns),
        (unsigned long long)w->ever_pages);
    report_end(r, &line);
}

void rate_report_histogram(struct report *r, const char *guest, const struct rate_summary *s)
{
    struct report_line line;
    const struct rate_writes *w = s->writes;
    if (!report_begin(r, &line, "histogram"))
        return;
    fputs(",\"guest\":", line.out);
    json_string(line.out, guest);
    fprintf(line.out, ",\"intervals\":%u,\"interval_ms\":%.1f,\"region_pages\":%llu,\"regions\":[",
            rate_writes_intervals(w), (double)s->measured_ns / 1e6 / rate_writes_intervals(w),
            (unsigned long long)w->region_pages);
    for (uint32_t i = 0; i < w->region_count; i++) {
        const struct rate_writes_region *g = &w->region[i];
        fprintf(line.out, "%s{\"gfn\":%llu,\"pages\":%llu,\"written\":%llu,\"writes\":%llu}",
                i ? "," : "", (unsigned long long)g->gfn, (unsigned long long)g->pages,
                (unsigned long long)g->written, (unsigned long long)g->writes);
    }
    fputc(']', line.out);
    report_end(r, &line);
}

static void put_forecast(FILE *out, const struct rate_summary *s)
{
    const struct rate_forecast *f = &s->forecast;
    char text[256] = "";
    if (!f->converges)
        policy_explain(&f->policy, &f->last, text, sizeof(text));
    fprintf(
        out,
        ",\"forecast\":{\"mib_s\":%.1f,\"mib_s_from\":\"%s\",\"downtime_limit_ms\":%u,\"setup_ms\":%.1f,\"converges\":%s,"
        "\"rounds\":%u,\"total_ms\":%.1f,\"downtime_ms\":%u,\"sent_mib\":%.1f,\"dirty_mib_s\":%.1f,\"needed_mib_s\":%.1f,\"text\":",
        s->asked.mib_s, s->mib_s_from, s->asked.downtime_limit_ms, s->asked.setup_ms,
        f->converges ? "true" : "false", f->rounds, f->total_ms, f->last.downtime_ms,
        f->sent_pages / PAGES_PER_MIB, f->last.dirty_mib_s, s->needed_mib_s);
    json_string(out, text);
    fputc('}', out);
}

static void put_summary(FILE *out, const struct rate_summary *s)
{
    const struct rate_writes *w = s->writes;
    uint32_t n = rate_writes_intervals(w);
    double interval_ns = (double)s->measured_ns / n;
    fprintf(
        out,
        ",\"intervals\":%u,\"interval_ms\":%.1f,\"measured_ms\":%.1f,\"guest_pages\":%llu,\"data_pages\":%llu,"
        "\"pages\":%.1f,\"mib_s\":%.2f,\"most_mib_s\":%.2f,\"working_set_pages\":%llu,\"rates\":[",
        n, interval_ns / 1e6, (double)s->measured_ns / 1e6, (unsigned long long)s->guest_pages,
        (unsigned long long)s->data_pages, (double)w->total_pages / n,
        mib_s((double)w->total_pages, (double)s->measured_ns),
        mib_s((double)w->most_pages, interval_ns), (unsigned long long)w->ever_pages);
    for (int i = 0; i < s->model.count; i++) {
        const struct rate_forecast_point *p = &s->model.point[i];
        fprintf(out, "%s{\"ms\":%.1f,\"pages\":%.1f,\"mib_s\":%.2f}", i ? "," : "",
                p->seconds * 1e3, p->pages, mib_s(p->pages, p->seconds * 1e9));
    }
    fputc(']', out);
    put_forecast(out, s);
}

void rate_report_done(struct report *r, const char *result, const char *error,
                      const struct rate_summary *s)
{
    struct report_line line;
    if (!report_begin(r, &line, "done"))
        return;
    fprintf(line.out, ",\"result\":\"%s\",\"error\":", result);
    json_string(line.out, error);
    if (s)
        put_summary(line.out, s);
    report_end(r, &line);
}
