// link: @migrate migrate/histogram.c
// libs: -lcmocka -lpthread -lm
/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of xlm dirty-rate without I/O: counting of writes, forecast, bandwidth of the last
 * migration, plot. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#undef fail /* cmocka defines fail(); these tests use the daemon's */
#define bench_fail(...) (print_error(__VA_ARGS__), print_error("\n"), _fail(__FILE__, __LINE__))

#include "../../migrate/rate_forecast.h"
#include "../../migrate/histogram.h"
#include "../../migrate/rate_speed.h"
#include "../../migrate/rate_writes.h"
#include "fake_backend.h"

static void assert_near(double value, double wanted, double tolerance)
{
    if (fabs(value - wanted) > tolerance)
        bench_fail("%g is not within %g of %g", value, tolerance, wanted);
}

/* ---- counting of writes ---- */

#define MAGIC   4u
#define RAM_GFN 0x40000ull

/* A guest with `pages` pages of RAM, in a layout for 256 more. */
static struct memory layout(uint64_t pages)
{
    struct memory m = { .bank_count = 2, .slots = MAGIC + pages + 256 };
    m.bank[0] = (struct memory_bank){ 0x39000, MAGIC, 0 };
    m.bank[1] = (struct memory_bank){ RAM_GFN, pages + 256, MAGIC };
    m.populated = bits_new(m.slots);
    for (uint64_t i = 0; i < MAGIC + pages; i++)
        bit_set(m.populated, i);
    return m;
}

/* The mean over all windows, computed directly, page by page. */
static double counted(bool *written, uint32_t intervals, uint32_t pages, uint32_t window)
{
    uint64_t sum = 0;
    for (uint32_t at = 0; at + window <= intervals; at++)
        for (uint32_t p = 0; p < pages; p++) {
            bool any = false;
            for (uint32_t i = at; i < at + window; i++)
                any |= written[i * pages + p];
            sum += any;
        }
    return (double)sum / (intervals - window + 1);
}

static void record(struct rate_writes *w, const bool *written, uint32_t intervals, uint32_t pages)
{
    for (uint32_t i = 0; i < intervals; i++) {
        for (uint32_t p = 0; p < pages; p++)
            if (written[i * pages + p]) {
                rate_writes_note(w, MAGIC + p);
                rate_writes_note(w, MAGIC + p); /* a page that is noted twice counts once */
            }
        rate_writes_next_interval(w);
    }
    rate_writes_close(w);
}

/* For random writes, the means equal those computed directly. */
static void test_means_are_exact(void **unused)
{
    enum { PAGES = 40, INTERVALS = 23 };
    (void)unused;
    srand(1);
    for (int round = 0; round < 50; round++) {
        bool written[INTERVALS * PAGES];
        struct memory m = layout(1024);
        struct rate_writes w;
        struct failure f = { 0 };
        uint32_t intervals = 1 + (uint32_t)rand() % INTERVALS;
        for (size_t i = 0; i < sizeof(written); i++)
            written[i] = rand() % (1 + round) == 0;
        assert_int_equal(rate_writes_init(&w, &m, intervals, &f), 0);
        record(&w, written, intervals, PAGES);
        assert_int_equal(rate_writes_intervals(&w), intervals);
        for (uint32_t k = 1; k <= intervals; k++)
            assert_near(rate_writes_mean(&w, k), counted(written, intervals, PAGES, k), 1e-9);
        assert_near(rate_writes_mean(&w, intervals), (double)w.ever_pages, 1e-9);
        assert_near(rate_writes_mean(&w, 1), (double)w.total_pages / intervals, 1e-9);
        rate_writes_free(&w);
        memory_free(&m);
    }
}

static void test_totals(void **unused)
{
    struct memory m = layout(1024);
    struct rate_writes w;
    struct failure f = { 0 };
    (void)unused;
    assert_int_equal(rate_writes_init(&w, &m, 3, &f), 0);
    static const uint32_t pages[] = { 10, 30, 20 };
    for (int i = 0; i < 3; i++) {
        for (uint32_t p = 0; p < pages[i]; p++)
            rate_writes_note(&w, MAGIC + p);
        rate_writes_next_interval(&w);
    }
    assert_int_equal(w.total_pages, 60);
    assert_int_equal(w.most_pages, 30);
    assert_int_equal(w.ever_pages, 30);
    rate_writes_free(&w);
    memory_free(&m);
}

static void test_regions(void **unused)
{
    static const struct {
        uint64_t pages, region_pages;
        uint32_t count;
    } guest[] = {
        { 16384, 512, 32 },    { 65536, 512, 128 }, { 65537, 1024, 65 },
        { 262144, 2048, 128 }, { 300, 512, 1 },
    };
    (void)unused;
    for (size_t i = 0; i < sizeof(guest) / sizeof(*guest); i++) {
        struct memory m = layout(guest[i].pages);
        struct rate_writes w;
        struct failure f = { 0 };
        uint64_t pages = 0;
        assert_int_equal(rate_writes_init(&w, &m, 4, &f), 0);
        assert_int_equal(w.region_pages, guest[i].region_pages);
        assert_int_equal(w.region_count, guest[i].count);
        for (uint32_t k = 0; k < w.region_count; k++) {
            assert_int_equal(w.region[k].gfn, RAM_GFN + k * w.region_pages);
            pages += w.region[k].pages;
        }
        assert_int_equal(pages, guest[i].pages); /* neither magic pages nor holes */
        rate_writes_free(&w);
        memory_free(&m);
    }
}

static void test_regions_count_writes(void **unused)
{
    struct memory m = layout(2048);
    struct rate_writes w;
    struct failure f = { 0 };
    (void)unused;
    bit_clear(m.populated, MAGIC + 600); /* ballooned out */
    assert_int_equal(rate_writes_init(&w, &m, 3, &f), 0);
    assert_int_equal(w.region[1].pages, 511);
    for (int i = 0; i < 3; i++) {
        rate_writes_note(&w, 0); /* a magic page belongs to no region */
        rate_writes_note(&w, MAGIC + 511);
        if (i < 2)
            rate_writes_note(&w, MAGIC + 512);
        rate_writes_note(&w, MAGIC + 1024 + (uint64_t)i);
        rate_writes_note(&w, MAGIC + 2048 + 5); /* nor does a page that was populated later */
        rate_writes_next_interval(&w);
    }
    assert_int_equal(w.ever_pages, 7);
    static const uint64_t wanted[4][2] = { { 1, 3 }, { 1, 2 }, { 3, 3 }, { 0, 0 } };
    for (int i = 0; i < 4; i++) {
        assert_int_equal(w.region[i].written, wanted[i][0]);
        assert_int_equal(w.region[i].writes, wanted[i][1]);
    }
    rate_writes_free(&w);
    memory_free(&m);
}

/* With two banks, the regions of the second follow those of the first. */
static void test_regions_of_two_banks(void **unused)
{
    struct memory m = { .bank_count = 2, .slots = 1024 + 512 };
    struct rate_writes w;
    struct failure f = { 0 };
    (void)unused;
    m.bank[0] = (struct memory_bank){ RAM_GFN, 1024, 0 };
    m.bank[1] = (struct memory_bank){ 0x200000, 512, 1024 };
    m.populated = bits_new(m.slots);
    for (uint64_t i = 0; i < m.slots; i++)
        bit_set(m.populated, i);
    assert_int_equal(rate_writes_init(&w, &m, 1, &f), 0);
    assert_int_equal(w.region_count, 3);
    assert_int_equal(w.region[2].gfn, 0x200000);
    rate_writes_note(&w, 1024);
    assert_int_equal(w.region[2].written, 1);
    rate_writes_free(&w);
    memory_free(&m);
}

/* ---- forecast ---- */

static struct rate_forecast_model measured(double most_pages, size_t count,
                                           const double (*point)[2])
{
    struct rate_forecast_model model = { .most_pages = most_pages };
    for (size_t i = 0; i < count; i++)
        rate_forecast_add(&model, point[i][0], point[i][1]);
    return model;
}
#define MEASURED(most, ...)                                                        \
    measured(most, sizeof((const double[][2]){ __VA_ARGS__ }) / sizeof(double[2]), \
             (const double[][2]){ __VA_ARGS__ })

static void test_pages_in_a_time(void **unused)
{
    (void)unused;
    struct rate_forecast_model steady = MEASURED(5000, { 0.1, 100 }, { 1, 1000 }, { 2, 2000 });
    static const double at[] = { 0.01, 0.1, 0.3, 1, 1.7, 2, 4 };
    for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++)
        assert_near(rate_forecast_pages(&steady, at[i]), 1000 * at[i], 1e-6);
    assert_near(rate_forecast_pages(&steady, 100), 5000, 0); /* at most the guest's pages */
    struct rate_forecast_model hot = MEASURED(5000, { 0.1, 300 }, { 1, 300 }, { 10, 300 });
    assert_near(rate_forecast_pages(&hot, 0.001), 300, 1e-6);
    assert_near(rate_forecast_pages(&hot, 50), 300, 1e-6);
    struct rate_forecast_model set = MEASURED(5000, { 0.1, 100 }, { 1, 1000 }, { 10, 1000 },
                                              { 20, 4000 });
    assert_near(rate_forecast_pages(&set, 0.5), 500, 1e-6);
    assert_near(rate_forecast_pages(&set, 5), 1000, 1e-6);
    assert_near(rate_forecast_pages(&set, 15), 2250,
                1e-6); /* p = 2, as with bursts: between the points */
    assert_near(rate_forecast_pages(&set, 20), 4000, 1e-6);
    assert_near(rate_forecast_pages(&set, 24), 4800, 1e-6); /* but not outside of them */
    struct rate_forecast_model root = MEASURED(1e9, { 0.01, 10 }, { 1, 100 });
    assert_near(rate_forecast_pages(&root, 0.04), 20, 1e-6);
    assert_near(rate_forecast_pages(&root, 4), 200, 1e-6);
    struct rate_forecast_model quiet = MEASURED(5000, { 0.1, 0 }, { 1, 0 });
    assert_near(rate_forecast_pages(&quiet, 3), 0, 0);
    struct rate_forecast_model begins = MEASURED(5000, { 0.1, 0 }, { 1, 50 });
    assert_near(rate_forecast_pages(&begins, 0.5), 25, 1e-6);
    struct rate_forecast_model one = MEASURED(5000, { 1, 50 });
    assert_near(rate_forecast_pages(&one, 0.5), 25, 1e-6);
    struct rate_forecast_model noise = MEASURED(
        5000, { 0.1, 60 }, { 1, 50 }); /* a longer time cannot have fewer pages */
    assert_near(rate_forecast_pages(&noise, 1), 60, 1e-6);
    struct rate_forecast_model bursts = MEASURED(
        5000, { 0.1, 1 }, { 1, 1000 }); /* a shorter time cannot have more pages */
    assert_near(rate_forecast_pages(&bursts, 0.05), 0.5, 1e-6);
}

/* 110 MiB at 50 MiB/s. */
static const struct rate_forecast_request usual = {
    .data_pages = 28160, .mib_s = 50, .setup_ms = 500, .downtime_limit_ms = 300
};

static struct rate_forecast of(struct rate_forecast_model model,
                               struct rate_forecast_request request)
{
    struct rate_forecast f;
    rate_forecast_run(&model, &request, &f);
    return f;
}

static void test_forecast_converges(void **unused)
{
    (void)unused;
    struct rate_forecast idle = of(MEASURED(65536, { 1, 0 }), usual);
    assert_true(idle.converges);
    assert_int_equal(idle.rounds, 1);
    assert_int_equal(idle.last.downtime_ms, idle.policy.fixed_ms);
    assert_near(idle.total_ms, 500 + 28160 * 4112.0 / (50 * 1048576) * 1000 + 5 + 60, 1);
    assert_near(idle.sent_pages, 28160, 0.5);
    /* 4 MiB/s over 32 MiB: round 1 leaves the writes of 2.2 s, round 2 a tenth of that. */
    struct rate_forecast demo = of(
        MEASURED(65536, { 0.1, 102 }, { 1, 1024 }, { 8, 8192 }, { 16, 8192 }), usual);
    assert_true(demo.converges);
    assert_true(demo.rounds >= 2 && demo.rounds <= 3);
    assert_true(demo.last.downtime_ms >= 60 && demo.last.downtime_ms <= 100);
    assert_true(demo.total_ms > idle.total_ms);
    /* A set of 10 MiB that is always dirty: it meets the limit after round 1, and never becomes
     * smaller. */
    struct rate_forecast hot = of(MEASURED(65536, { 0.01, 2560 }, { 1, 2560 }), usual);
    assert_true(hot.converges && hot.last.downtime_ms >= 260 && hot.last.downtime_ms <= 270);
    struct rate_forecast_request strict = usual;
    strict.downtime_limit_ms = 250;
    hot = of(MEASURED(65536, { 0.01, 2560 }, { 1, 2560 }), strict);
    assert_false(hot.converges);
    assert_int_equal(hot.rounds, 1 + POLICY_STALL_ROUNDS);
}

/* Without the peeks, a small set that is always dirty would seem to shrink with shorter rounds. */
static void test_short_times_matter(void **unused)
{
    (void)unused;
    assert_true(of(MEASURED(65536, { 1, 4000 }), usual).converges);
    assert_false(of(MEASURED(65536, { 0.05, 4000 }, { 1, 4000 }), usual).converges);
}

static void test_forecast_gives_up(void **unused)
{
    char text[256];
    (void)unused;
    struct rate_forecast_model model = MEASURED(65536, { 0.1, 2560 }, { 1, 25600 }, { 2, 51200 });
    struct rate_forecast f = of(model, usual);
    assert_false(f.converges);
    policy_explain(&f.policy, &f.last, text, sizeof(text));
    assert_non_null(strstr(text, "does not converge: dirty rate"));
    double needed = rate_forecast_needed_mib_s(&model, &usual);
    struct rate_forecast_request faster = usual, slower = usual;
    faster.mib_s = needed;
    slower.mib_s = needed / 1.06;
    assert_true(needed > 50 && of(model, faster).converges);
    assert_false(of(model, slower).converges);
    struct rate_forecast_request never = usual;
    never.downtime_limit_ms =
        1; /* the limit is below the fixed costs, and some pages are always dirty */
    assert_near(rate_forecast_needed_mib_s(&model, &never), 0, 0);
}

/* ---- the last migration ---- */

static void test_speed(void **unused)
{
    char dir[] = "/tmp/migrate-speed-XXXXXX", deep[64], command[160];
    struct report r = {
        .total_ns = 5000000000, .downtime_ns = 100000000, .suspend_ns = 50000000, .round_count = 3
    };
    struct rate_speed s, back;
    (void)unused;
    assert_non_null(mkdtemp(dir));
    snprintf(deep, sizeof(deep), "%s/state", dir);
    r.round[0] = (struct report_round){ 25600, 0, 100 << 20, 2000000000 };
    r.round[1] = (struct report_round){ 10, 0, 40960,
                                        1000000000 }; /* too small to show the bandwidth */
    r.round[2] = (struct report_round){ 25600, 0, 100 << 20,
                                        1 }; /* the final round belongs to the downtime */
    assert_true(rate_speed_of(&r, &s));
    assert_near(s.mib_s, 50, 1e-6);
    assert_near(s.setup_ms, 1850, 1e-6);
    assert_int_equal(rate_speed_read(deep, &back), -ENOENT);
    assert_int_equal(rate_speed_write(deep, &s), 0);
    assert_int_equal(rate_speed_read(deep, &back), 0);
    assert_near(back.mib_s, 50, 1e-6);
    assert_near(back.setup_ms, 1850, 1e-6);
    snprintf(command, sizeof(command), "echo mib_s -3 setup_ms 1 > %s/last-migration", deep);
    assert_int_equal(system(command), 0);
    assert_int_equal(rate_speed_read(deep, &back), -EINVAL);
    r.round_count = 2;
    r.round[0].bytes = 4096;
    assert_false(rate_speed_of(&r, &s));
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

/* ---- the plot ---- */

static const char event[] =
    "{\"event\":\"histogram\",\"guest\":\"a<b\",\"intervals\":4,\"interval_ms\":500.0,\"region_pages\":512,\"regions\":["
    "{\"gfn\":262144,\"pages\":512,\"written\":0,\"writes\":0},{\"gfn\":262656,\"pages\":512,\"written\":256,\"writes\":512},"
    "{\"gfn\":263168,\"pages\":400,\"written\":400,\"writes\":1600},{\"gfn\":2097152,\"pages\":512,\"written\":51,\"writes\":51}]}";

static char *drawn(void (*draw)(const struct histogram *, FILE *), const struct histogram *h)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    draw(h, out);
    fclose(out);
    return text;
}

static int count(const char *text, const char *what)
{
    int n = 0;
    for (; (text = strstr(text, what)); text++)
        n++;
    return n;
}

static void test_histogram_parse(void **unused)
{
    static struct histogram h;
    (void)unused;
    assert_true(histogram_parse(event, &h));
    assert_int_equal(h.count, 4);
    assert_string_equal(h.guest, "a<b");
    assert_int_equal(h.bar[2].gfn, 263168);
    assert_true(h.bar[1].writes == 512 && h.bar[1].written == 256 && h.bar[2].pages == 400 &&
                h.intervals == 4);
    assert_false(histogram_parse("{\"event\":\"histogram\"}", &h));
    assert_false(histogram_parse(
        "{\"guest\":\"g\",\"intervals\":1,\"region_pages\":512,\"regions\":[{\"pages\":1}]}", &h));
    assert_false(histogram_parse(
        "{\"guest\":\"g\",\"intervals\":0,\"region_pages\":512,\"regions\":[]}", &h));
    char *many = malloc(40000),
         *end = many +
                sprintf(many, "{\"guest\":\"g\",\"intervals\":1,\"region_pages\":1,\"regions\":[");
    for (unsigned i = 0; i <= HISTOGRAM_BARS_MAX; i++)
        end += sprintf(end, "%s{\"gfn\":%u,\"pages\":1,\"written\":1,\"writes\":1}", i ? "," : "",
                       i);
    strcpy(end, "]}");
    assert_false(histogram_parse(many, &h)); /* more regions than HISTOGRAM_BARS_MAX */
    free(many);
}

/* The heights of the bars, in drawing order. */
static void assert_bars(const char *svg, const char *colour, size_t n, const double *percent)
{
    char end[32];
    const char *at = strstr(svg, "guest-physical"); /* after the legend */
    snprintf(end, sizeof(end), "fill=\"%s\"", colour);
    for (size_t i = 0; i < n; i++) {
        at = strstr(at + 1, end);
        assert_non_null(at);
        const char *height = at;
        while (strncmp(height, "height=\"", 8))
            height--;
        assert_near(strtod(height + 8, NULL) / 258 * 100, percent[i], 0.1);
    }
    assert_null(strstr(at + 1, end));
}

/* The ticks of the axis whose end is 1, 2, 5, ... 100 %. */
static void test_histogram_axis(void **unused)
{
    static struct histogram h;
    static const struct {
        double written;
        const char *second, *end;
        unsigned ticks;
    } axis[] = {
        { 4, ">0.2 %<", ">1 %<", 6 },    { 9, ">0.5 %<", ">2 %<", 5 },
        { 20, ">1 %<", ">5 %<", 6 },     { 50, ">2 %<", ">10 %<", 6 },
        { 100, ">5 %<", ">20 %<", 5 },   { 250, ">10 %<", ">50 %<", 6 },
        { 500, ">20 %<", ">100 %<", 6 },
    };
    (void)unused;
    for (unsigned i = 0; i < sizeof(axis) / sizeof(*axis); i++) {
        assert_true(histogram_parse(event, &h));
        for (uint32_t k = 0; k < h.count; k++) {
            h.bar[k].pages = 512;
            h.bar[k].written = h.bar[k].writes = k == 1 ? axis[i].written : 0;
        }
        char *svg = drawn(histogram_svg, &h);
        assert_non_null(strstr(svg, axis[i].second));
        assert_non_null(strstr(svg, axis[i].end));
        assert_int_equal(count(svg, " %</text>"), axis[i].ticks);
        free(svg);
    }
}

static void test_histogram_svg(void **unused)
{
    static struct histogram h;
    (void)unused;
    assert_true(histogram_parse(event, &h));
    char *svg = drawn(histogram_svg, &h);
    assert_int_equal(strncmp(svg, "<svg ", 5), 0);
    assert_string_equal(svg + strlen(svg) - 7, "</svg>\n");
    assert_non_null(strstr(svg, "Memory written by \"a&#60;b\", by region of 2 MiB"));
    assert_non_null(strstr(svg, "written in an interval of 0.5 s, mean of 4"));
    assert_non_null(strstr(svg, ">0x40000000<"));
    assert_non_null(strstr(svg, ">0x200000000<")); /* the first bar of the second bank */
    assert_int_equal(count(svg, " %</text>"), 6);
    assert_int_equal(count(svg, "stroke-dasharray"), 1);
    assert_bars(svg, "#b8cce4", 3, (const double[]){ 50, 100, 9.96 });
    assert_bars(svg, "#c0504d", 3, (const double[]){ 25, 100, 2.49 });
    free(svg);
    for (uint32_t i = 0; i < h.count; i++) /* the axis ends near the highest bar */
        h.bar[i].written = h.bar[i].writes = i == 1 ? 4 : 0;
    svg = drawn(histogram_svg, &h);
    assert_non_null(strstr(svg, ">1 %<"));
    assert_bars(svg, "#b8cce4", 1, (const double[]){ 78.125 });
    free(svg);
    h.count = 0;
    free(drawn(histogram_svg, &h));
}

static void test_histogram_text(void **unused)
{
    static struct histogram h;
    (void)unused;
    assert_true(histogram_parse(event, &h));
    char *text = drawn(histogram_text, &h);
    assert_non_null(strstr(
        text,
        "    40000000   0.0 %   0.0 % |                                                  |\n"));
    assert_non_null(strstr(
        text,
        "    40200000  25.0 %  50.0 % |#############------------                         |\n"));
    assert_non_null(strstr(
        text,
        "    40400000 100.0 % 100.0 % |##################################################|\n"));
    assert_int_equal(count(text, "\n"), 5);
    free(text);
    for (h.count = 0; h.count < 128; h.count++)
        h.bar[h.count] = (struct histogram_bar){ 262144 + h.count * 512ull, 512,
                                                 h.count & 1 ? 512 : 0, 0, h.count > 0 };
    text = drawn(histogram_text, &h);
    assert_non_null(strstr(text, "width 100 %"));
    assert_int_equal(count(text, "\n"), 33); /* four regions per line */
    assert_int_equal(count(text, "   0.0 %  50.0 % |"), 32);
    assert_non_null(strstr(text, "share of each 8 MiB"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_means_are_exact),
        cmocka_unit_test(test_totals),
        cmocka_unit_test(test_regions),
        cmocka_unit_test(test_regions_count_writes),
        cmocka_unit_test(test_regions_of_two_banks),
        cmocka_unit_test(test_pages_in_a_time),
        cmocka_unit_test(test_forecast_converges),
        cmocka_unit_test(test_short_times_matter),
        cmocka_unit_test(test_forecast_gives_up),
        cmocka_unit_test(test_speed),
        cmocka_unit_test(test_histogram_parse),
        cmocka_unit_test(test_histogram_axis),
        cmocka_unit_test(test_histogram_svg),
        cmocka_unit_test(test_histogram_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
