/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake
// libs: -lcmocka
/* Compares memory and string functions with the C library's: random lengths, alignments and
 * overlaps, and strtoul's corner cases. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* The hypervisor's sources under other names, so that they can be compared with the C library's. */
#define memcpy            xl_memcpy
#define memmove           xl_memmove
#define memset            xl_memset
#define memcmp            xl_memcmp
#define memchr            xl_memchr
#define strlen            xl_strlen
#define strnlen           xl_strnlen
#define strcmp            xl_strcmp
#define strncmp           xl_strncmp
#define strchr            xl_strchr
#define strrchr           xl_strrchr
#define strtoul           xl_strtoul
#define strlcpy           xl_strlcpy
#define __stack_chk_guard xl_stack_chk_guard
#define __stack_chk_fail  xl_stack_chk_fail
#include "../../xen-lite/lib/lib.c"
#include "../../xen-lite/base/stack_guard.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr
#undef strtoul
#include "fake.h"

#define ROOM 200u

static uint32_t seed = 12345;
static uint32_t next_random(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

static void fill(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)next_random();
}

static int sign(int x) { return (x > 0) - (x < 0); }

static void test_memory_functions(void **state)
{
    (void)state;
    _Alignas(16) uint8_t ours[ROOM], theirs[ROOM], from[ROOM];
    for (unsigned round = 0; round < 20000; round++) {
        fill(from, ROOM);
        fill(ours, ROOM);
        memcpy(theirs, ours, ROOM);
        size_t d = next_random() % 40, s = next_random() % 40, n = next_random() % 150;
        if (round & 1)
            d &= ~7ul, s &= ~7ul;
        assert_ptr_equal(xl_memcpy(ours + d, from + s, n), ours + d);
        memcpy(theirs + d, from + s, n);
        assert_memory_equal(ours, theirs, ROOM);
        assert_ptr_equal(xl_memmove(ours + d, ours + s, n), ours + d);
        memmove(theirs + d, theirs + s, n);
        assert_memory_equal(ours, theirs, ROOM);
        int c = (int)next_random() - 1000;
        assert_ptr_equal(xl_memset(ours + s, c, n), ours + s);
        memset(theirs + s, c, n);
        assert_memory_equal(ours, theirs, ROOM);
    }
}

static void test_string_searches(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        char a[24], b[24];
        size_t n = next_random() % 20;
        for (size_t i = 0; i < sizeof(a); i++) {
            a[i] = (char)("ab\0\xff"[next_random() % 4]);
            b[i] = next_random() % 8 ? a[i] : 'c';
        }
        a[23] = b[23] = 0;
        int c = "ab\xff"
                "c"[next_random() % 4];
        assert_int_equal(sign(xl_memcmp(a, b, n)), sign(memcmp(a, b, n)));
        assert_int_equal(sign(xl_strcmp(a, b)), sign(strcmp(a, b)));
        assert_int_equal(sign(xl_strncmp(a, b, n)), sign(strncmp(a, b, n)));
        assert_ptr_equal(xl_memchr(a, c, n), memchr(a, c, n));
        assert_ptr_equal(xl_strchr(a, c), strchr(a, c));
        assert_ptr_equal(xl_strrchr(a, c), strrchr(a, c));
        assert_ptr_equal(xl_strchr(a, 0), strchr(a, 0));
        assert_ptr_equal(xl_strrchr(a, 0), strrchr(a, 0));
        assert_int_equal(xl_strlen(a), strlen(a));
        assert_int_equal(xl_strnlen(a, n), strnlen(a, n));
    }
}

static void test_strtoul(void **state)
{
    (void)state;
    static const char *const text[] = {
        "0",
        "1",
        "42",
        "  \t\n17z",
        "+5",
        "-5",
        "0x1f",
        "0X1Fg",
        "0xz",
        "0x",
        "077",
        "08",
        "",
        "-",
        "+",
        "z",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999999",
        "-18446744073709551615",
        "ffffffffffffffff",
        "0xffffffffffffffffff",
        "1e5",
        "  x",
    };
    static const int base[] = { 0, 8, 10, 16, 2, 36 };
    for (unsigned i = 0; i < ARRAY_SIZE(text); i++)
        for (unsigned j = 0; j < ARRAY_SIZE(base); j++) {
            char *end, *expect_end;
            unsigned long expect = strtoul(text[i], &expect_end, base[j]),
                          got = xl_strtoul(text[i], &end, base[j]);
            if (got != expect || end != expect_end)
                fail_msg("strtoul(\"%s\", %d): %lu, not %lu; stops at %td, not %td", text[i],
                         base[j], got, expect, end - text[i], expect_end - text[i]);
        }
    assert_int_equal(xl_strtoul("12", NULL, 10), 12);
}

static void test_strlcpy(void **state)
{
    (void)state;
    char buf[8] = "unused.";
    assert_int_equal(xl_strlcpy(buf, "abc", sizeof(buf)), 3);
    assert_string_equal(buf, "abc");
    assert_int_equal(xl_strlcpy(buf, "abcdefghij", sizeof(buf)), 10);
    assert_string_equal(buf, "abcdefg");
    assert_int_equal(xl_strlcpy(buf, "xyz", 0), 3);
    assert_string_equal(buf, "abcdefg");
    assert_int_equal(xl_strlcpy(buf, "xyz", 1), 3);
    assert_string_equal(buf, "");
}

static void test_stack_guard(void **state)
{
    (void)state;
    uintptr_t before = xl_stack_chk_guard, seen[4];
    for (unsigned i = 0; i < 4; i++) {
        stack_guard_init();
        seen[i] = xl_stack_chk_guard;
        assert_true(seen[i] != before);
        assert_int_equal(seen[i] & 0xff, 0);
        before = seen[i];
    }
    if (setjmp(fake_panic_jmp) == 0) {
        fake_panic_armed = true;
        xl_stack_chk_fail();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_functions), cmocka_unit_test(test_string_searches),
        cmocka_unit_test(test_strtoul),          cmocka_unit_test(test_strlcpy),
        cmocka_unit_test(test_stack_guard),
    };
    fake_init(1 << 20, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
