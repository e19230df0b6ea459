// link: @migrate
// libs: -lcmocka -lpthread -lm
/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole migrations over a socket pair, between two fake hosts. */
#include "migrate_bench.h"

static void test_idle(void **unused)
{
    (void)unused;
    bench_start(512);
    bench_fill(200);
    assert_int_equal(bench_migrate(), SOURCE_OK);
    bench_assert_moved();
    assert_non_null(strstr(bench_last, "\"result\":\"ok\""));
    assert_true(bench_report.pages_sent >= 200 && bench_report.zero_pages >= 312);
    assert_true(bench_report.downtime_ns > 0 && bench_report.downtime_ns <= bench_report.total_ns);
    assert_string_equal(fake_node(1), "written by the guest");
    assert_true(fake_counter(1) > 1000); /* the guest's clock includes the blackout */
    assert_string_equal(fake_name(1), "guest");
    bench_end();
}

static void test_slow_create_queues_pages(void **unused)
{
    (void)unused;
    bench_start(1024);
    bench_fill(1000);
    fake_options[1].create_ms = 200;
    bench_host[1].buffer_bytes =
        1 << 20; /* smaller than the guest: B stops reading, and continues later */
    assert_int_equal(bench_migrate(), SOURCE_OK);
    bench_assert_moved();
    bench_end();
}

static void test_under_load(void **unused)
{
    (void)unused;
    for (int i = 0; i < 5; i++) {
        bench_start(1024);
        bench_fill(900);
        bench_load(300);
        assert_int_equal(bench_migrate(), SOURCE_OK);
        bench_load_end();
        bench_assert_moved();
        bench_end();
    }
}

static void test_there_and_back(void **unused)
{
    (void)unused;
    bench_start(512);
    bench_fill(100);
    assert_int_equal(bench_migrate(), SOURCE_OK);
    bench_assert_moved();
    bench_turn();
    assert_int_equal(bench_migrate(), SOURCE_OK);
    bench_assert_moved();
    bench_end();
}

static void test_balloon(void **unused)
{
    (void)unused;
    bench_start(512);
    bench_fill(100);
    fake_balloon(0, 400, true);
    fake_balloon(0, 401, true);
    fake_balloon(0, 520, false); /* more than xl populates */
    assert_int_equal(bench_migrate(), SOURCE_OK);
    bench_assert_moved();
    assert_true(fake_is_hole(1, 400) && fake_is_hole(1, 401) && !fake_is_hole(1, 520) &&
                !fake_is_hole(1, 399));
    bench_end();
}

/* To a host with both widths, and to a host with this width only. */
static void test_32_bits(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < 2; i++) {
        bench_start(256);
        fake_set_width(0, 32);
        fake_options[1].el1_widths = i ? 0 : 2;
        bench_fill(100);
        assert_int_equal(bench_migrate(), SOURCE_OK);
        bench_assert_moved();
        assert_int_equal(fake_width(1), 32);
        bench_end();
    }
}

static void refused(const char *text)
{
    assert_int_equal(bench_migrate(), SOURCE_FAILED);
    if (!strstr(bench_last, text))
        bench_fail("\"%s\" is not in %s", text, bench_last);
    bench_assert_stayed();
    bench_end();
}

static void test_refusals(void **unused)
{
    (void)unused;
    bench_start(256), fake_make_guest(1, "guest", 16, "/none"),
        fake_options[1].free_pages = 1 << 20;
    assert_int_equal(bench_migrate(), SOURCE_FAILED);
    assert_non_null(strstr(bench_last, "the target host already has a domain"));
    assert_int_equal(bench_report.pages_sent, 0);
    fake_reset();
    bench_end();

    bench_start(256), fake_options[1].free_pages = 100;
    refused("MiB free, the guest needs");
    bench_start(256), fake_options[1].gic = 2;
    refused("the guest has GICv3, the target host has GICv2");
    bench_start(256), fake_options[0].gic = 2;
    refused("the guest has GICv2, the target host has GICv3");
    bench_start(256), fake_options[0].isar0 |= 2u << 20;
    refused("ID_AA64ISAR0_EL1.ATOMICS: the guest has seen 2, the target host offers 0");
    bench_start(256), fake_options[0].el1_widths = fake_options[1].el1_widths = 0;
    refused("the guest's kernel is of 64 bits (AArch64), which the target host's CPUs do not "
            "support at EL1");
    bench_start(256), fake_set_width(0, 32), fake_options[1].el1_widths = 1;
    refused("the guest's kernel is of 32 bits (AArch32), which the target host's CPUs do not "
            "support at EL1");
    bench_start(256), fake_options[1].create_fails = true;
    refused("no luck");
    bench_start(256), fake_options[1].set_context_fails = true;
    refused("the hypervisor refuses the guest's state");
    bench_start(256), fake_options[0].ignores_suspend = true;
    refused("did not suspend");
}

/* A host with one CPU accepts no page before its domain exists. */
static void test_no_buffer(void **unused)
{
    (void)unused;
    for (int i = 0; i < 2; i++) {
        bench_start(1024), fake_options[1].create_ms = i ? 300 : 0;
        bench_host[1].buffer_bytes = 0;
        bench_fill(900);
        bench_load(100);
        assert_int_equal(bench_migrate(), SOURCE_OK);
        bench_load_end();
        assert_true(bench_report.create_ns >= (i ? 200000000u : 0));
        bench_assert_moved();
        bench_end();
    }
}

static void test_midr_is_a_warning(void **unused)
{
    (void)unused;
    bench_start(256), fake_options[1].midr = 0x411fd080;
    assert_int_equal(bench_migrate(), SOURCE_OK);
    assert_non_null(strstr(bench_warning, "MIDR_EL1"));
    bench_assert_moved();
    bench_end();
}

static void test_paused_guest_is_refused(void **unused)
{
    (void)unused;
    bench_start(256);
    fake_pause(0, true);
    assert_int_equal(bench_migrate(), SOURCE_FAILED);
    assert_non_null(strstr(bench_last, "run `xl unpause` first"));
    fake_pause(0, false);
    bench_assert_stayed();
    bench_end();
}

static void test_cancel(void **unused)
{
    (void)unused;
    for (unsigned ms = 0; ms < 60; ms += 7) {
        bench_start(1024);
        bench_fill(1000);
        bench_request.max_mib_s = 10; /* round 1 alone takes 100 ms */
        bench_cancel_after(ms);
        assert_int_equal(bench_migrate(), SOURCE_CANCELLED);
        bench_cancel_join();
        assert_non_null(strstr(bench_last, "\"result\":\"cancelled\""));
        bench_assert_stayed();
        bench_end();
    }
}

static void test_does_not_converge(void **unused)
{
    (void)unused;
    bench_start(1024);
    bench_fill(1000);
    bench_load(1000);
    bench_request.max_mib_s = 4;
    bench_request.downtime_ms = 61;
    assert_int_equal(bench_migrate(), SOURCE_FAILED);
    bench_load_end();
    assert_non_null(strstr(bench_last, "does not converge: dirty rate"));
    bench_assert_stayed();
    bench_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_slow_create_queues_pages),
        cmocka_unit_test(test_under_load),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_balloon),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_32_bits),
        cmocka_unit_test(test_no_buffer),
        cmocka_unit_test(test_midr_is_a_warning),
        cmocka_unit_test(test_paused_guest_is_refused),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_does_not_converge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
