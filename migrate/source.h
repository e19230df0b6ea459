/* SPDX-License-Identifier: BSD-2-Clause */
/* A: one migration out of this host. */
#ifndef MIGRATE_SOURCE_H
#define MIGRATE_SOURCE_H

#include "host.h"
#include "report.h"

struct source_request {
    char guest[XLM_NAME_MAX], peer[256];
    uint16_t port;
    uint32_t downtime_ms, suspend_timeout_ms;
    uint64_t max_mib_s; /* 0: no limit */
    bool force;
    int fd; /* a connection that exists already (tests), or -1 to connect to `peer` */
};

/* Runs the migration in the calling thread and reports its events.  The result is also that of the
 * event `done`. */
enum source_result { SOURCE_OK, SOURCE_FAILED, SOURCE_CANCELLED, SOURCE_UNRESOLVED };
enum source_result source_run(struct host *host, const struct source_request *request,
                              struct report *report);

struct backend;

/* B certainly owns the guest: destroys this host's copy.  0 or a negative errno. */
int source_destroy_copy(struct host *host, struct backend *backend, const struct journal *j);

/* A owns the guest: resumes it if it is suspended, with the dirty log off.  0 or a negative errno.
 */
int source_take_back(struct host *host, struct backend *backend, const struct journal *j);

#endif
