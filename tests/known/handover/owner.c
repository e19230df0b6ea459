// link: @migrate
// libs: -lcmocka -lpthread -lm
// ldflags: -Wl,--wrap=backend_open
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The owner of the guest: after one or two faults around the hand-over the guest is lost, runs on
 * both hosts, or is destroyed or started because of an old journal.  In each case the two hosts
 * have communicated again before the check.
 */
#include "server.h"

#include <sys/stat.h>

const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; /* a killed daemon's memory */ }

static void start(void)
{
    bench_start(256);
    bench_fill(12);
    server_start();
}

static void settle(void)
{
    for (int i = 0; i < 50 && settle_once(&bench_host[0]); i++)
        usleep(2000);
}

static void die(struct conn *conn)
{
    shutdown(conn->fd, SHUT_RDWR);
    close(conn->fd);
    pthread_exit(NULL);
}

static void die_at(int host, const char *stage, void (*how)(struct conn *))
{
    bench_host[host].fault.die = how;
    snprintf(bench_host[host].fault.stage, sizeof bench_host[host].fault.stage, "%s", stage);
}

static void restart(int host)
{
    bench_restart(host);
    settle_recover(&bench_host[host]);
}

static void show(const char *when)
{
    printf("  %s: A has the guest %d, runs it %d; B has it %d, runs it %d; ran twice %d;", when,
           fake_exists(0), fake_runs(0), fake_exists(1), fake_runs(1), fake_ran_twice());
    for (int host = 0; host < 2; host++) {
        struct journal *list;
        char dir[128];
        host_journal_dir(&bench_host[host], dir, sizeof dir);
        int count = journal_list(dir, &list);
        for (int i = 0; i < count; i++)
            printf(" journal of %c: %s", 'A' + host, journal_state_name(list[i].state));
        free(list);
    }
    printf("\n");
}

/* A has sent COMMIT; B's daemon died before it read COMMIT and was restarted; B's port is closed.
 */
static void make_open(void)
{
    start();
    server_stop();
    die_at(1, "waiting", die);
    assert_int_equal(bench_migrate(), SOURCE_UNRESOLVED);
    restart(1);
}

/* B listens again, at another port; A's journals are changed to that port. */
static void reconnect(void)
{
    struct journal *list;
    char dir[128];
    server_start();
    host_journal_dir(&bench_host[0], dir, sizeof dir);
    int count = journal_list(dir, &list);
    for (int i = 0; i < count; i++) {
        list[i].port = bench_request.port;
        journal_write(dir, &list[i]);
    }
    free(list);
}

/* An older migration of the guest that A took back, with a host that has not answered since. */
static void old_taken_back(void)
{
    struct failure f = { 0 };
    struct backend_domain d;
    struct backend *h = backend_open("A", &f);
    assert_int_equal(backend_find(h, "guest", &d), 0);
    backend_close(h);
    struct journal old = { .state = JOURNAL_SENDING, .port = 1, .domid = d.domid };
    memset(old.migration, 7, sizeof old.migration);
    memcpy(old.uuid, d.uuid, sizeof old.uuid);
    snprintf(old.name, sizeof old.name, "guest");
    snprintf(old.peer, sizeof old.peer, "127.0.0.1");
    assert_int_equal(host_move(&bench_host[0], &old, JOURNAL_SENDING), 0);
    assert_int_equal(host_move(&bench_host[0], &old, JOURNAL_TAKEN_BACK), 0);
}

static void end(void)
{
    server_stop();
    show("at the end");
}

/* Host B loses power between VERIFIED and COMMIT. Its journal is on a disk and survives. */
static void test_target_host_reboots_before_commit(void **unused)
{
    (void)unused;
    make_open();
    show("open");
    fake_destroy(1);
    restart(1);
    reconnect();
    settle();
    end();
    assert_true(fake_exists(0) || fake_exists(1));
}

static void destroy_copy(struct conn *unused)
{
    (void)unused;
    fake_destroy(1);
}

/* A person destroys the paused copy on B. */
static void test_copy_destroyed_before_commit(void **unused)
{
    (void)unused;
    start();
    die_at(1, "waiting", destroy_copy);
    bench_migrate();
    end();
    assert_true(fake_exists(0) || fake_exists(1));
}

/* An older migration's journal, `taken-back`, is open when A's daemon dies in a newer migration. */
static void test_old_journal_does_not_start_the_guest(void **unused)
{
    (void)unused;
    start();
    old_taken_back();
    die_at(0, "running", die); /* A has sent COMMIT, B runs the guest */
    bench_migrate();
    show("A's daemon died");
    restart(0);
    show("A's daemon is back");
    settle();
    end();
    assert_false(fake_ran_twice());
}

/* A's disk is full: no journal of A can be replaced. */
static void fill_disk(struct conn *unused)
{
    struct journal *list;
    char dir[128], id[37], path[256];
    (void)unused;
    host_journal_dir(&bench_host[0], dir, sizeof dir);
    int count = journal_list(dir, &list);
    for (int i = 0; i < count; i++) {
        uuid_format(list[i].migration, id);
        snprintf(path, sizeof path, "%s/%s.new", dir, id);
        mkdir(path, 0700);
    }
    free(list);
}

/* A cannot write `released`. After the guest ends on B, A must not start its old copy. */
static void test_released_not_written(void **unused)
{
    char command[200];
    (void)unused;
    start();
    die_at(0, "running", fill_disk);
    bench_migrate();
    show("moved");
    snprintf(command, sizeof command, "rmdir %s/migrations/*.new", bench_dir[0]);
    assert_int_equal(system(command), 0);
    settle();
    show("settled while the guest runs on B");
    fake_destroy(1);
    settle();
    end();
    assert_false(fake_runs(0));
}

/* A person gives the guest up twice on A, then the link is back. */
static void test_given_up_twice(void **unused)
{
    struct failure f = { 0 };
    (void)unused;
    make_open();
    assert_int_equal(settle_decide(&bench_host[0], "guest", false, &f), 0);
    assert_int_equal(settle_decide(&bench_host[0], "guest", false, &f), 0);
    show("given up twice");
    reconnect();
    settle();
    end();
    assert_true(fake_runs(1));
}

/* While B's daemon is down, a person starts the guest on B from its configuration. */
static void test_recovery_spares_a_new_guest(void **unused)
{
    (void)unused;
    start();
    die_at(1, "round-1", die);
    bench_migrate();
    fake_destroy(0);
    fake_destroy(1);
    fake_make_guest(1, "guest", 256, bench_kernel);
    show("started anew on B, with its uuid");
    restart(1);
    end();
    assert_true(fake_runs(1));
}

static int failing_opens;
struct backend *__real_backend_open(const char *host, struct failure *f);
struct backend *__wrap_backend_open(const char *host, struct failure *f);
struct backend *__wrap_backend_open(const char *host, struct failure *f)
{
    if (failing_opens) {
        failing_opens--;
        fail(f, XLM_E_INTERNAL, "cannot reach xenstore");
        return NULL;
    }
    return __real_backend_open(host, f);
}

/* xenstored has not started yet when A's daemon starts. */
static void test_recovery_is_tried_again(void **unused)
{
    (void)unused;
    start();
    die_at(0, "suspended", die);
    bench_migrate();
    show("A's daemon died, the guest is suspended");
    bench_restart(0);
    failing_opens = 1;
    settle_recover(&bench_host[0]);
    settle();
    settle();
    end();
    assert_true(fake_runs(0));
}

/* `xlm resolve keep` with two journals of the guest applies to the open one, whatever their order
 * in the folder. */
static void test_resolve_means_the_open_journal(void **unused)
{
    struct failure f = { 0 };
    (void)unused;
    for (int i = 0; i < 10; i++) {
        make_open();
        old_taken_back();
        settle_decide(&bench_host[0], "guest", true, &f);
        show("kept on A");
        assert_true(fake_runs(0));
        bench_end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_target_host_reboots_before_commit),
        cmocka_unit_test(test_copy_destroyed_before_commit),
        cmocka_unit_test(test_old_journal_does_not_start_the_guest),
        cmocka_unit_test(test_released_not_written),
        cmocka_unit_test(test_given_up_twice),
        cmocka_unit_test(test_recovery_spares_a_new_guest),
        cmocka_unit_test(test_recovery_is_tried_again),
        cmocka_unit_test(test_resolve_means_the_open_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
