/* SPDX-License-Identifier: BSD-2-Clause */
/* A sends the guest's memory, in rounds.  Pages are sent from the mapping, without a copy. */
#ifndef MIGRATE_OUTFLOW_H
#define MIGRATE_OUTFLOW_H

#include "conn.h"
#include "memory.h"

#define OUTFLOW_BATCH 256u /* pages per record: 1 MiB keeps TCP busy, and a cancellation prompt */

struct outflow {
    struct memory memory;
    struct conn *conn;
    struct failure *failure;
    uint64_t *todo;             /* by slot: to be sent in the next round */
    uint64_t *log;              /* by frame: the last harvest */
    uint32_t round;             /* the current one, from 1 */
    uint64_t pages, zero_pages; /* sent in all rounds */
    uint64_t round_pages, round_zero_pages;
    bool begun;       /* records of the current round have been sent */
    bool final;       /* the guest is stopped, so pages are sent from a copy */
    bool holes_moved; /* the guest's balloon has made or filled a hole since the last scan */
    uint8_t *copy;    /* OUTFLOW_BATCH pages */
    /* the ZERO record that is being filled */
    uint32_t zero_count, zero_runs;
    struct xlm_run zero_run[OUTFLOW_BATCH];
    /* called between records, to look for an ERROR of B; -1 ends the round */
    int (*between)(void *between_argument);
    void *between_argument;
};

/* All functions return 0, or -1 with the failure set, unless they return a pointer. */
int outflow_init(struct outflow *out, struct backend *backend, const struct memory *layout_of,
                 struct failure *f);
void outflow_free(struct outflow *out);

/*
 * Begins round 1; the dirty log must be on.  All populated frames are to be sent.  Those that
 * contain only zeroes are sent by this function.
 */
int outflow_start(struct outflow *out, uint64_t *populated);

/* Harvests the dirty log into `todo`.  *dirty is the number of pages that are to be sent now. */
int outflow_harvest(struct outflow *out, uint64_t *dirty);

/* Call when the guest is stopped and its balloon has moved: scans the memory again, and adds the
 * newly populated frames to `todo`. */
int outflow_rescan(struct outflow *out);

/* Sends `todo` as one round, up to and including ROUND. */
int outflow_round(struct outflow *out);

/* All populated frames as runs, malloc'ed; NULL with the failure set. */
struct xlm_run *outflow_ranges(struct outflow *out, uint32_t *count, uint64_t *populated);

#endif
