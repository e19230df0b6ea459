/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stop rule of pre-copy: when to stop the guest.  A pure function of the measurements.
 *
 * Pre-copy sends all pages, then the pages that were written meanwhile, and so on.  If the write
 * rate is below the bandwidth, each round is shorter than the previous one, until it reaches the
 * working set of the guest or the fixed costs.  From then on another round gains nothing.
 */
#ifndef MIGRATE_POLICY_H
#define MIGRATE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* After this many rounds, or after this many rounds in a row that made less than 10 % progress, the
 * guest is stopped if that meets the limit, and otherwise the migration fails. */
#define POLICY_MAX_ROUNDS   30u
#define POLICY_STALL_ROUNDS 4u

struct policy {
    uint32_t downtime_limit_ms;
    uint32_t fixed_ms; /* downtime without any page: suspend, harvest, state, hand-over */
    bool force;        /* stop the guest rather than fail */
    /* state of policy_after_round() */
    uint32_t rounds, stalled;
    uint64_t best_dirty, last_dirty;
};

struct policy_round {
    uint64_t sent_bytes, round_ns; /* the round that has ended */
    uint64_t sent_pages;           /* without those that are zero */
    uint64_t dirty_pages;          /* to be sent in the next round */
};

enum policy_verdict { POLICY_GO_ON, POLICY_STOP, POLICY_GIVE_UP };

struct policy_result {
    enum policy_verdict verdict;
    uint32_t downtime_ms; /* the expected downtime if the guest were stopped now */
    double bandwidth_mib_s, dirty_mib_s;
};

/* Call policy_after_round() once per round, in order. */
void policy_init(struct policy *policy, uint32_t downtime_limit_ms, bool force);
struct policy_result policy_after_round(struct policy *policy, const struct policy_round *round);

/* The error text for POLICY_GIVE_UP: "does not converge: ...". */
void policy_explain(const struct policy *policy, const struct policy_result *result, char *text,
                    size_t size);

#endif
