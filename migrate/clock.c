/* SPDX-License-Identifier: BSD-2-Clause */
#include "clock.h"

void clock_sample(struct peer_clock *clock, uint64_t sent_ns, uint64_t peer_ns,
                  uint64_t received_ns)
{
    uint64_t rtt = received_ns - sent_ns;
    if (received_ns < sent_ns || (clock->known && rtt >= clock->best_rtt_ns))
        return;
    clock->known = true;
    clock->best_rtt_ns = rtt;
    clock->offset_ns = (int64_t)(peer_ns - (sent_ns + rtt / 2));
}

uint64_t clock_to_peer(const struct peer_clock *clock, uint64_t ours_ns)
{
    return ours_ns + (uint64_t)clock->offset_ns;
}

uint64_t clock_from_peer(const struct peer_clock *clock, uint64_t theirs_ns)
{
    return theirs_ns - (uint64_t)clock->offset_ns;
}
