/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake xen-lite/base/options.c
// libs: -lcmocka
/* The command line: the values that each option accepts, the warnings, and that an invalid value
 * leaves the default. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "domain.h"
#include "hypercall.h"

static unsigned warnings;
static char last_warning[256];

void log_printf(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    if (level != LOG_WARN)
        return;
    warnings++;
    va_start(ap, fmt);
    (vsnprintf)(last_warning, sizeof(last_warning), fmt, ap);
    va_end(ap);
}

size_t strlcpy(char *dst, const char *src, size_t size)
{
    size_t n = strlen(src);
    if (size) {
        size_t copy = n < size - 1 ? n : size - 1;
        memcpy(dst, src, copy);
        dst[copy] = '\0';
    }
    return n;
}

static const struct cmdline defaults = { .vlpt = true,
                                         .loglvl = LOGLVL_INFO,
                                         .guest_loglvl = LOGLVL_WARN };

static void parse(const char *s)
{
    cmdline = defaults;
    warnings = 0;
    last_warning[0] = '\0';
    cmdline_parse(s);
}

static void test_line_of_stock_xen(void **state)
{
    (void)state;
    parse("console=dtuart dtuart=/pl011@9000000 dom0_mem=768M bootscrub=0 loglvl=all "
          "guest_loglvl=all");
    assert_int_equal(warnings, 0);
    assert_int_equal(cmdline.dom0_mem_bytes, 768ull << 20);
    assert_string_equal(cmdline.dtuart, "/pl011@9000000");
    assert_int_equal(cmdline.loglvl, LOGLVL_ALL);
    assert_int_equal(cmdline.guest_loglvl, LOGLVL_ALL);
    assert_string_equal(cmdline.text,
                        "console=dtuart dtuart=/pl011@9000000 dom0_mem=768M bootscrub=0 loglvl=all "
                        "guest_loglvl=all");
}

static void test_sizes(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        { "dom0_mem=1G", 1ull << 30 },
        { "dom0_mem=1048576", 1ull << 30 },
        { "dom0_mem=524288k", 512ull << 20 },
        { "dom0_mem=0x10000k", 64ull << 20 },
        { "dom0_mem=max:512M", 512ull << 20 },
        { "dom0_mem=1G,max:768M", 768ull << 20 },
        { "dom0_mem=min:64M,256M,max:1G", 256ull << 20 },
    };
    static const char *const bad[] = {
        "dom0_mem=",
        "dom0_mem=lots",
        "dom0_mem=12Q",
        "dom0_mem=99999999999999999999",
        "dom0_mem=18446744073709551615G",
        "dom0_mem=-1",
        "dom0_mem=0x",
        "dom0_mem",
        "dom0_mem=0",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        parse(good[i].text);
        assert_int_equal(warnings, 0);
        assert_int_equal(cmdline.dom0_mem_bytes, good[i].bytes);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        parse(bad[i]);
        assert_int_equal(warnings, 1);
        assert_non_null(strstr(last_warning, "dom0_mem"));
        assert_int_equal(cmdline.dom0_mem_bytes, 0);
    }
}

static void test_option_values(void **state)
{
    (void)state;
    parse("vlpt=off dirty=hw noreboot dom0_max_vcpus=2 sync_console=yes loglvl=warning/info");
    assert_int_equal(warnings, 0);
    assert_false(cmdline.vlpt);
    assert_int_equal(cmdline.dirty_mode, DIRTY_HW);
    assert_true(cmdline.noreboot);
    assert_true(cmdline.sync_console);
    assert_int_equal(cmdline.dom0_max_vcpus, 2);
    assert_int_equal(cmdline.loglvl, LOGLVL_WARN);

    parse("no-vlpt dirty=sw dom0_max_vcpus=1-4 noreboot=no");
    assert_int_equal(warnings, 0);
    assert_false(cmdline.vlpt);
    assert_int_equal(cmdline.dirty_mode, DIRTY_SW);
    assert_int_equal(cmdline.dom0_max_vcpus, 4);
    assert_false(cmdline.noreboot);

    assert_false(cmdline.split_eager);
    parse("split=eager");
    assert_true(cmdline.split_eager);
    parse("split=lazy");
    assert_false(cmdline.split_eager);
    parse("dirty=maybe");
    assert_int_equal(warnings, 1);
    assert_non_null(strstr(last_warning, "maybe"));
    assert_int_equal(cmdline.dirty_mode, DIRTY_AUTO);
    parse("vlpt=perhaps");
    assert_int_equal(warnings, 1);
    assert_true(cmdline.vlpt);
    parse("dom0_max_vcpus=64");
    assert_int_equal(warnings, 1);
    assert_int_equal(cmdline.dom0_max_vcpus, MAX_VCPUS);
    parse("dom0_max_vcpus=0");
    assert_int_equal(warnings, 1);
    assert_int_equal(cmdline.dom0_max_vcpus, 0);
    parse("console=vga");
    assert_int_equal(warnings, 1);
    parse("console=com1,dtuart");
    assert_int_equal(warnings, 0);
}

static void test_unknown_options_warned(void **state)
{
    char line[600];

    (void)state;
    parse("  \t flux_capacitor=1.21GW  sched=credit2 no-hmp-unsafe ");
    assert_int_equal(warnings, 1);
    assert_non_null(strstr(last_warning, "flux_capacitor"));
    parse("");
    assert_int_equal(warnings, 0);
    parse("loglvl=info -- console=hvc0 root=/dev/xvda");
    assert_int_equal(warnings, 0);
    /* A word beyond the maximum length, and a path that does not fit. */
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    parse(line);
    assert_int_equal(warnings, 1);
    memcpy(line, "dtuart=", 7);
    parse(line);
    assert_int_equal(warnings, 1);
    assert_string_equal(cmdline.dtuart, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_of_stock_xen),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_option_values),
        cmocka_unit_test(test_unknown_options_warned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
