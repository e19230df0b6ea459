/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @p2m xen-lite/call/hypfs.c xen-lite/base/options.c
// libs: -lcmocka
/*
 * Run-time parameters: the tree as xenhypfs reads it, refused calls, and the effect of the
 * parameters.  The next log takes the new mode.  Look-ups leave the windows and return to them,
 * while other CPUs look up and domains are made and destroyed.
 */
#include <threads.h>
#include "mem_guest.h"
#include <xen/hypfs.h>

static struct domain *control, *guest;
static uint64_t answer[32];
static struct xen_hypfs_direntry *const entry = (void *)answer;

size_t strlcpy(char *dst, const char *src, size_t size)
{
    snprintf(dst, size, "%s", src);
    return strlen(src);
}
size_t copy_from_guest(void *dst, uint64_t from, size_t n)
{
    if (from < PAGE_SIZE)
        return n;
    memcpy(dst, (const void *)(uintptr_t)from, n);
    return 0;
}
size_t copy_to_guest(uint64_t to, const void *src, size_t n)
{
    if (to < PAGE_SIZE)
        return n;
    memcpy((void *)(uintptr_t)to, src, n);
    return 0;
}
static uint64_t gva(const void *p) { return (uint64_t)(uintptr_t)p; }

/* Not a cmocka fixture: the fault handler that fake_init installs must belong to the
 * calling test. */
static void set_up(void)
{
    cmdline.vlpt = true;
    cmdline.dirty_mode = DIRTY_AUTO;
    fake_domains_clear();
    fake_init(48ull << 20, 2);
    fake_page_init();
    vmid_init();
    control = guest_new(0);
    control->privileged = true;
    guest = guest_new(1);
    cpus[0].current = control->vcpu[0];
    memset(answer, 0x5a, sizeof(answer));
}

static void tear_down(void)
{
    guest_free(guest);
    guest_free(control);
    assert_int_equal(page_free_count(), page_total_count());
}

static long get(const char *path, uint64_t room)
{
    return do_hypfs_op(XEN_HYPFS_OP_read, gva(path), strlen(path) + 1, gva(answer), room);
}
static long put(const char *path, const void *value, uint64_t bytes)
{
    return do_hypfs_op(XEN_HYPFS_OP_write_contents, gva(path), strlen(path) + 1, gva(value), bytes);
}
static long put_text(const char *path, const char *value)
{
    return put(path, value, strlen(value) + 1);
}
static long put_bool(const char *path, uint8_t value) { return put(path, &value, 1); }
static const char *contents(void) { return (const char *)(entry + 1); }

static void parameters_read(void **state)
{
    (void)state;
    set_up();
    assert_int_equal(do_hypfs_op(XEN_HYPFS_OP_get_version, 0, 0, 0, 0), XEN_HYPFS_VERSION);
    assert_int_equal(get("/params/dirty", sizeof(answer)), 0);
    assert_int_equal(entry->type, XEN_HYPFS_TYPE_STRING);
    assert_int_equal(entry->encoding, XEN_HYPFS_ENC_PLAIN);
    assert_int_equal(entry->pad, 0);
    assert_int_equal(entry->content_len, 5);
    assert_true(entry->max_write_len >= 5);
    assert_string_equal(contents(), "auto");
    assert_int_equal(get("/params/vlpt", sizeof(answer)), 0);
    assert_int_equal(entry->type, XEN_HYPFS_TYPE_BOOL);
    assert_int_equal(entry->content_len, 1);
    assert_int_equal(contents()[0], 1);
    /* The buffer is one byte short: only the entry's description is returned. */
    memset(answer, 0x5a, sizeof(answer));
    assert_int_equal(get("/params/dirty", sizeof(*entry) + 4), -XEN_ENOBUFS);
    assert_int_equal(entry->content_len, 5);
    assert_int_equal(contents()[0], 0x5a);
    assert_int_equal(get("/params/dirty", sizeof(*entry) - 1), -XEN_ENOBUFS);
    tear_down();
}

static void directories_listed(void **state)
{
    (void)state;
    set_up();
    assert_int_equal(get("/", sizeof(answer)), 0);
    assert_int_equal(entry->type, XEN_HYPFS_TYPE_DIR);
    assert_int_equal(entry->max_write_len, 0);
    const struct xen_hypfs_dirlistentry *l = (const void *)contents();
    assert_string_equal(l->name, "params");
    assert_int_equal(l->e.type, XEN_HYPFS_TYPE_DIR);
    assert_int_equal(l->off_next, 0);
    assert_int_equal(get("/params", sizeof(answer)), 0);
    uint32_t bytes = entry->content_len, seen = 0, end = 0;
    for (uint32_t at = 0;;) {
        l = (const void *)(contents() + at);
        seen |= strcmp(l->name, "dirty") == 0 && l->e.type == XEN_HYPFS_TYPE_STRING ? 1 : 2;
        end = at + (uint32_t)(offsetof(struct xen_hypfs_dirlistentry, name) + strlen(l->name) + 1);
        if (!l->off_next)
            break;
        at += l->off_next;
    }
    assert_int_equal(seen, 3);
    assert_true(end <= bytes && bytes < end + 4);
    assert_int_equal(get("/params", sizeof(*entry) + bytes), 0);
    assert_int_equal(get("/params", sizeof(*entry) + bytes - 1), -XEN_ENOBUFS);
    tear_down();
}

static void bad_requests_refused(void **state)
{
    static const char no_end[] = { '/', 'p' };
    static const char nul_inside[] = "/params/dirty\0x";
    (void)state;
    set_up();
    assert_int_equal(do_hypfs_op(XEN_HYPFS_OP_get_version, 0, 0, 1, 0), -XEN_EINVAL);
    assert_int_equal(do_hypfs_op(9, gva("/"), 2, gva(answer), sizeof(answer)), -XEN_EOPNOTSUPP);
    assert_int_equal(
        do_hypfs_op(XEN_HYPFS_OP_read, gva(no_end), sizeof(no_end), gva(answer), sizeof(answer)),
        -XEN_EINVAL);
    assert_int_equal(do_hypfs_op(XEN_HYPFS_OP_read, gva(nul_inside), sizeof(nul_inside),
                                 gva(answer), sizeof(answer)),
                     -XEN_EINVAL);
    assert_int_equal(do_hypfs_op(XEN_HYPFS_OP_read, gva("/"), 0, gva(answer), sizeof(answer)),
                     -XEN_EINVAL);
    assert_int_equal(do_hypfs_op(XEN_HYPFS_OP_read, gva("/"), 1025, gva(answer), sizeof(answer)),
                     -XEN_EINVAL);
    assert_int_equal(do_hypfs_op(XEN_HYPFS_OP_read, 8, 2, gva(answer), sizeof(answer)),
                     -XEN_EFAULT);
    assert_int_equal(do_hypfs_op(XEN_HYPFS_OP_read, gva("/"), 2, 8, sizeof(answer)), -XEN_EFAULT);
    assert_int_equal(get("params/dirty", sizeof(answer)), -XEN_EINVAL);
    assert_int_equal(get("/params/dirt", sizeof(answer)), -XEN_ENOENT);
    assert_int_equal(get("/params/dirty/more/than/a/path/of/ours/can/be", sizeof(answer)),
                     -XEN_ENOENT);
    assert_int_equal(put_text("/params", "1"), -XEN_EACCES);
    assert_int_equal(put_text("/params/dirty", "hardware"), -XEN_ENOSPC);
    assert_int_equal(put_text("/params/dirty", "soft"), -XEN_EINVAL);
    assert_int_equal(put("/params/dirty", "sw", 2), -XEN_EINVAL); /* without its zero byte */
    assert_int_equal(put("/params/dirty", "sw", 0), -XEN_EINVAL);
    assert_int_equal(put("/params/vlpt", "\0\0", 2), -XEN_EDOM);
    assert_int_equal(put_bool("/params/vlpt", 2), -XEN_EINVAL);
    assert_int_equal(do_hypfs_op(XEN_HYPFS_OP_write_contents, gva("/params/dirty"), 14, 8, 3),
                     -XEN_EFAULT);
    cpus[0].current = guest->vcpu[0];
    assert_int_equal(do_hypfs_op(XEN_HYPFS_OP_get_version, 0, 0, 0, 0), -XEN_EPERM);
    assert_int_equal(get("/params/dirty", sizeof(answer)), -XEN_EPERM);
    assert_int_equal(put_bool("/params/vlpt", 0), -XEN_EPERM);
    assert_string_equal(cmdline_dirty(), "auto");
    assert_true(vlpt_used());
    tear_down();
}

/* A new mode takes effect for the next log.  A running log keeps its mode. */
static void dirty_mode_of_the_next_log(void **state)
{
    (void)state;
    set_up();
    fake_hw_dirty = true;
    for (unsigned round = 0; round < 6; round++) {
        static const char *const mode[] = { "hw", "sw", "auto" };
        static const char *const next[] = { "sw", "hw", "sw" };
        assert_int_equal(put_text("/params/dirty", mode[round % 3]), 0);
        assert_int_equal(get("/params/dirty", sizeof(answer)), 0);
        assert_string_equal(contents(), mode[round % 3]);
        assert_int_equal(dirty_enable(guest), 0);
        assert_int_equal(guest->p2m.hw_dirty, round % 3 != 1);
        assert_int_equal(put_text("/params/dirty", next[round % 3]), 0);
        assert_int_equal(guest->p2m.hw_dirty, round % 3 != 1);
        assert_int_equal(dirty_disable(guest), 0);
    }
    fake_hw_dirty = false;
    assert_int_equal(put_text("/params/dirty", "hw"), 0);
    assert_int_equal(dirty_enable(guest), 0);
    assert_false(guest->p2m.hw_dirty); /* the machine does not support it */
    tear_down();
}

static void windows_off_and_on(void **state)
{
    (void)state;
    set_up();
    int slot = guest->p2m.vlpt_window;
    assert_true(slot >= 0);
    assert_int_equal(vlpt_slot(&guest->p2m), slot);
    assert_int_equal(put_bool("/params/vlpt", 0), 0);
    assert_int_equal(vlpt_slot(&guest->p2m), -1);
    assert_int_equal(vlpt_slot(&control->p2m), -1);
    struct domain *late = guest_new(2);
    assert_int_equal(vlpt_slot(&late->p2m), -1);
    assert_int_equal(get("/params/vlpt", sizeof(answer)), 0);
    assert_int_equal(contents()[0], 0);
    /* A freed table is removed also from a window that is not in use. */
    unsigned before = fake_vlpt_forgets;
    assert_int_equal(p2m_map(late, IPA(0x40000000), PA(0x100000000), 512, P2M_DEVICE), 0);
    spin_lock(&late->p2m.lock);
    assert_non_null(pt_entry_at(&late->p2m.pt, 0x40000000, 3));
    assert_true(pt_merge(&late->p2m.pt, 0x40000000, 2));
    spin_unlock(&late->p2m.lock);
    assert_true(fake_vlpt_forgets > before);
    assert_int_equal(put_bool("/params/vlpt", 1), 0);
    assert_int_equal(vlpt_slot(&guest->p2m), slot);
    assert_true(vlpt_slot(&late->p2m) >= 0 && vlpt_slot(&late->p2m) != slot);
    guest_free(late);
    /* a destroyed domain's window is not written to */
    assert_int_equal(put_bool("/params/vlpt", 0), 0);
    assert_int_equal(put_bool("/params/vlpt", 1), 0);
    tear_down();
}

/* One CPU writes to logged pages and looks them up.  The other turns the window off and on,
 * harvests, and makes and destroys domains. */
#define PAGES 64u
static int done;
static int writer(void *arg)
{
    (void)arg;
    fake_cpu_set(1);
    for (uint64_t n = 0; !__atomic_load_n(&done, __ATOMIC_ACQUIRE); n++) {
        uint64_t ipa = 0x40000000 + n % PAGES * PAGE_SIZE;
        struct p2m_entry e;
        dirty_mark(guest, IPA(ipa));
        if (!p2m_lookup(guest, IPA(ipa), &e) || e.type != P2M_RAM || !e.writable)
            return 1;
    }
    return 0;
}

static void windows_switched_under_lookups(void **state)
{
    (void)state;
    set_up();
    uint64_t words[1], count, total = 0;
    for (unsigned i = 0; i < PAGES; i++)
        assert_int_equal(p2m_map(guest, IPA(0x40000000 + i * PAGE_SIZE),
                                 page_pa(page_alloc(guest, 0, 0)), 1, P2M_RAM),
                         0);
    assert_int_equal(put_text("/params/dirty", "sw"), 0);
    assert_int_equal(dirty_enable(guest), 0);
    done = 0;
    thrd_t t;
    int wrong;
    thrd_create(&t, writer, NULL);
    /* waits for the other thread to start */
    for (unsigned i = 0; i < 3000 || (total < 3000 && i < 3000000); i++) {
        assert_int_equal(put_bool("/params/vlpt", i & 1), 0);
        assert_int_equal(dirty_harvest(guest, 0x40000, PAGES, words, true, &count), 0);
        total += count;
        if (i % 100 == 0)
            guest_free(guest_new(2));
    }
    __atomic_store_n(&done, 1, __ATOMIC_RELEASE);
    thrd_join(t, &wrong);
    assert_int_equal(wrong, 0);
    assert_true(total >= 3000);
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_read),      cmocka_unit_test(directories_listed),
        cmocka_unit_test(bad_requests_refused), cmocka_unit_test(dirty_mode_of_the_next_log),
        cmocka_unit_test(windows_off_and_on),   cmocka_unit_test(windows_switched_under_lookups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
