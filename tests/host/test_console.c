/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake xen-lite/base/log.c xen-lite/run/console.c xen-lite/call/console_io.c
// libs: -lcmocka
/* The log ring, log levels, guests' lines and their rate limit, console input and its switch,
 * CONSOLEIO_*. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "domain.h"
#include "hypercall.h"
#include "fake.h"

static char uart[1 << 20], typed[256], keys[16];
static unsigned uart_len, typed_at, typed_len, key_count, virqs;
static struct domain control, guest;
static struct vcpu control_vcpu = { .domain = &control }, guest_vcpu = { .domain = &guest };

void uart_putc(char c)
{
    if (uart_len < sizeof(uart) - 1)
        uart[uart_len++] = c;
    uart[uart_len] = '\0';
}
int uart_getc(void) { return typed_at < typed_len ? (unsigned char)typed[typed_at++] : -1; }
void debug_key(char key) { keys[key_count++] = key; }
void evtchn_send_global_virq(uint32_t virq)
{
    assert_int_equal(virq, VIRQ_CONSOLE);
    virqs++;
}

#define BAD 4096u
size_t copy_from_guest(void *dst, uint64_t from, size_t n)
{
    if (from < BAD)
        return n;
    memcpy(dst, (const void *)(uintptr_t)from, n);
    return 0;
}
size_t copy_to_guest(uint64_t to, const void *src, size_t n)
{
    if (to < BAD)
        return n;
    memcpy((void *)(uintptr_t)to, src, n);
    return 0;
}
size_t clear_guest(uint64_t to, size_t n)
{
    if (to < BAD)
        return n;
    memset((void *)(uintptr_t)to, 0, n);
    return 0;
}
static uint64_t gva(const void *p) { return (uint64_t)(uintptr_t)p; }

static void be(struct vcpu *v) { cpus[0].current = v; }

static int start(void **state)
{
    static char sink[65536];
    uint32_t index = 0;
    (void)state;
    fake_init(1 << 20, 1);
    control = (struct domain){ .id = 0, .privileged = true };
    guest = (struct domain){ .id = 7 };
    cmdline.loglvl = LOGLVL_INFO;
    cmdline.guest_loglvl = LOGLVL_ALL;
    log_read_ring(sink, 0, &index, false, true);
    uart_len = typed_at = typed_len = key_count = virqs = 0;
    uart[0] = '\0';
    fake_preempt = false;
    fake_counter += 1ull << 40; /* long after the other tests: rate limits are reset */
    return 0;
}

static void type(const char *s)
{
    typed_len = (unsigned)strlen(s);
    memcpy(typed, s, typed_len);
    typed_at = 0;
    console_input();
}

static char *ring_text(bool clear)
{
    static char text[65536];
    uint32_t index = 0, n = log_read_ring(text, sizeof(text) - 1, &index, false, clear);
    text[n] = '\0';
    return text;
}

static void test_log_levels(void **state)
{
    (void)state;
    log_info("hello %d\n", 42);
    log_debug("secret\n");
    assert_non_null(strstr(uart, "hello 42\r\n"));
    assert_null(strstr(uart, "secret"));
    assert_non_null(strstr(ring_text(false), "] hello 42\n"));
    assert_non_null(strstr(ring_text(false), "] secret\n"));
    assert_int_equal(strncmp(ring_text(false), "(XL) [", 6), 0);
    /* A truncated line still ends with a newline. */
    char *longer = calloc(1, 5000);
    memset(longer, 'y', 4999);
    log_err("%s\n", longer);
    free(longer);
    assert_int_equal(uart[uart_len - 1], '\n');
}

static void test_ring_read(void **state)
{
    char piece[100];
    uint32_t index = 0, n;

    (void)state;
    for (unsigned i = 0; i < 2000; i++)
        log_debug("line number %u of many that do not fit\n", i);
    const char *all = ring_text(false);
    assert_int_equal(strlen(all), 32768);
    assert_null(strstr(all, "number 0 of"));
    assert_non_null(strstr(all, "number 1999 of"));
    /* Read in pieces, each from the end of the last one, the text is the same. */
    char *copy = calloc(1, 40000);
    size_t got = 0;
    bool more = false;
    while ((n = log_read_ring(piece, sizeof(piece), &index, more, false))) {
        memcpy(copy + got, piece, n);
        got += n;
        more = true;
    }
    assert_string_equal(copy, all);
    free(copy);
    assert_int_equal(log_read_ring(piece, sizeof(piece), &index, true, false), 0);
    log_debug("one more\n");
    n = log_read_ring(piece, sizeof(piece), &index, true, false);
    piece[n] = '\0';
    assert_non_null(strstr(piece, "one more"));
    /* An index outside the ring is ignored: reading starts at the oldest text. */
    index += 12345;
    assert_int_equal(log_read_ring(piece, sizeof(piece), &index, true, false), sizeof(piece));
    ring_text(true);
    assert_string_equal(ring_text(false), "");
}

static void test_guest_lines(void **state)
{
    (void)state;
    be(&guest_vcpu);
    assert_int_equal(do_console_io(CONSOLEIO_write, 5, gva("half ")), 0);
    assert_string_equal(ring_text(false), "");
    assert_int_equal(do_console_io(CONSOLEIO_write, 12, gva("a line\n\x1b[31m")), 0);
    assert_non_null(strstr(ring_text(false), "(d7) half a line\n"));
    assert_null(strchr(ring_text(false), 0x1b));
    /* A line without a newline is cut at the maximum length. */
    char *longer = calloc(1, 2000);
    memset(longer, 'z', 1999);
    assert_int_equal(do_console_io(CONSOLEIO_write, 1999, gva(longer)), 0);
    free(longer);
    assert_true(guest.console.len < sizeof(guest.console.buf));
    /* Lines beyond the rate limit are dropped.  Their number is printed once the limit
     * allows it. */
    ring_text(true);
    fake_counter_step = 0;
    for (unsigned i = 0; i < 5000; i++)
        assert_int_equal(do_console_io(CONSOLEIO_write, 2, gva("f\n")), 0);
    unsigned lines = 0;
    for (const char *s = ring_text(true); (s = strstr(s, "(d7) ")); s++)
        lines++;
    assert_true(lines <= 260);
    fake_counter_step = 1;
    fake_counter += 1ull << 36;
    assert_int_equal(do_console_io(CONSOLEIO_write, 6, gva("again\n")), 0);
    assert_non_null(strstr(ring_text(false), "lines of guest output dropped"));
    assert_non_null(strstr(ring_text(false), "(d7) again"));
}

static void test_console_io(void **state)
{
    char in[300];

    (void)state;
    be(&control_vcpu);
    assert_int_equal(do_console_io(CONSOLEIO_write, 6, gva("login\n")), 0);
    assert_string_equal(uart, "login\r\n");
    assert_string_equal(ring_text(false), "");
    assert_int_equal(do_console_io(CONSOLEIO_write, 1, 0), -XEN_EFAULT);
    assert_int_equal(do_console_io(CONSOLEIO_read, 1, 0), -XEN_EFAULT);
    assert_int_equal(do_console_io(CONSOLEIO_read, sizeof(in), gva(in)), 0);
    assert_int_equal(do_console_io(7, 0, 0), -XEN_ENOSYS);
    assert_int_equal(do_console_io(CONSOLEIO_write, 0x80000000u, gva(in)), -XEN_EINVAL);
    type("root\r");
    assert_int_equal(virqs, 1);
    assert_int_equal(do_console_io(CONSOLEIO_read, 2, gva(in)), 2);
    assert_memory_equal(in, "ro", 2);
    assert_int_equal(do_console_io(CONSOLEIO_read, sizeof(in), gva(in)), 3);
    assert_memory_equal(in, "ot\r", 3);
    be(&guest_vcpu);
    assert_int_equal(do_console_io(CONSOLEIO_read, 1, gva(in)), -XEN_EPERM);
    /* When preempted, the call has the rest of its work in its registers. */
    be(&control_vcpu);
    char text[300];
    memset(text, 'q', sizeof(text));
    uart_len = 0;
    fake_preempt = true;
    control_vcpu.arch.regs.x[1] = sizeof(text);
    control_vcpu.arch.regs.x[2] = gva(text);
    long r;
    while ((r = do_console_io(CONSOLEIO_write, (unsigned)control_vcpu.arch.regs.x[1],
                              control_vcpu.arch.regs.x[2])) == -XEN_ERESTART)
        ;
    assert_int_equal(r, 0);
    assert_int_equal(uart_len, sizeof(text));
}

static void test_input_switch(void **state)
{
    char in[16];

    (void)state;
    be(&control_vcpu);
    /* two escape characters do not switch, three do */
    type("a\x01\x01"
         "b");
    assert_int_equal(console_take_input(in, sizeof(in)), 2);
    type("\x01\x01\x01hq");
    assert_int_equal(key_count, 2);
    assert_memory_equal(keys, "hq", 2);
    assert_non_null(strstr(uart, "Serial input to the hypervisor"));
    assert_int_equal(console_take_input(in, sizeof(in)), 0);
    type("\x01\x01\x01x");
    assert_non_null(strstr(uart, "Serial input to DOM0"));
    assert_int_equal(console_take_input(in, sizeof(in)), 1);
    assert_int_equal(in[0], 'x');
    assert_int_equal(key_count, 2);
}

static void test_output_after_force(void **state)
{
    (void)state;
    /* After log_force(), as in a panic, output ignores the lock and must not hang. */
    log_force();
    log_err("after the end\n");
    assert_non_null(strstr(uart, "after the end"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_log_levels, start),
        cmocka_unit_test_setup(test_ring_read, start),
        cmocka_unit_test_setup(test_guest_lines, start),
        cmocka_unit_test_setup(test_console_io, start),
        cmocka_unit_test_setup(test_input_switch, start),
        cmocka_unit_test_setup(test_output_after_force, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
