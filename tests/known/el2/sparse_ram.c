/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @mem
// libs: -lcmocka
/*
 * A table whose size depends on the span of RAM instead of on its amount: the frame table has an
 * entry for every frame between the lowest and the highest byte of RAM.  Servers have 2 GiB of low
 * RAM and the rest above a hole (Ampere Altra: 0x80000000 and 0x8000000000; a second socket TiBs
 * away), so the table takes GiBs of RAM, or does not fit and the boot stops.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "lib.h"
#include "domain.h"
#include "fake.h"
#include "mm.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)

static void test_second_socket_far_away_boots(void **state)
{
    (void)state;
    fake_init(64 << 20, 1);
    struct mem_region far[2] = { { FAKE_RAM, FAKE_RAM + 64 * MIB },
                                 { 0x200000000000, 0x200000000000 + GIB } };
    if (setjmp(fake_panic_jmp) != 0)
        fail_msg("the boot stops with 64 MiB low and 1 GiB at 32 TiB");
    fake_panic_armed = true;
    page_init(far, 2, NULL, 0);
    fake_panic_armed = false;
    /* 1 % of RAM suffices for an entry per frame of RAM, but not for an entry per frame of the
     * hole.
     */
    assert_true(page_free_count() * PAGE_SIZE > 63 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_second_socket_far_away_boots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
