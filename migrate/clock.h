/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The offset between this host's CLOCK_MONOTONIC and that of the other host, from exchanges of PING
 * and PONG.  The other host read its clock at some moment between our two readings, so the error is
 * at most half the round trip.  The exchange with the shortest round trip is therefore the best.
 */
#ifndef MIGRATE_CLOCK_H
#define MIGRATE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct peer_clock {
    bool known;
    uint64_t best_rtt_ns;
    int64_t offset_ns; /* the other host's time minus ours */
};

/* One exchange: our time when PING left, the other host's time, our time when PONG arrived. */
void clock_sample(struct peer_clock *clock, uint64_t sent_ns, uint64_t peer_ns,
                  uint64_t received_ns);

/* Converts a time of our clock to the other host's clock, and back. */
uint64_t clock_to_peer(const struct peer_clock *clock, uint64_t ours_ns);
uint64_t clock_from_peer(const struct peer_clock *clock, uint64_t theirs_ns);

#endif
