/* SPDX-License-Identifier: BSD-2-Clause */
/* A: rounds of pages on their way out, straight from the mapping. */
#ifndef MIGRATE_OUTFLOW_H
#define MIGRATE_OUTFLOW_H

#include "conn.h"
#include "memory.h"

#define OUTFLOW_BATCH 256u /* pages a record: a megabyte keeps TCP busy and a cancel prompt */

struct outflow {
    struct memory memory;
    struct conn *conn;
    struct failure *failure;
    uint64_t *todo;             /* by slot: to be sent in the next round */
    uint64_t *log;              /* the dirty log as harvested, by frame */
    uint32_t round;             /* the one under way, from 1 */
    uint64_t pages, zero_pages; /* all rounds */
    uint64_t round_pages, round_zero_pages;
    bool begun;       /* the round under way has records already */
    bool final;       /* the guest is stopped: send from a copy */
    bool holes_moved; /* a hole has been written, or a page has gone: the guest's balloon is at work
                       */
    uint8_t *copy;    /* OUTFLOW_BATCH pages */
    /* the record of zero pages being filled */
    uint32_t zero_count, zero_runs;
    struct xlm_run zero_run[OUTFLOW_BATCH];
    /* called between records: the peer may have said something; -1 ends the round */
    int (*between)(void *between_argument);
    void *between_argument;
};

/* All return 0 or -1 with the failure set. */
int outflow_init(struct outflow *out, struct backend *backend, const struct memory *layout_of,
                 struct failure *f);
void outflow_free(struct outflow *out);

/*
 * The beginning of the first round, with the log on: everything that is populated is to be sent,
 * and what of it is all zero is sent at once.
 */
int outflow_start(struct outflow *out, uint64_t *populated);

/* Adds what the log says to `todo`, and clears the log.  *dirty: how many pages are to be sent now.
 */
int outflow_harvest(struct outflow *out, uint64_t *dirty);

/* The guest is stopped and its holes have moved: looks anew which they are; frames that are new are
 * to be sent. */
int outflow_rescan(struct outflow *out);

/* Sends `todo` as one round, up to and including ROUND. */
int outflow_round(struct outflow *out);

/* The populated frames as runs, malloc'ed. */
struct xlm_run *outflow_ranges(struct outflow *out, uint32_t *count, uint64_t *populated);

#endif
