/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation. One thread runs the stages below in order. Before commit() writes
 * `committing` to the journal, every failure ends in undo(): the guest is resumed if it was
 * suspended, the dirty log is switched off, and B gets an ERROR. After that, a failure leaves the
 * guest suspended, because B may own it: settle.c asks B.
 */
#include "source.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "clock.h"
#include "codec.h"
#include "config.h"
#include "files.h"
#include "outflow.h"
#include "policy.h"
#include "rate_speed.h"
#include "state.h"

#define PINGS 8

struct source {
    struct host *host;
    const struct source_request *request;
    struct report *report;
    struct failure failure;
    struct backend *backend;
    struct backend_domain domain;
    struct migration m;
    struct journal journal;
    struct conn conn;
    struct record record;
    struct outflow out;
    struct config config;
    struct peer_clock clock;
    struct policy policy;
    struct xlm_file_offer offer[XLM_FILE_KINDS];
    char path[XLM_FILE_KINDS][PATH_MAX];
    uint8_t *context;
    size_t context_length;
    uint64_t start_ns, lap_ns, stopped_ns, context_ns, target_kib;
    uint32_t wanted;
    bool added, sending, logging, suspended, ended;
};

static int backend_failed(struct source *s, const char *what, int error)
{
    return fail(&s->failure, XLM_E_INTERNAL, "%s: %s", what, strerror(-error));
}

static int take_context(struct source *s)
{
    int n = backend_get_context(s->backend, s->domain.domid, s->context, XLM_CONTEXT_MAX);
    if (n < 0)
        return backend_failed(s, "cannot read the guest's state", n);
    s->context_length = (size_t)n;
    return state_check(s->context, s->context_length, &s->failure);
}

/* The name becomes part of files and configurations on B. */
static int check_name(struct source *s)
{
    for (const char *c = s->domain.name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("_.+-", *c))
            return fail(&s->failure, XLM_E_NAME,
                        "the guest's name has a character that a migration does not allow: %s "
                        "(letters, digits and _ . + - are allowed)",
                        s->domain.name);
    return s->domain.name[0] ? 0 : fail(&s->failure, XLM_E_NAME, "the guest has no name");
}

static int find_guest(struct source *s)
{
    struct backend_domain *d = &s->domain;
    int error = backend_find(s->backend, s->request->guest, d);
    if (error == -ESRCH)
        return fail(&s->failure, XLM_E_NAME, "no guest %s on this host", s->request->guest);
    if (error < 0)
        return backend_failed(s, "cannot look up the guest", error);
    if (d->domid == 0)
        return fail(&s->failure, XLM_E_NAME, "the control domain cannot migrate");
    if (d->dying || d->shut_down)
        return fail(&s->failure, XLM_E_STATE, "the guest has shut down");
    if (d->paused)
        return fail(&s->failure, XLM_E_STATE,
                    "the guest is paused and so cannot suspend itself: run `xl unpause` first");
    return check_name(s);
}

static int read_config(struct source *s)
{
    char uuid[37], *text = backend_stored_config(s->backend, &s->domain, &s->failure);
    if (!text)
        return -1;
    int error = text[strspn(text, " \n")] == '{' ? config_from_libxl(&s->config, text, &s->failure)
                                                 : config_parse(&s->config, text, &s->failure);
    free(text);
    uuid_format(s->domain.uuid, uuid);
    if (error < 0 || config_set_string(&s->config, "name", s->domain.name, &s->failure) < 0 ||
        config_set_string(&s->config, "uuid", uuid, &s->failure) < 0)
        return -1;
    for (int i = 0; i < XLM_FILE_KINDS; i++)
        if (files_offer(&s->config, i, &s->offer[i], s->path[i], &s->failure) < 0)
            return -1;
    return 0;
}

/* The time since the last call, or since the start of the migration. */
static uint64_t lap(struct source *s)
{
    uint64_t now = now_ns(), ns = now - s->lap_ns;
    s->lap_ns = now;
    return ns;
}

/* All checks that need only this host. */
static int prepare(struct source *s)
{
    s->context = malloc(XLM_CONTEXT_MAX);
    s->backend = backend_open(s->host->backend_name, &s->failure);
    if (!s->context || !s->backend)
        return fail(&s->failure, XLM_E_MEMORY, "no memory");
    if (find_guest(s) < 0 || read_config(s) < 0 || take_context(s) < 0)
        return -1;
    if (getrandom(s->m.id, sizeof(s->m.id), 0) != sizeof(s->m.id))
        return fail(&s->failure, XLM_E_INTERNAL, "cannot get random numbers from the kernel");
    s->m.source = true;
    memcpy(s->m.uuid, s->domain.uuid, 16);
    copy_text(s->m.name, sizeof(s->m.name), s->domain.name);
    copy_text(s->m.peer, sizeof(s->m.peer), s->request->peer);
    if (host_add(s->host, &s->m, &s->failure) < 0)
        return -1;
    s->added = true;
    if (s->m.ousts)
        report_warning(s->report,
                       "the measurement of the guest's dirty rate was stopped for this migration");
    struct memory layout;
    if (memory_init(&layout, s->backend, s->domain.max_pages, &s->failure) < 0)
        return -1;
    memory_attach(&layout, s->domain.domid, false);
    if (outflow_init(&s->out, s->backend, &layout, &s->failure) < 0) {
        memory_free(&layout);
        return -1;
    }
    s->report->prepare_ns = lap(s);
    return 0;
}

static int connect_peer(struct source *s)
{
    int fd = s->request->fd;
    if (fd < 0)
        fd = conn_dial(s->request->peer, s->request->port, 5000, s->m.cancel_fd, &s->failure);
    if (fd < 0)
        return -1;
    conn_init(&s->conn, fd, s->m.cancel_fd, &s->host->fault, &s->failure);
    s->conn.max_bytes_per_s = s->request->max_mib_s << 20;
    s->out.conn = &s->conn;
    struct xlm_hello hello = {
        XLM_HELLO_MAGIC, XLM_VERSION, XLM_VERSION, XLM_CAPS, { 0 }, XLM_MIGRATE, 0
    };
    memcpy(hello.migration, s->m.id, 16);
    if (conn_send_struct(&s->conn, XLM_HELLO, &hello, sizeof(hello)) < 0 ||
        conn_expect(&s->conn, &s->record, XLM_HELLO) < 0)
        return -1;
    const struct xlm_hello *answer = (const struct xlm_hello *)s->record.payload;
    if (answer->version_min != XLM_VERSION || answer->version_max != XLM_VERSION)
        return fail(&s->failure, XLM_E_VERSION,
                    "the target host chose protocol version %u, which this host does not speak",
                    answer->version_min);
    return 0;
}

static int compare_clocks(struct source *s)
{
    for (int i = 0; i < PINGS; i++) {
        struct xlm_ping ping = { now_ns() };
        if (conn_send_struct(&s->conn, XLM_PING, &ping, sizeof(ping)) < 0 ||
            conn_expect(&s->conn, &s->record, XLM_PONG) < 0)
            return -1;
        const struct xlm_pong *pong = (const struct xlm_pong *)s->record.payload;
        clock_sample(&s->clock, pong->sent_ns, pong->here_ns, now_ns());
    }
    s->report->clock_error_ns = s->clock.best_rtt_ns / 2;
    return 0;
}

static struct iovec padding(size_t length)
{
    static const uint64_t zero;
    return (struct iovec){ (void *)(uintptr_t)&zero, xlm_pad(length) - length };
}

static int send_domain(struct source *s)
{
    char *text = config_write(&s->config, &s->failure);
    if (!text)
        return -1;
    struct xlm_domain d = { .vcpu_count = s->domain.vcpu_count,
                            .config_length = (uint32_t)strlen(text),
                            .max_pages = s->domain.max_pages,
                            .tot_pages = s->domain.tot_pages,
                            .context_length = (uint32_t)s->context_length };
    memcpy(d.uuid, s->domain.uuid, 16);
    copy_text(d.name, sizeof(d.name), s->domain.name);
    memcpy(d.file, s->offer, sizeof(d.file));
    struct iovec part[] = {
        { &d, sizeof(d) },
        { text, d.config_length },
        padding(d.config_length),
        { s->context, s->context_length },
        padding(s->context_length),
        { s->path[0], d.file[0].path_length },
        padding(d.file[0].path_length),
        { s->path[1], d.file[1].path_length },
        padding(d.file[1].path_length),
    };
    int count = sizeof(part) / sizeof(*part);
    int error = conn_send(&s->conn, XLM_DOMAIN, part, count, count);
    free(text);
    return error;
}

static void warn(struct source *s)
{
    char text[XLM_TEXT_MAX + 1];
    size_t n = s->record.header.length - sizeof(struct xlm_accept);
    for (size_t i = 0; i < n; i++) {
        char c = ((const char *)s->record.payload)[sizeof(struct xlm_accept) + i];
        text[i] = c >= 32 && c < 127 ? c : '?';
    }
    text[n] = 0;
    if (n)
        report_warning(s->report, text);
}

static int offer_domain(struct source *s)
{
    host_stage(s->host, &s->m, "asking the target host");
    if (send_domain(s) < 0 || conn_expect(&s->conn, &s->record, XLM_ACCEPT) < 0)
        return -1;
    warn(s);
    s->report->accept_ns = lap(s);
    fault_inject_stage(&s->host->fault, &s->conn, "accepted");
    return 0;
}

/* B must send WANT before the first PAGES record. WANT also names the files that B needs. */
static int wait_want(struct source *s)
{
    host_stage(s->host, &s->m, "waiting for the target host to make the domain");
    if (conn_expect(&s->conn, &s->record, XLM_WANT) < 0)
        return -1;
    s->wanted = ((const struct xlm_want *)s->record.payload)->files;
    s->report->create_ns = lap(s);
    return 0;
}

/* Called between the records of a round. The only record that B may send then is ERROR. */
static int listen_between(void *argument)
{
    struct source *s = argument;
    pthread_mutex_lock(&s->host->lock);
    s->m.bytes = s->conn.tx_bytes;
    pthread_mutex_unlock(&s->host->lock);
    if (conn_cancelled(&s->conn))
        return fail(&s->failure, XLM_E_CANCELLED, "cancelled");
    return conn_readable(&s->conn) ? conn_expect(&s->conn, &s->record, XLM_ERROR) : 0;
}

static int wait_round_ack(struct source *s)
{
    if (conn_expect(&s->conn, &s->record, XLM_ROUND_ACK) < 0)
        return -1;
    uint32_t round = ((const struct xlm_round_ack *)s->record.payload)->round;
    if (round != s->out.round)
        return fail(&s->failure, XLM_E_STREAM, "the target host acknowledges round %u, not %u",
                    round, s->out.round);
    return 0;
}

static int send_file(struct source *s, int kind)
{
    static const size_t chunk = XLM_FILE_CHUNK;
    struct xlm_file head = { (uint32_t)kind, 0, 0 };
    uint8_t *buffer = malloc(chunk);
    FILE *in = fopen(s->path[kind], "re");
    int error = buffer && in
                    ? 0
                    : fail(&s->failure, XLM_E_INTERNAL, "%s: %s", s->path[kind], strerror(errno));
    for (size_t n; !error && (n = fread(buffer, 1, chunk, in)) > 0; head.offset += n) {
        struct iovec part[2] = { { &head, sizeof(head) }, { buffer, n } };
        error = conn_send(&s->conn, XLM_FILE, part, 2, 2);
        if (!error)
            error = listen_between(s);
    }
    free(buffer);
    if (in)
        fclose(in);
    return error;
}

static int send_files(struct source *s)
{
    for (int i = 0; i < XLM_FILE_KINDS; i++)
        if ((s->wanted >> i & 1) && send_file(s, i) < 0)
            return -1;
    return 0;
}

static int start_logging(struct source *s)
{
    uint64_t populated;
    int error;
    backend_get_target(s->backend, s->domain.domid, &s->target_kib);
    s->journal = (struct journal){ .state = JOURNAL_SENDING,
                                   .port = s->request->port,
                                   .domid = s->domain.domid };
    memcpy(s->journal.migration, s->m.id, 16);
    memcpy(s->journal.uuid, s->domain.uuid, 16);
    copy_text(s->journal.name, sizeof(s->journal.name), s->domain.name);
    copy_text(s->journal.peer, sizeof(s->journal.peer), s->request->peer);
    if ((error = host_move(s->host, &s->journal, JOURNAL_SENDING)) < 0)
        return backend_failed(s, "cannot write the journal", error);
    s->sending = true;
    if ((error = backend_log_enable(s->backend, s->domain.domid)) < 0)
        return backend_failed(s, "cannot switch the dirty log on", error);
    s->logging = true;
    if (outflow_start(&s->out, &populated) < 0)
        return -1;
    if (populated + 64 < s->domain.tot_pages)
        return fail(&s->failure, XLM_E_MEMORY,
                    "the guest owns %llu pages, but only %llu were found in its address space",
                    (unsigned long long)s->domain.tot_pages, (unsigned long long)populated);
    s->report->scan_ns = lap(s);
    return 0;
}

/* One round while the guest runs. result->verdict decides what follows. */
static int live_round(struct source *s, struct policy_result *result)
{
    uint64_t start = now_ns(), bytes = s->conn.tx_bytes, dirty;
    if (outflow_round(&s->out) < 0 || wait_round_ack(s) < 0)
        return -1;
    uint64_t end = now_ns();
    struct report_round round = { s->out.round_pages, s->out.round_zero_pages,
                                  s->conn.tx_bytes - bytes, end - start };
    if (s->out.round == 1 && send_files(s) < 0)
        return -1;
    if (outflow_harvest(&s->out, &dirty) < 0)
        return -1;
    struct policy_round measured = { round.bytes, now_ns() - start, round.pages, dirty };
    *result = policy_after_round(&s->policy, &measured);
    report_round_done(s->report, &round, dirty, result->bandwidth_mib_s, result->dirty_mib_s,
                      result->downtime_ms);
    pthread_mutex_lock(&s->host->lock);
    s->m.round = s->out.round;
    s->m.dirty_pages = dirty;
    s->m.bytes = s->conn.tx_bytes;
    pthread_mutex_unlock(&s->host->lock);
    return 0;
}

static int precopy(struct source *s)
{
    struct policy_result result;
    char text[XLM_TEXT_MAX], stage[16];
    if (wait_want(s) < 0)
        return -1;
    host_stage(s->host, &s->m, "copying memory");
    s->out.between = listen_between;
    s->out.between_argument = s;
    policy_init(&s->policy, s->request->downtime_ms, s->request->force);
    do {
        if (live_round(s, &result) < 0)
            return -1;
        snprintf(stage, sizeof(stage), "round-%u", s->out.round);
        fault_inject_stage(&s->host->fault, &s->conn, stage);
    } while (result.verdict == POLICY_GO_ON);
    if (result.verdict == POLICY_STOP)
        return 0;
    policy_explain(&s->policy, &result, text, sizeof(text));
    return fail(&s->failure, XLM_E_INTERNAL, "%s", text);
}

/* Reads the guest's xenstore nodes before the blackout, so that the blackout is shorter: see
 * backend_store_save(). */
static void read_store_ahead(struct source *s)
{
    uint8_t *nodes = NULL;
    size_t length;
    uint32_t count;
    if (backend_store_save(s->backend, s->domain.domid, &nodes, &length, &count) == 0)
        free(nodes);
}

static int suspend_guest(struct source *s)
{
    read_store_ahead(s);
    uint64_t asked = now_ns();
    host_stage(s->host, &s->m, "suspending the guest");
    fault_inject_stage(&s->host->fault, &s->conn, "suspending");
    if (backend_suspend(s->backend, s->domain.domid, s->request->suspend_timeout_ms,
                        s->conn.cancel_fd, &s->stopped_ns, &s->failure) < 0)
        return -1;
    s->suspended = true;
    lap(s);
    s->report->suspend_ns = s->stopped_ns - asked;
    fault_inject_stage(&s->host->fault, &s->conn, "suspended");
    return 0;
}

/* True if the guest's balloon may have made or filled holes since the memory was scanned. */
static bool balloon_moved(struct source *s)
{
    struct backend_domain now;
    uint64_t before = s->target_kib;
    backend_get_target(s->backend, s->domain.domid, &s->target_kib);
    return s->out.holes_moved || before != s->target_kib ||
           (backend_info(s->backend, s->domain.domid, &now) == 0 &&
            now.tot_pages != s->domain.tot_pages);
}

static int last_round(struct source *s)
{
    uint64_t start = now_ns(), bytes = s->conn.tx_bytes, dirty;
    s->out.final = true;
    s->conn.max_bytes_per_s = 0;
    if (outflow_harvest(&s->out, &dirty) < 0 || (balloon_moved(s) && outflow_rescan(&s->out) < 0) ||
        outflow_round(&s->out) < 0)
        return -1;
    struct report_round round = { s->out.round_pages, s->out.round_zero_pages,
                                  s->conn.tx_bytes - bytes, now_ns() - start };
    s->report->last_round_ns = lap(s);
    report_round_done(s->report, &round, 0,
                      (double)round.bytes / 1048576 / ((double)(round.ns + 1) / 1e9), 0, 0);
    return 0;
}

static int send_state(struct source *s)
{
    uint8_t *nodes = NULL;
    size_t node_bytes = 0;
    uint32_t node_count = 0, range_count;
    uint64_t populated;
    int error = take_context(s);
    s->context_ns = now_ns();
    struct xlm_run *range = error ? NULL : outflow_ranges(&s->out, &range_count, &populated);
    if (!range)
        return -1;
    if ((error = backend_store_save(s->backend, s->domain.domid, &nodes, &node_bytes,
                                    &node_count)) < 0) {
        free(range);
        return backend_failed(s, "cannot read the guest's xenstore nodes", error);
    }
    struct xlm_state state = {
        clock_to_peer(&s->clock, s->stopped_ns),
        clock_to_peer(&s->clock, s->context_ns),
        s->domain.max_pages,
        s->target_kib,
        (uint32_t)s->context_length,
        range_count,
        node_count,
        (uint32_t)node_bytes,
    };
    struct iovec part[] = {
        { &state, sizeof(state) },  { s->context, s->context_length },
        padding(s->context_length), { range, range_count * sizeof(*range) },
        { nodes, node_bytes },      padding(node_bytes),
    };
    error = conn_send(&s->conn, XLM_STATE, part, 6, 6);
    free(range);
    free(nodes);
    struct xlm_end end = { s->out.pages, s->out.zero_pages, populated };
    s->ended = true; /* from here on B may have sent VERIFIED */
    if (error || conn_send_struct(&s->conn, XLM_END, &end, sizeof(end)) < 0)
        return -1;
    s->report->state_ns = lap(s);
    return 0;
}

static int stop_and_copy(struct source *s)
{
    if (suspend_guest(s) < 0)
        return -1;
    host_stage(s->host, &s->m, "copying the rest");
    s->out.between = NULL;
    s->conn.timeout_ms = 15000;
    if (last_round(s) < 0 || send_state(s) < 0)
        return -1;
    fault_inject_stage(&s->host->fault, &s->conn, "state-sent");
    if (wait_round_ack(s) < 0 || conn_expect(&s->conn, &s->record, XLM_VERIFIED) < 0)
        return -1;
    s->report->verify_ns = lap(s);
    fault_inject_stage(&s->host->fault, &s->conn, "verified");
    return 0;
}

static void note_running(struct source *s)
{
    const struct xlm_running *running = (const struct xlm_running *)s->record.payload;
    uint64_t running_ns = clock_from_peer(&s->clock, running->running_ns), now = now_ns();
    s->report->downtime_ns = running_ns > s->stopped_ns && running_ns < now
                                 ? running_ns - s->stopped_ns
                                 : now - s->stopped_ns;
    s->report->total_ns = now - s->start_ns;
}

/* Returns -1 on failure. If the journal is `committing` then, A does not know who owns the
 * guest. */
static int commit(struct source *s)
{
    host_stage(s->host, &s->m, "handing over");
    s->conn.cancel_fd = -1;
    s->conn.timeout_ms = 10000;
    int error = host_move(s->host, &s->journal, JOURNAL_COMMITTING);
    if (error < 0)
        return backend_failed(s, "cannot write the journal", error);
    s->journal.state = JOURNAL_COMMITTING;
    fault_inject_stage(&s->host->fault, &s->conn, "committing");
    if (conn_send_struct(&s->conn, XLM_COMMIT, NULL, 0) < 0)
        return -1;
    fault_inject_stage(&s->host->fault, &s->conn, "committed");
    if (conn_expect(&s->conn, &s->record, XLM_RUNNING) < 0)
        return -1;
    note_running(s);
    s->report->commit_ns = lap(s);
    fault_inject_stage(&s->host->fault, &s->conn, "running");
    return 0;
}

static void note_totals(struct source *s)
{
    s->report->bytes_sent = s->conn.tx_bytes;
    s->report->pages_sent = s->out.pages;
    s->report->zero_pages = s->out.zero_pages;
}

/* For forecasts. With a limit on the send rate, the migration does not show the bandwidth of the
 * link. */
static void note_speed(struct source *s)
{
    struct rate_speed speed;
    if (s->request->max_mib_s || !rate_speed_of(s->report, &speed))
        return;
    int error = rate_speed_write(s->host->state_dir, &speed);
    if (error < 0)
        log_line("cannot save the speed of the migration for later forecasts: %s",
                 strerror(-error));
}

static enum source_result release(struct source *s)
{
    int error = host_move(s->host, &s->journal, JOURNAL_RELEASED);
    fault_inject_stage(&s->host->fault, &s->conn, "released");
    int told = conn_send_struct(&s->conn, XLM_DONE, NULL, 0);
    note_totals(s);
    note_speed(s);
    outflow_free(&s->out); /* a mapping would keep pages of the dying domain */
    if (!error)
        error = source_destroy_copy(s->host, s->backend, &s->journal);
    /* B's DONE means that B has deleted its journal. Without it, settle.c asks B until it has. */
    if (!error && !told && conn_expect(&s->conn, &s->record, XLM_DONE) == 0)
        error = host_move(s->host, &s->journal, JOURNAL_NONE);
    if (error < 0)
        log_line("%s runs on the target host, but the copy on this host cannot be destroyed: %s",
                 s->m.name, strerror(-error));
    return SOURCE_OK;
}

int source_destroy_copy(struct host *host, struct backend *backend, const struct journal *j)
{
    struct backend_domain d;
    int error = backend_find_uuid(backend, j->uuid, &d);
    if (error == 0 && d.domid == j->domid)
        error = backend_destroy(backend, d.domid);
    if (error < 0 && error != -ESRCH)
        return error;
    if (error == -ESRCH ||
        d.domid == j->domid) /* otherwise the guest has come back, and the files belong to it */
        files_remove(host->state_dir, j->uuid);
    return 0;
}

int source_take_back(struct host *host, struct backend *backend, const struct journal *j)
{
    struct backend_domain d;
    (void)host;
    int error = backend_find_uuid(backend, j->uuid, &d);
    if (error < 0 || d.domid != j->domid)
        return error == -ESRCH || !error
                   ? 0
                   : error; /* the host has been restarted: there is no copy to run */
    backend_log_disable(backend, d.domid);
    return d.suspended ? backend_resume(backend, d.domid) : 0;
}

/* A owns the guest: makes everything as it was before the migration. */
static void undo(struct source *s)
{
    int error = s->suspended ? backend_resume(s->backend, s->domain.domid) : 0;
    if (error < 0)
        log_line("cannot resume %s: %s", s->m.name, strerror(-error));
    if (s->logging)
        backend_log_disable(s->backend, s->domain.domid);
    if (s->sending) /* B may have a verified copy, which it must destroy: settle.c tells it */
        host_move(s->host, &s->journal, s->ended ? JOURNAL_TAKEN_BACK : JOURNAL_NONE);
    conn_send_error(&s->conn, &s->failure);
    conn_linger(&s->conn);
}

static enum source_result fail_migration(struct source *s)
{
    if (s->journal.state == JOURNAL_COMMITTING) {
        backend_log_disable(s->backend, s->domain.domid);
        log_line("%s: %s; it is not known yet which host owns the guest: see `xlm status`",
                 s->m.name, s->failure.text);
        return SOURCE_UNRESOLVED;
    }
    note_totals(s);
    undo(s);
    log_line("migration of %s failed: %s", s->request->guest, s->failure.text);
    return s->failure.code == XLM_E_CANCELLED ? SOURCE_CANCELLED : SOURCE_FAILED;
}

static void tear_down(struct source *s)
{
    if (s->conn.fd < 0 && s->request->fd >= 0)
        close(s->request->fd); /* conn_init() has not taken it over */
    outflow_free(&s->out);
    conn_close(&s->conn);
    record_free(&s->record);
    config_free(&s->config);
    free(s->context);
    if (s->added)
        host_remove(s->host, &s->m);
    if (s->backend)
        backend_close(s->backend);
}

enum source_result source_run(struct host *host, const struct source_request *request,
                              struct report *report)
{
    static const char *const name[] = { "ok", "failed", "cancelled", "unresolved" };
    struct source *s = calloc(1, sizeof(*s));
    enum source_result result = SOURCE_FAILED;
    if (!s) {
        report_done(report, name[result], "no memory");
        return result;
    }
    s->host = host;
    s->request = request;
    s->report = report;
    s->conn.fd = -1;
    s->start_ns = s->lap_ns = now_ns();
    report_started(report, request->guest, request->peer, request->port);
    if (prepare(s) < 0 || connect_peer(s) < 0 || compare_clocks(s) < 0 || offer_domain(s) < 0 ||
        start_logging(s) < 0 || precopy(s) < 0 || stop_and_copy(s) < 0 || commit(s) < 0)
        result = fail_migration(s);
    else
        result = release(s);
    tear_down(s);
    report_done(report, name[result], result == SOURCE_OK ? "" : s->failure.text);
    free(s);
    return result;
}
