// link: migrate/codec.c migrate/common.c migrate/conn.c migrate/dial.c migrate/fault_inject.c
// libs: -lcmocka -lpthread
/* SPDX-License-Identifier: BSD-2-Clause */
/* Sends and receives every record type over a socket pair, and checks how damaged and hostile
 * streams are refused. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#undef fail /* cmocka defines fail(); these tests use the daemon's */
#define bench_fail(...) (print_error(__VA_ARGS__), print_error("\n"), _fail(__FILE__, __LINE__))

#include "../../migrate/codec.h"
#include "../../migrate/conn.h"
#include "../../migrate/fault_inject.h"

static struct conn tx, rx;
static struct failure tx_failure, rx_failure;
static struct record record;

static void open_pair(void)
{
    int fd[2], size = 8 << 20;
    memset(&tx_failure, 0, sizeof(tx_failure));
    memset(&rx_failure, 0, sizeof(rx_failure));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    conn_init(&tx, fd[0], -1, NULL, &tx_failure);
    conn_init(&rx, fd[1], -1, NULL, &rx_failure);
    tx.timeout_ms = rx.timeout_ms = 200;
}

static void close_pair(void)
{
    conn_close(&tx);
    conn_close(&rx);
    record_free(&record);
}

/* Writes a valid payload with all of its parts. Returns its length, or 0 if the type has no
 * payload. */
static size_t sample(uint32_t type, uint8_t *p)
{
    memset(p, 0, 4096);
    switch (type) {
    case XLM_HELLO: {
        struct xlm_hello *h = (struct xlm_hello *)(void *)p;
        *h = (struct xlm_hello){ XLM_HELLO_MAGIC, 1, 1, 0, { 1, 2 }, XLM_MIGRATE, 0 };
        return sizeof(*h);
    }
    case XLM_ERROR:
        *(struct xlm_error *)(void *)p = (struct xlm_error){ XLM_E_BUSY, XLM_PAGES, 3, 400 };
        memcpy(p + sizeof(struct xlm_error), "why", 3);
        return sizeof(struct xlm_error) + 3;
    case XLM_DOMAIN: {
        struct xlm_domain *d = (struct xlm_domain *)(void *)p;
        *d = (struct xlm_domain){ .name = "g",
                                  .vcpu_count = 2,
                                  .config_length = 5,
                                  .max_pages = 100,
                                  .tot_pages = 90,
                                  .context_length = 9,
                                  .file = { { 1, { 2, 3 }, 2, 0 } } };
        memcpy(p + sizeof(*d), "a = 1", 5);
        memcpy(p + sizeof(*d) + 8 + 16, "/k", 2);
        return sizeof(*d) + 8 + 16 + 8;
    }
    case XLM_ACCEPT: return sizeof(struct xlm_accept) + 5;
    case XLM_FILE: return sizeof(struct xlm_file) + 11;
    case XLM_ZERO: {
        struct xlm_pages *z = (struct xlm_pages *)(void *)p;
        *z = (struct xlm_pages){ 1, XLM_RAW, 2, 5 };
        struct xlm_run run[2] = { { 0x40000, 3 }, { 0x40010, 2 } };
        memcpy(z + 1, run, sizeof(run));
        return sizeof(*z) + sizeof(run);
    }
    case XLM_STATE: {
        struct xlm_state *s = (struct xlm_state *)(void *)p;
        *s = (struct xlm_state){ 1, 2, 100, 400, 3, 1, 1, 4 + 4 + 2 };
        struct xlm_run run = { 0x40000, 90 };
        uint32_t n = 2;
        memcpy(p + sizeof(*s) + 8, &run, sizeof(run));
        memcpy(p + sizeof(*s) + 8 + sizeof(run), "a/b", 4);
        memcpy(p + sizeof(*s) + 8 + sizeof(run) + 4, &n, 4);
        return sizeof(*s) + 8 + sizeof(run) + 16;
    }
    case XLM_PING: return sizeof(struct xlm_ping);
    case XLM_PONG: return sizeof(struct xlm_pong);
    case XLM_ROUND: return sizeof(struct xlm_round);
    case XLM_ROUND_ACK: return sizeof(struct xlm_round_ack);
    case XLM_END: return sizeof(struct xlm_end);
    case XLM_RUNNING: return sizeof(struct xlm_running);
    case XLM_RESOLVE: return sizeof(struct xlm_resolve);
    case XLM_RESOLVED: return sizeof(struct xlm_resolved);
    case XLM_WANT: return sizeof(struct xlm_want);
    default: return 0;
    }
}

static uint8_t buffer[8192] __attribute__((aligned(8)));

static void test_round_trips(void **unused)
{
    (void)unused;
    for (uint32_t type = 1; type < XLM_TYPE_COUNT; type++) {
        if (type == XLM_PAGES)
            continue;
        size_t n = sample(type, buffer);
        open_pair();
        assert_int_equal(conn_send_struct(&tx, type, buffer, n), 0);
        assert_int_equal(conn_send_struct(&tx, XLM_DONE, NULL, 0), 0);
        int result = conn_receive(&rx, &record);
        if (type == XLM_ERROR) {
            assert_int_equal(result, -1);
            assert_true(rx_failure.from_peer && rx_failure.code == XLM_E_BUSY);
            assert_string_equal(rx_failure.text, "why");
        } else {
            if (result)
                bench_fail("%s: %s", codec_type_name(type), rx_failure.text);
            assert_int_equal(record.header.type, type);
            assert_int_equal(record.checked_length, n);
            assert_memory_equal(record.payload, buffer, n);
            assert_int_equal(conn_expect(&rx, &record, XLM_DONE), 0);
            assert_int_equal(tx.tx_bytes, rx.rx_bytes);
        }
        close_pair();
    }
}

/* A record with any single bit flipped is refused at once, except in page data, which has
 * checksums of its own. */
static void test_every_flipped_bit_is_seen(void **unused)
{
    (void)unused;
    for (uint32_t type = 1; type < XLM_TYPE_COUNT; type++) {
        if (type == XLM_PAGES || type == XLM_ERROR)
            continue;
        size_t n = sample(type, buffer), total = sizeof(struct xlm_header) + xlm_pad(n);
        for (size_t at = 0; at < total; at++) {
            struct fault_inject fault = { .corrupt = true, .at = at };
            open_pair();
            tx.fault = &fault;
            assert_int_equal(conn_send_struct(&tx, type, buffer, n), 0);
            conn_send_struct(&tx, XLM_DONE, NULL, 0);
            if (conn_receive(&rx, &record) == 0)
                bench_fail("%s: the bit at byte %zu was not noticed", codec_type_name(type), at);
            if (!strstr(rx_failure.text, "record 0 (") || !strstr(rx_failure.text, "at offset 0: "))
                bench_fail("%s: byte %zu: where is not said: %s", codec_type_name(type), at,
                           rx_failure.text);
            close_pair();
        }
    }
}

static void test_pages(void **unused)
{
    static uint8_t page[3][4096] __attribute__((aligned(8))), got[3][4096];
    uint64_t sum[3];
    (void)unused;
    for (int i = 0; i < 3; i++) {
        memset(page[i], i + 1, 4096);
        sum[i] = codec_page_sum(page[i]);
    }
    struct xlm_pages head = { 1, XLM_RAW, 2, 3 };
    struct xlm_run run[2] = { { 0x40000, 1 }, { 0x40005, 2 } };
    struct iovec part[] = {
        { &head, sizeof(head) }, { run, sizeof(run) }, { sum, sizeof(sum) }, { page, sizeof(page) }
    };
    open_pair();
    assert_int_equal(conn_send(&tx, XLM_PAGES, part, 4, 3), 0);
    assert_int_equal(conn_receive(&rx, &record), 0);
    assert_int_equal(record.data_length, sizeof(page));
    struct iovec to = { got, sizeof(got) };
    assert_int_equal(conn_read_data(&rx, &to, 1), 0);
    assert_memory_equal(got, page, sizeof(page));
    assert_int_equal(codec_page_sum(got[1]), sum[1]);
    got[1][4095] ^= 1;
    assert_int_not_equal(codec_page_sum(got[1]), sum[1]);
    close_pair();
}

static void test_zero_page(void **unused)
{
    static uint64_t page[512];
    (void)unused;
    assert_true(codec_page_is_zero(page));
    for (unsigned i = 0; i < 512; i++) {
        page[i] = 1ull << (i % 64);
        assert_false(codec_page_is_zero(page));
        page[i] = 0;
    }
}

/* A record with correct checksums and wrong contents must be refused with this text. */
static void refuse(uint32_t type, size_t length, const char *text)
{
    open_pair();
    assert_int_equal(conn_send_struct(&tx, type, buffer, length), 0);
    if (conn_receive(&rx, &record) == 0)
        bench_fail("%s was taken, where \"%s\" was expected", codec_type_name(type), text);
    if (!strstr(rx_failure.text, text))
        bench_fail("\"%s\" is not in \"%s\"", text, rx_failure.text);
    close_pair();
}

static void test_malformed(void **unused)
{
    struct xlm_domain *d = (struct xlm_domain *)(void *)buffer;
    struct xlm_pages *p = (struct xlm_pages *)(void *)buffer;
    struct xlm_state *s = (struct xlm_state *)(void *)buffer;
    struct xlm_run *run = (struct xlm_run *)(void *)(buffer + sizeof(*p));
    size_t n;
    (void)unused;
    memset(buffer, 0, sizeof(buffer));
    refuse(77, 0, "unknown type 77");
    refuse(0, 0, "unknown type 0");
    refuse(XLM_HELLO, 40, "length 40 is not within 48 to 48");
    refuse(XLM_COMMIT, 8, "length 8 is not within 0 to 0");
    refuse(XLM_HELLO, 48, "its magic number is wrong");
    n = sample(XLM_DOMAIN, buffer), d->config_length = XLM_CONFIG_MAX + 1,
    refuse(XLM_DOMAIN, n, "configuration of 65537 bytes");
    n = sample(XLM_DOMAIN, buffer), d->context_length = 100,
    refuse(XLM_DOMAIN, n, "its parts take");
    n = sample(XLM_DOMAIN, buffer), memset(d->name, 'x', sizeof(d->name)),
    refuse(XLM_DOMAIN, n, "the name is empty or does not end");
    n = sample(XLM_DOMAIN, buffer), d->vcpu_count = 9, refuse(XLM_DOMAIN, n, "9 vCPUs");
    n = sample(XLM_DOMAIN, buffer), d->max_pages = 1ull << 40,
    refuse(XLM_DOMAIN, n, "90 pages of at most 1099511627776");
    n = sample(XLM_DOMAIN, buffer), d->file[0].size = 1ull << 40,
    refuse(XLM_DOMAIN, n, "file 0 is not valid");
    n = sample(XLM_DOMAIN, buffer), buffer[sizeof(*d) + 1] = 0,
    refuse(XLM_DOMAIN, n, "the configuration contains a NUL");
    n = sample(XLM_ZERO, buffer), p->run_count = 3, refuse(XLM_ZERO, n, "3 runs do not fit");
    n = sample(XLM_ZERO, buffer), p->page_count = 6,
    refuse(XLM_ZERO, n, "its runs have 5 pages, but its page count is 6");
    n = sample(XLM_ZERO, buffer), run[1].count = 0,
    refuse(XLM_ZERO, n, "run 1 is not valid: 0 frames");
    n = sample(XLM_ZERO, buffer), run[0].gfn = ~0ull,
    refuse(XLM_ZERO, n, "run 0 is not valid: 3 frames from ffffffffffffffff");
    n = sample(XLM_STATE, buffer), s->node_count = 2,
    refuse(XLM_STATE, n, "1 xenstore nodes, but its node count is 2");
    n = sample(XLM_STATE, buffer), s->range_count = 5000, refuse(XLM_STATE, n, "5000 ranges");
    n = sample(XLM_STATE, buffer), s->context_length = 16, refuse(XLM_STATE, n, "its parts take");
    n = sample(XLM_FILE, buffer), ((struct xlm_file *)(void *)buffer)->kind = 2,
    refuse(XLM_FILE, n, "file 2 at offset 0");
    memset(buffer, 0, 64), p->run_count = 1, p->page_count = 2000,
                           refuse(XLM_PAGES, 64, "2000 pages in 1 runs");
    memset(buffer, 0, 64), p->run_count = 1, p->page_count = 2, p->codec = 1,
                           refuse(XLM_PAGES, 64, "unknown codec 1");
    memset(buffer, 0, 64), p->run_count = 1, p->page_count = 2,
                           refuse(XLM_PAGES, 64, "length 64 does not fit 2 pages");
}

static void test_order(void **unused)
{
    (void)unused;
    open_pair();
    tx.tx_index = 5;
    conn_send_struct(&tx, XLM_DONE, NULL, 0);
    assert_int_equal(conn_receive(&rx, &record), -1);
    assert_non_null(strstr(rx_failure.text, "out of order: the header has the index 5"));
    close_pair();
    open_pair();
    conn_send_struct(&tx, XLM_DONE, NULL, 0);
    assert_int_equal(conn_expect(&rx, &record, XLM_COMMIT), -1);
    assert_non_null(
        strstr(rx_failure.text, "record 0 (DONE) at offset 0: came where COMMIT was expected"));
    close_pair();
}

static void test_optional_is_skipped(void **unused)
{
    (void)unused;
    open_pair();
    conn_send_struct(&tx, XLM_OPTIONAL | 99, "new", 3);
    conn_send_struct(&tx, XLM_COMMIT, NULL, 0);
    assert_int_equal(conn_expect(&rx, &record, XLM_COMMIT), 0);
    close_pair();
}

static void test_a_peers_text_is_printable(void **unused)
{
    (void)unused;
    size_t n = sample(XLM_ERROR, buffer);
    buffer[n - 1] = 27;
    open_pair();
    conn_send_struct(&tx, XLM_ERROR, buffer, n);
    conn_receive(&rx, &record);
    assert_string_equal(rx_failure.text, "wh?");
    close_pair();
}

static void test_fault_syntax(void **unused)
{
    struct fault_inject f;
    (void)unused;
    assert_int_equal(fault_inject_parse("cut-after-bytes:12", &f), 0);
    assert_true(f.cut && f.at == 12);
    assert_int_equal(fault_inject_parse("corrupt-byte:0", &f), 0);
    assert_true(f.corrupt && f.at == 0);
    assert_int_equal(fault_inject_parse("exit-at-stage:verified", &f), 0);
    assert_string_equal(f.stage, "verified");
    assert_int_equal(fault_inject_parse("pause-at-stage:waiting:250", &f), 0);
    assert_true(!strcmp(f.stage, "waiting") && f.pause_ms == 250);
    static const char *const bad[] = { "",
                                       "cut",
                                       "cut-after-bytes:",
                                       "cut-after-bytes:x",
                                       "exit-at-stage:",
                                       "pause-at-stage:a",
                                       "corrupt-byte:-1",
                                       "pause-at-stage:a:b" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(fault_inject_parse(bad[i], &f), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_every_flipped_bit_is_seen),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_zero_page),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_optional_is_skipped),
        cmocka_unit_test(test_a_peers_text_is_printable),
        cmocka_unit_test(test_fault_syntax),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
