/* SPDX-License-Identifier: BSD-2-Clause */
/* B: the guest's memory as it comes in.  PROTOCOL.md, "PAGES, and why pages have checksums of their
 * own". */
#ifndef MIGRATE_INTAKE_H
#define MIGRATE_INTAKE_H

#include "conn.h"
#include "memory.h"

struct intake_origin {
    uint64_t index, offset;
};
struct intake_queued;

struct intake {
    struct memory memory;
    struct failure *failure;
    bool ready;      /* the domain is there */
    uint32_t round;  /* the one under way, from 1 */
    uint64_t *got;   /* by slot: came at least once */
    uint64_t *blank; /* by slot: has memory here in which nobody has written yet, all zero */
    uint64_t *bad_now, *bad_before; /* by slot: checksum wrong in this round; in the one before and
                                       not sent again yet */
    struct intake_origin *where;    /* by slot: the record that a bad page came in */
    uint64_t pages, zero_pages;     /* received */
    struct intake_queued *first, **last;
    uint64_t queued_bytes;
};

/* All return 0 or -1 with the failure set. */
int intake_init(struct intake *in, struct backend *backend, uint64_t max_pages, struct failure *f);
void intake_free(struct intake *in);

/* The domain is there: places what has been queued. */
int intake_attach(struct intake *in, uint32_t domid);

/* A PAGES record whose checked part has been received: reads its data; or a ZERO record. */
int intake_pages(struct intake *in, struct conn *conn, const struct record *record);
int intake_zero(struct intake *in, const struct record *record);

/* The end of a round (the domain is there). */
int intake_round_end(struct intake *in, const struct xlm_round *round);

/* The guest has exactly these frames: makes the same holes; every frame must have come, undamaged.
 */
int intake_finish(struct intake *in, const struct xlm_run *range, uint32_t count,
                  uint64_t *populated);

#endif
