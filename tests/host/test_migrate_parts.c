// link: @migrate
// libs: -lcmocka -lpthread -lm
/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts without I/O to another host: stop rule, clock, configuration, JSON, journal, CPU
 * features, state records, files, slots. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#undef fail /* cmocka defines fail(); these tests use the daemon's */
#define bench_fail(...) (print_error(__VA_ARGS__), print_error("\n"), _fail(__FILE__, __LINE__))

#include "../../migrate/clock.h"
#include "../../migrate/config.h"
#include "../../migrate/features.h"
#include "../../migrate/files.h"
#include "../../migrate/journal.h"
#include "../../migrate/json.h"
#include "../../migrate/memory.h"
#include "../../migrate/policy.h"
#include "../../migrate/state.h"
#include "fake_backend.h"
#include "../../xen-lite/include/records.h"

/* ---- policy ---- */

/* Simulates the migration of a guest that rewrites a working set at a given rate. */
struct model {
    double pages, working_set, dirty_per_s, link_pages_per_s;
};

static enum policy_verdict simulate(struct model m, uint32_t limit_ms, bool force, uint32_t *rounds,
                                    double *downtime_ms)
{
    struct policy p;
    double todo = m.pages;
    policy_init(&p, limit_ms, force);
    for (*rounds = 1; *rounds < 100; ++*rounds) {
        double seconds = todo / m.link_pages_per_s + 0.002, dirty = seconds * m.dirty_per_s;
        if (dirty > m.working_set)
            dirty = m.working_set;
        struct policy_round round = { (uint64_t)(todo * 4096), (uint64_t)(seconds * 1e9),
                                      (uint64_t)todo, (uint64_t)dirty };
        struct policy_result r = policy_after_round(&p, &round);
        *downtime_ms = dirty / m.link_pages_per_s * 1000 + 60;
        if (r.verdict != POLICY_GO_ON)
            return r.verdict;
        todo = dirty;
    }
    return POLICY_GO_ON;
}

static void test_policy_converges(void **unused)
{
    uint32_t rounds;
    double ms;
    (void)unused;
    assert_int_equal(simulate((struct model){ 27648, 300, 50, 14000 }, 300, false, &rounds, &ms),
                     POLICY_STOP);
    assert_int_equal(rounds, 1); /* an idle guest needs one round */
    assert_int_equal(
        simulate((struct model){ 27648, 20000, 1000, 14000 }, 300, false, &rounds, &ms),
        POLICY_STOP);
    assert_true(rounds >= 2 && rounds <= 4 && ms < 120);
    assert_int_equal(
        simulate((struct model){ 27648, 20000, 8000, 14000 }, 300, false, &rounds, &ms),
        POLICY_STOP);
    assert_true(ms <= 300);
    assert_int_equal(
        simulate((struct model){ 27648, 3000, 100000, 14000 }, 300, false, &rounds, &ms),
        POLICY_STOP);
    assert_true(ms <= 300 && rounds <= 5); /* a small working set that is always dirty meets the
                                              limit: more rounds gain nothing */
}

static void test_policy_gives_up(void **unused)
{
    uint32_t rounds;
    double ms;
    (void)unused;
    assert_int_equal(
        simulate((struct model){ 27648, 20000, 30000, 14000 }, 300, false, &rounds, &ms),
        POLICY_GIVE_UP);
    assert_true(rounds < POLICY_MAX_ROUNDS);
    assert_int_equal(
        simulate((struct model){ 27648, 20000, 30000, 14000 }, 300, true, &rounds, &ms),
        POLICY_STOP);
    assert_int_equal(
        simulate((struct model){ 27648, 20000, 30000, 14000 }, 2000, false, &rounds, &ms),
        POLICY_STOP);
    struct policy p;
    char text[256];
    policy_init(&p, 300, false);
    struct policy_round round = { 40 << 20, 1000000000, 10240, 20480 };
    struct policy_result r = policy_after_round(&p, &round);
    policy_explain(&p, &r, text, sizeof(text));
    assert_non_null(strstr(text, "does not converge: dirty rate 80.0 MiB/s, bandwidth 40.0 MiB/s"));
}

static void test_policy_limit_below_fixed_costs(void **unused)
{
    struct policy p;
    struct policy_round quiet = { 4096, 1000000, 1, 0 };
    (void)unused;
    policy_init(&p, 1, false);
    assert_int_equal(policy_after_round(&p, &quiet).verdict, POLICY_STOP);
}

/* ---- clock ---- */

static void test_clock(void **unused)
{
    struct peer_clock c = { 0 };
    (void)unused;
    clock_sample(&c, 1000, 5000 + 1000 + 900, 2000); /* a long and asymmetric round trip */
    clock_sample(&c, 3000, 5000 + 3050,
                 3100); /* a short round trip: the other clock is 5000 ahead */
    clock_sample(&c, 4000, 5000 + 4000, 9000);
    assert_int_equal(c.best_rtt_ns, 100);
    assert_int_equal(clock_to_peer(&c, 10000), 15000);
    assert_int_equal(clock_from_peer(&c, 15000), 10000);
    struct peer_clock behind = { 0 };
    clock_sample(&behind, 1000000, 50, 1000100); /* the other clock started later */
    assert_int_equal(clock_from_peer(&behind, 50), 1000050);
}

/* ---- configuration ---- */

static void test_config_good(void **unused)
{
    struct config c;
    struct failure f = { 0 };
    (void)unused;
    assert_int_equal(
        config_parse(
            &c,
            "# a guest\nname=\"g1\"; memory = 256\nvcpus = '2'\nkernel = \"/boot/k\"\n"
            "extra = 'console=hvc0 x=\"y\"'\nvif = [ 'mac=00:16:3e:00:00:01,bridge=br0',\n "
            "]\ndisk = [ ]\n"
            "memory = 512\non_reboot = \"restart\"",
            &f),
        0);
    char *text = config_write(&c, &f);
    config_free(&c);
    assert_non_null(strstr(text, "memory = 512\n"));
    assert_null(strstr(text, "256"));
    assert_non_null(strstr(text, "vcpus = 2\n"));
    assert_non_null(strstr(text, "extra = 'console=hvc0 x=\"y\"'\n"));
    assert_non_null(strstr(text, "vif = [ \"mac=00:16:3e:00:00:01,bridge=br0\" ]\n"));
    assert_null(strstr(text, "disk"));
    /* A written configuration parses to the same configuration. */
    assert_int_equal(config_parse(&c, text, &f), 0);
    assert_string_equal(config_string(&c, "name"), "g1");
    assert_int_equal(config_set_string(&c, "kernel", "/other", &f), 0);
    assert_string_equal(config_string(&c, "kernel"), "/other");
    assert_int_equal(config_set_string(&c, "kernel", NULL, &f), 0);
    assert_null(config_string(&c, "kernel"));
    config_free(&c);
    free(text);
}

static void test_config_bad(void **unused)
{
    static const struct {
        const char *text, *why;
    } bad[] = {
        { "disk = [ 'phy:/dev/sda,xvda,w' ]", "key disk cannot move" },
        { "device_model_override = '/tmp/x'", "key device_model_override cannot move" },
        { "vif = [ 'script=/tmp/evil' ]", "vif key script cannot move" },
        { "vif = [ 'bridge=br0;rm -rf /' ]", "vif key bridge cannot move" },
        { "kernel = 'k'", "must be an absolute path" },
        { "on_crash = 'coredump-destroy'", "on_crash = \"coredump-destroy\" cannot move" },
        { "extra = 'a\\nb'", "line 1: a string with a backslash" },
        { "vcpus = 9", "vcpus = 9 is more than the maximum 8" },
        { "vcpus = 'two'", "vcpus is not a number" },
        { "name = [ 'a' ]", "name has a value of the wrong type" },
        { "\n\nname = \"x", "line 3: a string does not end" },
        { "name \"x\"", "no \"=\"" },
        { "name = \"x\" y", "something follows" },
        { "= 3", "there is no key" },
        { "vif = [ 3 ]", "an item that is not a string" },
        { "vif = [ 'a' 'b' ]", "a list does not end" },
        { "memory = -1", "the value is not a number" },
        { "extra = 'a\tb'", "not printable" },
    };
    (void)unused;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct config c;
        struct failure f = { 0 };
        if (config_parse(&c, bad[i].text, &f) == 0)
            bench_fail("taken: %s", bad[i].text);
        if (!strstr(f.text, bad[i].why))
            bench_fail("%s: \"%s\", not \"%s\"", bad[i].text, f.text, bad[i].why);
    }
}

/* libxl 4.17's JSON for a guest, shortened. */
static const char libxl_json[] =
    "{ \"c_info\": { \"type\": \"pvh\", \"name\": \"g1\", \"domid\": 4294967295, \"uuid\": "
    "\"94fcf09e-d7c2-4328-ad75-91b1eea4746b\" },\n"
    "  \"b_info\": { \"max_vcpus\": 2, \"avail_vcpus\": [ 0, 1 ], \"max_memkb\": 262144, "
    "\"target_memkb\": 131072,\n"
    "    \"sched_params\": { \"weight\": 300 }, \"claim_mode\": \"True\", \"kernel\": "
    "\"/guest/vmlinuz\", \"cmdline\": \"a=\\\"b\\\" c\",\n"
    "    \"type.pvh\": {\n\n }, \"arch_arm\": { \"vuart\": \"sbsa_uart\" }, \"arch_x86\": { } },\n"
    "  \"nics\": [ { \"devid\": 0, \"mac\": \"00:16:3e:00:00:01\", \"bridge\": \"br0\" }, { "
    "\"mac\": \"00:16:3e:00:00:02\" } ],\n"
    "  \"disks\": [ ], \"on_reboot\": \"rename_restart\", \"on_soft_reset\": \"soft_reset\" }\n";

static void test_config_libxl(void **unused)
{
    struct config c;
    struct failure f = { 0 };
    (void)unused;
    if (config_from_libxl(&c, libxl_json, &f))
        bench_fail("%s", f.text);
    char *text = config_write(&c, &f);
    config_free(&c);
    static const char *const want[] = {
        "type = \"pvh\"\n",
        "name = \"g1\"\n",
        "memory = 128\n",
        "maxmem = 256\n",
        "vcpus = 2\n",
        "kernel = \"/guest/vmlinuz\"\n",
        "cmdline = 'a=\"b\" c'\n",
        "cpu_weight = 300\n",
        "vuart = \"sbsa_uart\"\n",
        "on_reboot = \"rename-restart\"\n",
        "vif = [ \"mac=00:16:3e:00:00:01,bridge=br0\", \"mac=00:16:3e:00:00:02\" ]\n",
    };
    for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++)
        if (!strstr(text, want[i]))
            bench_fail("%s is not in\n%s", want[i], text);
    free(text);
    static const struct {
        const char *json, *why;
    } bad[] = {
        { "{\"disks\":[{\"pdev_path\":\"/dev/sda\"}]}", "the guest has disks, which cannot move" },
        { "{\"b_info\":{\"device_tree\":\"/x\"}}", "the guest has device_tree" },
        { "{\"nics\":[{\"mac\":\"00:16:3e:00:00:01\",\"script\":\"/tmp/evil\"}]}",
          "script /tmp/evil cannot move" },
        { "{\"b_info\":{\"kernel\":7}}", "libxl's kernel is not a string" },
        { "{\"c_info\"", "does not parse" },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        memset(&f, 0, sizeof(f));
        if (config_from_libxl(&c, bad[i].json, &f) == 0 || !strstr(f.text, bad[i].why))
            bench_fail("%s: \"%s\", not \"%s\"", bad[i].json, f.text, bad[i].why);
    }
}

/* ---- JSON ---- */

static void test_json(void **unused)
{
    char text[32];
    uint64_t n;
    double d;
    const char *line =
        "{ \"a\" : \"x\\\"y\\u0041\\n\", \"rounds\":[{\"a\":1},{}], \"n\":42.5,\"m\": "
        "{\"b\":\"in\"},\"b\":\"out\"}";
    (void)unused;
    assert_true(json_get_string(line, "a", text, sizeof(text)));
    assert_string_equal(text, "x\"yA\n");
    assert_true(json_get_string(line, "b", text, sizeof(text)));
    assert_string_equal(text, "out");
    assert_true(json_get_number(line, "n", &n) && n == 42);
    assert_true(json_get_double(line, "n", &d) && d > 42.4);
    assert_false(json_get_number(line, "a", &n));
    assert_false(json_get_string(line, "n", text, sizeof(text)));
    assert_false(json_get_string(line, "c", text, sizeof(text)));
    assert_false(json_get_string(line, "a", text, 4));
    static const char *const bad[] = { "",
                                       "{",
                                       "[]",
                                       "{\"a\"}",
                                       "{\"a\":}",
                                       "{\"a\":1,}",
                                       "{\"a\":\"",
                                       "{\"a\":1}x",
                                       "{\"a\":[}",
                                       "{\"a\":\"\\",
                                       "{\"a\":[[[[[[[[[[[1]]]]]]]]]]]}" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(json_is_object(bad[i]));
    assert_true(json_is_object("{}"));
    char *out = NULL;
    size_t size;
    FILE *f = open_memstream(&out, &size);
    json_string(f, "a\"b\\c\n");
    fclose(f);
    assert_string_equal(out, "\"a\\\"b\\\\c\\u000a\"");
    free(out);
}

/* ---- journal ---- */

static void test_journal(void **unused)
{
    char dir[] = "/tmp/migrate-journal-XXXXXX", deep[128], command[256];
    struct journal j = { .state = JOURNAL_SENDING,
                         .name = "g",
                         .peer = "10.0.0.2",
                         .port = 8002,
                         .domid = 7 },
                   back, *list;
    (void)unused;
    assert_non_null(mkdtemp(dir));
    snprintf(deep, sizeof(deep), "%s/a/b", dir);
    j.migration[0] = 0xab;
    j.uuid[15] = 0xcd;
    assert_int_equal(journal_read(deep, j.migration, &back), -ENOENT);
    assert_int_equal(journal_write(deep, &j), 0);
    assert_int_equal(journal_read(deep, j.migration, &back), 0);
    assert_memory_equal(back.uuid, j.uuid, 16);
    assert_true(back.state == JOURNAL_SENDING && back.port == 8002 && back.domid == 7 &&
                !strcmp(back.peer, "10.0.0.2"));
    j.state = JOURNAL_COMMITTING;
    assert_int_equal(journal_write(deep, &j), 0);
    assert_int_equal(journal_list(deep, &list), 1);
    assert_int_equal(list[0].state, JOURNAL_COMMITTING);
    free(list);
    assert_int_equal(journal_remove(deep, j.migration), 0);
    assert_int_equal(journal_list(deep, &list), 0);
    snprintf(command, sizeof(command), "echo rubbish > %s/00000000-0000-0000-0000-000000000001",
             deep);
    assert_int_equal(system(command), 0);
    assert_int_equal(journal_list(deep, &list), 0);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

/* The rules of the hand-over: after one host became the owner, no transition makes the other
 * host the owner. */
static void test_journal_rules(void **unused)
{
    (void)unused;
    for (int to = 0; to < JOURNAL_STATES; to++) {
        assert_int_equal(journal_allowed(JOURNAL_OWNER, (enum journal_state)to),
                         to == JOURNAL_NONE);
        assert_int_equal(journal_allowed(JOURNAL_RELEASED, (enum journal_state)to),
                         to == JOURNAL_NONE);
        assert_int_equal(journal_allowed((enum journal_state)to, JOURNAL_OWNER),
                         to == JOURNAL_VERIFIED);
        assert_int_equal(journal_allowed((enum journal_state)to, JOURNAL_COMMITTING),
                         to == JOURNAL_SENDING);
    }
    assert_false(journal_allowed(JOURNAL_COMMITTING, JOURNAL_NONE));
    assert_false(journal_allowed(JOURNAL_VERIFIED, JOURNAL_NONE));
    assert_false(journal_allowed(JOURNAL_SENDING, JOURNAL_RELEASED));
}

/* ---- CPU features ---- */

static int compare(unsigned reg, uint64_t guest, uint64_t host, struct failure *f, char *warning)
{
    struct xlr_cpu_features g = { .count = XLR_ID_REG_COUNT }, h = g;
    memset(f, 0, sizeof(*f));
    g.reg[reg] = guest;
    h.reg[reg] = host;
    return features_compare(&g, sizeof(g), &h, sizeof(h), f, warning, 128);
}

static void test_features(void **unused)
{
    struct failure f;
    char warning[128];
    (void)unused;
    assert_int_equal(compare(XLR_ID_ISAR0, 0x200000, 0x200000, &f, warning), 0);
    assert_int_equal(compare(XLR_ID_ISAR0, 0x100000, 0x200000, &f, warning),
                     0); /* a greater value fits */
    assert_int_equal(compare(XLR_ID_ISAR0, 0x200000, 0, &f, warning), -1);
    assert_string_equal(f.text,
                        "ID_AA64ISAR0_EL1.ATOMICS: the guest has seen 2, the target host offers 0");
    assert_int_equal(compare(XLR_ID_PFR0, 0xf0000, 0, &f, warning), 0); /* 15: no FP; 0: FP */
    assert_int_equal(compare(XLR_ID_PFR0, 0, 0xf0000, &f, warning), -1);
    assert_non_null(strstr(f.text, "PFR0_EL1.FP"));
    assert_int_equal(compare(XLR_ID_PFR0, 0x100, 0, &f, warning),
                     0); /* the guest does not use EL2 */
    assert_int_equal(compare(XLR_ID_ISAR1, 0x10, 0x20, &f, warning),
                     -1); /* another algorithm of pointer authentication */
    assert_int_equal(compare(XLR_ID_CTR, 4, 3, &f, warning), -1);
    assert_non_null(strstr(f.text, "CTR_EL0.IminLine"));
    assert_int_equal(compare(XLR_ID_CTR, 3, 4, &f, warning), 0);
    assert_int_equal(compare(XLR_ID_CTR, 1u << 29, 0, &f, warning), -1);
    assert_non_null(strstr(f.text, "DIC"));
    assert_int_equal(compare(XLR_ID_DCZID, 4, 5, &f, warning), -1);
    assert_int_equal(compare(XLR_ID_DCZID, 16 | 4, 5, &f, warning),
                     0); /* DC ZVA is disabled for the guest */
    assert_int_equal(compare(XLR_ID_MIDR, 1, 2, &f, warning), 0);
    assert_non_null(strstr(warning, "MIDR_EL1 differs"));
    assert_int_equal(compare(XLR_ID_A32_ISAR0, 2 << 24, 1 << 24, &f, warning),
                     -1); /* of a 32-bit guest: SDIV in Arm state */
    assert_string_equal(f.text, "ID_ISAR0.Divide: the guest has seen 2, the target host offers 1");
    assert_int_equal(compare(XLR_ID_A32_MMFR3, 0, 0xf0000000, &f, warning), -1);
    assert_non_null(strstr(f.text, "ID_MMFR3.Supersec"));
    struct xlr_cpu_features early = { .count = XLR_ID_REG_COUNT_1 },
                            here = { .count = XLR_ID_REG_COUNT };
    here.reg[XLR_ID_A32_MMFR3] = 0xf0000000;
    assert_int_equal(features_compare(&early,
                                      offsetof(struct xlr_cpu_features, reg[XLR_ID_REG_COUNT_1]),
                                      &here, sizeof(here), &f, warning, 128),
                     0);
    uint64_t longer[2 + XLR_ID_REG_COUNT] = { XLR_ID_REG_COUNT + 1 };
    struct xlr_cpu_features h = { .count = XLR_ID_REG_COUNT };
    assert_int_equal(features_compare(longer, sizeof(longer), &h, sizeof(h), &f, warning, 128), 0);
    longer[1 + XLR_ID_REG_COUNT] = 1;
    memset(&f, 0, sizeof(f));
    assert_int_equal(features_compare(longer, sizeof(longer), &h, sizeof(h), &f, warning, 128), -1);
}

/* ---- state records ---- */

static void test_state(void **unused)
{
    uint8_t context[4096];
    struct failure f = { 0 };
    struct xlr_time before, after;
    size_t length;
    (void)unused;
    fake_reset();
    fake_make_guest(0, "g", 16, "/k");
    struct backend *h = backend_open("A", &f);
    struct backend_domain d;
    assert_int_equal(backend_find(h, "g", &d), 0);
    int n = backend_get_context(h, d.domid, context, sizeof(context));
    assert_true(n > 0);
    assert_int_equal(state_check(context, (size_t)n, &f), 0);
    memcpy(&before, state_find(context, (size_t)n, XLR_TIME, &length), sizeof(before));
    assert_int_equal(state_add_time(context, (size_t)n, 1600000000, &f), 0); /* 1.6 s at 62.5 MHz */
    memcpy(&after, state_find(context, (size_t)n, XLR_TIME, &length), sizeof(after));
    assert_int_equal(after.counter - before.counter, 100000000);
    assert_int_equal(state_add_time(context, (size_t)n, 1ull << 60, &f), -1);
    /* A context that is cut at any byte is refused, and nothing beyond the cut is read: the
     * sanitizer watches a copy of the exact size. */
    for (int cut = 0; cut < n; cut++) {
        uint8_t *copy = malloc((size_t)cut + 1);
        memcpy(copy, context, (size_t)cut);
        memset(&f, 0, sizeof(f));
        assert_int_equal(state_check(copy, (size_t)cut, &f), -1);
        free(copy);
    }
    backend_close(h);
    fake_reset();
}

/* The counter advances by elapsed_ns * hz / 10^9, rounded down once, for any frequency and up to
 * a day. */
static void test_time_under_way(void **unused)
{
    static const struct {
        uint64_t hz, elapsed_ns, ticks;
    } row[] = {
        { 62500000, 0, 0 },
        { 62500000, 15, 0 },
        { 62500000, 16, 1 },
        { 24000000, 999999999, 23999999 },
        { 62500001, 1600000007, 100000002 },
        { 1000000000, 3599999999999, 3599999999999 },
        { 100000000000, 86399999999999, 8639999999999900 },
    };
    uint8_t context[4096];
    struct failure f = { 0 };
    struct xlr_time time;
    size_t length;
    (void)unused;
    fake_reset();
    fake_make_guest(0, "g", 16, "/k");
    struct backend *h = backend_open("A", &f);
    struct backend_domain d;
    assert_int_equal(backend_find(h, "g", &d), 0);
    int n = backend_get_context(h, d.domid, context, sizeof(context));
    uint8_t *at = context +
                  ((const uint8_t *)state_find(context, (size_t)n, XLR_TIME, &length) - context);
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        memcpy(&time, at, sizeof(time));
        time.counter = 5;
        time.counter_hz = row[i].hz;
        memcpy(at, &time, sizeof(time));
        assert_int_equal(state_add_time(context, (size_t)n, row[i].elapsed_ns, &f), 0);
        memcpy(&time, at, sizeof(time));
        assert_int_equal(time.counter - 5, row[i].ticks);
    }
    backend_close(h);
    fake_reset();
}

/* ---- files ---- */

static void read_words(const char *path, uint32_t *word, size_t count)
{
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, word, count * sizeof(*word)), count * sizeof(*word));
    close(fd);
}

/* xl chooses the width of a domain by its kernel file: the stand-in must be recognised as its
 * width. */
static void test_stand_in(void **unused)
{
    static const struct {
        uint32_t bits;
        size_t word;
        uint32_t magic;
    } row[] = {
        { XLR_WIDTH_64, 14, 0x644d5241 },
        { XLR_WIDTH_32, 9, 0x016f2818 },
    };
    static const struct xlm_file_offer offer[XLM_FILE_KINDS] = { [XLM_KERNEL] = { .size = 4096 } };
    char dir[] = "/tmp/migrate-files-XXXXXX", text[] = "name = \"g\"\nkernel = \"/k\"\n";
    uint8_t uuid[16] = { 1 };
    (void)unused;
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct config config = { 0 };
        struct failure f = { 0 };
        struct files files;
        uint32_t word[16];
        files_init(&files);
        assert_int_equal(config_parse(&config, text, &f), 0);
        assert_int_equal(files_prepare(&files, dir, uuid, &config, row[i].bits, offer, &f), 0);
        read_words(config_string(&config, "kernel"), word, 16);
        for (size_t k = 0; k < sizeof(row) / sizeof(*row); k++)
            assert_int_equal(word[row[k].word] == row[k].magic, k == i);
        files_close(&files, false);
        config_free(&config);
    }
    assert_int_equal(rmdir(dir), 0);
}

/* ---- slots and bitmaps ---- */

static void test_memory(void **unused)
{
    struct failure f = { 0 };
    struct memory m;
    (void)unused;
    fake_reset();
    fake_make_guest(0, "g", 2000, "/k");
    struct backend *h = backend_open("A", &f);
    struct backend_domain d;
    backend_find(h, "g", &d);
    assert_int_equal(memory_init(&m, h, d.max_pages, &f), 0);
    memory_attach(&m, d.domid, true);
    assert_true(memory_slot(&m, FAKE_RAM_GFN - 1) == NO_SLOT &&
                memory_slot(&m, fake_gfn(d.max_pages)) == NO_SLOT);
    assert_true(memory_slot(&m, FAKE_MAGIC_GFN + 4) == NO_SLOT &&
                memory_slot(&m, ~0ull) == NO_SLOT);
    for (uint64_t n = 0; n < d.max_pages; n += 97)
        assert_int_equal(memory_gfn(&m, memory_slot(&m, fake_gfn(n))), fake_gfn(n));
    uint64_t pages, slot[3];
    assert_int_equal(memory_scan(&m, &pages, NULL, &f), 0);
    assert_int_equal(pages, 2004);
    uint64_t hole = memory_slot(&m, fake_gfn(2100));
    assert_false(bit_get(m.populated, hole));
    assert_int_equal(memory_populate(&m, hole, &f), 0);
    assert_true(bit_get(m.populated, hole));
    assert_false(fake_is_hole(0, 2100));
    assert_true(fake_guest_write(0, 7, 1) && fake_guest_write(0, 3, 2));
    uint64_t *zero = bits_new(m.slots);
    assert_int_equal(memory_scan(&m, &pages, zero, &f), 0);
    assert_int_equal(bits_count(zero, m.slots), pages - 2);
    assert_false(bit_get(zero, memory_slot(&m, fake_gfn(7))) ||
                 bit_get(zero, memory_slot(&m, fake_gfn(2200))));
    free(zero);
    /* Pages are mapped in any order, and a page that has become a hole is reported. */
    struct memory_window w;
    slot[0] = memory_slot(&m, fake_gfn(7)), slot[1] = memory_slot(&m, fake_gfn(20)),
    slot[2] = memory_slot(&m, fake_gfn(3));
    fake_balloon(0, 20, true);
    assert_int_equal(memory_map(&m, slot, 3, &w, &f), 0);
    assert_true(!w.error[0] && w.error[1] && !w.error[2]);
    assert_false(bit_get(m.populated, slot[1]));
    memset(w.va, 0x77, 4096);
    assert_false(fake_guest_check(0, 7, 1));
    assert_true(fake_guest_check(0, 3, 2));
    memory_unmap(&m, &w);
    assert_int_equal(memory_punch(&m, hole, &f), 0);
    assert_true(fake_is_hole(0, 2100));
    memory_free(&m);
    assert_int_equal(fake_mappings(), 0);
    backend_close(h);
    uint64_t *map = bits_new(200);
    bit_set(map, 0), bit_set(map, 63), bit_set(map, 64), bit_set(map, 199);
    assert_int_equal(bits_count(map, 200), 4);
    assert_int_equal(bits_next(map, 200, 1), 63);
    assert_int_equal(bits_next(map, 200, 65), 199);
    assert_int_equal(bits_next(map, 199, 65), 199);
    free(map);
    fake_reset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy_converges),
        cmocka_unit_test(test_policy_gives_up),
        cmocka_unit_test(test_policy_limit_below_fixed_costs),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_config_good),
        cmocka_unit_test(test_config_bad),
        cmocka_unit_test(test_config_libxl),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_journal),
        cmocka_unit_test(test_journal_rules),
        cmocka_unit_test(test_features),
        cmocka_unit_test(test_state),
        cmocka_unit_test(test_time_under_way),
        cmocka_unit_test(test_stand_in),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
