/* SPDX-License-Identifier: BSD-2-Clause */
#include "xlm_show.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "json.h"

static double number(const char *line, const char *key)
{
    double value = 0;
    json_get_double(line, key, &value);
    return value;
}

static void show_round(const char *line)
{
    printf("round %2.0f: %7.0f pages, %7.0f zero, %7.1f MiB in %6.0f ms, %5.1f MiB/s; dirty now %6.0f pages, %5.1f MiB/s; "
           "expected downtime %.0f ms\n",
           number(line, "round"), number(line, "pages"), number(line, "zero_pages"), number(line, "bytes") / 1048576,
           number(line, "ms"), number(line, "mib_s"), number(line, "dirty"), number(line, "dirty_mib_s"), number(line, "eta_ms"));
}

static void show_migration(const char *line)
{
    char guest[64] = "", role[16] = "", peer[256] = "", stage[128] = "", text[512] = "";
    json_get_string(line, "guest", guest, sizeof guest);
    json_get_string(line, "role", role, sizeof role);
    json_get_string(line, "peer", peer, sizeof peer);
    json_get_string(line, "stage", stage, sizeof stage);
    json_get_string(line, "text", text, sizeof text);
    printf("%s: %s%s%s, %s", guest, role, peer[0] ? ", peer " : "", peer, stage);
    if (text[0])
        printf(": %s\n", text);
    else
        printf(", round %.0f, %.1f MiB, %.1f s\n", number(line, "round"), number(line, "bytes") / 1048576,
               number(line, "elapsed_ms") / 1000);
}

static void show_done(const char *line)
{
    char result[16] = "", error[512] = "", version[16] = "";
    json_get_string(line, "result", result, sizeof result);
    json_get_string(line, "error", error, sizeof error);
    if (strcmp(result, "ok")) {
        fprintf(stderr, "xlm: %s: %s\n", result, error);
        return;
    }
    if (json_get_string(line, "version", version, sizeof version)) {
        printf("ok (xlmd %s, protocol %.0f)\n", version, number(line, "protocol"));
        return;
    }
    double ms = number(line, "total_ms"), mib = number(line, "bytes_sent") / 1048576;
    printf("moved: %.1f MiB (%.0f pages, %.0f zero) in %.2f s; downtime %.0f ms (suspend asked %.0f ms before)\n", mib,
           number(line, "pages_sent"), number(line, "zero_pages"), ms / 1000, number(line, "downtime_ms"),
           number(line, "suspend_ms"));
}

void show_line(const char *line, bool progress)
{
    char event[16] = "", text[512] = "";
    json_get_string(line, "event", event, sizeof event);
    if (!strcmp(event, "round") && progress)
        show_round(line);
    else if (!strcmp(event, "migration"))
        show_migration(line);
    else if (!strcmp(event, "warning") && json_get_string(line, "text", text, sizeof text))
        fprintf(stderr, "xlm: warning: %s\n", text);
    else if (!strcmp(event, "done"))
        show_done(line);
}
