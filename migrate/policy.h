/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When to stop the guest.  A pure function of what has been measured.
 *
 * Pre-copy sends all pages, then those that were written meanwhile, and so on.  With a write rate
 * below the bandwidth each round is shorter than the one before, down to the guest's working set or
 * to the fixed costs; beyond that a round buys nothing.
 */
#ifndef MIGRATE_POLICY_H
#define MIGRATE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_MAX_ROUNDS \
    30u /* then the guest is stopped if it can be, and the migration fails if not */
#define POLICY_STALL_ROUNDS 4u /* rounds in a row without 10 % of progress: likewise */

struct policy {
    uint32_t downtime_limit_ms;
    uint32_t fixed_ms; /* of a stop without any page: suspend, harvest, state, hand-over */
    bool force;        /* stop the guest rather than fail */
    /* what policy_after_round() keeps */
    uint32_t rounds, stalled;
    uint64_t best_dirty, last_dirty;
};

struct policy_round {
    uint64_t sent_bytes, round_ns; /* the round that has ended */
    uint64_t sent_pages;           /* with data */
    uint64_t dirty_pages;          /* what is to be sent now */
};

enum policy_verdict { POLICY_GO_ON, POLICY_STOP, POLICY_GIVE_UP };

struct policy_result {
    enum policy_verdict verdict;
    uint32_t downtime_ms; /* the expected one, were the guest stopped now */
    double bandwidth_mib_s, dirty_mib_s;
};

void policy_init(struct policy *policy, uint32_t downtime_limit_ms, bool force);
struct policy_result policy_after_round(struct policy *policy, const struct policy_round *round);

/* "does not converge: ..." for a POLICY_GIVE_UP. */
void policy_explain(const struct policy *policy, const struct policy_result *result, char *text,
                    size_t size);

#endif
