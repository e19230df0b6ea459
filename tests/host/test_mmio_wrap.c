/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @p2m
// libs: -lcmocka
// cflags: -DMMIO_GENERATION_BITS=3 -DXL_DEBUG=1
/* Emulated MMIO with the leaves of a real map, as in a debug build: the generation wraps round
 * every 8 changes. */
#include "mem_guest.h"
#include "../../xen-lite/stage2/mmio.c"

#define DEVICES    12u
#define PAGES_EACH 2u
static struct domain *guest;
static unsigned seen, present[DEVICES], present_count;

static bool handler(struct vcpu *v, void *arg, struct mmio_access *a)
{
    (void)v;
    seen = (unsigned)(uintptr_t)arg;
    a->value = seen;
    return a->offset < PAGES_EACH * PAGE_SIZE;
}

static ipa_t place(unsigned device) { return IPA(0x8000000 + device * 0x10000ull); }

static void set_up(void)
{
    cmdline.vlpt = true;
    fake_domains_clear();
    fake_init(32ull << 20, 1);
    fake_page_init();
    vmid_init();
    memset(present, 0, sizeof(present));
    present_count = 0;
    guest = guest_new(1);
}

static void toggle(unsigned device)
{
    if (present[device])
        assert_int_equal(mmio_unregister(guest, place(device)), 0);
    else
        assert_int_equal(mmio_register(guest, place(device), PAGES_EACH * PAGE_SIZE, handler,
                                       (void *)(uintptr_t)device),
                         0);
    present[device] = !present[device];
    present_count += present[device] ? 1u : -1u;
    assert_int_equal(guest->mmio.count, present_count);
}

/* As the trap handlers do: try the leaf first, then the slow path. */
static bool reach(unsigned device, uint64_t offset)
{
    ipa_t ipa = IPA(place(device).v + offset);
    struct stage2_fault f = { .ipa = ipa, .decoded = true, .reg = 3, .size_log2 = 2 };

    seen = ~0u;
    return mmio_leaf_access(guest->vcpu[0], 2u << 22 | 3u << 16, ipa) ||
           mmio_dispatch(guest->vcpu[0], &f);
}

static void check(unsigned device, uint64_t offset)
{
    assert_int_equal(reach(device, offset), present[device]);
    if (present[device])
        assert_int_equal(seen, device);
    else
        assert_int_equal(seen, ~0u);
}

static uint64_t leaf_at(unsigned device)
{
    unsigned level;
    return p2m_leaf(guest, place(device), &level);
}

/* A leaf stays unused for exactly one turn of the generation, while its device changes from number
 * 1 to number 0. */
static void leaf_unused_for_one_turn(void **state)
{
    (void)state;
    set_up();
    toggle(1);
    toggle(5);
    check(5, 0);
    uint64_t old = leaf_at(5);
    uint32_t generation = guest->mmio.generation;
    assert_true(p2m_leaf_is_mmio(old));
    toggle(1);
    toggle(7);
    for (unsigned i = 2; i < 8; i++)
        toggle(9);
    assert_int_equal(guest->mmio.generation, generation);
    assert_int_equal(leaf_at(5), 0); /* zapped when the generation reached 0 */
    check(5, 0);
    check(7, 0);
    check(1, 0);
    assert_true(leaf_at(5) != old);
    guest_free(guest);
}

static void leaf_stale_by_one(void **state)
{
    (void)state;
    set_up();
    toggle(3);
    check(3, 8);
    uint64_t hits = guest->mmio.slow;
    check(3, 8);
    assert_int_equal(guest->mmio.slow, hits); /* found by the leaf, without the slow path */
    toggle(2);
    check(3, 8);
    assert_int_equal(guest->mmio.slow, hits + 1);
    toggle(3);
    check(3, 8); /* removed, although its leaf still has a number */
    assert_int_equal(mmio_unregister(guest, place(3)), -XEN_ENOENT);
    guest_free(guest);
}

static void random_device_changes(void **state)
{
    (void)state;
    set_up();
    for (unsigned change = 0; change < 4000; change++) {
        toggle((unsigned)below(DEVICES));
        for (unsigned i = (unsigned)below(6); i; i--)
            check((unsigned)below(DEVICES), below(PAGES_EACH * PAGE_SIZE) & ~3ull);
    }
    guest_free(guest);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(leaf_unused_for_one_turn),
                                        cmocka_unit_test(leaf_stale_by_one),
                                        cmocka_unit_test(random_device_changes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
