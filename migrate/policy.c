/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy.h"

#include <stdio.h>
#include <string.h>

#define MIB               1048576.0
#define PAGE              4096.0
#define SMALL_ROUND_BYTES 1048576u /* the rate of a smaller round shows latency, not bandwidth */

void policy_init(struct policy *policy, uint32_t downtime_limit_ms, bool force)
{
    memset(policy, 0, sizeof(*policy));
    policy->downtime_limit_ms = downtime_limit_ms;
    policy->fixed_ms = 60;
    policy->force = force;
    policy->best_dirty = UINT64_MAX;
}

static void note_progress(struct policy *policy, uint64_t dirty)
{
    policy->rounds++;
    policy->stalled = dirty < policy->best_dirty - policy->best_dirty / 10 ? 0
                                                                           : policy->stalled + 1;
    if (dirty < policy->best_dirty)
        policy->best_dirty = dirty;
}

struct policy_result policy_after_round(struct policy *policy, const struct policy_round *round)
{
    struct policy_result r = { POLICY_GO_ON, 0, 0, 0 };
    double seconds = (double)(round->round_ns ? round->round_ns : 1) / 1e9;
    double bandwidth = (double)round->sent_bytes / seconds;
    /* The rate of a small round does not show the bandwidth: assume at least 32 MiB/s. */
    if (round->sent_bytes < SMALL_ROUND_BYTES && bandwidth < 32 * MIB)
        bandwidth = 32 * MIB;
    r.bandwidth_mib_s = bandwidth / MIB;
    r.dirty_mib_s = (double)round->dirty_pages * PAGE / seconds / MIB;
    double send_ms = (double)round->dirty_pages * PAGE / bandwidth * 1000;
    double expected = send_ms + policy->fixed_ms;
    r.downtime_ms = expected < 3.6e6 ? (uint32_t)expected : 3600000;

    uint64_t last = policy->last_dirty;
    policy->last_dirty = round->dirty_pages;
    note_progress(policy, round->dirty_pages);
    bool last_round = policy->rounds >= POLICY_MAX_ROUNDS || policy->stalled >= POLICY_STALL_ROUNDS;
    if (r.downtime_ms <= policy->downtime_limit_ms) {
        /* The limit is met. Another round pays only if sending the rest costs more than the
         * fixed costs, and the rest still shrinks. */
        bool small = send_ms <= policy->fixed_ms * 0.5;
        bool flat = last && round->dirty_pages > last / 2;
        bool too_fast = r.dirty_mib_s > r.bandwidth_mib_s * 0.5;
        r.verdict = small || flat || too_fast || last_round ? POLICY_STOP : POLICY_GO_ON;
    } else if (round->dirty_pages == 0) {
        r.verdict =
            POLICY_STOP; /* the limit is below the fixed costs, so no better moment will come */
    } else if (last_round) {
        r.verdict = policy->force ? POLICY_STOP : POLICY_GIVE_UP;
    }
    return r;
}

void policy_explain(const struct policy *policy, const struct policy_result *r, char *text,
                    size_t size)
{
    snprintf(text, size,
             "does not converge: dirty rate %.1f MiB/s, bandwidth %.1f MiB/s, expected downtime %u "
             "ms after %u rounds, limit "
             "%u ms; raise --downtime-ms or lower the load (or --force)",
             r->dirty_mib_s, r->bandwidth_mib_s, r->downtime_ms, policy->rounds,
             policy->downtime_limit_ms);
}
