/* SPDX-License-Identifier: BSD-2-Clause */
/* B: one connection that came in. */
#ifndef MIGRATE_TARGET_H
#define MIGRATE_TARGET_H

#include "conn.h"
#include "host.h"
#include "backend.h"

/* Serves the connection in the calling thread, to its end; closes fd.  `peer` is for messages. */
void target_serve(struct host *host, int fd, const char *peer);

/* After the HELLOs of a connection with the purpose "resolve" (settle_target.c). */
void settle_serve(struct host *host, struct conn *conn, const uint8_t migration[16]);

/* The guest is B's: journal `owner`, runs it; and tells A, on `conn`, and forgets when A says so.
 * -1 with the failure set. */
int target_own(struct host *host, struct backend *backend, struct conn *conn,
               const struct journal *j, uint64_t verified_ns);

/* Runs the guest of an `owner` journal if it is still paused.  0 or a negative errno. */
int target_run(struct backend *backend, const struct journal *j);

/*
 * B gives the guest up (A has it, or it is not whole): destroys it, forgets the migration.  0 or a
 * negative errno: -EPERM if B is its owner.
 */
int target_discard(struct host *host, struct backend *backend, const struct journal *j);

#endif
