/* SPDX-License-Identifier: BSD-2-Clause */
#include "xlm_show.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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
    printf("round %2.0f: %7.0f pages, %7.0f zero, %7.1f MiB in %6.0f ms, %5.1f MiB/s; dirty now "
           "%6.0f pages, %5.1f MiB/s; "
           "expected downtime %.0f ms\n",
           number(line, "round"), number(line, "pages"), number(line, "zero_pages"),
           number(line, "bytes") / 1048576, number(line, "ms"), number(line, "mib_s"),
           number(line, "dirty"), number(line, "dirty_mib_s"), number(line, "eta_ms"));
}

static void show_migration(const char *line)
{
    char guest[64] = "", role[16] = "", peer[256] = "", stage[128] = "", text[512] = "";
    json_get_string(line, "guest", guest, sizeof(guest));
    json_get_string(line, "role", role, sizeof(role));
    json_get_string(line, "peer", peer, sizeof(peer));
    json_get_string(line, "stage", stage, sizeof(stage));
    json_get_string(line, "text", text, sizeof(text));
    printf("%s: %s%s%s, %s", guest, role, peer[0] ? ", peer " : "", peer, stage);
    if (text[0])
        printf(": %s\n", text);
    else
        printf(", round %.0f, %.1f MiB, %.1f s\n", number(line, "round"),
               number(line, "bytes") / 1048576, number(line, "elapsed_ms") / 1000);
}

static void show_measurement(const char *line)
{
    char guest[64] = "";
    json_get_string(line, "guest", guest, sizeof(guest));
    printf("%s: measuring the dirty rate for %.1f s so far\n", guest,
           number(line, "elapsed_ms") / 1000);
}

static double mib(double pages) { return pages / 256; }

static void show_interval(const char *line)
{
    printf("%9.2f s: %8.0f pages, %8.2f MiB/s; working set %8.0f pages, %8.1f MiB\n",
           number(line, "t_ms") / 1000, number(line, "pages"), number(line, "mib_s"),
           number(line, "working_set_pages"), mib(number(line, "working_set_pages")));
}

static void show_rates(const char *line)
{
    char *list = json_get_raw(line, "rates"), *item;
    printf("different pages written, on average:\n");
    for (size_t at = 0; list && json_next(list, &at, NULL, 0, &item); free(item))
        printf("  in %9.3f s: %10.1f pages, %8.2f MiB/s\n", number(item, "ms") / 1000,
               number(item, "pages"), number(item, "mib_s"));
    free(list);
}

static void show_verdict(const char *f)
{
    char text[256] = "";
    double needed = number(f, "needed_mib_s");
    json_get_string(f, "text", text, sizeof(text));
    if (!text[0]) {
        printf("it converges: %.0f rounds and the final one, %.0f MiB sent, %.1f s in all, "
               "downtime %.0f ms\n",
               number(f, "rounds"), number(f, "sent_mib"), number(f, "total_ms") / 1000,
               number(f, "downtime_ms"));
        return;
    }
    printf("it %s\n", text);
    if (needed > 0)
        printf("it would converge with a bandwidth of %.0f MiB/s or more\n", needed);
}

static void show_forecast(const char *line)
{
    char from[32] = "", *f = json_get_raw(line, "forecast");
    if (!f)
        return;
    json_get_string(f, "mib_s_from", from, sizeof(from));
    printf("forecast of a migration at %.1f MiB/s (%s), downtime limit %.0f ms:\n  ",
           number(f, "mib_s"),
           !strcmp(from, "given") ? "as given by --mbps"
           : !strcmp(from, "assumed")
               ? "assumed: no earlier migration from this host is known; set --mbps N"
               : "as in the last migration from this host",
           number(f, "downtime_limit_ms"));
    show_verdict(f);
    free(f);
}

static void show_rate_summary(const char *line)
{
    double guest = number(line, "guest_pages"), set = number(line, "working_set_pages");
    printf("%.0f intervals of %.2f s: %.2f MiB/s (most %.2f); working set %.1f MiB of %.1f MiB, "
           "%.1f MiB not zero\n",
           number(line, "intervals"), number(line, "interval_ms") / 1000, number(line, "mib_s"),
           number(line, "most_mib_s"), mib(set), mib(guest), mib(number(line, "data_pages")));
    show_rates(line);
    show_forecast(line);
}

static void show_done(const char *line)
{
    char result[16] = "", error[512] = "", version[96] = "";
    bool measured = number(line, "intervals") > 0;
    if (measured)
        show_rate_summary(line);
    fflush(stdout);
    json_get_string(line, "result", result, sizeof(result));
    json_get_string(line, "error", error, sizeof(error));
    if (strcmp(result, "ok")) {
        fprintf(stderr, "xlm: %s: %s\n", result, error);
        return;
    }
    if (json_get_string(line, "version", version, sizeof(version))) {
        printf("ok (xlmd of xen-lite %s, protocol version %.0f)\n", version,
               number(line, "protocol"));
        return;
    }
    if (measured)
        return;
    double ms = number(line, "total_ms"), sent_mib = number(line, "bytes_sent") / 1048576;
    printf("moved: %.1f MiB (%.0f pages, %.0f zero) in %.2f s; downtime %.0f ms (the guest took "
           "%.0f ms to suspend)\n",
           sent_mib, number(line, "pages_sent"), number(line, "zero_pages"), ms / 1000,
           number(line, "downtime_ms"), number(line, "suspend_ms"));
}

void show_line(const char *line, bool progress)
{
    char event[16] = "", text[512] = "";
    json_get_string(line, "event", event, sizeof(event));
    if (!strcmp(event, "round") && progress)
        show_round(line);
    else if (!strcmp(event, "migration"))
        show_migration(line);
    else if (!strcmp(event, "measurement"))
        show_measurement(line);
    else if (!strcmp(event, "interval"))
        show_interval(line);
    else if (!strcmp(event, "warning") && json_get_string(line, "text", text, sizeof(text)))
        fprintf(stderr, "xlm: warning: %s\n", text);
    else if (!strcmp(event, "done"))
        show_done(line);
}
