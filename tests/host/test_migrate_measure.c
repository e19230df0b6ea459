// link: @migrate migrate/local_socket.c migrate/histogram.c migrate/xlm_show.c
// libs: -lcmocka -lpthread -lm
/* SPDX-License-Identifier: BSD-2-Clause */
/* xlm dirty-rate with a fake hypervisor: its results, that a migration ends it, and that the
 * dirty log is off after every kind of end. */
#include "migrate_bench.h"
#include "slow.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "../../migrate/local_socket.h"
#include "../../migrate/rate.h"
#include "../../migrate/rate_speed.h"

/* xlm itself, which the tests run in a process of its own. */
#define main  xlm_main
#define usage xlm_usage
int xlm_main(int argc, char **argv);
#include "../../migrate/xlm.c"
#undef main

#define HOT     64u
#define MEASURE "{\"cmd\":\"dirty-rate\",\"guest\":\"guest\",\"seconds\":%s,\"interval_ms\":%s}\n"

static int client_fd[2];
static FILE *client_in;
static pthread_t client_thread;
static char client_line[65536];

static void *serve_main(void *unused)
{
    local_socket_serve(&bench_host[0], client_fd[1]);
    return unused;
}

/* Sends a request on a new connection. */
static void ask_for(const char *request)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, client_fd), 0);
    client_in = fdopen(client_fd[0], "r");
    assert_int_equal(write(client_fd[0], request, strlen(request)), (ssize_t)strlen(request));
    pthread_create(&client_thread, NULL, serve_main, NULL);
}

static bool next_line(void)
{
    if (!fgets(client_line, sizeof(client_line), client_in))
        return false;
    client_line[strcspn(client_line, "\n")] = 0;
    if (!json_is_object(client_line))
        bench_fail("no JSON object: %s", client_line);
    return true;
}

static bool is_event(const char *name)
{
    char event[32] = "";
    json_get_string(client_line, "event", event, sizeof(event));
    return !strcmp(event, name);
}

static void until_event(const char *name)
{
    while (next_line())
        if (is_event(name))
            return;
    bench_fail("no event %s, but: %s", name, client_line);
}

static void hang_up(void)
{
    fclose(client_in);
    pthread_join(client_thread, NULL);
}

static double value(const char *line, const char *key)
{
    double v;
    if (!json_get_double(line, key, &v))
        bench_fail("no number %s in %s", key, line);
    return v;
}

static void assert_done(const char *result, const char *error)
{
    char text[512] = "";
    json_get_string(client_line, "result", text, sizeof(text));
    if (strcmp(text, result))
        bench_fail("not %s: %s", result, client_line);
    json_get_string(client_line, "error", text, sizeof(text));
    if (*error ? !strstr(text, error) : *text)
        bench_fail("\"%s\" is not in: %s", error, client_line);
}

/* Checks that the log is off, and that no journal is left. */
static void assert_off(void)
{
    assert_false(fake_logging(0));
    assert_false(fake_log_clash());
    assert_null(bench_host[0].list);
    assert_int_equal(bench_journals(0), 0);
    assert_int_equal(fake_mappings(), 0);
}

static void begin(const char *seconds, const char *interval_ms)
{
    char request[256];
    bench_start(1024);
    bench_fill(500);
    bench_load(HOT);
    snprintf(request, sizeof(request), MEASURE, seconds, interval_ms);
    ask_for(request);
}

/* Begins a long measurement, and waits until an interval has been measured. */
static void begin_long(void)
{
    begin("3600", "50");
    until_event("interval");
    assert_true(fake_logging(0));
}

static void end(void)
{
    if (bench_loading)
        bench_load_end();
    hang_up();
    assert_off();
    bench_end();
}

/* ---- the results ---- */

static void test_measures(void **unused)
{
    uint32_t intervals = 0, full = 0;
    double total = 0;
    (void)unused;
    begin("1", "100");
    assert_true(next_line() && is_event("started"));
    assert_int_equal(value(client_line, "guest_pages"), 1024 + 4);
    assert_int_equal(value(client_line, "interval_ms"), 100);
    assert_int_equal(value(client_line, "seconds"), 1);
    while (next_line() && is_event("interval")) {
        assert_int_equal(value(client_line, "interval"), ++intervals);
        double pages = value(client_line, "pages"), ms = value(client_line, "ms"),
               mib_s = value(client_line, "mib_s");
        assert_true(pages <= HOT && value(client_line, "working_set_pages") <= HOT);
        assert_true(ms >= 74 && value(client_line, "t_ms") >= 99 * intervals);
        assert_true(mib_s > pages / 256.0 / (ms + 0.1) * 1000 - 0.02 &&
                    mib_s < pages / 256.0 / (ms - 0.1) * 1000 + 0.02);
        full += pages == HOT;
        total += pages;
    }
    assert_int_equal(intervals, 10);
    /* the writer needs its CPU in most intervals of 100 ms; on a busy machine, in one */
    assert_true(full >= (slow_factor() < 2 ? 7 : 1));
    assert_true(is_event("done"));
    assert_done("ok", "");
    assert_false(fake_logging(0));
    assert_int_equal(fake_harvests(), 10); /* one harvest per interval */
    assert_int_equal(value(client_line, "intervals"), 10);
    assert_true(value(client_line, "pages") == total / 10 &&
                value(client_line, "most_mib_s") >= value(client_line, "mib_s"));
    assert_int_equal(value(client_line, "working_set_pages"), HOT);
    assert_int_equal(value(client_line, "data_pages"), 500);
    assert_int_equal(value(client_line, "guest_pages"), 1028);
    char *forecast = json_get_raw(client_line, "forecast"),
         *rates = json_get_raw(client_line, "rates"), *item;
    assert_non_null(strstr(forecast, "\"converges\":true"));
    assert_non_null(strstr(forecast, "\"mib_s_from\":\"assumed\""));
    assert_int_equal(value(forecast, "mib_s"), RATE_ASSUMED_MIB_S);
    assert_int_equal(value(forecast, "downtime_limit_ms"), 300);
    double last = 0;
    for (size_t at = 0; json_next(rates, &at, NULL, 0, &item); free(item)) {
        assert_true(value(item, "ms") > last && value(item, "pages") <= HOT + 0.05);
        last = value(item, "ms");
    }
    assert_true(last >= 950);
    free(forecast);
    free(rates);
    assert_false(next_line());
    end();
}

/* After a delay the intervals have the same length again: none is shortened to catch up. */
static void test_late(void **unused)
{
    uint32_t intervals = 0;
    (void)unused;
    bench_start(256);
    fake_options[0].stall_ms = 350;
    ask_for("{\"cmd\":\"dirty-rate\",\"guest\":\"guest\",\"seconds\":1,\"interval_ms\":100}\n");
    until_event("started");
    while (next_line() && is_event("interval"))
        assert_true(value(client_line, "ms") >= (intervals++ ? 74 : 350));
    assert_int_equal(intervals, 10);
    end();
}

/* A peek does not clear the log: the pages that it saw are also in the harvest at the end of the
 * interval. */
static void test_looks_within_an_interval(void **unused)
{
    (void)unused;
    begin("1", "500");
    until_event("done");
    assert_done("ok", "");
    assert_int_equal(fake_harvests(), 2);
    assert_int_equal(fake_peeks(), 4); /* at 1/100 and at 1/10 of each interval */
    char *rates = json_get_raw(client_line, "rates");
    int points = 0;
    for (const char *at = rates; (at = strstr(at, "\"ms\"")); at++)
        points++;
    assert_int_equal(points, 4); /* the two peeks, one interval, two intervals */
    assert_int_equal(value(client_line, "pages"), HOT);
    free(rates);
    end();
}

static void test_histogram_event(void **unused)
{
    char *regions, *item;
    int count = 0;
    (void)unused;
    bench_start(1024);
    bench_load(HOT);
    ask_for(
        "{\"cmd\":\"dirty-rate\",\"guest\":\"guest\",\"seconds\":1,\"interval_ms\":200,\"histogram\":1}\n");
    until_event("histogram");
    assert_int_equal(value(client_line, "region_pages"), 512);
    assert_int_equal(value(client_line, "intervals"), 5);
    regions = json_get_raw(client_line, "regions");
    for (size_t at = 0; json_next(regions, &at, NULL, 0, &item); free(item), count++) {
        assert_int_equal(value(item, "gfn"), fake_gfn(512 * (uint64_t)count));
        assert_int_equal(value(item, "pages"), 512);
        assert_int_equal(value(item, "written"), count ? 0 : HOT);
        assert_true(value(item, "writes") <= HOT * 5 &&
                    value(item, "writes") >= (count ? 0 : HOT * 3));
        assert_true(!count || value(item, "writes") == 0);
    }
    assert_int_equal(count, 2);
    free(regions);
    assert_true(next_line() && is_event("done"));
    end();
}

/* The forecast uses the bandwidth of the last migration, unless the request has one. */
static void test_bandwidth_of_the_last_migration(void **unused)
{
    char *forecast;
    (void)unused;
    bench_start(1024);
    bench_fill(900);
    assert_int_equal(bench_migrate(), SOURCE_OK);
    bench_turn();
    assert_int_equal(bench_migrate(), SOURCE_OK);
    bench_turn();
    ask_for(
        "{\"cmd\":\"dirty-rate\",\"guest\":\"guest\",\"seconds\":1,\"interval_ms\":1000,\"downtime_ms\":70}\n");
    until_event("done");
    forecast = json_get_raw(client_line, "forecast");
    assert_non_null(strstr(forecast, "\"mib_s_from\":\"last-migration\""));
    assert_true(value(forecast, "mib_s") > 1 && value(forecast, "setup_ms") > 0);
    assert_int_equal(value(forecast, "downtime_limit_ms"), 70);
    assert_true(value(forecast, "total_ms") > value(forecast, "setup_ms"));
    free(forecast);
    hang_up();
    ask_for(
        "{\"cmd\":\"dirty-rate\",\"guest\":\"guest\",\"seconds\":1,\"interval_ms\":1000,\"mbps\":7}\n");
    until_event("done");
    forecast = json_get_raw(client_line, "forecast");
    assert_non_null(strstr(forecast, "\"mib_s_from\":\"given\""));
    assert_int_equal(value(forecast, "mib_s"), 7);
    free(forecast);
    end();
}

/* A migration with a limit on the send rate does not show the bandwidth of the link. */
static void test_capped_migration_is_not_noted(void **unused)
{
    struct rate_speed speed;
    (void)unused;
    bench_start(1024);
    bench_fill(900);
    bench_request.max_mib_s = 100;
    assert_int_equal(bench_migrate(), SOURCE_OK);
    assert_int_equal(rate_speed_read(bench_dir[0], &speed), -ENOENT);
    bench_end();
}

/* ---- refusals ---- */

static void refused(const char *request, const char *text)
{
    ask_for(request);
    assert_true(next_line() && is_event("done"));
    assert_done("failed", text);
    assert_false(next_line());
    hang_up();
    assert_off();
    assert_int_equal(fake_harvests(), 0);
}

static void test_refusals(void **unused)
{
    (void)unused;
    bench_start(256);
    refused("{\"cmd\":\"dirty-rate\",\"guest\":\"nobody\"}\n", "no guest nobody on this host");
    refused("{\"cmd\":\"dirty-rate\",\"guest\":\"Domain-0\"}\n", "control domain");
    refused("{\"cmd\":\"dirty-rate\"}\n", "no guest");
    refused("{\"cmd\":\"dirty-rate\",\"guest\":\"guest\",\"seconds\":0}\n",
            "seconds must be from 1 to 3600");
    refused("{\"cmd\":\"dirty-rate\",\"guest\":\"guest\",\"interval_ms\":9}\n",
            "interval_ms must be from 10 to 60000");
    refused("{\"cmd\":\"dirty-rate\",\"guest\":\"guest\",\"seconds\":2,\"interval_ms\":2001}\n",
            "longer than the measurement of 2 s");
    fake_pause(0, true);
    refused("{\"cmd\":\"dirty-rate\",\"guest\":\"guest\"}\n", "unpause it first");
    fake_pause(0, false);
    fake_options[0].log_fails = true;
    ask_for("{\"cmd\":\"dirty-rate\",\"guest\":\"guest\"}\n");
    until_event("done");
    assert_done("failed", "cannot switch the dirty log on");
    hang_up();
    assert_off();
    bench_end();
}

static void *migrate_main(void *unused)
{
    bench_migrate();
    return unused;
}

static void test_refused_during_a_migration(void **unused)
{
    pthread_t thread;
    (void)unused;
    bench_start(1024);
    bench_fill(1000);
    bench_request.max_mib_s = 5; /* so that round 1 takes 800 ms */
    pthread_create(&thread, NULL, migrate_main, NULL);
    while (!fake_logging(0))
        usleep(1000);
    ask_for("{\"cmd\":\"dirty-rate\",\"guest\":\"guest\"}\n");
    assert_true(next_line() && is_event("done"));
    assert_done("failed", "a migration of guest is under way");
    assert_true(fake_logging(0)); /* the refused request did not touch the migration's log */
    hang_up();
    pthread_join(thread, NULL);
    assert_int_equal(bench_result, SOURCE_OK);
    bench_assert_moved();
    bench_end();
}

static void test_only_one_at_a_time(void **unused)
{
    (void)unused;
    begin_long();
    int fd[2] = { client_fd[0], client_fd[1] };
    FILE *in = client_in;
    pthread_t thread = client_thread;
    ask_for("{\"cmd\":\"dirty-rate\",\"guest\":\"guest\"}\n");
    assert_true(next_line() && is_event("done"));
    assert_done("failed", "the dirty rate of guest is being measured already");
    hang_up();
    assert_true(fake_logging(0));
    client_fd[0] = fd[0], client_fd[1] = fd[1], client_in = in, client_thread = thread;
    end();
}

/* ---- a migration begins during a measurement ---- */

static void test_makes_way_for_a_migration(void **unused)
{
    (void)unused;
    begin_long();
    assert_int_equal(bench_migrate(), SOURCE_OK);
    bench_load_end();
    until_event("done");
    assert_done("cancelled", "a migration of the guest begins");
    assert_true(value(client_line, "intervals") >= 1); /* the results so far are reported */
    assert_non_null(strstr(bench_warning, "measurement of the guest's dirty rate was stopped"));
    bench_assert_moved();
    end();
}

/* Another host offers a guest with the same UUID: the offer is refused, and the measurement
 * continues. */
static void test_not_for_an_incoming_migration(void **unused)
{
    (void)unused;
    begin_long();
    struct migration incoming = { .id = { 1 }, .name = "guest" };
    struct failure f = { 0 };
    memset(incoming.uuid, 0x5a, 16);
    assert_int_equal(host_add(&bench_host[0], &incoming, &f), -1);
    assert_non_null(strstr(f.text, "the dirty rate of guest is being measured already"));
    fake_make_guest(1, "guest", 256, bench_kernel);
    bench_load_end();
    bench_turn();
    assert_int_equal(bench_migrate(), SOURCE_FAILED);
    bench_turn();
    fake_destroy(1);
    until_event("interval");
    assert_true(fake_logging(0));
    end();
}

/* ---- the log is off after every end ---- */

/* The client has closed its connection. */
static void test_connection_lost(void **unused)
{
    (void)unused;
    begin_long();
    end();
    assert_false(fake_logging(0));
}

/* Ctrl-C in xlm closes its sending direction: xlm still receives the results. */
static void test_interrupted(void **unused)
{
    (void)unused;
    begin_long();
    shutdown(client_fd[0], SHUT_WR);
    until_event("done");
    assert_done("cancelled", "interrupted");
    assert_false(fake_logging(0));
    assert_true(value(client_line, "intervals") >= 1);
    assert_true(fake_runs(0));
    end();
}

/* The measurement ends before the first interval. */
static void test_interrupted_at_once(void **unused)
{
    (void)unused;
    begin("3600", "60000");
    until_event("started");
    shutdown(client_fd[0], SHUT_WR);
    assert_true(next_line() && is_event("done"));
    assert_done("cancelled", "interrupted");
    char *rates = json_get_raw(client_line, "rates");
    assert_null(rates);
    end();
}

static void test_cancelled(void **unused)
{
    (void)unused;
    begin_long();
    assert_true(host_cancel(&bench_host[0], "guest"));
    until_event("done");
    assert_done("cancelled", "cancelled");
    end();
}

static void ends_by_itself(void (*happens)(int), const char *text)
{
    begin_long();
    happens(0);
    until_event("done");
    assert_done("failed", text);
    assert_true(value(client_line, "intervals") >= 1);
    end();
}

static void suspend(int host) { fake_suspend(host, true); }
static void pause_guest(int host) { fake_pause(host, true); }
static void break_log(int host) { fake_options[host].harvest_fails = true; }

static void test_guest_destroyed(void **unused)
{
    (void)unused;
    ends_by_itself(fake_destroy, "the guest is gone");
}
static void test_guest_suspended(void **unused)
{
    (void)unused;
    ends_by_itself(suspend, "the guest is suspended");
}
static void test_guest_paused(void **unused)
{
    (void)unused;
    ends_by_itself(pause_guest, "the guest has been paused, or is being destroyed");
}
static void test_log_fails(void **unused)
{
    (void)unused;
    ends_by_itself(break_log, "cannot read the dirty log");
}

/* The log is off after the daemon has ended on SIGTERM. */
static void test_daemon_told_to_end(void **unused)
{
    (void)unused;
    begin_long();
    host_stop(&bench_host[0]);
    assert_false(fake_logging(0));
    assert_null(bench_host[0].list);
    until_event("done");
    assert_done("cancelled", "xlmd is shutting down");
    hang_up();
    ask_for(
        "{\"cmd\":\"dirty-rate\",\"guest\":\"guest\"}\n"); /* no further measurement can begin */
    until_event("done");
    assert_done("failed", "xlmd is shutting down");
    end();
}

/* If xlm is stopped and reads nothing, the measurement ends and the log is off. */
static void test_client_that_does_not_read(void **unused)
{
    int small = 4096;
    (void)unused;
    bench_start(1024);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, client_fd), 0);
    setsockopt(client_fd[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    client_in = fdopen(client_fd[0], "r");
    static const char request[] =
        "{\"cmd\":\"dirty-rate\",\"guest\":\"guest\",\"seconds\":3600,\"interval_ms\":10}\n";
    assert_int_equal(write(client_fd[0], request, sizeof(request) - 1),
                     (ssize_t)sizeof(request) - 1);
    pthread_create(&client_thread, NULL, serve_main, NULL);
    pthread_join(client_thread, NULL); /* the measurement ends by itself */
    fclose(client_in);
    assert_off();
    bench_end();
}

/* ---- xlm ---- */

static char socket_file[128], output_file[128];
static int listener = -1;

static pid_t start_xlm(char **argument)
{
    int count = 0;
    while (argument[count])
        count++;
    int out = open(output_file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    pid_t pid = fork();
    if (pid) {
        close(out);
        return pid;
    }
    dup2(out, 1);
    dup2(out, 2);
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    int code = xlm_main(count, argument);
    fflush(stdout);
    _exit(code);
}

static void *accept_main(void *unused)
{
    int fd = accept(listener, NULL, NULL);
    if (fd >= 0)
        local_socket_serve(&bench_host[0], fd);
    return unused;
}

static void listen_for_xlm(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(socket_file, sizeof(socket_file), "%s/socket", bench_dir[0]);
    snprintf(output_file, sizeof(output_file), "%s/output", bench_dir[0]);
    memcpy(address.sun_path, socket_file, strlen(socket_file) + 1);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 1), 0);
}

static const char *output(void)
{
    static char text[65536];
    FILE *in = fopen(output_file, "r");
    text[in ? fread(text, 1, sizeof(text) - 1, in) : 0] = 0;
    if (in)
        fclose(in);
    return text;
}

static void assert_said(const char *text)
{
    if (!strstr(output(), text))
        bench_fail("\"%s\" is not in: %s", text, output());
}

/* Runs xlm with a daemon and returns its exit status. Sends `signal`, unless it is 0, when xlm
 * has shown an interval. */
static int run_xlm(char **argument, int signal)
{
    int status;
    pthread_t thread;
    pid_t pid = start_xlm(argument);
    pthread_create(&thread, NULL, accept_main, NULL);
    while (signal && !strstr(output(), " pages, ") && !strstr(output(), "\"interval\""))
        usleep(5000);
    if (signal)
        kill(pid, signal);
    waitpid(pid, &status, 0);
    pthread_join(thread, NULL);
    assert_off();
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
#define XLM(...) ((char *[]){ "xlm", "--socket", socket_file, "dirty-rate", __VA_ARGS__, NULL })

static void begin_xlm(void)
{
    bench_start(1024);
    bench_fill(500);
    listen_for_xlm();
    bench_load(HOT);
}

static void end_xlm(void)
{
    bench_load_end();
    close(listener);
    bench_end();
}

static void test_xlm_shows_it(void **unused)
{
    (void)unused;
    begin_xlm();
    assert_int_equal(
        run_xlm(XLM("--seconds", "1", "--interval-ms", "250", "--mbps", "40", "guest"), 0),
        EXIT_OK);
    assert_said(" s:       64 pages, ");
    assert_said("working set       64 pages,      0.2 MiB\n");
    assert_said("4 intervals of 0.2");
    assert_said("working set 0.2 MiB of 4.0 MiB, 2.0 MiB not zero");
    assert_said(
        "forecast of a migration at 40.0 MiB/s (as given by --mbps), downtime limit 300 ms:\n  "
        "it converges: 1 rounds and the final one");
    assert_int_equal(run_xlm(XLM("--seconds", "1", "--json", "guest"), 0), EXIT_OK);
    assert_int_equal(strncmp(output(), "{\"event\":\"started\"", 18), 0);
    assert_said("\n{\"event\":\"done\",\"result\":\"ok\"");
    assert_int_equal(run_xlm(XLM("--seconds", "1", "nobody"), 0), EXIT_FAILED);
    assert_said("xlm: failed: no guest nobody on this host");
    end_xlm();
}

static void test_xlm_interrupted(void **unused)
{
    (void)unused;
    begin_xlm();
    assert_int_equal(run_xlm(XLM("--interval-ms", "100", "guest"), SIGINT), EXIT_CANCELLED);
    assert_said(" intervals of 0.1");
    assert_said(
        "forecast of a migration at 100.0 MiB/s (assumed: no earlier migration from this host "
        "is known; set --mbps N)");
    assert_said("xlm: cancelled: interrupted");
    assert_int_equal(run_xlm(XLM("--interval-ms", "100", "guest"), SIGTERM), -SIGTERM);
    assert_int_equal(run_xlm(XLM("--interval-ms", "100", "guest"), SIGKILL), -SIGKILL);
    end_xlm();
}

static bool holds(const char *path, const char *text)
{
    static char content[65536];
    FILE *in = fopen(path, "r");
    content[in ? fread(content, 1, sizeof(content) - 1, in) : 0] = 0;
    if (in)
        fclose(in);
    return strstr(content, text);
}

static void test_xlm_plots(void **unused)
{
    char svg[128], bad[128];
    (void)unused;
    begin_xlm();
    snprintf(svg, sizeof(svg), "%s/plot.svg", bench_dir[0]);
    snprintf(bad, sizeof(bad), "--histogram=%s/none/plot.svg", bench_dir[0]);
    assert_int_equal(run_xlm(XLM("--seconds", "1", "--histogram", svg, "guest"), 0), EXIT_OK);
    assert_true(holds(svg, "<svg ") &&
                holds(svg, "Memory written by \"guest\", by region of 2 MiB"));
    assert_null(strstr(output(), "|#"));
    assert_int_equal(unlink(svg), 0);
    /* without a file: the next word is the guest */
    assert_int_equal(run_xlm(XLM("--seconds", "1", "--histogram", "guest"), 0), EXIT_OK);
    assert_said(
        "    40000000  12.5 %  12.5 % |################################                  |\n");
    assert_said("width 20 %\n");
    assert_int_equal(run_xlm(XLM("--seconds", "1", "guest", "--histogram", "-"), 0), EXIT_OK);
    assert_said("    40000000  12.5 %  12.5 % |######");
    /* if nothing is plotted, no empty file stays */
    assert_int_equal(run_xlm(XLM("--seconds", "1", "--histogram", svg, "nobody"), 0), EXIT_FAILED);
    assert_int_equal(access(svg, F_OK), -1);
    /* xlm prints the error before it measures */
    int status;
    pid_t pid = start_xlm(XLM("--seconds", "60", bad, "guest"));
    waitpid(pid, &status, 0);
    assert_int_equal(WEXITSTATUS(status), EXIT_FAILED);
    assert_said("xlm: cannot write ");
    end_xlm();
}

static void wrong(char **argument, const char *text)
{
    int status;
    pid_t pid = start_xlm(argument);
    waitpid(pid, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_USAGE)
        bench_fail("status %x, not that of usage: %s", (unsigned)status, output());
    assert_said(text);
}

static void test_xlm_usage(void **unused)
{
    int status;
    (void)unused;
    bench_start(256);
    listen_for_xlm();
    wrong(XLM("--seconds", "0", "guest"), "--seconds needs a number from 1 to 3600, not 0");
    wrong(XLM("--seconds", "ten", "guest"), "not ten");
    wrong(XLM("--seconds", "-1", "guest"), "not -1");
    wrong(XLM("--seconds", "3601", "guest"), "not 3601");
    wrong(XLM("--interval-ms", "9", "guest"),
          "--interval-ms needs a number from 10 to 60000, not 9");
    wrong(XLM("--seconds", "1", "--interval-ms", "1001", "guest"),
          "--interval-ms 1001 is longer than --seconds 1");
    wrong(XLM("--mbps", "0", "guest"), "--mbps needs a number from 1 to 1000000, not 0");
    wrong(XLM("--downtime-ms", "0", "guest"), "--downtime-ms needs a number");
    wrong(XLM("--max-mbps", "5", "guest"), "--max-mbps is not an option of dirty-rate");
    wrong(XLM("--frobnicate", "guest"), "usage:");
    wrong(XLM("guest", "other"), "usage:");
    wrong((char *[]){ "xlm", "dirty-rate", NULL }, "usage:");
    wrong((char *[]){ "xlm", "--seconds", "3", "status", NULL },
          "--seconds is not an option of status");
    wrong((char *[]){ "xlm", "--histogram=x.svg", "migrate", "guest", "host", NULL },
          "--histogram is not an option of migrate");
    close(listener);
    unlink(socket_file);
    pid_t pid = start_xlm(XLM("guest"));
    waitpid(pid, &status, 0);
    assert_int_equal(WEXITSTATUS(status), EXIT_NO_DAEMON);
    assert_said("xlmd does not answer");
    bench_end();
}

/* ---- xlm status ---- */

static void test_status(void **unused)
{
    (void)unused;
    begin_long();
    int fd[2] = { client_fd[0], client_fd[1] };
    FILE *in = client_in;
    pthread_t thread = client_thread;
    ask_for("{\"cmd\":\"status\"}\n");
    assert_true(next_line() && is_event("measurement"));
    assert_true(value(client_line, "elapsed_ms") > 0);
    assert_true(next_line() && is_event("done"));
    hang_up();
    client_fd[0] = fd[0], client_fd[1] = fd[1], client_in = in, client_thread = thread;
    end();
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measures),
        cmocka_unit_test(test_late),
        cmocka_unit_test(test_looks_within_an_interval),
        cmocka_unit_test(test_histogram_event),
        cmocka_unit_test(test_bandwidth_of_the_last_migration),
        cmocka_unit_test(test_capped_migration_is_not_noted),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_refused_during_a_migration),
        cmocka_unit_test(test_only_one_at_a_time),
        cmocka_unit_test(test_makes_way_for_a_migration),
        cmocka_unit_test(test_not_for_an_incoming_migration),
        cmocka_unit_test(test_connection_lost),
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_interrupted_at_once),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_guest_destroyed),
        cmocka_unit_test(test_guest_suspended),
        cmocka_unit_test(test_guest_paused),
        cmocka_unit_test(test_log_fails),
        cmocka_unit_test(test_daemon_told_to_end),
        cmocka_unit_test(test_client_that_does_not_read),
        cmocka_unit_test(test_xlm_shows_it),
        cmocka_unit_test(test_xlm_interrupted),
        cmocka_unit_test(test_xlm_plots),
        cmocka_unit_test(test_xlm_usage),
        cmocka_unit_test(test_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
