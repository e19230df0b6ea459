/* SPDX-License-Identifier: BSD-2-Clause */
// libs: -lcmocka
/* Compares vsnprintf with the C library's: every conversion with random flags, widths, precisions
 * and buffer sizes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define vsnprintf xl_vsnprintf
#define snprintf  xl_snprintf
#include "../../xen-lite/lib/printf.c"
#undef vsnprintf
#undef snprintf

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat"

static uint32_t seed = 99;
static uint32_t next_random(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

static void same(const char *format, ...)
{
    char ours[160], theirs[160];
    size_t size = next_random() % 4 ? sizeof(ours) : next_random() % 24;
    memset(ours, '#', sizeof(ours));
    memset(theirs, '#', sizeof(theirs));
    va_list ap, again;
    va_start(ap, format);
    va_copy(again, ap);
    int n = xl_vsnprintf(ours, size, format, ap), expect = vsnprintf(theirs, size, format, again);
    va_end(again);
    va_end(ap);
    if (n != expect || memcmp(ours, theirs, sizeof(ours)))
        fail_msg("\"%s\" in %zu bytes: [%s] %d, not [%s] %d", format, size, size ? ours : "", n,
                 size ? theirs : "", expect);
}

/* %[flags][width][.precision]<tail> */
static void make_format(char *out, size_t room, const char *flags, const char *tail)
{
    size_t at = 0;
    out[at++] = '%';
    for (const char *f = flags; *f; f++)
        if (next_random() % 3 == 0)
            out[at++] = *f;
    if (next_random() % 2)
        at += (size_t)snprintf(out + at, room - at, "%u", 1 + next_random() % 25);
    if (next_random() % 2)
        at += (size_t)snprintf(out + at, room - at, next_random() % 8 ? ".%u" : ".",
                               next_random() % 22);
    snprintf(out + at, room - at, "%s", tail);
}

static uint64_t number(void)
{
    static const uint64_t edge[] = { 0,          1,         9,           10,       127,
                                     128,        255,       256,         32767,    32768,
                                     65535,      INT_MAX,   0x80000000u, UINT_MAX, INT64_MAX,
                                     1ull << 63, UINT64_MAX };
    uint64_t n = (uint64_t)next_random() << 48 ^ (uint64_t)next_random() << 24 ^ next_random();
    return next_random() % 2 ? edge[next_random() % ARRAY_SIZE(edge)] : n >> (next_random() % 64);
}

static void test_number_conversions(void **state)
{
    (void)state;
    static const char *const decimal[] = { "d", "i", "hd", "hhd", "ld", "lld", "jd", "zd", "td" };
    static const char *const other[] = { "u",  "x",   "X",  "o",  "hu", "hhx",
                                         "lx", "llX", "ju", "zu", "lo", "tx" };
    char format[40];
    for (unsigned i = 0; i < 200000; i++) {
        const char *tail = i & 1 ? decimal[next_random() % ARRAY_SIZE(decimal)]
                                 : other[next_random() % ARRAY_SIZE(other)];
        make_format(format, sizeof(format), i & 1 ? "-+ 0" : "-0#", tail);
        uint64_t n = number();
        if (strpbrk(tail, "ljzt"))
            same(format, n);
        else
            same(format, (int)n);
    }
}

static void test_text_conversions(void **state)
{
    (void)state;
    char format[40];
    for (unsigned i = 0; i < 50000; i++) {
        make_format(format, sizeof(format), "-", "s");
        same(format, i % 7 ? "the quick brown fox" + next_random() % 20 : "");
        same("<%*s|%-*s>", (int)(next_random() % 30) - 15, "abc", (int)(next_random() % 10), "de");
        same("<%.*s|%.*d>", (int)(next_random() % 8) - 2, "abcdef", (int)(next_random() % 8) - 2,
             7);
        same("%c%5c%-3c|%%", 'a', 'b', 'c');
    }
    char unterminated[4] = { 'a', 'b', 'c', 'd' };
    same("%.4s", unterminated);
}

static void test_pointers_and_truncation(void **state)
{
    (void)state;
    char buf[40];
    xl_snprintf(buf, sizeof(buf), "%p", (void *)0x1234);
    assert_string_equal(buf, sizeof(void *) == 8 ? "0000000000001234" : "00001234");
    assert_int_equal(xl_snprintf(NULL, 0, "%d", 12345), 5);
    const char *volatile nothing = NULL;
    xl_snprintf(buf, sizeof(buf), "%s", nothing);
    assert_string_equal(buf, "(null)");
    assert_int_equal(xl_snprintf(buf, sizeof(buf), "100%"), 4);
    assert_int_equal(xl_snprintf(buf, 3, "%s", "abcdef"), 6);
    assert_string_equal(buf, "ab");
    xl_snprintf(buf, sizeof(buf), "%f", 1.0); /* an unknown conversion is printed as it is */
    assert_string_equal(buf, "%f");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number_conversions),
        cmocka_unit_test(test_text_conversions),
        cmocka_unit_test(test_pointers_and_truncation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
