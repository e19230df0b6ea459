// link: @migrate
// libs: -lcmocka -lpthread -lm
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inputs that the daemon does not handle: a fragmented balloon, a balloon that shrinks during a
 * migration, a link so slow that the stop rule's shortest time misleads it, vCPUs that are not
 * plugged in, and a peer that offers any path as a file.
 */
#include "migrate_bench.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "../../../migrate/codec.h"
#include "../../../migrate/files.h"
#include "../../../migrate/intake.h"
#include "../../../migrate/outflow.h"
#include "../../../migrate/policy.h"

const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; /* of a case that fails */ }

/* Every other page is ballooned out, so the memory consists of 5120 runs. */
static void test_fragmented_balloon_moves(void **unused)
{
    const uint32_t pages = 10240;
    (void)unused;
    bench_start(pages);
    fake_options[1].free_pages = 1 << 20;
    for (uint32_t n = 0; n < pages; n += 2)
        fake_balloon(0, n, true);
    for (uint32_t n = 1; n < pages; n += 2)
        bench_write(n);
    enum source_result result = bench_migrate();
    printf("  result %d after %llu pages: %s\n", result,
           (unsigned long long)bench_report.pages_sent, bench_last);
    assert_int_equal(result, SOURCE_OK);
    bench_end();
}

static volatile bool growing;

#define BALLOON_FIRST 1000u
#define BALLOON_END   9000u

/* Begins once the first round is under way. */
static void *grow_main(void *unused)
{
    while (growing && !fake_logging(0))
        usleep(500);
    usleep(200000);
    while (growing) {
        for (uint32_t n = BALLOON_FIRST; n < BALLOON_END && growing; n++)
            if (fake_is_hole(0, n)) {
                fake_balloon(0, n, false);
                bench_write(n);
            }
        usleep(500);
    }
    return unused;
}

/* The guest gets its memory back while it moves: the pages must not all be left to the blackout. */
static void test_growing_guest_is_not_sent_in_the_blackout(void **unused)
{
    pthread_t thread;
    (void)unused;
    bench_start(BALLOON_END);
    fake_options[1].free_pages = 1 << 20;
    for (uint32_t n = BALLOON_FIRST; n < BALLOON_END; n++)
        fake_balloon(0, n, true);
    for (uint32_t n = 0; n < BALLOON_FIRST; n++)
        bench_write(n);
    bench_request.max_mib_s = 4;
    growing = true;
    pthread_create(&thread, NULL, grow_main, NULL);
    bench_migrate();
    growing = false;
    pthread_join(thread, NULL);
    uint32_t last = bench_report.round_count - 1;
    for (uint32_t i = 0; i <= last; i++)
        printf("  round %u%s: %llu pages\n", i + 1, i == last ? ", the guest stopped" : "",
               (unsigned long long)bench_report.round[i].pages);
    assert_true(bench_report.round[last].pages < 2000);
    bench_end();
}

/* 512 kbit/s: the pages that remain after round 4 take 14 s, not 300 ms. */
static void test_slow_link_does_not_stop_early(void **unused)
{
    static const uint64_t pages[] = { 65536, 4000, 900, 240, 230 };
    const double bytes_per_s = 65536, page_bytes = 4112;
    struct policy p;
    struct policy_result result = { 0 };
    (void)unused;
    policy_init(&p, 300, false);
    for (unsigned i = 0; i < 4; i++) {
        double seconds = (double)pages[i] * page_bytes / bytes_per_s;
        struct policy_round round = { pages[i] * 4112, (uint64_t)(seconds * 1e9), pages[i],
                                      pages[i + 1] };
        result = policy_after_round(&p, &round);
        printf("  round %u: %llu pages in %.0f s, then %llu dirty: predicts %u ms, verdict %d; "
               "true %.0f ms\n",
               i + 1, (unsigned long long)pages[i], seconds, (unsigned long long)pages[i + 1],
               result.downtime_ms, result.verdict,
               (double)pages[i + 1] * page_bytes / bytes_per_s * 1000);
    }
    assert_true(result.verdict != POLICY_STOP);
}

/* vCPUs that the guest may plug in later. */
static void test_maxvcpus_survives(void **unused)
{
    static const char json[] =
        "{\"c_info\":{\"type\":\"pvh\",\"name\":\"g\","
        "\"uuid\":\"00000000-0000-0000-0000-000000000001\"},"
        "\"b_info\":{\"max_vcpus\":4,\"avail_vcpus\":[0],\"max_memkb\":1048576,"
        "\"target_memkb\":524288,\"kernel\":\"/k\"}}";
    struct failure f = { 0 };
    struct config c;
    (void)unused;
    assert_int_equal(config_from_libxl(&c, json, &f), 0);
    char *text = config_write(&c, &f);
    assert_non_null(text);
    printf("%s", text);
    bool there = strstr(text, "maxvcpus = 4");
    free(text);
    config_free(&c);
    assert_true(there);
}

/* The daemon, as root, opens whatever path the peer offers; an open of a device has effects. */
static void test_special_file_is_not_opened(void **unused)
{
    char dir[] = "/tmp/known-files-XXXXXX", fifo[64], events[512], command[96];
    uint8_t uuid[16] = { 1 };
    struct failure f = { 0 };
    struct config c = { 0 };
    struct files files;
    (void)unused;
    assert_non_null(mkdtemp(dir));
    snprintf(fifo, sizeof fifo, "%s/watchdog", dir);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    int watch = inotify_init1(IN_NONBLOCK);
    inotify_add_watch(watch, fifo, IN_OPEN);
    struct xlm_file_offer offer[2] = { { .size = 4096, .path_length = (uint32_t)strlen(fifo) } };
    files_init(&files);
    assert_int_equal(files_prepare(&files, dir, uuid, &c, 64, offer, &f), 0);
    const char *path[2] = { fifo, "" };
    files_wanted(&files, path);
    ssize_t opened = read(watch, events, sizeof events);
    close(watch);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
    assert_true(opened <= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fragmented_balloon_moves),
        cmocka_unit_test(test_growing_guest_is_not_sent_in_the_blackout),
        cmocka_unit_test(test_slow_link_does_not_stop_early),
        cmocka_unit_test(test_maxvcpus_survives),
        cmocka_unit_test(test_special_file_is_not_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
