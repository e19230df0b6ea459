/* SPDX-License-Identifier: BSD-2-Clause */
/* Common to the tests of whole migrations: two fake hosts, a guest whose expected memory is
 * known, a socket pair, and a thread for each side. Each test program includes this file once. */
#ifndef TESTS_MIGRATE_BENCH_H
#define TESTS_MIGRATE_BENCH_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#undef fail /* cmocka defines fail(); these tests use the daemon's */
#define bench_fail(...) (print_error(__VA_ARGS__), print_error("\n"), _fail(__FILE__, __LINE__))

#include "../../migrate/settle.h"
#include "../../migrate/source.h"
#include "../../migrate/target.h"
#include "fake_backend.h"

static struct host bench_host[2];
static char bench_dir[2][64], bench_kernel[96];
static char bench_last[8192], bench_warning[1024];
static struct report bench_report;
static struct source_request bench_request;
static int bench_from, bench_to;
static uint32_t bench_pages;
static uint64_t
    bench_expected[FAKE_PAGES_MAX]; /* the sequence number that each page must contain */
static uint64_t bench_sequence;
static pthread_t bench_load_thread, bench_cancel_thread;
static volatile bool bench_loading;
static uint32_t bench_load_pages, bench_cancel_ms;

static void bench_emit(void *argument, const char *line)
{
    (void)argument;
    if (strstr(line, "\"warning\""))
        snprintf(bench_warning, sizeof(bench_warning), "%s", line);
    snprintf(bench_last, sizeof(bench_last), "%s", line);
}

/* Restarts both daemons; their journals stay. */
static inline void bench_restart(int host)
{
    static const char *const name[2] = { "A", "B" };
    host_init(&bench_host[host], name[host], bench_dir[host]);
}

static inline void bench_start(uint32_t pages)
{
    fake_reset();
    memset(bench_expected, 0, sizeof(bench_expected));
    bench_from = 0, bench_to = 1, bench_pages = pages;
    for (int i = 0; i < 2; i++) {
        snprintf(bench_dir[i], sizeof(bench_dir[i]), "/tmp/migrate-test-XXXXXX");
        assert_non_null(mkdtemp(bench_dir[i]));
        bench_restart(i);
    }
    snprintf(bench_kernel, sizeof(bench_kernel), "%s/image", bench_dir[0]);
    FILE *out = fopen(bench_kernel, "w");
    for (int i = 0; i < 50000; i++)
        fputc(i * 7 & 255, out);
    fclose(out);
    fake_make_guest(0, "guest", pages, bench_kernel);
    bench_request = (struct source_request){ .guest = "guest",
                                             .peer = "b",
                                             .port = 1,
                                             .downtime_ms = 300,
                                             .suspend_timeout_ms = 100,
                                             .fd = -1 };
}

static inline void bench_write(uint32_t page)
{
    if (fake_guest_write(bench_from, page, bench_sequence + 1))
        bench_expected[page] = ++bench_sequence;
}

static inline void bench_fill(uint32_t pages)
{
    for (uint32_t i = 0; i < pages; i++)
        bench_write(i);
}

static void *bench_load_main(void *unused)
{
    uint32_t n = 0;
    while (bench_loading) {
        bench_write(n++ % bench_load_pages);
        if (n % 16 == 0)
            usleep(100);
    }
    return unused;
}

static inline void bench_load(uint32_t pages)
{
    bench_loading = true;
    bench_load_pages = pages;
    pthread_create(&bench_load_thread, NULL, bench_load_main, NULL);
}

static inline void bench_load_end(void)
{
    bench_loading = false;
    pthread_join(bench_load_thread, NULL);
}

static void *bench_cancel_main(void *unused)
{
    usleep(bench_cancel_ms * 1000);
    while (!host_cancel(&bench_host[bench_from], "guest"))
        usleep(1000);
    return unused;
}

static inline void bench_cancel_after(uint32_t ms)
{
    bench_cancel_ms = ms;
    pthread_create(&bench_cancel_thread, NULL, bench_cancel_main, NULL);
}

static inline void bench_cancel_join(void) { pthread_join(bench_cancel_thread, NULL); }

static int bench_fd[2];
static enum source_result bench_result;

static void *bench_target_main(void *unused)
{
    target_serve(&bench_host[bench_to], bench_fd[1], "a");
    return unused;
}

static void *bench_source_main(void *unused)
{
    bench_result = source_run(&bench_host[bench_from], &bench_request, &bench_report);
    return unused;
}

/* A migration from bench_from to bench_to over a socket pair. */
static inline enum source_result bench_migrate(void)
{
    pthread_t source, target;
    memset(&bench_report, 0, sizeof(bench_report));
    bench_report.emit = bench_emit;
    bench_warning[0] = bench_last[0] = 0;
    bench_result = (enum source_result) - 1;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, bench_fd), 0);
    bench_request.fd = bench_fd[0];
    pthread_create(&target, NULL, bench_target_main, NULL);
    pthread_create(&source, NULL, bench_source_main, NULL);
    pthread_join(source, NULL);
    pthread_join(target, NULL);
    return bench_result;
}

static inline void bench_turn(void)
{
    bench_from = !bench_from;
    bench_to = !bench_to;
}

static inline bool bench_memory_ok(int host)
{
    for (uint32_t i = 0; i < bench_pages; i++)
        if (!fake_is_hole(host, i) && !fake_guest_check(host, i, bench_expected[i])) {
            printf("page %u on host %d does not hold sequence %llu\n", i, host,
                   (unsigned long long)bench_expected[i]);
            return false;
        }
    return true;
}

static inline int bench_journals(int host)
{
    struct journal *list;
    char dir[128];
    host_journal_dir(&bench_host[host], dir, sizeof(dir));
    int count = journal_list(dir, &list);
    free(list);
    return count;
}

static inline void bench_assert_moved(void)
{
    if (fake_exists(bench_from) || !fake_runs(bench_to))
        bench_fail("the guest did not move: %s", bench_last);
    assert_false(fake_ran_twice());
    assert_true(bench_memory_ok(bench_to));
    assert_int_equal(fake_mappings(), 0);
    assert_int_equal(bench_journals(0) + bench_journals(1), 0);
}

/* Checks that A runs the guest and B has nothing, after A has told B. */
static inline void bench_assert_stayed(void)
{
    assert_true(fake_runs(bench_from));
    assert_false(fake_exists(bench_to));
    assert_false(fake_logging(bench_from));
    assert_false(fake_ran_twice());
    assert_true(bench_memory_ok(bench_from));
    assert_int_equal(fake_mappings(), 0);
}

static inline void bench_end(void)
{
    char command[256];
    snprintf(command, sizeof(command), "rm -rf %s %s", bench_dir[0], bench_dir[1]);
    assert_int_equal(system(command), 0);
    fake_reset();
}

#endif
