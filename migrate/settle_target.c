/* SPDX-License-Identifier: BSD-2-Clause */
/* B's side of resolving: answers A's question for the state of B's journal. */
#include <errno.h>
#include <string.h>

#include "target.h"

static int answer(struct conn *conn, uint32_t holds)
{
    struct xlm_resolved resolved = { holds, 0, 0 };
    return conn_send_struct(conn, XLM_RESOLVED, &resolved, sizeof(resolved));
}

/* The journal is `owner`. A will destroy its copy and send DONE. If A has done so (`released`),
 * only the journal of B remains to be deleted. */
static void answer_owner(struct host *host, struct conn *conn, const struct journal *j,
                         bool released)
{
    struct record record = { 0 };
    if (released)
        host_move(host, j, JOURNAL_NONE);
    if (answer(conn, XLM_HOLDS_OWNER) == 0 && !released &&
        conn_expect(conn, &record, XLM_DONE) == 0 && host_move(host, j, JOURNAL_NONE) == 0)
        (void)conn_send_struct(conn, XLM_DONE, NULL, 0);
    record_free(&record);
}

static void answer_verified(struct host *host, struct backend *backend, struct conn *conn,
                            const struct journal *j, bool taken_back)
{
    struct record record = { 0 };
    if (taken_back) {
        /* A never gave the guest up. If the session that waits for COMMIT still exists, it is
         * cancelled, because its connection is an old one of A. */
        int error = target_discard(host, backend, j);
        host_cancel_id(host, j->migration);
        if (error < 0)
            log_line("cannot destroy the copy of %s: %s", j->name, strerror(-error));
        else
            (void)answer(conn, XLM_NOTHING);
        return;
    }
    if (answer(conn, XLM_HOLDS_VERIFIED) == 0 && conn_expect(conn, &record, XLM_COMMIT) == 0)
        (void)target_own(host, backend, conn, j, now_ns());
    record_free(&record);
}

/* There is no journal. If there is a domain with the UUID nevertheless, nobody knows where it
 * comes from: a conflict. */
static void answer_unknown(struct backend *backend, struct conn *conn, const uint8_t uuid[16],
                           uint32_t a_holds)
{
    struct backend_domain d;
    int error = backend_find_uuid(backend, uuid, &d);
    if (error == -ESRCH || a_holds != XLM_A_COMMITTING)
        (void)answer(conn, XLM_NOTHING);
    else if (!error)
        (void)answer(conn, XLM_HOLDS_CONFLICT);
}

void settle_serve(struct host *host, struct conn *conn, const uint8_t migration[16])
{
    struct record record = { 0 };
    struct journal j;
    struct backend *backend = backend_open(host->backend_name, conn->failure);
    if (!backend || conn_expect(conn, &record, XLM_RESOLVE) < 0)
        goto out;
    struct xlm_resolve resolve = *(const struct xlm_resolve *)record.payload;
    bool taken_back = resolve.holds == XLM_A_TAKEN_BACK;
    int error = host_journal(host, migration, &j);
    if (error == -ENOENT)
        answer_unknown(backend, conn, resolve.uuid, resolve.holds);
    else if (error < 0 || memcmp(j.uuid, resolve.uuid, 16))
        fail(conn->failure, XLM_E_STATE,
             "the target host's journal of this migration cannot be read, or is of another guest");
    else if (j.state == JOURNAL_OWNER)
        answer_owner(host, conn, &j, resolve.holds == XLM_A_RELEASED);
    else if (j.state == JOURNAL_VERIFIED)
        answer_verified(host, backend, conn, &j, taken_back);
    else if (j.state == JOURNAL_RECEIVING)
        host_cancel_id(
            host,
            migration); /* its session has not noticed the lost connection yet: A will ask again */
out:
    record_free(&record);
    if (backend)
        backend_close(backend);
}
