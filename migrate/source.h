/* SPDX-License-Identifier: BSD-2-Clause */
/* A: one migration out. */
#ifndef MIGRATE_SOURCE_H
#define MIGRATE_SOURCE_H

#include "host.h"
#include "report.h"

struct source_request {
    char guest[XLM_NAME_MAX], peer[256];
    uint16_t port;
    uint32_t downtime_ms, suspend_timeout_ms;
    uint64_t max_mib_s; /* 0: no cap */
    bool force;
    int fd; /* a connection that is there (tests), or -1: dial */
};

/*
 * Runs the migration in the calling thread and reports it.  What it returns is what `done` said: */
enum source_result { SOURCE_OK, SOURCE_FAILED, SOURCE_CANCELLED, SOURCE_UNRESOLVED };
enum source_result source_run(struct host *host, const struct source_request *request,
                              struct report *report);

/* The guest is B's for sure: destroys this host's copy.  0 or a negative errno. */
struct backend;
int source_destroy_copy(struct host *host, struct backend *backend, const struct journal *j);

/* The guest is A's: lets it run on, log-dirty off.  0 or a negative errno. */
int source_take_back(struct host *host, struct backend *backend, const struct journal *j);

#endif
