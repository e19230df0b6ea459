/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @guest-mem
// libs: -lcmocka
/* Copies to and from guests: across pages that are not adjacent in memory, to pages that may not be
 * written, and which pages become dirty. */
#include "mem_guest.h"

#define BASE 0x40000000ull
static struct domain *guest, *other;
static struct page *page[8];
static uint64_t baseline;

static void set_up(void)
{
    cmdline.vlpt = true;
    fake_domains_clear();
    fake_init(32ull << 20, 1);
    fake_page_init();
    vmid_init();
    baseline = page_free_count();
    guest = guest_new(1);
    other = guest_new(2);
    for (unsigned i = 0; i < 8; i++)
        page[i] = page_alloc(guest, 0, 0);
    /* in reverse order, so that no two pages are adjacent in physical memory */
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(
            p2m_map(guest, IPA(BASE + i * PAGE_SIZE), page_pa(page[7 - i]), 1, P2M_RAM), 0);
    this_cpu()->current = guest->vcpu[0];
}
static void tear_down(void)
{
    guest_free(guest);
    guest_free(other);
    assert_int_equal(page_free_count(), baseline);
}

static void copies_across_pages(void **state)
{
    (void)state;
    set_up();
    uint8_t in[3 * PAGE_SIZE], out[3 * PAGE_SIZE];
    for (unsigned i = 0; i < sizeof(in); i++)
        in[i] = (uint8_t)random64();
    for (unsigned n = 0; n < 300; n++) {
        uint64_t at = below(5 * PAGE_SIZE);
        size_t bytes = (size_t)below(sizeof(in));
        memset(out, 0, sizeof(out));
        assert_int_equal(copy_to_guest(BASE + at, in, bytes), 0);
        assert_int_equal(copy_from_guest(out, BASE + at, bytes), 0);
        assert_memory_equal(in, out, bytes);
        assert_int_equal(copy_from_ipa(guest, out, IPA(BASE + at), bytes), 0);
        assert_memory_equal(in, out, bytes);
    }
    assert_int_equal(copy_to_ipa(guest, IPA(BASE + PAGE_SIZE - 3), "abcdef", 6), 0);
    assert_memory_equal((uint8_t *)page_va(page[7]) + PAGE_SIZE - 3, "abc", 3);
    assert_memory_equal(page_va(page[6]), "def", 3);
    assert_int_equal(clear_guest(BASE + PAGE_SIZE - 1, 2), 0);
    assert_memory_equal((uint8_t *)page_va(page[7]) + PAGE_SIZE - 3, "ab\0", 3);
    assert_memory_equal(page_va(page[6]), "\0ef", 3);
    tear_down();
}

static void forbidden_copies_fail(void **state)
{
    (void)state;
    set_up();
    uint8_t buf[PAGE_SIZE] = { 0 };
    assert_int_equal(copy_to_guest(BASE + 8 * PAGE_SIZE, buf, 10), 10);
    assert_int_equal(copy_to_guest(BASE + 8 * PAGE_SIZE - 3, buf, 10), 7);
    assert_int_equal(copy_from_guest(buf, BASE + 8 * PAGE_SIZE - 3, 10), 7);
    assert_int_equal(copy_from_guest(buf, ~0ull - 2, 10), 10);
    assert_int_equal(copy_to_ipa(guest, IPA(BASE - 1), buf, 2), -XEN_EFAULT);
    assert_int_equal(copy_from_ipa(guest, buf, IPA((1ull << 40) - 1), 2), -XEN_EFAULT);
    assert_int_equal(copy_to_guest(0, buf, 0), 0);
    /* Read-only pages, devices, and emulated pages. */
    struct page *p = page_alloc(other, 0, 0);
    assert_int_equal(p2m_map(guest, IPA(0x1000), page_pa(p), 1, P2M_GRANT_RO), 0);
    assert_int_equal(copy_from_guest(buf, 0x1000, 16), 0);
    assert_int_equal(copy_to_guest(0x1000, buf, 16), 16);
    assert_int_equal(clear_guest(0x1000, 16), 16);
    assert_int_equal(p2m_map(guest, IPA(0x2000), PA(0x9000000), 1, P2M_DEVICE), 0);
    assert_int_equal(copy_from_guest(buf, 0x2000, 16), 16);
    assert_int_equal(p2m_mmio_set(guest, IPA(0x3000), 1), 0);
    assert_int_equal(copy_from_guest(buf, 0x3000, 16), 16);
    assert_int_equal(p2m_unmap(guest, IPA(0x1000), 1), 0);
    page_put(p);
    tear_down();
}

static uint64_t harvest(struct domain *d, uint64_t gfn)
{
    uint64_t word, count;
    assert_int_equal(dirty_harvest(d, gfn, 64, &word, true, &count), 0);
    dirty_round_end(d);
    return word;
}

static void copies_mark_dirty(void **state)
{
    (void)state;
    set_up();
    assert_int_equal(dirty_enable(guest), 0);
    assert_int_equal(harvest(guest, BASE >> 12), 0);
    /* clean, so read-only for the guest */
    assert_int_equal(copy_to_guest(BASE + 2 * PAGE_SIZE - 1, "xy", 2), 0);
    assert_int_equal(harvest(guest, BASE >> 12), 0x6);
    char c;
    assert_int_equal(copy_from_guest(&c, BASE, 1), 0);
    assert_int_equal(harvest(guest, BASE >> 12), 0);
    assert_int_equal(clear_guest(BASE + 5 * PAGE_SIZE, 1), 0);
    assert_int_equal(harvest(guest, BASE >> 12), 0x20);
    /* Through a foreign mapping: marks the owner's page. */
    page_get_known(page[4]);
    assert_int_equal(p2m_map(other, IPA(0x7000), page_pa(page[4]), 1, P2M_FOREIGN), 0);
    assert_int_equal(copy_to_ipa(other, IPA(0x7010), "z", 1), 0);
    assert_int_equal(harvest(guest, BASE >> 12), 0x8);
    assert_int_equal(harvest(guest, BASE >> 12), 0);
    page_get_known(page[4]);
    assert_int_equal(p2m_map(other, IPA(0x8000), page_pa(page[4]), 1, P2M_FOREIGN_RO), 0);
    assert_int_equal(copy_to_ipa(other, IPA(0x8010), "z", 1), -XEN_EFAULT);
    assert_int_equal(harvest(guest, BASE >> 12), 0);
    assert_int_equal(p2m_unmap(other, IPA(0x7000), 2), 0);
    tear_down();
}

static unsigned asked;
static uint64_t moved;
static bool read_only;
static int translate(gva_t va, bool write, ipa_t *ipa)
{
    asked++;
    *ipa = IPA(va.v + moved);
    return write && read_only ? -XEN_EFAULT : 0;
}

/* Within a call, the guest's stage-1 translation is looked up once per page, and again for the
 * first write.  Outside a call it is always looked up. */
static void one_translation_per_page(void **state)
{
    (void)state;
    set_up();
    char c[2];
    fake_gva_to_ipa = translate;
    asked = 0;
    moved = 0;
    read_only = false;
    *(char *)page_va(page[7]) = 'a'; /* at BASE */
    *(char *)page_va(page[6]) = 'b';
    guest_mem_begin_call();
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(copy_from_guest(c, BASE + i, 1), 0);
    assert_int_equal(asked, 1);
    read_only = true;
    assert_int_equal(copy_to_guest(BASE, "x", 1), 1);
    assert_int_equal(asked, 2);
    read_only = false;
    assert_int_equal(copy_to_guest(BASE + 8, "x", 1), 0);
    assert_int_equal(copy_to_guest(BASE + 9, "x", 1), 0);
    assert_int_equal(copy_from_guest(c, BASE, 1), 0);
    assert_int_equal(asked, 3);
    assert_int_equal(copy_from_guest(c, BASE + PAGE_SIZE, 1), 0);
    assert_int_equal(asked, 4);
    guest_mem_end_call();
    moved = PAGE_SIZE; /* the translation changed between two calls */
    assert_int_equal(copy_from_guest(c, BASE, 1), 0);
    assert_int_equal(c[0], 'b');
    guest_mem_begin_call();
    assert_int_equal(copy_from_guest(c, BASE, 1), 0);
    assert_int_equal(c[0], 'b');
    guest_mem_end_call();
    fake_gva_to_ipa = NULL;
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(copies_across_pages),
                                        cmocka_unit_test(forbidden_copies_fail),
                                        cmocka_unit_test(one_translation_per_page),
                                        cmocka_unit_test(copies_mark_dirty) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
