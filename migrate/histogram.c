/* SPDX-License-Identifier: BSD-2-Clause */
#include "histogram.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"

#define PAGE_BYTES 4096ull
#define TEXT_LINES 32u
#define TEXT_WIDTH 50

enum { WIDTH = 960, HEIGHT = 400, LEFT = 70, RIGHT = 24, TOP = 78, BOTTOM = 64, GAP = 14 };
#define PLOT_HEIGHT (HEIGHT - TOP - BOTTOM)
#define EVER_COLOUR "#b8cce4"
#define MEAN_COLOUR "#c0504d"

/* ---- the event ---- */

static double number(const char *object, const char *key)
{
    double value = 0;
    json_get_double(object, key, &value);
    return value;
}

static bool parse_bars(const char *list, struct histogram *h)
{
    char *item;
    for (size_t at = 0; json_next(list, &at, NULL, 0, &item);) {
        struct histogram_bar *b = &h->bar[h->count];
        bool good = h->count < HISTOGRAM_BARS_MAX && json_get_number(item, "gfn", &b->gfn);
        if (good) {
            b->joins = h->count && b->gfn == b[-1].gfn + h->region_pages;
            b->pages = number(item, "pages");
            b->written = number(item, "written");
            b->writes = number(item, "writes");
            h->count++;
        }
        free(item);
        if (!good)
            return false;
    }
    return true;
}

bool histogram_parse(const char *line, struct histogram *h)
{
    memset(h, 0, sizeof(*h));
    char *list = json_get_raw(line, "regions");
    bool good = list && json_get_string(line, "guest", h->guest, sizeof(h->guest)) &&
                json_get_number(line, "region_pages", &h->region_pages) && parse_bars(list, h);
    h->intervals = number(line, "intervals");
    h->interval_s = number(line, "interval_ms") / 1000;
    free(list);
    return good && h->intervals >= 1 && h->region_pages;
}

/* Shares of a region's pages, in percent: written in at least one interval; written per
 * interval, on average. */
static double percent(double part, double whole)
{
    return whole > 0 ? part < whole ? part / whole * 100 : 100 : 0;
}

static double ever_percent(const struct histogram_bar *b) { return percent(b->written, b->pages); }
static double mean_percent(const struct histogram *h, const struct histogram_bar *b)
{
    return percent(b->writes / h->intervals, b->pages);
}

static double region_mib(const struct histogram *h)
{
    return (double)h->region_pages * PAGE_BYTES / 1048576;
}

/* ---- SVG ---- */

static void escape(FILE *out, const char *text)
{
    for (; *text; text++)
        if (*text == '<' || *text == '>' || *text == '&')
            fprintf(out, "&#%d;", *text);
        else
            fputc(*text, out);
}

static void text_at(FILE *out, double x, double y, int size, const char *anchor, const char *text)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%d\" text-anchor=\"%s\">", x, y, size,
            anchor);
    escape(out, text);
    fputs("</text>\n", out);
}

static void rectangle(FILE *out, double x, double y, double width, double height,
                      const char *colour)
{
    fprintf(out, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\"/>\n", x, y,
            width, height, colour);
}

/* The end of the axis: the smallest of 1, 2, 5, ... 100 % that is not below the highest bar. */
static double scale_percent(const struct histogram *h)
{
    static const double end[] = { 1, 2, 5, 10, 20, 50, 100 };
    double most = 0;
    size_t i = 0;
    for (uint32_t k = 0; k < h->count; k++)
        if (ever_percent(&h->bar[k]) > most)
            most = ever_percent(&h->bar[k]);
    while (end[i] < most && i + 1 < sizeof(end) / sizeof(*end))
        i++;
    return end[i];
}

static void svg_head(const struct histogram *h, FILE *out)
{
    char text[256];
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d "
            "%d\" font-family=\"sans-serif\" "
            "fill=\"#333\">\n",
            WIDTH, HEIGHT, WIDTH, HEIGHT);
    rectangle(out, 0, 0, WIDTH, HEIGHT, "#fff");
    snprintf(text, sizeof(text), "Memory written by \"%s\", by region of %g MiB", h->guest,
             region_mib(h));
    text_at(out, WIDTH / 2.0, 24, 16, "middle", text);
    rectangle(out, LEFT, 40, 12, 12, MEAN_COLOUR);
    snprintf(text, sizeof(text), "written in an interval of %.3g s, mean of %.0f", h->interval_s,
             h->intervals);
    text_at(out, LEFT + 18, 51, 12, "start", text);
    rectangle(out, LEFT + 330, 40, 12, 12, EVER_COLOUR);
    snprintf(text, sizeof(text), "written at some time in all %.1f s",
             h->interval_s * h->intervals);
    text_at(out, LEFT + 348, 51, 12, "start", text);
}

/* The ticks from 0 to `end` are 1, 2 or 5 times a power of ten apart: of 2, 20 a quarter, else a
 * fifth. */
static int tick_count(double end) { return end == 2 || end == 20 ? 4 : 5; }

static void svg_percent_axis(const struct histogram *h, FILE *out)
{
    char text[32];
    double end = scale_percent(h);
    for (int tick = 0, count = tick_count(end); tick <= count; tick++) {
        double y = TOP + PLOT_HEIGHT - PLOT_HEIGHT * (double)tick / count;
        fprintf(out, "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"%s\"/>\n", LEFT, y,
                WIDTH - RIGHT, y, tick ? "#ddd" : "#333");
        snprintf(text, sizeof(text), "%g %%", end * tick / count);
        text_at(out, LEFT - 6, y + 4, 11, "end", text);
    }
    fprintf(out,
            "<text transform=\"translate(16 %.1f) rotate(-90)\" font-size=\"12\" "
            "text-anchor=\"middle\">share of the region's "
            "pages</text>\n",
            TOP + PLOT_HEIGHT / 2.0);
    text_at(out, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 12, 12, "middle", "guest-physical address");
}

/* The address below a bar. Drawn for the first bar of a bank, and then at equal distances. */
static void svg_address(const struct histogram_bar *b, double x, FILE *out)
{
    char text[32];
    fprintf(out, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#333\"/>\n", x,
            TOP + PLOT_HEIGHT, x, TOP + PLOT_HEIGHT + 5);
    snprintf(text, sizeof(text), "0x%llx", (unsigned long long)(b->gfn * PAGE_BYTES));
    text_at(out, x, TOP + PLOT_HEIGHT + 19, 11, "middle", text);
}

static void svg_bar(double x, double width, double share, double scale, const char *colour,
                    FILE *out)
{
    double tall = PLOT_HEIGHT * share / scale;
    if (share > 0)
        rectangle(out, x, TOP + PLOT_HEIGHT - tall, width, tall, colour);
}

/* The line between two banks. */
static void svg_gap(double x, FILE *out)
{
    fprintf(
        out,
        "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#999\" stroke-dasharray=\"3 "
        "3\"/>\n",
        x, TOP, x, TOP + PLOT_HEIGHT + 5);
}

static void svg_bars(const struct histogram *h, double step, FILE *out)
{
    uint32_t every = 1, since = 0;
    while (h->count / every > 9) /* a power of two, for round addresses */
        every *= 2;
    double x = LEFT, scale = scale_percent(h);
    for (uint32_t i = 0; i < h->count; i++, x += step) {
        const struct histogram_bar *b = &h->bar[i];
        if (i && !b->joins) {
            svg_gap(x + GAP / 2.0, out);
            x += GAP;
        }
        since = b->joins ? since + 1 : 0;
        if (since % every == 0)
            svg_address(b, x, out);
        svg_bar(x + step * 0.08, step * 0.84, ever_percent(b), scale, EVER_COLOUR, out);
        svg_bar(x + step * 0.08, step * 0.84, mean_percent(h, b), scale, MEAN_COLOUR, out);
    }
}

void histogram_svg(const struct histogram *h, FILE *out)
{
    uint32_t gaps = 0;
    for (uint32_t i = 1; i < h->count; i++)
        gaps += !h->bar[i].joins;
    svg_head(h, out);
    svg_percent_axis(h, out);
    if (h->count)
        svg_bars(h, (WIDTH - LEFT - RIGHT - (double)GAP * gaps) / h->count, out);
    fputs("</svg>\n", out);
}

/* ---- text ---- */

/* Adds up bar i and the bars that join it, at most `most`. Returns how many these are. */
static uint32_t join(const struct histogram *h, uint32_t i, uint32_t most,
                     struct histogram_bar *sum)
{
    uint32_t n = 1;
    *sum = h->bar[i];
    for (; n < most && i + n < h->count && h->bar[i + n].joins; n++) {
        sum->pages += h->bar[i + n].pages;
        sum->written += h->bar[i + n].written;
        sum->writes += h->bar[i + n].writes;
    }
    return n;
}

void histogram_text(const struct histogram *h, FILE *out)
{
    uint32_t most = (h->count + TEXT_LINES - 1) / TEXT_LINES, n;
    double scale = scale_percent(h);
    fprintf(
        out,
        "pages written, share of each %g MiB: # in an interval of %.3g s (mean), - at some time "
        "in all %.1f s; width %g %%\n",
        region_mib(h) * most, h->interval_s, h->interval_s * h->intervals, scale);
    for (uint32_t i = 0; i < h->count; i += n) {
        struct histogram_bar b;
        n = join(h, i, most, &b);
        double mean = mean_percent(h, &b), ever = ever_percent(&b);
        char bar[TEXT_WIDTH + 1];
        for (int k = 0; k < TEXT_WIDTH; k++)
            bar[k] = k < mean * TEXT_WIDTH / scale   ? '#'
                     : k < ever * TEXT_WIDTH / scale ? '-'
                                                     : ' ';
        bar[TEXT_WIDTH] = 0;
        fprintf(out, "%12llx %5.1f %% %5.1f %% |%s|\n", (unsigned long long)(b.gfn * PAGE_BYTES),
                mean, ever, bar);
    }
}
