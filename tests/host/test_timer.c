/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake xen-lite/base/timer.c
// libs: -lcmocka
/* Software timers: order, re-arming, the hardware's deadline, stops from the callback and from
 * other CPUs, conversions. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <threads.h>
#include "fake.h"
#include "timer.h"

static struct {
    int id[64];
    unsigned count;
} fired;
static void note(void *arg) { fired.id[fired.count++ % 64] = (int)(intptr_t)arg; }

static int start(void **state)
{
    (void)state;
    fake_init(1 << 20, 4);
    fake_cpu_set(0);
    fake_counter = 1000;
    fake_counter_step = 0;
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        memset(&cpus[i], 0, sizeof(cpus[i]));
        cpus[i].id = i;
        list_init(&cpus[i].timers);
    }
    fired.count = 0;
    time_init();
    return 0;
}

static void run_at(uint64_t when)
{
    fake_counter = when;
    timer_run_expired();
}

static void test_fires_in_order(void **state)
{
    (void)state;
    static const uint64_t at[] = { 5000, 2000, 9000, 2000, 3000 };
    struct timer t[5];
    for (int i = 0; i < 5; i++) {
        timer_init(&t[i], note, (void *)(intptr_t)i);
        timer_set(&t[i], at[i]);
    }
    assert_int_equal(fake_timer_deadline[0], 2000);
    run_at(1999);
    assert_int_equal(fired.count, 0);
    run_at(3000);
    assert_int_equal(fired.count, 3);
    assert_int_equal(fired.id[0], 1); /* equal deadlines: in the order of arming */
    assert_int_equal(fired.id[1], 3);
    assert_int_equal(fired.id[2], 4);
    assert_int_equal(fake_timer_deadline[0], 5000);
    timer_set(&t[2], 4000); /* earlier than it was */
    assert_int_equal(fake_timer_deadline[0], 4000);
    timer_stop(&t[2]);
    assert_int_equal(fake_timer_deadline[0], 5000);
    run_at(10000);
    assert_int_equal(fired.count, 4);
    assert_int_equal(fake_timer_deadline[0], ~0ull);
}

/* The hardware's interrupt is level-triggered: a deadline that has passed must be replaced even
 * when no timer fired. */
static void test_passed_deadline_replaced(void **state)
{
    (void)state;
    struct timer t;
    timer_init(&t, note, NULL);
    timer_set(&t, 2000);
    cpus[1].armed = 0;
    fake_cpu_set(1);
    timer_cancel(&t); /* cancelled by another CPU: CPU 0's hardware keeps the deadline */
    assert_int_equal(fake_timer_deadline[0], 2000);
    fake_cpu_set(0);
    run_at(2500);
    assert_int_equal(fired.count, 0);
    assert_int_equal(fake_timer_deadline[0], ~0ull);
}

static void test_moves_between_cpus(void **state)
{
    (void)state;
    struct timer t;
    timer_init(&t, note, (void *)7);
    timer_set(&t, 2000);
    fake_cpu_set(2);
    timer_set(&t, 3000);
    fake_cpu_set(0);
    run_at(5000);
    assert_int_equal(fired.count, 0);
    fake_cpu_set(2);
    timer_run_expired();
    assert_int_equal(fired.count, 1);
    fake_cpu_set(0);
}

static struct timer periodic;
static void again(void *arg)
{
    fired.count++;
    if (arg)
        timer_stop(&periodic); /* called from its own callback: must not wait for itself */
    else
        timer_set(&periodic, periodic.deadline + 100);
}

static void test_stop_and_set_in_callback(void **state)
{
    (void)state;
    timer_init(&periodic, again, NULL);
    timer_set(&periodic, 1100);
    run_at(1450); /* 1100, 1200, 1300, 1400 */
    assert_int_equal(fired.count, 4);
    assert_int_equal(fake_timer_deadline[0], 1500);
    timer_stop(&periodic);
    timer_init(&periodic, again, (void *)1);
    timer_set(&periodic, 1500);
    run_at(2000);
    assert_int_equal(fired.count, 5);
    assert_false(periodic.armed);
}

static void test_conversions(void **state)
{
    (void)state;
    static const uint64_t hz[] = { 1000000, 19200000, 24000000, 62500000, 1000000000 };
    uint64_t saved = counter_hz;
    for (unsigned i = 0; i < ARRAY_SIZE(hz); i++) {
        counter_hz = hz[i];
        assert_int_equal(ns_to_ticks(1000000000), hz[i]);
        assert_int_equal(ticks_to_ns(hz[i]), 1000000000);
        /* Thirty years: exact, without overflow. */
        assert_int_equal(ticks_to_ns(hz[i] * 946080000ull), 946080000000000000ull);
        assert_int_equal(ns_to_ticks(946080000000000000ull), hz[i] * 946080000ull);
        for (uint64_t t = 1; t < 1ull << 50; t = t * 3 + 1) {
            uint64_t back = ns_to_ticks(ticks_to_ns(t));
            assert_true(back <= t && t - back <= 1);
        }
    }
    counter_hz = saved;
    fake_counter = 5000;
    time_init();
    fake_counter += counter_hz;
    assert_int_equal(system_time_ns(), 1000000000);
    assert_int_equal(counter_to_system_ns(5000), 0);
    assert_int_equal(counter_to_system_ns(5000 + counter_hz), 1000000000);
    fake_counter += 10 * counter_hz;
    time_init();
    assert_int_equal(counter_to_system_ns(fake_counter - counter_hz), -1000000000);
}

/* CPU 1 arms and fires the timer.  This CPU stops it at some moment.  After that, the callback must
 * not run. */
static struct timer shared;
static bool done, stopped;
static unsigned request, armed, calls, late;
static void slow(void *arg)
{
    (void)arg;
    for (volatile int i = 0; i < 300; i++)
        ;
    late += __atomic_load_n(&stopped, __ATOMIC_SEQ_CST);
    calls++;
}

static int firing_cpu(void *arg)
{
    fake_cpu_set((unsigned)(uintptr_t)arg);
    while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
        unsigned n = __atomic_load_n(&request, __ATOMIC_ACQUIRE);
        if (n != armed) {
            timer_set(&shared, 0); /* due at once */
            __atomic_store_n(&armed, n, __ATOMIC_RELEASE);
        } else {
            thrd_yield();
        }
        timer_run_expired();
    }
    return 0;
}

static void test_stop_races(void **state)
{
    (void)state;
    thrd_t thread;
    timer_init(&shared, slow, NULL);
    assert_int_equal(thrd_create(&thread, firing_cpu, (void *)1), thrd_success);
    for (unsigned i = 1; i <= 5000; i++) {
        __atomic_store_n(&stopped, false, __ATOMIC_SEQ_CST);
        __atomic_store_n(&request, i, __ATOMIC_RELEASE);
        while (__atomic_load_n(&armed, __ATOMIC_ACQUIRE) != i)
            thrd_yield();
        for (volatile unsigned delay = 0; delay < i % 700; delay++)
            ;
        timer_stop(&shared);
        __atomic_store_n(&stopped, true, __ATOMIC_SEQ_CST);
        assert_false(shared.armed);
        assert_int_equal(shared.running, 0);
    }
    __atomic_store_n(&done, true, __ATOMIC_RELEASE);
    thrd_join(thread, NULL);
    assert_int_equal(late, 0);
    assert_true(calls > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_fires_in_order, start),
        cmocka_unit_test_setup(test_passed_deadline_replaced, start),
        cmocka_unit_test_setup(test_moves_between_cpus, start),
        cmocka_unit_test_setup(test_stop_and_set_in_callback, start),
        cmocka_unit_test_setup(test_conversions, start),
        cmocka_unit_test_setup(test_stop_races, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
