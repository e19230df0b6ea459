/* SPDX-License-Identifier: BSD-2-Clause */
#include "report.h"

#include <stdlib.h>

#include "json.h"

bool report_begin(struct report *r, struct report_line *line, const char *event)
{
    line->text = NULL;
    line->out = r->emit ? open_memstream(&line->text, &line->size) : NULL;
    if (line->out)
        fprintf(line->out, "{\"event\":\"%s\"", event);
    return line->out;
}

void report_end(struct report *r, struct report_line *line)
{
    fputc('}', line->out);
    if (fclose(line->out) == 0 && line->text)
        r->emit(r->emit_argument, line->text);
    free(line->text);
}

static double ms(uint64_t ns) { return (double)ns / 1e6; }

void report_started(struct report *r, const char *guest, const char *host, uint16_t port)
{
    struct report_line line;
    if (!report_begin(r, &line, "started"))
        return;
    fputs(",\"guest\":", line.out);
    json_string(line.out, guest);
    fputs(",\"host\":", line.out);
    json_string(line.out, host);
    fprintf(line.out, ",\"port\":%u", port);
    report_end(r, &line);
}

void report_round_done(struct report *r, const struct report_round *round, uint64_t dirty_pages,
                       double mib_s, double dirty_mib_s, uint64_t eta_ms)
{
    struct report_line line;
    if (r->round_count < REPORT_ROUNDS_MAX)
        r->round[r->round_count++] = *round;
    if (!report_begin(r, &line, "round"))
        return;
    fprintf(
        line.out,
        ",\"round\":%u,\"pages\":%llu,\"zero_pages\":%llu,\"bytes\":%llu,\"ms\":%.1f,\"dirty\":%llu,\"mib_s\":%.1f,"
        "\"dirty_mib_s\":%.1f,\"eta_ms\":%llu",
        r->round_count, (unsigned long long)round->pages, (unsigned long long)round->zero_pages,
        (unsigned long long)round->bytes, ms(round->ns), (unsigned long long)dirty_pages, mib_s,
        dirty_mib_s, (unsigned long long)eta_ms);
    report_end(r, &line);
}

void report_warning(struct report *r, const char *text)
{
    struct report_line line;
    if (!report_begin(r, &line, "warning"))
        return;
    fputs(",\"text\":", line.out);
    json_string(line.out, text);
    report_end(r, &line);
}

void report_done(struct report *r, const char *result, const char *error)
{
    struct report_line line;
    if (!report_begin(r, &line, "done"))
        return;
    fprintf(line.out, ",\"result\":\"%s\",\"error\":", result);
    json_string(line.out, error);
    fputs(",\"rounds\":[", line.out);
    for (uint32_t i = 0; i < r->round_count; i++)
        fprintf(line.out, "%s{\"pages\":%llu,\"bytes\":%llu,\"ms\":%.1f,\"zero_pages\":%llu}",
                i ? "," : "", (unsigned long long)r->round[i].pages,
                (unsigned long long)r->round[i].bytes, ms(r->round[i].ns),
                (unsigned long long)r->round[i].zero_pages);
    fprintf(
        line.out,
        "],\"total_ms\":%.1f,\"downtime_ms\":%.1f,\"suspend_ms\":%.1f,\"clock_error_ms\":%.3f,\"bytes_sent\":%llu,"
        "\"pages_sent\":%llu,\"zero_pages\":%llu",
        ms(r->total_ns), ms(r->downtime_ns), ms(r->suspend_ns), ms(r->clock_error_ns),
        (unsigned long long)r->bytes_sent, (unsigned long long)r->pages_sent,
        (unsigned long long)r->zero_pages);
    fprintf(
        line.out,
        ",\"stages_ms\":{\"prepare\":%.1f,\"accept\":%.1f,\"scan\":%.1f,\"create\":%.1f,\"last_round\":%.1f,\"state\":%.1f,\"verify\":%.1f,"
        "\"commit\":%.1f}",
        ms(r->prepare_ns), ms(r->accept_ns), ms(r->scan_ns), ms(r->create_ns), ms(r->last_round_ns),
        ms(r->state_ns), ms(r->verify_ns), ms(r->commit_ns));
    report_end(r, &line);
}
