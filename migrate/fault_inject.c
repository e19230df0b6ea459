/* SPDX-License-Identifier: BSD-2-Clause */
#include "fault_inject.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int parse_number(const char *text, uint64_t *value)
{
    char *end;
    if (*text < '0' || *text > '9')
        return -1;
    *value = strtoull(text, &end, 10);
    return *end ? -1 : 0;
}

int fault_inject_parse(const char *text, struct fault_inject *fault)
{
    memset(fault, 0, sizeof(*fault));
    const char *value = strchr(text, ':');
    if (!value)
        return -1;
    size_t n = (size_t)(value++ - text);
    if (n == 15 && !strncmp(text, "cut-after-bytes", n)) {
        fault->cut = true;
        return parse_number(value, &fault->at);
    }
    if (n == 12 && !strncmp(text, "corrupt-byte", n)) {
        fault->corrupt = true;
        return parse_number(value, &fault->at);
    }
    if (n == 13 && !strncmp(text, "exit-at-stage", n))
        return copy_text(fault->stage, sizeof(fault->stage), value) && *value ? 0 : -1;
    if (n == 14 && !strncmp(text, "pause-at-stage", n)) {
        const char *ms = strchr(value, ':');
        uint64_t number;
        if (!ms || (size_t)(ms - value) >= sizeof(fault->stage) ||
            parse_number(ms + 1, &number) < 0 || number > 600000)
            return -1;
        memcpy(fault->stage, value, (size_t)(ms - value));
        fault->pause_ms = (uint32_t)number;
        return 0;
    }
    return -1;
}

void fault_inject_stage(struct fault_inject *fault, struct conn *conn, const char *stage)
{
    if (!fault || !fault->stage[0] || strcmp(fault->stage, stage))
        return;
    fault->stage[0] = 0;
    log_line("fault injected at stage %s", stage);
    if (fault->pause_ms) {
        struct timespec t = { fault->pause_ms / 1000, (long)(fault->pause_ms % 1000) * 1000000 };
        nanosleep(&t, NULL);
    } else if (fault->die) {
        fault->die(conn);
    } else {
        raise(SIGKILL);
    }
}
