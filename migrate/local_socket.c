/* SPDX-License-Identifier: BSD-2-Clause */
#include "local_socket.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "json.h"
#include "rate.h"
#include "settle.h"
#include "source.h"
#include "version.h"

#define REQUEST_MAX 4096

static bool send_text(int fd, const char *text, size_t n)
{
    while (n) {
        ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return false;
        text += sent > 0 ? sent : 0;
        n -= sent > 0 ? (size_t)sent : 0;
    }
    return true;
}

/* For a migration: it continues if xlm has ended, so errors are ignored. */
static void send_line(void *argument, const char *line)
{
    int fd = *(int *)argument;
    if (send_text(fd, line, strlen(line)))
        send_text(fd, "\n", 1);
}

/* For a measurement: it must end with its connection, so a failed write shuts the connection
 * down. */
static void send_or_end(void *argument, const char *line)
{
    int fd = *(int *)argument;
    if (!send_text(fd, line, strlen(line)) || !send_text(fd, "\n", 1))
        shutdown(fd, SHUT_RDWR);
}

static void send_done(int fd, const char *result, const char *error)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return;
    fprintf(out, "{\"event\":\"done\",\"result\":\"%s\",\"error\":", result);
    json_string(out, error);
    fprintf(out, ",\"version\":\"%s\",\"protocol\":%u}", XL_VERSION, XLM_VERSION);
    if (fclose(out) == 0)
        send_line(&fd, text);
    free(text);
}

/* Reads an optional number of the request and checks its bounds. *value is unchanged if it is
 * missing. */
static int get_number(const char *line, const char *key, uint64_t least, uint64_t most,
                      uint64_t *value, struct failure *f)
{
    uint64_t number;
    if (!json_get_number(line, key, &number))
        return 0;
    if (number < least || number > most)
        return fail(f, XLM_E_CONFIG, "%s must be from %llu to %llu", key, (unsigned long long)least,
                    (unsigned long long)most);
    *value = number;
    return 0;
}

static int parse_migrate(const char *line, struct source_request *r, struct failure *f)
{
    uint64_t port = XLM_PORT, downtime = 300, timeout = 5000, mbps = 0, force = 0;
    memset(r, 0, sizeof(*r));
    if (!json_get_string(line, "guest", r->guest, sizeof(r->guest)) || !r->guest[0])
        return fail(f, XLM_E_CONFIG, "the request names no guest");
    if (!json_get_string(line, "host", r->peer, sizeof(r->peer)) || !r->peer[0] ||
        strpbrk(r->peer, " \t\n"))
        return fail(f, XLM_E_CONFIG, "the request names no host");
    if (get_number(line, "port", 1, 65535, &port, f) < 0 ||
        get_number(line, "downtime_ms", 1, 3600000, &downtime, f) < 0 ||
        get_number(line, "suspend_timeout_ms", 1, 600000, &timeout, f) < 0 ||
        get_number(line, "max_mbps", 0, 1000000, &mbps, f) < 0 ||
        get_number(line, "force", 0, 1, &force, f) < 0)
        return -1;
    r->port = (uint16_t)port;
    r->downtime_ms = (uint32_t)downtime;
    r->suspend_timeout_ms = (uint32_t)timeout;
    r->max_mib_s = mbps;
    r->force = force;
    r->fd = -1;
    return 0;
}

static void do_migrate(struct host *host, int fd, const char *line)
{
    struct source_request request;
    struct failure f = { 0 };
    struct report report = { .emit = send_line, .emit_argument = &fd };
    if (parse_migrate(line, &request, &f) < 0)
        send_done(fd, "failed", f.text);
    else
        source_run(host, &request, &report);
}

static int parse_rate(const char *line, struct rate_request *r, struct failure *f)
{
    uint64_t seconds = 10, interval = 1000, downtime = 300, mbps = 0, histogram = 0;
    memset(r, 0, sizeof(*r));
    if (!json_get_string(line, "guest", r->guest, sizeof(r->guest)) || !r->guest[0])
        return fail(f, XLM_E_CONFIG, "the request names no guest");
    if (get_number(line, "seconds", 1, RATE_SECONDS_MAX, &seconds, f) < 0 ||
        get_number(line, "interval_ms", RATE_INTERVAL_MIN_MS, RATE_INTERVAL_MAX_MS, &interval, f) <
            0 ||
        get_number(line, "downtime_ms", 1, 3600000, &downtime, f) < 0 ||
        get_number(line, "mbps", 0, 1000000, &mbps, f) < 0 ||
        get_number(line, "histogram", 0, 1, &histogram, f) < 0)
        return -1;
    if (interval > seconds * 1000)
        return fail(f, XLM_E_CONFIG,
                    "an interval of %llu ms is longer than the measurement of %llu s",
                    (unsigned long long)interval, (unsigned long long)seconds);
    r->seconds = (uint32_t)seconds;
    r->interval_ms = (uint32_t)interval;
    r->downtime_limit_ms = (uint32_t)downtime;
    r->mib_s = (uint32_t)mbps;
    r->histogram = histogram;
    return 0;
}

static void do_rate(struct host *host, int fd, const char *line)
{
    /* If xlm does not read, the dirty log stays on and a migration may wait for its end: limit
     * that. */
    const struct timeval patience = { .tv_sec = 2 };
    struct rate_request request;
    struct failure f = { 0 };
    struct report report = { .emit = send_or_end, .emit_argument = &fd };
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (parse_rate(line, &request, &f) < 0) {
        send_done(fd, "failed", f.text);
        return;
    }
    request.fd = fd;
    rate_run(host, &request, &report);
}

static void do_cancel(struct host *host, int fd, const char *line)
{
    char guest[XLM_NAME_MAX];
    if (json_get_string(line, "guest", guest, sizeof(guest)) && host_cancel(host, guest))
        send_done(fd, "ok", "");
    else
        send_done(fd, "failed", "no migration or measurement of this guest is under way");
}

static void show_measurement(FILE *out, const struct migration *m)
{
    fputs("{\"event\":\"measurement\",\"guest\":", out);
    json_string(out, m->name);
    fprintf(out, ",\"elapsed_ms\":%llu}\n",
            (unsigned long long)((now_ns() - m->start_ns) / 1000000));
}

static void show_active(FILE *out, const struct migration *m)
{
    if (m->measures) {
        show_measurement(out, m);
        return;
    }
    fputs("{\"event\":\"migration\",\"guest\":", out);
    json_string(out, m->name);
    fprintf(out, ",\"role\":\"%s\",\"peer\":", m->source ? "source" : "target");
    json_string(out, m->peer);
    fputs(",\"stage\":", out);
    json_string(out, m->stage);
    fprintf(out, ",\"round\":%u,\"bytes\":%llu,\"dirty\":%llu,\"elapsed_ms\":%llu,\"open\":0}\n",
            m->round, (unsigned long long)m->bytes, (unsigned long long)m->dirty_pages,
            (unsigned long long)((now_ns() - m->start_ns) / 1000000));
}

static const char *explain(enum journal_state state)
{
    switch (state) {
    case JOURNAL_COMMITTING:
        return "it is not known yet which host owns the guest: the copy here stays suspended "
               "until the target host "
               "answers (xlm resolve GUEST keep: run the guest here; give-up: leave it to the "
               "target host)";
    case JOURNAL_VERIFIED:
        return "the copy here is complete, and paused until the source host connects again: "
               "waiting; do not unpause it by "
               "hand (xlm resolve GUEST keep: run the guest here; give-up: destroy the copy)";
    case JOURNAL_TAKEN_BACK:
        return "this host owns the guest; the target host has not confirmed yet that it has "
               "destroyed its copy";
    case JOURNAL_GIVEN_UP:
        return "this host has given the guest up; the target host has not taken it yet";
    case JOURNAL_RELEASED:
        return "the target host owns the guest, and has not confirmed that it runs; the copy "
               "here is destroyed, or will be";
    case JOURNAL_MEASURING:
        return "a daemon died while it measured the guest's dirty rate, and the dirty log "
               "cannot be switched off";
    case JOURNAL_OWNER:
        return "this host owns the guest; the source host has not confirmed yet that it has "
               "destroyed its copy";
    default: return "";
    }
}

static void show_open(FILE *out, const struct journal *j)
{
    fputs("{\"event\":\"migration\",\"guest\":", out);
    json_string(out, j->name);
    fprintf(out, ",\"role\":\"%s\",\"peer\":", journal_is_source(j->state) ? "source" : "target");
    json_string(out, j->peer);
    fprintf(out, ",\"stage\":\"%s\",\"open\":1,\"text\":", journal_state_name(j->state));
    json_string(out, explain(j->state));
    fputs("}\n", out);
}

static bool is_active(const struct host *host, const uint8_t id[16])
{
    for (const struct migration *m = host->list; m; m = m->next)
        if (!memcmp(m->id, id, 16))
            return true;
    return false;
}

static void do_status(struct host *host, int fd)
{
    char *text = NULL, dir[PATH_MAX];
    size_t size;
    struct journal *list;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return;
    host_journal_dir(host, dir, sizeof(dir));
    pthread_mutex_lock(&host->lock);
    for (const struct migration *m = host->list; m; m = m->next)
        show_active(out, m);
    int count = journal_list(dir, &list);
    for (int i = 0; i < count; i++)
        if (!is_active(host, list[i].migration))
            show_open(out, &list[i]);
    pthread_mutex_unlock(&host->lock);
    free(list);
    if (fclose(out) == 0 && text[0]) {
        text[strlen(text) - 1] = 0; /* send_line() appends the last newline */
        send_line(&fd, text);
    }
    free(text);
    send_done(fd, "ok", "");
}

static void do_resolve(struct host *host, int fd, const char *line)
{
    char guest[XLM_NAME_MAX], action[16];
    struct failure f = { 0 };
    if (!json_get_string(line, "guest", guest, sizeof(guest)) ||
        !json_get_string(line, "action", action, sizeof(action)) ||
        (strcmp(action, "keep") && strcmp(action, "give-up")))
        send_done(fd, "failed", "a resolve request needs a guest, and the action keep or give-up");
    else if (settle_decide(host, guest, !strcmp(action, "keep"), &f) < 0)
        send_done(fd, "failed", f.text);
    else
        send_done(fd, "ok", "");
}

static bool read_request(int fd, char line[REQUEST_MAX])
{
    size_t n = 0;
    struct pollfd set = { fd, POLLIN, 0 };
    while (n < REQUEST_MAX - 1 && poll(&set, 1, 10000) > 0) {
        ssize_t got = read(fd, line + n, REQUEST_MAX - 1 - n);
        if (got <= 0)
            return false;
        n += (size_t)got;
        line[n] = 0;
        char *end = strchr(line, '\n');
        if (end) {
            *end = 0;
            return true;
        }
    }
    return false;
}

void local_socket_serve(struct host *host, int fd)
{
    char line[REQUEST_MAX], command[16] = "";
    if (!read_request(fd, line)) {
        close(fd);
        return;
    }
    json_get_string(line, "cmd", command, sizeof(command));
    if (!strcmp(command, "migrate"))
        do_migrate(host, fd, line);
    else if (!strcmp(command, "dirty-rate"))
        do_rate(host, fd, line);
    else if (!strcmp(command, "cancel"))
        do_cancel(host, fd, line);
    else if (!strcmp(command, "status"))
        do_status(host, fd);
    else if (!strcmp(command, "resolve"))
        do_resolve(host, fd, line);
    else if (!strcmp(command, "version"))
        send_done(fd, "ok", "");
    else
        send_done(
            fd, "failed",
            "unknown request: \"cmd\" must be migrate, dirty-rate, status, cancel, resolve or "
            "version");
    close(fd);
}
