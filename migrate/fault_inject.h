/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults on purpose, for tests.  The variable XLMD_FAULT of the daemon's environment holds one of
 *     cut-after-bytes:N      the connection breaks after N bytes have been sent by this daemon
 *     corrupt-byte:N         the lowest bit of byte N that this daemon sends is flipped
 *     exit-at-stage:NAME     the daemon kills itself (SIGKILL) on reaching a stage: accepted,
 * round-N, suspending, suspended, state-sent, verified, committing, committed, running, released on
 * the source; accepted, created, round-N, verified, waiting, committed, running on the target;
 *                            measuring: a dirty rate, its log just on
 *     pause-at-stage:NAME:MS it sleeps there instead
 * N and the bytes count from the first of the next migration's connection; a fault happens once a
 * process.
 */
#ifndef MIGRATE_FAULT_INJECT_H
#define MIGRATE_FAULT_INJECT_H

#include "common.h"

struct conn;
struct fault_inject {
    bool cut, corrupt;
    uint64_t at;
    char stage[32];
    uint32_t pause_ms;
    void (*die)(struct conn *conn); /* a test's way of dying; NULL: SIGKILL */
};

/* Parses the form above; -1 on nonsense. */
int fault_inject_parse(const char *text, struct fault_inject *fault);

/* The calling session has reached a stage; may not return.  `fault` may be NULL. */
void fault_inject_stage(struct fault_inject *fault, struct conn *conn, const char *stage);

#endif
