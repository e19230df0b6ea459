/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fault injection for tests.  The environment variable XLMD_FAULT of the daemon has one of these
 * values:
 *     cut-after-bytes:N         the connection breaks after this daemon has sent N bytes
 *     corrupt-byte:N            this daemon flips the lowest bit of byte N that it sends
 *     exit-at-stage:STAGE       the daemon kills itself (SIGKILL) when it reaches the stage
 *     pause-at-stage:STAGE:MS   the daemon sleeps for MS milliseconds when it reaches the stage
 * Bytes are counted from 0, on each connection of a migration.  A fault happens once per process.
 *
 * Stages of a source: accepted, round-N, suspending, suspended, state-sent, verified, committing,
 * committed, running, released.  Stages of a target: accepted, created, round-N, verified, waiting,
 * committed, running.  Stage of a dirty-rate measurement: measuring (the log has just been switched
 * on).
 */
#ifndef MIGRATE_FAULT_INJECT_H
#define MIGRATE_FAULT_INJECT_H

#include "common.h"

struct conn;
struct fault_inject {
    bool cut, corrupt;
    uint64_t at; /* the byte, for `cut` and `corrupt` */
    char stage[32];
    uint32_t pause_ms;
    void (*die)(struct conn *conn); /* called instead of SIGKILL, for tests; may be NULL */
};

/* Parses a value of XLMD_FAULT.  -1 if it has none of the forms above. */
int fault_inject_parse(const char *text, struct fault_inject *fault);

/* Called when a session reaches a stage.  Does not return if the fault kills the process.  `fault`
 * and `conn` may be NULL. */
void fault_inject_stage(struct fault_inject *fault, struct conn *conn, const char *stage);

#endif
