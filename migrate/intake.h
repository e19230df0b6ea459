/* SPDX-License-Identifier: BSD-2-Clause */
/* B receives the guest's memory.  PROTOCOL.md, "Memory: PAGES, ZERO and their checksums". */
#ifndef MIGRATE_INTAKE_H
#define MIGRATE_INTAKE_H

#include "conn.h"
#include "memory.h"

/* The record in which a page came. */
struct intake_origin {
    uint64_t index, offset;
};
struct intake_queued;

struct intake {
    struct memory memory;
    struct failure *failure;
    bool ready;      /* the domain exists */
    uint32_t round;  /* the current one, from 1 */
    uint64_t *got;   /* by slot: received at least once */
    uint64_t *blank; /* by slot: populated and never written, so it contains only zeroes */
    uint64_t *bad_now, *bad_before; /* by slot: wrong checksum in this round; in the previous round,
                                       and not received again yet */
    struct intake_origin *where;    /* by slot: the record in which a bad page came */
    uint64_t pages, zero_pages;     /* received */
    struct intake_queued *first, **last;
    uint64_t queued_bytes;
};

/* All functions return 0, or -1 with the failure set. */
int intake_init(struct intake *in, struct backend *backend, uint64_t max_pages, struct failure *f);
void intake_free(struct intake *in);

/* The domain exists now: writes the queued pages to its memory. */
int intake_attach(struct intake *in, uint32_t domid);

/* intake_pages() takes a PAGES record whose checked part has been received, and reads its page data
 * from the connection.  intake_zero() takes a ZERO record.  Both queue it if the domain does not
 * exist yet. */
int intake_pages(struct intake *in, struct conn *conn, const struct record *record);
int intake_zero(struct intake *in, const struct record *record);

/* The end of a round.  The domain must exist. */
int intake_round_end(struct intake *in, const struct xlm_round *round);

/* Call at the end, with the runs of all frames that are populated on A.  Makes holes of all other
 * frames.  Fails if a listed frame never came, or came damaged. */
int intake_finish(struct intake *in, const struct xlm_run *range, uint32_t count,
                  uint64_t *populated);

#endif
