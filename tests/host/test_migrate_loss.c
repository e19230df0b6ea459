// link: @migrate
// libs: -lcmocka -lpthread -lm
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hand-over with faults: the connection is cut after various numbers of bytes in either
 * direction, bits are flipped, and either daemon is killed at every stage. After each fault, when
 * the two hosts have reached each other again, exactly one of them runs the guest, and its memory
 * is intact.
 */
#include "migrate_bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>

#include "../../migrate/rate.h"

const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0"; /* a killed daemon never frees its memory */
}

/* B's port, at which A resolves the migration after a lost connection. */
static int server_fd;
static pthread_t server_thread;
static volatile bool serving;

static void *server_main(void *unused)
{
    while (serving) {
        struct pollfd set = { server_fd, POLLIN, 0 };
        if (poll(&set, 1, 20) <= 0)
            continue;
        int fd = accept(server_fd, NULL, NULL);
        if (fd >= 0)
            target_serve(&bench_host[1], fd, "a");
    }
    return unused;
}

static void server_start(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);
    server_fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server_fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(server_fd, 4), 0);
    getsockname(server_fd, (struct sockaddr *)&address, &size);
    snprintf(bench_request.peer, sizeof(bench_request.peer), "127.0.0.1");
    bench_request.port = ntohs(address.sin_port);
    serving = true;
    pthread_create(&server_thread, NULL, server_main, NULL);
}

static void server_stop(void)
{
    serving = false;
    pthread_join(server_thread, NULL);
    close(server_fd);
}

static void start(void)
{
    bench_start(256);
    bench_fill(12);
    server_start();
}

static void settle(void)
{
    for (int i = 0; i < 200 && settle_once(&bench_host[0]); i++)
        usleep(2000);
}

static void check_whole(enum source_result result, const char *what, uint64_t at)
{
    bool on_a = fake_runs(0), on_b = fake_runs(1);
    if (on_a == on_b || fake_ran_twice() || fake_exists(0) == fake_exists(1))
        bench_fail("%s at %llu: runs on A %d, on B %d, is on A %d, on B %d: %s", what,
                   (unsigned long long)at, on_a, on_b, fake_exists(0), fake_exists(1), bench_last);
    if (!bench_memory_ok(on_b))
        bench_fail("%s at %llu: the memory is not whole", what, (unsigned long long)at);
    if (bench_journals(0) + bench_journals(1))
        bench_fail("%s at %llu: a journal is left", what, (unsigned long long)at);
    if ((result == SOURCE_OK && !on_b) || (result == SOURCE_FAILED && !on_a))
        bench_fail("%s at %llu: result %d, but it runs on %s", what, (unsigned long long)at, result,
                   on_a ? "A" : "B");
    /* The guest still works: it can write its memory, and its dirty log is off. */
    assert_false(fake_logging(0));
    bench_from = on_b;
    uint64_t before = bench_sequence;
    bench_write(0);
    assert_int_equal(bench_sequence, before + 1);
}

static enum source_result one(int side, bool corrupt, uint64_t at)
{
    start();
    bench_host[side].fault = (struct fault_inject){ .cut = !corrupt, .corrupt = corrupt, .at = at };
    enum source_result result = bench_migrate();
    if (result == SOURCE_UNRESOLVED && fake_runs(0))
        bench_fail("unresolved, but A runs it");
    settle();
    server_stop();
    check_whole(result, corrupt ? "flipped bit" : "cut", at);
    bench_end();
    return result;
}

/* The number of bytes that each side sends in a migration without a fault. */
static uint64_t stream_bytes(int side)
{
    start();
    bench_host[side].fault = (struct fault_inject){ .cut = true, .at = UINT64_MAX };
    assert_int_equal(bench_migrate(), SOURCE_OK);
    uint64_t bytes = side == 0 ? bench_report.bytes_sent : 48 + 32 + 8 * (32 + 16) + 5 * 64;
    server_stop();
    bench_end();
    return bytes;
}

static void sweep(int side, bool corrupt, uint64_t step, uint64_t fine)
{
    uint64_t total = stream_bytes(side), count[4] = { 0 };
    for (uint64_t at = 0; at < total + 64;) {
        count[one(side, corrupt, at)]++;
        at += at + 1200 > total ? fine : step;
    }
    printf("%s by %s over %llu bytes: %llu moved, %llu stayed, %llu settled later\n",
           corrupt ? "flips" : "cuts", side ? "B" : "A", (unsigned long long)total,
           (unsigned long long)count[SOURCE_OK], (unsigned long long)count[SOURCE_FAILED],
           (unsigned long long)count[SOURCE_UNRESOLVED]);
    assert_true(count[SOURCE_OK] && count[SOURCE_FAILED]);
}

static void test_cut_a(void **unused)
{
    (void)unused;
    sweep(0, false, 1499, 5);
}
static void test_cut_b(void **unused)
{
    (void)unused;
    sweep(1, false, 8, 3);
}
static void test_flip_a(void **unused)
{
    (void)unused;
    sweep(0, true, 1499, 5);
}
static void test_flip_b(void **unused)
{
    (void)unused;
    sweep(1, true, 8, 3);
}

/* ---- killed daemons ---- */

static void die(struct conn *conn)
{
    shutdown(conn->fd, SHUT_RDWR);
    close(conn->fd);
    pthread_exit(NULL);
}

static void kill_at(int side, const char *stage)
{
    start();
    bench_host[side].fault.die = die;
    snprintf(bench_host[side].fault.stage, sizeof(bench_host[side].fault.stage), "%s", stage);
    enum source_result result = bench_migrate();
    if (bench_host[side].fault.stage[0])
        bench_fail("stage %s was not reached", stage);
    /* as if init started the daemon again */
    bench_restart(side);
    settle_recover(&bench_host[side]);
    settle();
    server_stop();
    printf("%s killed at %s: the guest runs on %s\n", side ? "B" : "A", stage,
           fake_runs(0) ? "A" : "B");
    check_whole(result, stage, 0);
    bench_end();
}

static void test_kill_a(void **unused)
{
    static const char *const stage[] = { "accepted",   "round-1",  "suspending", "suspended",
                                         "state-sent", "verified", "committing", "committed",
                                         "running",    "released" };
    (void)unused;
    for (size_t i = 0; i < sizeof(stage) / sizeof(*stage); i++)
        kill_at(0, stage[i]);
}

static void test_kill_b(void **unused)
{
    static const char *const stage[] = { "accepted", "created",   "round-1", "verified",
                                         "waiting",  "committed", "running" };
    (void)unused;
    for (size_t i = 0; i < sizeof(stage) / sizeof(*stage); i++)
        kill_at(1, stage[i]);
}

/* ---- the daemon dies while it measures a dirty rate ---- */

static void die_measuring(struct conn *none)
{
    (void)none;
    pthread_exit(NULL);
}

static void *measure_main(void *unused)
{
    static const struct rate_request request = {
        .guest = "guest", .seconds = 60, .interval_ms = 1000, .downtime_limit_ms = 300, .fd = -1
    };
    static struct report report;
    rate_run(&bench_host[0], &request, &report);
    return unused;
}

static void kill_measuring(void)
{
    pthread_t thread;
    bench_start(256);
    bench_host[0].fault = (struct fault_inject){ .stage = "measuring", .die = die_measuring };
    pthread_create(&thread, NULL, measure_main, NULL);
    pthread_join(thread, NULL);
    assert_true(fake_logging(0));
    assert_int_equal(bench_journals(0), 1);
    bench_restart(0);
}

static void log_by_somebody_else(void)
{
    struct failure f = { 0 };
    struct backend_domain d;
    struct backend *h = backend_open("A", &f);
    assert_int_equal(backend_find(h, "guest", &d), 0);
    assert_int_equal(backend_log_enable(h, d.domid), 0);
    backend_close(h);
}

static void test_kill_measuring(void **unused)
{
    (void)unused;
    kill_measuring();
    settle_recover(&bench_host[0]);
    assert_false(fake_logging(0));
    assert_true(fake_runs(0));
    assert_int_equal(bench_journals(0), 0);
    bench_end();
    /* the guest has been created again meanwhile: the new domain must not be touched */
    kill_measuring();
    fake_make_guest(0, "guest", 256, bench_kernel);
    fake_suspend(0, true);
    log_by_somebody_else();
    settle_recover(&bench_host[0]);
    assert_true(fake_exists(0) && !fake_runs(0) && fake_logging(0));
    assert_int_equal(bench_journals(0), 0);
    bench_end();
    /* or the guest has been destroyed */
    kill_measuring();
    fake_destroy(0);
    settle_recover(&bench_host[0]);
    assert_int_equal(bench_journals(0), 0);
    bench_end();
}

/* ---- the operator decides ---- */

/* A has sent COMMIT, B has died before reading it, and nobody answers A. */
static void make_open(void)
{
    start();
    server_stop();
    bench_host[1].fault.die = die;
    snprintf(bench_host[1].fault.stage, sizeof(bench_host[1].fault.stage), "waiting");
    assert_int_equal(bench_migrate(), SOURCE_UNRESOLVED);
    bench_restart(1);
    settle_recover(&bench_host[1]);
    assert_true(fake_exists(0) && fake_exists(1));
    assert_false(fake_runs(0) || fake_runs(1));
    assert_true(
        settle_once(&bench_host[0])); /* B cannot be reached: the migration stays unresolved */
    assert_false(fake_runs(0) || fake_runs(1));
    /* A second migration of the guest is refused meanwhile. */
    struct source_request saved = bench_request;
    assert_int_equal(bench_migrate(), SOURCE_FAILED);
    bench_request = saved;
}

static void finish_open(void)
{
    server_start();
    /* B has another port now, and A's journal has the old one: correct the journal */
    struct journal *list;
    char dir[128];
    host_journal_dir(&bench_host[0], dir, sizeof(dir));
    int count = journal_list(dir, &list);
    for (int i = 0; i < count; i++) {
        list[i].port = bench_request.port;
        journal_write(dir, &list[i]);
    }
    free(list);
    settle();
    server_stop();
}

static void test_settles_by_itself(void **unused)
{
    (void)unused;
    make_open();
    finish_open();
    check_whole(SOURCE_OK, "settled", 0);
    bench_end();
}

static void test_keep_on_a(void **unused)
{
    struct failure f = { 0 };
    (void)unused;
    make_open();
    assert_int_equal(settle_decide(&bench_host[0], "guest", true, &f), 0);
    assert_true(fake_runs(0));
    finish_open();
    check_whole(SOURCE_FAILED, "kept on A", 0);
    bench_end();
}

static void test_give_up_on_a(void **unused)
{
    struct failure f = { 0 };
    (void)unused;
    make_open();
    assert_int_equal(settle_decide(&bench_host[0], "guest", false, &f), 0);
    assert_false(fake_runs(0));
    finish_open();
    check_whole(SOURCE_OK, "given up on A", 0);
    bench_end();
}

static void test_keep_on_b(void **unused)
{
    struct failure f = { 0 };
    (void)unused;
    make_open();
    assert_int_equal(settle_decide(&bench_host[1], "guest", true, &f), 0);
    assert_true(fake_runs(1));
    finish_open();
    check_whole(SOURCE_OK, "kept on B", 0);
    bench_end();
}

static void test_give_up_on_b(void **unused)
{
    struct failure f = { 0 };
    (void)unused;
    make_open();
    assert_int_equal(settle_decide(&bench_host[1], "guest", false, &f), 0);
    assert_false(fake_exists(1));
    finish_open();
    check_whole(SOURCE_FAILED, "given up on B", 0);
    assert_int_equal(settle_decide(&bench_host[1], "guest", false, &f), -1);
    assert_non_null(strstr(f.text, "no unresolved migration of guest"));
    bench_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kill_a),         cmocka_unit_test(test_kill_b),
        cmocka_unit_test(test_kill_measuring), cmocka_unit_test(test_settles_by_itself),
        cmocka_unit_test(test_keep_on_a),      cmocka_unit_test(test_give_up_on_a),
        cmocka_unit_test(test_keep_on_b),      cmocka_unit_test(test_give_up_on_b),
        cmocka_unit_test(test_cut_a),          cmocka_unit_test(test_cut_b),
        cmocka_unit_test(test_flip_a),         cmocka_unit_test(test_flip_b),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
