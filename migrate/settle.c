/* SPDX-License-Identifier: BSD-2-Clause */
#include "settle.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conn.h"
#include "rate.h"
#include "source.h"
#include "target.h"

/* ---- A: asking B ---- */

struct question {
    struct host *host;
    struct backend *backend;
    struct journal *j;
    struct failure failure;
    struct conn conn;
    struct record record;
};

static int take_back(struct question *q)
{
    int error = host_move(q->host, q->j, JOURNAL_TAKEN_BACK);
    if (error && error != -EALREADY)
        return fail(&q->failure, XLM_E_INTERNAL, "cannot write the journal: %s", strerror(-error));
    q->j->state = JOURNAL_TAKEN_BACK;
    if ((error = source_take_back(q->host, q->backend, q->j)) < 0)
        return fail(&q->failure, XLM_E_INTERNAL, "cannot resume %s: %s", q->j->name,
                    strerror(-error));
    log_line("%s runs on this host again", q->j->name);
    return 0;
}

static int release(struct question *q)
{
    int error = host_move(q->host, q->j, JOURNAL_RELEASED);
    if (error && error != -EALREADY)
        return fail(&q->failure, XLM_E_INTERNAL, "cannot write the journal: %s", strerror(-error));
    int told = conn_send_struct(&q->conn, XLM_DONE, NULL, 0);
    if ((error = source_destroy_copy(q->host, q->backend, q->j)) < 0)
        return fail(&q->failure, XLM_E_INTERNAL, "cannot destroy the copy of %s: %s", q->j->name,
                    strerror(-error));
    log_line("%s runs on %s", q->j->name, q->j->peer);
    if (told < 0 || conn_expect(&q->conn, &q->record, XLM_DONE) < 0)
        return -1;
    return host_move(q->host, q->j, JOURNAL_NONE) < 0 ? -1 : 0;
}

/* Acts on B's answer: PROTOCOL.md, "Resolving a lost hand-over". */
static int act_on(struct question *q, uint32_t holds)
{
    bool back = q->j->state == JOURNAL_TAKEN_BACK;
    if (q->j->state ==
        JOURNAL_RELEASED) /* B has deleted its journal, which was all that was missing */
        return host_move(q->host, q->j, JOURNAL_NONE) < 0 ? -1 : 0;
    switch (holds) {
    case XLM_NOTHING:
        /* The operator gave the guest up, but B has no copy, so the copy here is the only one.
         * The journal stays, and the operator must decide. */
        if (q->j->state == JOURNAL_GIVEN_UP)
            return fail(&q->failure, XLM_E_STATE,
                        "%s has no copy of the guest that this host has given up; a second give-up "
                        "destroys the copy here",
                        q->j->peer);
        if (q->j->state == JOURNAL_COMMITTING && take_back(q) < 0)
            return -1;
        return host_move(q->host, q->j, JOURNAL_NONE) < 0 ? -1 : 0;
    case XLM_HOLDS_VERIFIED:
        if (back)
            return fail(&q->failure, XLM_E_STREAM, "%s has not destroyed its copy", q->j->peer);
        if (conn_send_struct(&q->conn, XLM_COMMIT, NULL, 0) < 0 ||
            conn_expect(&q->conn, &q->record, XLM_RUNNING) < 0)
            return -1;
        return release(q);
    case XLM_HOLDS_OWNER:
        if (back)
            return fail(&q->failure, XLM_E_STATE, "conflict: %s runs the guest as well",
                        q->j->peer);
        return release(q);
    default:
        return fail(&q->failure, XLM_E_STATE,
                    "conflict: %s has a domain with this UUID, but no journal of the migration",
                    q->j->peer);
    }
}

static int talk(struct question *q)
{
    struct xlm_hello hello = {
        XLM_HELLO_MAGIC, XLM_VERSION, XLM_VERSION, XLM_CAPS, { 0 }, XLM_RESOLVING, 0
    };
    struct xlm_resolve resolve = { .holds = q->j->state == JOURNAL_TAKEN_BACK ? XLM_A_TAKEN_BACK
                                            : q->j->state == JOURNAL_RELEASED ? XLM_A_RELEASED
                                                                              : XLM_A_COMMITTING };
    memcpy(hello.migration, q->j->migration, 16);
    memcpy(resolve.uuid, q->j->uuid, 16);
    if (conn_send_struct(&q->conn, XLM_HELLO, &hello, sizeof(hello)) < 0 ||
        conn_expect(&q->conn, &q->record, XLM_HELLO) < 0 ||
        conn_send_struct(&q->conn, XLM_RESOLVE, &resolve, sizeof(resolve)) < 0 ||
        conn_expect(&q->conn, &q->record, XLM_RESOLVED) < 0)
        return -1;
    return act_on(q, ((const struct xlm_resolved *)q->record.payload)->holds);
}

static int ask(struct host *host, struct backend *backend, struct journal *j)
{
    struct question q = { .host = host, .backend = backend, .j = j };
    int fd = conn_dial(j->peer, j->port, 2000, -1, &q.failure);
    if (fd < 0)
        return -1;
    conn_init(&q.conn, fd, -1, &host->fault, &q.failure);
    q.conn.timeout_ms = 5000;
    int error = talk(&q);
    if (error < 0 && q.failure.code)
        log_line("%s: %s", j->name, q.failure.text);
    conn_close(&q.conn);
    record_free(&q.record);
    return error;
}

/* ---- what is open on this host ---- */

static int open_journals(struct host *host, struct journal **list)
{
    char dir[PATH_MAX];
    host_journal_dir(host, dir, sizeof(dir));
    pthread_mutex_lock(&host->lock);
    int count = journal_list(dir, list);
    pthread_mutex_unlock(&host->lock);
    return count;
}

static bool settle_entry(struct host *host, struct backend *backend, struct journal *j)
{
    switch (j->state) {
    case JOURNAL_COMMITTING:
    case JOURNAL_TAKEN_BACK:
    case JOURNAL_GIVEN_UP: return ask(host, backend, j) < 0;
    case JOURNAL_RELEASED:
        return source_destroy_copy(host, backend, j) < 0 || ask(host, backend, j) < 0;
    default: return false; /* on B: A will ask */
    }
}

bool settle_once(struct host *host)
{
    struct journal *list;
    bool open = false;
    struct failure f = { 0 };
    struct backend *backend = NULL;
    int count = open_journals(host, &list);
    for (int i = 0; i < count; i++) {
        if (host_active(host, list[i].migration))
            continue;
        if (!backend && !(backend = backend_open(host->backend_name, &f)))
            break;
        open |= settle_entry(host, backend, &list[i]);
    }
    free(list);
    if (backend)
        backend_close(backend);
    return open;
}

static void recover_entry(struct host *host, struct backend *backend, struct journal *j)
{
    int error = 0;
    log_line("%s: the journal from before the restart has the state %s", j->name,
             journal_state_name(j->state));
    switch (j->state) {
    case JOURNAL_SENDING:
        /* B may have a verified copy: go to `taken-back`, and ask until B has destroyed it. */
        error = source_take_back(host, backend, j);
        if (!error)
            error = host_move(host, j, JOURNAL_TAKEN_BACK);
        break;
    case JOURNAL_TAKEN_BACK: error = source_take_back(host, backend, j); break;
    case JOURNAL_MEASURING: error = rate_recover(host, backend, j); break;
    case JOURNAL_RECEIVING: error = target_discard(host, backend, j); break;
    case JOURNAL_OWNER: error = target_run(backend, j); break;
    default: break; /* left to settle_once(), or to the operator */
    }
    if (error < 0)
        log_line("%s: cannot recover: %s", j->name, strerror(-error));
}

void settle_recover(struct host *host)
{
    struct journal *list;
    struct failure f = { 0 };
    int count = open_journals(host, &list);
    struct backend *backend = count > 0 ? backend_open(host->backend_name, &f) : NULL;
    if (count > 0 && !backend)
        log_line("cannot recover: %s", f.text);
    for (int i = 0; backend && i < count; i++)
        recover_entry(host, backend, &list[i]);
    free(list);
    if (backend)
        backend_close(backend);
}

/* ---- the operator decides ---- */

static int decide(struct host *host, struct backend *backend, struct journal *j, bool keep)
{
    int error;
    switch (j->state) {
    case JOURNAL_COMMITTING:
        if (keep) {
            error = host_move(host, j, JOURNAL_TAKEN_BACK);
            return error ? error : source_take_back(host, backend, j);
        }
        return host_move(host, j, JOURNAL_GIVEN_UP); /* the copy is destroyed when B has answered,
                                                        or by a second give-up */
    case JOURNAL_GIVEN_UP:
        return keep ? -EPERM
               : (error = host_move(host, j, JOURNAL_RELEASED))
                   ? error
                   : source_destroy_copy(host, backend, j);
    case JOURNAL_VERIFIED:
        if (!keep)
            return target_discard(host, backend, j);
        error = host_move(host, j, JOURNAL_OWNER);
        return error ? error : target_run(backend, j);
    case JOURNAL_TAKEN_BACK:
        return keep ? host_move(host, j, JOURNAL_NONE) : -EPERM; /* stops asking B */
    default: return -EPERM;
    }
}

int settle_decide(struct host *host, const char *guest, bool keep, struct failure *f)
{
    struct journal *list;
    char uuid[37];
    int count = open_journals(host, &list), result = -1;
    struct backend *backend = backend_open(host->backend_name, f);
    for (int i = 0; backend && i < count && result < 0 && !f->code; i++) {
        uuid_format(list[i].uuid, uuid);
        if ((strcmp(guest, list[i].name) && strcmp(guest, uuid)) || list[i].state == JOURNAL_OWNER)
            continue;
        int error = host_active(host, list[i].migration) && list[i].state != JOURNAL_VERIFIED
                        ? -EBUSY
                        : decide(host, backend, &list[i], keep);
        if (!error)
            result = 0;
        else
            fail(f, XLM_E_STATE, "%s has the state %s on this host: %s", guest,
                 journal_state_name(list[i].state),
                 error == -EPERM ? "this state does not allow that action" : strerror(-error));
    }
    if (result < 0 && !f->code)
        fail(f, XLM_E_STATE, "this host has no unresolved migration of %s", guest);
    free(list);
    if (backend)
        backend_close(backend);
    return result;
}
