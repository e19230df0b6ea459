/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation. One thread takes the records in the order of PROTOCOL.md. Meanwhile `xl
 * create -p` runs as a process, and pages that arrive before it has ended wait in the queue of
 * intake.c. A failure before the journal is `verified` destroys what was made. After that the copy
 * stays until A sends COMMIT, or until A reports that it has taken the guest back, on this
 * connection or on a later one (settle_target.c).
 */
#include "target.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec.h"
#include "config.h"
#include "files.h"
#include "intake.h"
#include "state.h"

#define CREATE_TIMEOUT_NS 60000000000ull

struct target {
    struct host *host;
    struct failure failure;
    struct backend *backend;
    struct migration m;
    struct journal journal;
    struct conn conn;
    struct record record;
    struct intake in;
    struct config config;
    struct files files;
    struct xlm_domain offered;
    struct backend_domain domain;
    uint8_t *state; /* payload of the STATE record */
    struct xlm_want want;
    bool added, receiving, created, want_sent, verified;
};

static int check_name(struct target *t)
{
    for (const char *c = t->offered.name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("_.+-", *c))
            return fail(&t->failure, XLM_E_NAME,
                        "the guest's name has a character that a migration does not allow "
                        "(letters, digits and _ . + - are allowed)");
    return 0;
}

/* Refuses the guest if a domain has its name or its UUID, or if there is too little free memory. */
static int check_room(struct target *t)
{
    struct backend_domain other;
    char uuid[37];
    uuid_format(t->offered.uuid, uuid);
    int by_name = backend_find(t->backend, t->offered.name, &other),
        by_uuid = backend_find_uuid(t->backend, t->offered.uuid, &other);
    if (by_uuid == 0)
        return fail(&t->failure, XLM_E_UUID,
                    "the target host already has a domain with the UUID %s (%s)", uuid, other.name);
    if (by_name == 0)
        return fail(&t->failure, XLM_E_NAME, "the target host already has a domain called %s",
                    t->offered.name);
    if (by_name != -ESRCH || by_uuid != -ESRCH)
        return fail(&t->failure, XLM_E_INTERNAL, "cannot list the target host's domains");
    uint64_t free_pages, need = t->offered.tot_pages + t->offered.tot_pages / 256 +
                                512; /* pages for stage-2 tables and the hypervisor's structures */
    if (backend_free_pages(t->backend, &free_pages) < 0)
        return fail(&t->failure, XLM_E_INTERNAL, "cannot read the target host's free memory");
    if (free_pages < need)
        return fail(&t->failure, XLM_E_MEMORY,
                    "the target host has %llu MiB free, the guest needs %llu MiB",
                    (unsigned long long)free_pages >> 8, (unsigned long long)need >> 8);
    return 0;
}

static int check_cpu(struct target *t, const uint8_t *context, char *warning, size_t size)
{
    uint8_t *here = malloc(XLM_CONTEXT_MAX);
    int n = here ? backend_host_context(t->backend, here, XLM_CONTEXT_MAX) : -ENOMEM;
    int error = n < 0 ? fail(&t->failure, XLM_E_INTERNAL,
                             "cannot read the target host's CPU features: %s", strerror(-n))
                      : state_compatible(context, t->offered.context_length, here, (size_t)n,
                                         t->offered.vcpu_count, &t->failure, warning, size);
    free(here);
    return error;
}

static int parse_config(struct target *t, const char *text)
{
    char *copy = strndup(text, t->offered.config_length), uuid[37];
    int error = copy ? config_parse(&t->config, copy, &t->failure)
                     : fail(&t->failure, XLM_E_MEMORY, "no memory");
    free(copy);
    uuid_format(t->offered.uuid, uuid);
    if (error < 0 || config_set_string(&t->config, "name", t->offered.name, &t->failure) < 0)
        return -1;
    return config_set_string(&t->config, "uuid", uuid, &t->failure);
}

static int write_config(struct target *t, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/config", t->files.dir);
    char *text = config_write(&t->config, &t->failure);
    if (!text)
        return -1;
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool whole = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    free(text);
    return whole ? 0 : fail(&t->failure, XLM_E_INTERNAL, "%s: %s", path, strerror(errno));
}

static int begin(struct target *t, uint32_t guest_bits)
{
    char path[PATH_MAX];
    memcpy(t->m.uuid, t->offered.uuid, 16);
    copy_text(t->m.name, sizeof(t->m.name), t->offered.name);
    if (host_add(t->host, &t->m, &t->failure) < 0)
        return -1;
    t->added = true;
    t->conn.cancel_fd = t->m.cancel_fd;
    memcpy(t->journal.migration, t->m.id, 16);
    memcpy(t->journal.uuid, t->m.uuid, 16);
    copy_text(t->journal.name, sizeof(t->journal.name), t->m.name);
    t->journal.state = JOURNAL_RECEIVING;
    int error = host_move(t->host, &t->journal, JOURNAL_RECEIVING);
    if (error < 0)
        return fail(&t->failure, XLM_E_INTERNAL, "cannot write the journal: %s", strerror(-error));
    t->receiving = true;
    if (files_prepare(&t->files, t->host->state_dir, t->m.uuid, &t->config, guest_bits,
                      t->offered.file, &t->failure) < 0 ||
        write_config(t, path) < 0 ||
        intake_init(&t->in, t->backend, t->offered.max_pages, &t->failure) < 0)
        return -1;
    host_stage(t->host, &t->m, "receiving");
    t->created = true;
    return backend_create_start(t->backend, path, &t->failure);
}

/* WANT permits A to send PAGES. It is sent at once if there is a buffer for pages that arrive
 * before the domain exists, and otherwise when the domain exists. */
static int send_want(struct target *t)
{
    t->want_sent = true;
    return conn_send_struct(&t->conn, XLM_WANT, &t->want, sizeof(t->want));
}

static int accept_domain(struct target *t)
{
    const struct xlm_domain *d = (const struct xlm_domain *)t->record.payload;
    struct domain_parts parts;
    char warning[256] = "";
    t->offered = *d;
    codec_domain_parts(d, &parts);
    if (check_name(t) < 0 || parse_config(t, parts.config) < 0 || check_room(t) < 0 ||
        check_cpu(t, parts.context, warning, sizeof(warning)) < 0 ||
        begin(t, state_width(parts.context, d->context_length)) < 0)
        return -1;
    struct xlm_accept accept = { XLM_VERSION, 0 };
    struct iovec part[2] = { { &accept, sizeof(accept) }, { warning, strlen(warning) } };
    if (conn_send(&t->conn, XLM_ACCEPT, part, 2, 2) < 0)
        return -1;
    fault_inject_stage(&t->host->fault, &t->conn, "accepted");
    t->want.files = files_wanted(&t->files, parts.path);
    return t->host->buffer_bytes ? send_want(t) : 0;
}

/* Waits at most `wait_ms` for xl to make the domain. 0: the domain exists, 1: not yet, -1:
 * failed. */
static int look_for_domain(struct target *t, int wait_ms)
{
    if (t->in.ready)
        return 0;
    int error = backend_create_wait(t->backend, wait_ms, &t->failure);
    if (error == -EAGAIN)
        return 1;
    if (error < 0)
        return -1;
    if (backend_find_uuid(t->backend, t->m.uuid, &t->domain) < 0)
        return fail(
            &t->failure, XLM_E_CREATE,
            "xl create on the target host succeeded, but there is no domain with the guest's UUID");
    t->journal.domid = t->domain.domid;
    if (t->domain.vcpu_count != t->offered.vcpu_count)
        return fail(&t->failure, XLM_E_CREATE,
                    "xl made a domain with %u vCPUs, but the guest has %u", t->domain.vcpu_count,
                    t->offered.vcpu_count);
    if (backend_set_max_pages(t->backend, t->domain.domid, t->offered.max_pages) < 0)
        return fail(&t->failure, XLM_E_CREATE, "cannot set the new domain's memory limit");
    fault_inject_stage(&t->host->fault, &t->conn, "created");
    return intake_attach(&t->in, t->domain.domid);
}

static int wait_for_domain(struct target *t)
{
    uint64_t end = now_ns() + CREATE_TIMEOUT_NS;
    int waiting;
    while ((waiting = look_for_domain(t, 50)) > 0) {
        if (conn_cancelled(&t->conn))
            return fail(&t->failure, XLM_E_CANCELLED, "cancelled");
        if (now_ns() > end)
            return fail(&t->failure, XLM_E_CREATE,
                        "xl create on the target host did not end within 60 s");
    }
    return waiting;
}

static int end_round(struct target *t)
{
    struct xlm_round round = *(const struct xlm_round *)t->record.payload;
    char stage[16];
    if (wait_for_domain(t) < 0 || intake_round_end(&t->in, &round) < 0)
        return -1;
    struct xlm_round_ack ack = { round.round, 0 };
    if (conn_send_struct(&t->conn, XLM_ROUND_ACK, &ack, sizeof(ack)) < 0)
        return -1;
    pthread_mutex_lock(&t->host->lock);
    t->m.round = round.round;
    t->m.bytes = t->conn.rx_bytes;
    pthread_mutex_unlock(&t->host->lock);
    snprintf(stage, sizeof(stage), "round-%u", round.round);
    fault_inject_stage(&t->host->fault, &t->conn, stage);
    return 0;
}

static int keep_state(struct target *t)
{
    if (t->state || !t->in.ready)
        return codec_fail(&t->failure, XLM_E_STREAM, XLM_STATE, t->record.header.index,
                          t->record.offset, "it came %s",
                          t->state ? "twice" : "before the first round has ended");
    t->state = t->record.payload; /* the record's buffer is taken over */
    t->record.payload = NULL;
    t->record.capacity = 0;
    return 0;
}

static int take_record(struct target *t)
{
    switch (t->record.header.type) {
    case XLM_PAGES: return intake_pages(&t->in, &t->conn, &t->record);
    case XLM_ZERO: return intake_zero(&t->in, &t->record);
    case XLM_ROUND: return end_round(t);
    case XLM_FILE:
        return files_write(&t->files, (const struct xlm_file *)t->record.payload,
                           t->record.header.length - sizeof(struct xlm_file), &t->failure);
    case XLM_STATE: return keep_state(t);
    default: return conn_refuse(&t->conn, &t->record);
    }
}

static int receive_memory(struct target *t)
{
    for (;;) {
        /* If the buffer is full, nothing more is read before the domain exists. */
        int waiting = t->in.queued_bytes >= t->host->buffer_bytes ? wait_for_domain(t)
                                                                  : look_for_domain(t, 0);
        if (waiting < 0 || (t->in.ready && !t->want_sent && send_want(t) < 0) ||
            conn_receive(&t->conn, &t->record) < 0)
            return -1;
        if (t->record.header.type == XLM_END && t->state)
            return 0;
        if (take_record(t) < 0)
            return -1;
    }
}

static int load_state(struct target *t, const struct xlm_state *state)
{
    struct state_parts parts;
    codec_state_parts(state, &parts);
    uint8_t *context = malloc(state->context_length + 1);
    if (!context)
        return fail(&t->failure, XLM_E_MEMORY, "no memory");
    memcpy(context, parts.context, state->context_length);
    uint64_t now = now_ns(), gone = now > state->context_ns ? now - state->context_ns : 0;
    int error = state_check(context, state->context_length, &t->failure);
    if (!error)
        error = state_add_time(context, state->context_length, gone, &t->failure);
    if (!error) {
        int result = backend_set_context(t->backend, t->domain.domid, context,
                                         state->context_length);
        if (result < 0)
            error = fail(&t->failure, XLM_E_STATE, "the hypervisor refuses the guest's state: %s",
                         strerror(-result));
    }
    free(context);
    return error;
}

static int load_store(struct target *t, const struct xlm_state *state)
{
    struct state_parts parts;
    codec_state_parts(state, &parts);
    int error = backend_store_load(t->backend, t->domain.domid, parts.nodes, state->node_bytes);
    if (!error && state->target_kib)
        error = backend_set_target(t->backend, t->domain.domid, state->target_kib);
    return error < 0 ? fail(&t->failure, XLM_E_STATE, "cannot write the guest's xenstore nodes: %s",
                            strerror(-error))
                     : 0;
}

/* All records have arrived: completes the guest, so that only unpausing it remains. */
static int finish(struct target *t)
{
    const struct xlm_end *end = (const struct xlm_end *)t->record.payload;
    const struct xlm_state *state = (const struct xlm_state *)t->state;
    struct state_parts parts;
    uint64_t populated;
    codec_state_parts(state, &parts);
    if (end->pages != t->in.pages || end->zero_pages != t->in.zero_pages)
        return fail(&t->failure, XLM_E_STREAM,
                    "%llu pages and %llu zero pages arrived, but %llu and %llu were sent",
                    (unsigned long long)t->in.pages, (unsigned long long)t->in.zero_pages,
                    (unsigned long long)end->pages, (unsigned long long)end->zero_pages);
    if (intake_finish(&t->in, parts.range, state->range_count, &populated) < 0)
        return -1;
    if (populated != end->populated)
        return fail(&t->failure, XLM_E_STREAM, "END counts %llu populated frames, STATE lists %llu",
                    (unsigned long long)end->populated, (unsigned long long)populated);
    if (files_check(&t->files, &t->failure) < 0 || load_store(t, state) < 0 ||
        files_finish(&t->files, &t->failure) < 0)
        return -1;
    return load_state(t, state);
}

static int hand_over(struct target *t)
{
    int error = host_move(t->host, &t->journal, JOURNAL_VERIFIED);
    if (error < 0)
        return fail(&t->failure, XLM_E_INTERNAL, "cannot write the journal: %s", strerror(-error));
    t->verified = true;
    uint64_t verified_ns = now_ns();
    host_stage(t->host, &t->m, "waiting for the source host to give the guest up");
    fault_inject_stage(&t->host->fault, &t->conn, "verified");
    if (conn_send_struct(&t->conn, XLM_VERIFIED, NULL, 0) < 0)
        return -1;
    fault_inject_stage(&t->host->fault, &t->conn, "waiting");
    if (conn_expect(&t->conn, &t->record, XLM_COMMIT) < 0)
        return -1;
    fault_inject_stage(&t->host->fault, &t->conn, "committed");
    return target_own(t->host, t->backend, &t->conn, &t->journal, verified_ns);
}

int target_run(struct backend *backend, const struct journal *j)
{
    struct backend_domain d;
    int error = backend_find_uuid(backend, j->uuid, &d);
    return error < 0 ? error : d.paused ? backend_unpause(backend, d.domid) : 0;
}

int target_own(struct host *host, struct backend *backend, struct conn *conn,
               const struct journal *j, uint64_t verified_ns)
{
    struct record record = { 0 };
    int error = host_move(host, j, JOURNAL_OWNER);
    if (error < 0 && error != -EALREADY)
        return fail(conn->failure, XLM_E_INTERNAL, "this host has already given the guest up");
    if ((error = target_run(backend, j)) < 0)
        log_line("cannot run %s: %s", j->name, strerror(-error));
    struct xlm_running running = { now_ns(), verified_ns };
    fault_inject_stage(&host->fault, conn, "running");
    log_line("%s runs on this host", j->name);
    conn->cancel_fd = -1;
    error = conn_send_struct(conn, XLM_RUNNING, &running, sizeof(running)) < 0
                ? -1
                : conn_expect(conn, &record, XLM_DONE);
    record_free(&record);
    if (error < 0 || host_move(host, j, JOURNAL_NONE) < 0)
        return -1;
    return conn_send_struct(conn, XLM_DONE, NULL, 0);
}

int target_discard(struct host *host, struct backend *backend, const struct journal *j)
{
    struct backend_domain d;
    /* Leave `verified` first, so that a COMMIT that arrives from now on is refused. */
    int error = host_move(host, j, JOURNAL_RECEIVING);
    if (error && error != -EALREADY)
        return error;
    error = backend_find_uuid(backend, j->uuid, &d);
    if (error == 0 && (error = backend_destroy(backend, d.domid)) < 0)
        return error;
    files_remove(host->state_dir, j->uuid);
    return host_move(host, j, JOURNAL_NONE);
}

/* After a failure before `verified`, or an ERROR of A: removes all of the guest from this host. */
static void undo(struct target *t)
{
    backend_create_abandon(t->backend);
    intake_free(&t->in);
    files_close(&t->files, true);
    if (t->created) {
        int error = target_discard(t->host, t->backend, &t->journal);
        if (error < 0)
            log_line("cannot destroy the incomplete copy of %s: %s", t->m.name, strerror(-error));
    } else if (t->receiving) {
        files_remove(t->host->state_dir, t->m.uuid);
        host_move(t->host, &t->journal, JOURNAL_NONE);
    }
}

static int greet(struct target *t, uint32_t *purpose)
{
    if (conn_expect(&t->conn, &t->record, XLM_HELLO) < 0)
        return -1;
    struct xlm_hello hello = *(const struct xlm_hello *)t->record.payload;
    if (hello.version_min > XLM_VERSION || hello.version_max < XLM_VERSION)
        return fail(&t->failure, XLM_E_VERSION,
                    "the source host speaks protocol versions %u to %u, the target host version %u",
                    hello.version_min, hello.version_max, XLM_VERSION);
    if (hello.purpose != XLM_MIGRATE && hello.purpose != XLM_RESOLVING)
        return fail(&t->failure, XLM_E_STREAM, "HELLO has the unknown purpose %u", hello.purpose);
    memcpy(t->m.id, hello.migration, 16);
    *purpose = hello.purpose;
    hello.version_min = hello.version_max = XLM_VERSION;
    hello.capabilities &= XLM_CAPS;
    return conn_send_struct(&t->conn, XLM_HELLO, &hello, sizeof(hello));
}

static int receive_domain(struct target *t)
{
    for (;;) {
        if (conn_receive(&t->conn, &t->record) < 0)
            return -1;
        if (t->record.header.type == XLM_DOMAIN)
            return accept_domain(t);
        if (t->record.header.type != XLM_PING)
            return conn_refuse(&t->conn, &t->record);
        struct xlm_pong pong = { ((const struct xlm_ping *)t->record.payload)->sent_ns, now_ns() };
        if (conn_send_struct(&t->conn, XLM_PONG, &pong, sizeof(pong)) < 0)
            return -1;
    }
}

static void receive_guest(struct target *t)
{
    if (receive_domain(t) == 0 && receive_memory(t) == 0 && finish(t) == 0) {
        files_close(&t->files, true);
        if (hand_over(t) == 0)
            return;
    }
    struct journal now;
    if (host_journal(t->host, t->m.id, &now) == 0 && now.state == JOURNAL_OWNER)
        return; /* the guest runs here; A has not sent DONE, and will ask */
    if (t->verified && !t->failure.from_peer) {
        log_line("%s: %s; the paused copy stays on this host until the source host connects again",
                 t->m.name, t->failure.text);
        return;
    }
    log_line("migration of %s from %s was refused or failed: %s",
             t->m.name[0] ? t->m.name : "a guest", t->m.peer, t->failure.text);
    conn_send_error(&t->conn, &t->failure);
    undo(t);
}

void target_serve(struct host *host, int fd, const char *peer)
{
    struct target *t = calloc(1, sizeof(*t));
    uint32_t purpose = 0;
    if (!t) {
        close(fd);
        return;
    }
    t->host = host;
    t->conn.fd = -1;
    conn_init(&t->conn, fd, -1, &host->fault, &t->failure);
    copy_text(t->m.peer, sizeof(t->m.peer), peer);
    files_init(&t->files);
    t->backend = backend_open(host->backend_name, &t->failure);
    if (!t->backend || greet(t, &purpose) < 0) {
        log_line("refused the connection from %s: %s", peer, t->failure.text);
        conn_send_error(&t->conn, &t->failure);
    } else if (purpose == XLM_MIGRATE) {
        receive_guest(t);
    } else {
        settle_serve(host, &t->conn, t->m.id);
        conn_send_error(&t->conn, &t->failure);
    }
    conn_linger(&t->conn);
    conn_close(&t->conn);
    intake_free(&t->in);
    record_free(&t->record);
    config_free(&t->config);
    free(t->state);
    if (t->added)
        host_remove(host, &t->m);
    if (t->backend)
        backend_close(t->backend);
    free(t);
}
