// link: @migrate
// libs: -lcmocka -lpthread -lm
// ldflags: -Wl,--wrap=backend_layout,--wrap=backend_depopulate,--wrap=backend_frames
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A cost per page during the downtime: for a guest that was ballooned from 16 GiB to 2 GiB the
 * target frees 3.67 million pages while the guest is stopped, by one hypercall per page.
 */
#include "migrate_bench.h"

#include "../../../migrate/intake.h"
#include "../../../migrate/outflow.h"

const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; /* of a case that fails */ }

#define GUEST_PAGES   (1ull << 22)
#define LOW_PAGES     786432ull
#define KEPT_PAGES    524288ull
#define CALLS_AT_MOST (GUEST_PAGES / 512) /* one per 2 MiB would do */

static uint64_t depopulate_calls;

int __wrap_backend_layout(struct backend *h, uint64_t pages, struct xlm_run bank[4]);
int __wrap_backend_depopulate(struct backend *h, uint32_t domid, uint64_t gfn);
int __wrap_backend_frames(struct backend *h, uint32_t domid, uint64_t gfn, size_t count, bool zero,
                          enum backend_frame *frame);

int __wrap_backend_layout(struct backend *h, uint64_t pages, struct xlm_run bank[4])
{
    (void)h;
    bank[0] = (struct xlm_run){ FAKE_MAGIC_GFN, 4 };
    bank[1] = (struct xlm_run){ 0x40000, pages < LOW_PAGES ? pages : LOW_PAGES };
    bank[2] = (struct xlm_run){ 0x200000, pages - bank[1].count };
    return 3;
}

int __wrap_backend_depopulate(struct backend *h, uint32_t domid, uint64_t gfn)
{
    (void)h;
    (void)domid;
    (void)gfn;
    depopulate_calls++;
    return 0;
}

int __wrap_backend_frames(struct backend *h, uint32_t domid, uint64_t gfn, size_t count, bool zero,
                          enum backend_frame *frame)
{
    (void)h;
    (void)domid;
    (void)gfn;
    (void)zero;
    for (size_t i = 0; i < count; i++)
        frame[i] = BACKEND_MEMORY;
    return 0;
}

static void test_ballooned_guest_needs_few_calls(void **unused)
{
    struct failure f = { 0 };
    struct intake in;
    uint64_t populated;
    (void)unused;
    bench_start(64);
    struct backend *h = backend_open("A", &f);
    assert_int_equal(intake_init(&in, h, GUEST_PAGES, &f), 0);
    memset(in.got, 0xff, in.memory.slots / 8);
    memory_attach(&in.memory, 1, true);
    assert_int_equal(memory_scan(&in.memory, &populated, NULL, &f), 0);
    struct xlm_run kept[2] = { { FAKE_MAGIC_GFN, 4 }, { 0x40000, KEPT_PAGES } };
    assert_int_equal(intake_finish(&in, kept, 2, &populated), 0);
    printf("  ballooned from 16 to 2 GiB: %llu hypercalls in the blackout\n",
           (unsigned long long)depopulate_calls);
    assert_true(depopulate_calls <= CALLS_AT_MOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ballooned_guest_needs_few_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
