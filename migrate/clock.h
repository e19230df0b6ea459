/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other host's CLOCK_MONOTONIC beside ours, from request and answer.  The answer was stamped
 * somewhere between our two readings, so the error is at most half the round trip: the shortest
 * round trip is the best sample.
 */
#ifndef MIGRATE_CLOCK_H
#define MIGRATE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct peer_clock {
    bool known;
    uint64_t best_rtt_ns;
    int64_t offset_ns; /* theirs minus ours */
};

void clock_sample(struct peer_clock *clock, uint64_t sent_ns, uint64_t peer_ns,
                  uint64_t received_ns);

/* Our time on their clock, and theirs on ours. */
uint64_t clock_to_peer(const struct peer_clock *clock, uint64_t ours_ns);
uint64_t clock_from_peer(const struct peer_clock *clock, uint64_t theirs_ns);

#endif
