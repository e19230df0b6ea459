/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation. One thread runs the steps below in order, while the guest runs on. One
 * harvest per interval gives the pages that the guest wrote in the interval. From these,
 * rate_writes.c computes how many pages the guest writes in any number of intervals. Shorter times
 * are measured by a peek into the log. A peek clears nothing, so it costs the guest no further
 * fault. The log is switched off before the results are computed and reported.
 */
#define _GNU_SOURCE 1
#include "rate.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "rate_speed.h"

/* The peeks: after 1/100 and after 1/10 of an interval. */
static const uint32_t peek_part[] = { 100, 10 };
#define PEEKS (sizeof(peek_part) / sizeof(*peek_part))
/* An earlier peek would measure the scheduler rather than the guest. */
#define PEEK_MIN_NS 5000000u

struct rate {
    struct host *host;
    const struct rate_request *request;
    struct report *report;
    struct failure failure;
    struct backend *backend;
    struct backend_domain domain;
    struct migration m;
    struct journal journal;
    struct memory memory;
    struct rate_writes writes;
    uint64_t *log, *zero; /* bitmaps, by frame and by slot */
    uint64_t guest_pages, start_ns, clean_ns, measured_ns;
    struct {
        uint64_t ns, pages, count;
    } peek[PEEKS];
    bool added, noted, logging;
};

static int backend_failed(struct rate *r, const char *what, int error)
{
    return fail(&r->failure, XLM_E_INTERNAL, "%s: %s", what, strerror(-error));
}

/* ---- whether it goes on ---- */

static const char *why_cancelled(struct rate *r)
{
    pthread_mutex_lock(&r->host->lock);
    bool ousted = r->m.ousted;
    pthread_mutex_unlock(&r->host->lock);
    if (__atomic_load_n(&r->host->stopping, __ATOMIC_RELAXED))
        return "xlmd is shutting down";
    return ousted ? "a migration of the guest begins" : "cancelled";
}

/* True if xlm has closed the connection or its sending direction. Data from xlm is discarded. */
static bool client_left(int fd)
{
    char text[256];
    ssize_t n = recv(fd, text, sizeof(text), MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* Waits until `at_ns`. Fails if the measurement is cancelled; looks for that at least once. */
static int wait_until(struct rate *r, uint64_t at_ns)
{
    for (;;) {
        struct pollfd set[2] = { { r->m.cancel_fd, POLLIN, 0 }, { r->request->fd, POLLIN, 0 } };
        uint64_t now = now_ns(), left = at_ns > now ? at_ns - now : 0;
        struct timespec t = { (time_t)(left / 1000000000), (long)(left % 1000000000) };
        int n = ppoll(set, 2, &t, NULL);
        if (n < 0 && errno != EINTR)
            return backend_failed(r, "cannot wait", -errno);
        if (n > 0 && set[0].revents)
            return fail(&r->failure, XLM_E_CANCELLED, "%s", why_cancelled(r));
        if (n > 0 && set[1].revents && client_left(r->request->fd))
            return fail(&r->failure, XLM_E_CANCELLED, "interrupted");
        if (n <= 0 && now_ns() >= at_ns)
            return 0;
    }
}

static int check_guest(struct rate *r)
{
    struct backend_domain d;
    int error = backend_info(r->backend, r->domain.domid, &d);
    if (error == -ESRCH || (!error && (d.dying || memcmp(d.uuid, r->domain.uuid, 16))))
        return fail(&r->failure, XLM_E_STATE,
                    "the guest is gone: destroyed, shut down or rebooted");
    if (error < 0)
        return backend_failed(r, "cannot look up the guest", error);
    if (d.shut_down)
        return fail(&r->failure, XLM_E_STATE,
                    d.suspended ? "the guest is suspended" : "the guest has shut down");
    if (d.paused) /* xl pauses a domain before it destroys it */
        return fail(&r->failure, XLM_E_STATE,
                    r->logging ? "the guest has been paused, or is being destroyed"
                               : "the guest is paused and so writes nothing: unpause it first");
    return 0;
}

/* ---- on and off ---- */

static int find_guest(struct rate *r)
{
    int error = backend_find(r->backend, r->request->guest, &r->domain);
    if (error == -ESRCH)
        return fail(&r->failure, XLM_E_NAME, "no guest %s on this host", r->request->guest);
    if (error < 0)
        return backend_failed(r, "cannot look up the guest", error);
    if (r->domain.domid == 0)
        return fail(&r->failure, XLM_E_NAME,
                    "the control domain's dirty rate cannot be measured: its memory is not logged");
    if (getrandom(r->m.id, sizeof(r->m.id), 0) != sizeof(r->m.id))
        return fail(&r->failure, XLM_E_INTERNAL, "cannot get random numbers from the kernel");
    r->m.measures = true;
    memcpy(r->m.uuid, r->domain.uuid, 16);
    copy_text(r->m.name, sizeof(r->m.name), r->domain.name);
    if (host_add(r->host, &r->m, &r->failure) < 0)
        return -1;
    r->added = true;
    host_stage(r->host, &r->m, "measuring the dirty rate");
    return check_guest(r);
}

/* Finds the populated frames, and those that contain only zeroes: a migration would not send
 * these. */
static int scan(struct rate *r)
{
    struct memory *m = &r->memory;
    if (memory_init(m, r->backend, r->domain.max_pages, &r->failure) < 0)
        return -1;
    memory_attach(m, r->domain.domid, false);
    r->zero = bits_new(m->slots);
    r->log = bits_new(m->gfn_end);
    if (!r->zero || !r->log)
        return fail(&r->failure, XLM_E_MEMORY, "no memory");
    for (uint64_t slot = 0; slot < m->slots;)
        if (wait_until(r, 0) < 0 || memory_scan_some(m, &slot, r->zero, &r->failure) < 0)
            return -1;
    r->guest_pages = bits_count(m->populated, m->slots);
    return rate_writes_init(&r->writes, m, r->request->seconds * 1000 / r->request->interval_ms,
                            &r->failure);
}

/* Writes the journal first: if this daemon dies, the next one finds it and switches the log off. */
static int start_logging(struct rate *r)
{
    r->journal = (struct journal){ .state = JOURNAL_MEASURING, .domid = r->domain.domid };
    memcpy(r->journal.migration, r->m.id, 16);
    memcpy(r->journal.uuid, r->domain.uuid, 16);
    copy_text(r->journal.name, sizeof(r->journal.name), r->domain.name[0] ? r->domain.name : "-");
    int error = host_move(r->host, &r->journal, JOURNAL_MEASURING);
    if (error < 0)
        return backend_failed(r, "cannot write the journal", error);
    r->noted = true;
    if ((error = backend_log_enable(r->backend, r->domain.domid)) < 0)
        return backend_failed(r, "cannot switch the dirty log on", error);
    r->logging = true;
    fault_inject_stage(&r->host->fault, NULL, "measuring");
    r->start_ns = r->clean_ns = now_ns();
    return 0;
}

static void stop_logging(struct rate *r)
{
    struct backend_domain d;
    int error = r->logging ? backend_log_disable(r->backend, r->domain.domid) : 0;
    if (error < 0 && backend_info(r->backend, r->domain.domid, &d) == 0 && !d.dying)
        log_line("cannot switch the dirty log of %s off: %s", r->m.name, strerror(-error));
    else if (r->noted)
        host_move(r->host, &r->journal, JOURNAL_NONE);
    r->logging = r->noted = false;
}

int rate_recover(struct host *host, struct backend *backend, const struct journal *j)
{
    struct backend_domain d;
    int error = backend_find_uuid(backend, j->uuid, &d);
    if (!error && d.domid == j->domid)
        error = backend_log_disable(backend, d.domid);
    return error && error != -ESRCH ? error : host_move(host, j, JOURNAL_NONE);
}

/* ---- the intervals ---- */

/* Counts the pages in the log that are memory of the guest, and adds them to `record` unless it
 * is NULL. */
static uint64_t take_pages(const struct rate *r, struct rate_writes *record)
{
    uint64_t count = 0;
    for (int i = 0; i < r->memory.bank_count; i++) {
        const struct memory_bank *b = &r->memory.bank[i];
        uint64_t end = b->gfn + b->count;
        for (uint64_t g = bits_next(r->log, end, b->gfn); g < end;
             g = bits_next(r->log, end, g + 1), count++)
            if (record)
                rate_writes_note(record, b->slot + (g - b->gfn));
    }
    return count;
}

static int peek(struct rate *r, size_t which)
{
    int error = backend_log_peek(r->backend, r->domain.domid, r->log, r->memory.gfn_end);
    if (error < 0)
        return check_guest(r) < 0 ? -1 : backend_failed(r, "cannot peek into the dirty log", error);
    r->peek[which].ns += now_ns() - r->clean_ns;
    r->peek[which].pages += take_pages(r, NULL);
    r->peek[which].count++;
    return 0;
}

static int end_interval(struct rate *r)
{
    int error = backend_log_harvest(r->backend, r->domain.domid, r->log, r->memory.gfn_end);
    uint64_t now = now_ns(), ns = now - r->clean_ns;
    if (check_guest(r) < 0)
        return -1;
    if (error < 0)
        return backend_failed(r, "cannot read the dirty log", error);
    r->clean_ns = now;
    r->measured_ns += ns;
    uint64_t pages = take_pages(r, &r->writes);
    rate_writes_next_interval(&r->writes);
    rate_report_interval(r->report, &r->writes, pages, ns, now - r->start_ns);
    return 0;
}

static int measure(struct rate *r)
{
    uint32_t count = r->request->seconds * 1000 / r->request->interval_ms;
    uint64_t interval_ns = r->request->interval_ms * 1000000ull, end = r->start_ns;
    for (uint32_t i = 0; i < count; i++) {
        end += interval_ns;
        if (end < r->clean_ns + interval_ns / 4 * 3) /* this interval began late: shift its end, so
                                                        that all have about the same length */
            end = r->clean_ns + interval_ns;
        for (size_t k = 0; k < PEEKS; k++) {
            uint64_t part = interval_ns / peek_part[k];
            if (part >= PEEK_MIN_NS && (wait_until(r, r->clean_ns + part) < 0 || peek(r, k) < 0))
                return -1;
        }
        if (wait_until(r, end) < 0 || end_interval(r) < 0)
            return -1;
    }
    return 0;
}

/* ---- what follows from it ---- */

static void make_model(const struct rate *r, struct rate_forecast_model *model)
{
    uint32_t n = rate_writes_intervals(&r->writes);
    double interval_s = (double)r->measured_ns / 1e9 / n;
    model->most_pages = (double)r->guest_pages;
    for (size_t k = 0; k < PEEKS; k++)
        if (r->peek[k].count)
            rate_forecast_add(model, (double)r->peek[k].ns / 1e9 / (double)r->peek[k].count,
                              (double)r->peek[k].pages / (double)r->peek[k].count);
    for (uint32_t decade = 1; decade <= n; decade *= 10)
        for (uint32_t k = 1; k <= 5; k += k == 1 ? 1 : 3) /* 1, 2, 5, 10, 20, ... */
            if (k * decade <= n)
                rate_forecast_add(model, interval_s * k * decade,
                                  rate_writes_mean(&r->writes, k * decade));
    rate_forecast_add(model, interval_s * n, rate_writes_mean(&r->writes, n));
}

/* The number of pages that a migration would send: those that are not zero, or have been
 * written. */
static uint64_t data_pages(const struct rate *r)
{
    uint64_t count = 0;
    for (uint64_t slot = 0; slot < r->memory.slots; slot++)
        count += bit_get(r->memory.populated, slot) &&
                 (!bit_get(r->zero, slot) || r->writes.last[slot]);
    return count;
}

static void choose_speed(const struct rate *r, struct rate_summary *s)
{
    struct rate_speed last;
    bool known = rate_speed_read(r->host->state_dir, &last) == 0;
    s->asked.setup_ms = known ? last.setup_ms : 0;
    s->mib_s_from = r->request->mib_s ? "given" : known ? "last-migration" : "assumed";
    s->asked.mib_s = r->request->mib_s ? r->request->mib_s
                     : known           ? last.mib_s
                                       : RATE_ASSUMED_MIB_S;
}

static void summarize(struct rate *r, struct rate_summary *s)
{
    rate_writes_close(&r->writes);
    *s = (struct rate_summary){ .writes = &r->writes,
                                .measured_ns = r->measured_ns,
                                .guest_pages = r->guest_pages,
                                .data_pages = data_pages(r) };
    make_model(r, &s->model);
    choose_speed(r, s);
    s->asked.data_pages = (double)s->data_pages;
    s->asked.downtime_limit_ms = r->request->downtime_limit_ms;
    rate_forecast_run(&s->model, &s->asked, &s->forecast);
    s->needed_mib_s = s->forecast.converges ? 0 : rate_forecast_needed_mib_s(&s->model, &s->asked);
}

static void tell(struct rate *r, enum rate_result result)
{
    static const char *const name[] = { "ok", "failed", "cancelled" };
    struct rate_summary summary;
    bool some = r->writes.interval > 1;
    if (some)
        summarize(r, &summary);
    if (some && r->request->histogram)
        rate_report_histogram(r->report, r->m.name, &summary);
    rate_report_done(r->report, name[result], result == RATE_OK ? "" : r->failure.text,
                     some ? &summary : NULL);
}

static void tear_down(struct rate *r)
{
    if (r->added)
        host_remove(r->host, &r->m);
    rate_writes_free(&r->writes);
    memory_free(&r->memory);
    free(r->log);
    free(r->zero);
    if (r->backend)
        backend_close(r->backend);
    free(r);
}

static int run(struct rate *r)
{
    r->backend = backend_open(r->host->backend_name, &r->failure);
    if (!r->backend || find_guest(r) < 0 || scan(r) < 0)
        return -1;
    rate_report_started(r->report, r->request, r->m.name, r->guest_pages);
    return start_logging(r) < 0 ? -1 : measure(r);
}

enum rate_result rate_run(struct host *host, const struct rate_request *request,
                          struct report *report)
{
    struct rate *r = calloc(1, sizeof(*r));
    if (!r) {
        rate_report_done(report, "failed", "no memory", NULL);
        return RATE_FAILED;
    }
    r->host = host;
    r->request = request;
    r->report = report;
    enum rate_result result = run(r) == 0                          ? RATE_OK
                              : r->failure.code == XLM_E_CANCELLED ? RATE_CANCELLED
                                                                   : RATE_FAILED;
    stop_logging(r);
    tell(r, result);
    tear_down(r);
    return result;
}
