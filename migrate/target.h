/* SPDX-License-Identifier: BSD-2-Clause */
/* B: one connection from another host. */
#ifndef MIGRATE_TARGET_H
#define MIGRATE_TARGET_H

#include "conn.h"
#include "host.h"
#include "backend.h"

/* Serves the connection in the calling thread until it ends, and closes fd.  `peer` is for
 * messages. */
void target_serve(struct host *host, int fd, const char *peer);

/* Serves a connection with the purpose *resolve*, after both HELLOs (settle_target.c). */
void settle_serve(struct host *host, struct conn *conn, const uint8_t migration[16]);

/* B becomes the owner: writes the journal `owner`, runs the guest, sends RUNNING on `conn`, and
 * removes the journal when A has sent DONE.  0, or -1 with conn->failure set. */
int target_own(struct host *host, struct backend *backend, struct conn *conn,
               const struct journal *j, uint64_t verified_ns);

/* Unpauses the guest of a journal `owner`, if it is still paused.  0 or a negative errno. */
int target_run(struct backend *backend, const struct journal *j);

/*
 * B gives its copy up, because A owns the guest or because the copy is incomplete: destroys the
 * copy and removes the journal.  0 or a negative errno; -EPERM if B is the owner.
 */
int target_discard(struct host *host, struct backend *backend, const struct journal *j);

#endif
