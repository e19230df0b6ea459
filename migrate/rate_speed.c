/* SPDX-License-Identifier: BSD-2-Clause */
#include "rate_speed.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "common.h"

#define LEAST_BYTES 1048576u /* the rate of a smaller round shows latency, not bandwidth */

bool rate_speed_of(const struct report *r, struct rate_speed *speed)
{
    uint64_t bytes = 0, ns = 0, rounds_ns = 0;
    for (uint32_t i = 0; i + 1 < r->round_count; i++) {
        rounds_ns += r->round[i].ns;
        if (r->round[i].bytes < LEAST_BYTES)
            continue;
        bytes += r->round[i].bytes;
        ns += r->round[i].ns;
    }
    uint64_t known_ns = rounds_ns + r->suspend_ns + r->downtime_ns;
    if (!ns || r->total_ns < known_ns)
        return false;
    *speed = (struct rate_speed){ (double)bytes / 1048576 / ((double)ns / 1e9),
                                  (double)(r->total_ns - known_ns) / 1e6 };
    return true;
}

static void file_name(char path[PATH_MAX], const char *state_dir)
{
    snprintf(path, PATH_MAX, "%s/last-migration", state_dir);
}

int rate_speed_write(const char *state_dir, const struct rate_speed *speed)
{
    char path[PATH_MAX];
    int error = make_dirs(state_dir);
    if (error < 0)
        return error;
    file_name(path, state_dir);
    FILE *out = fopen(path, "we");
    if (!out)
        return -errno;
    fprintf(out, "mib_s %.3f\nsetup_ms %.1f\n", speed->mib_s, speed->setup_ms);
    return fclose(out) ? -errno : 0;
}

int rate_speed_read(const char *state_dir, struct rate_speed *speed)
{
    char path[PATH_MAX];
    file_name(path, state_dir);
    FILE *in = fopen(path, "re");
    if (!in)
        return -errno;
    int count = fscanf(in, "mib_s %lf setup_ms %lf", &speed->mib_s, &speed->setup_ms);
    fclose(in);
    return count == 2 && speed->mib_s > 0 && speed->setup_ms >= 0 ? 0 : -EINVAL;
}
