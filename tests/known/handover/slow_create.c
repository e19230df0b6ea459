// link: @migrate
// libs: -lcmocka -lpthread -lm
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A timeout that treats a slow peer as a lost one: `xl create` takes 20 s on the target, and the
 * target's buffer of 1 MiB is full during that time.  TCP_USER_TIMEOUT includes the time of a zero
 * window, so the connection ends after about 11 s with a misleading error.
 */
#include "server.h"

const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; /* of a case that fails */ }

#define PAGES        10000u
#define CREATE_MS    20000u
#define BUFFER_BYTES (1u << 20)

static void test_slow_create_with_a_full_buffer(void **unused)
{
    (void)unused;
    bench_start(PAGES);
    fake_options[1].free_pages = 1 << 20;
    bench_fill(PAGES);
    fake_options[1].create_ms = CREATE_MS;
    bench_host[1].buffer_bytes = BUFFER_BYTES;
    server_start();
    bench_report = (struct report){ .emit = bench_emit };
    enum source_result result = source_run(&bench_host[0], &bench_request, &bench_report);
    server_stop();
    printf("  result %d: %s\n", result, bench_last);
    assert_int_equal(result, SOURCE_OK);
    bench_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_create_with_a_full_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
