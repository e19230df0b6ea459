/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @p2m
// libs: -lcmocka
/*
 * The VLPT: the windows show what a walk finds, through maps, unmaps, splits and merges.  Freed
 * tables are removed from windows before they are freed.  Look-ups that race with a merge fall back
 * to a walk, and so do domains beyond the last window.
 */
#include <threads.h>
#include "mem_guest.h"

#define AREAS 5u
static const uint64_t area[AREAS] = { 0, 0x3fe00000, 0x7fffe00000, 0x8000000000,
                                      0xffffc00000 }; /* 4 MiB each */
static struct domain *guest;

static void set_up(void)
{
    cmdline.vlpt = true;
    fake_domains_clear();
    fake_init(48ull << 20, 2);
    fake_page_init();
    vmid_init();
    guest = guest_new(1);
    assert_true(guest->p2m.vlpt_slot >= 0);
}

static uint64_t random_ipa(void)
{
    return area[below(AREAS)] + (below(2 * BLOCK_SIZE) & PAGE_MASK);
}

static void compare(uint64_t ipa)
{
    unsigned walk_level, level;
    uint64_t walk = pt_lookup(&guest->p2m.pt, ipa, &walk_level);
    assert_int_equal(p2m_leaf(guest, IPA(ipa), &level), walk);
    assert_int_equal(level, walk_level);
}

static void window_equals_walk(void **state)
{
    (void)state;
    set_up();
    struct p2m *p2m = &guest->p2m;
    for (unsigned step = 0; step < 6000; step++) {
        uint64_t ipa = random_ipa(), pages = below(600);
        switch (below(5)) {
        case 0:
            assert_int_equal(
                p2m_map(guest, IPA(ipa), PA(0x100000000 + (ipa & (BLOCK_SIZE - 1))), 1, P2M_DEVICE),
                0);
            break;
        case 1:
            ipa &= ~(uint64_t)(BLOCK_SIZE - 1);
            assert_int_equal(
                p2m_map(guest, IPA(ipa), PA(0x100000000 + below(8) * BLOCK_SIZE), 512, P2M_DEVICE),
                0);
            break;
        case 2:
            assert_int_equal(p2m_unmap(guest, IPA(ipa), MIN(pages, (0x10000000000 - ipa) >> 12)),
                             0);
            break;
        case 3:
            spin_lock(&p2m->lock);
            pt_merge(&p2m->pt, ipa, 2);
            spin_unlock(&p2m->lock);
            break;
        default:
            spin_lock(&p2m->lock);
            if (*pt_entry(&p2m->pt, ipa, &(unsigned){ 0 }) & PTE_VALID)
                assert_non_null(pt_entry_at(&p2m->pt, ipa, 3));
            spin_unlock(&p2m->lock);
        }
        for (unsigned i = 0; i < 20; i++)
            compare(random_ipa() + below(4096));
        compare(ipa);
        compare(below(1ull << 40)); /* mostly unmapped, at any level */
    }
    assert_true(fake_vlpt_forgets > 100);
    unsigned level;
    assert_int_equal(p2m_leaf(guest, IPA(1ull << 40), &level), 0);
    assert_int_equal(p2m_leaf(guest, IPA(~0ull), &level), 0);
    guest_free(guest);
    assert_int_equal(page_free_count(), page_total_count());
}

static void domains_beyond_the_last_window(void **state)
{
    (void)state;
    set_up();
    struct domain *more[VLPT_SLOTS];
    bool walker = false;
    for (unsigned i = 0; i < VLPT_SLOTS; i++) {
        more[i] = guest_new((domid_t)(10 + i));
        walker |= more[i]->p2m.vlpt_slot < 0;
        for (unsigned k = 0; k < i; k++)
            assert_true(more[i]->p2m.vlpt_slot != more[k]->p2m.vlpt_slot);
        assert_int_equal(
            p2m_map(more[i], IPA(0x40000000), PA(0x100000000 + i * 0x1000), 1, P2M_DEVICE), 0);
    }
    assert_true(walker); /* one more domain than there are windows */
    for (unsigned i = 0; i < VLPT_SLOTS; i++) {
        struct p2m_entry e;
        assert_true(p2m_lookup(more[i], IPA(0x40000000), &e));
        assert_int_equal(e.pa.v, 0x100000000 + i * 0x1000);
    }
    for (unsigned i = 0; i < VLPT_SLOTS; i++)
        guest_free(more[i]);
    struct domain *again = guest_new(50);
    assert_true(again->p2m.vlpt_slot >= 0);
    unsigned level;
    /* no entries of the window's former domain */
    assert_int_equal(p2m_leaf(again, IPA(0x40000000), &level), 0);
    assert_int_equal(level, 1);
    guest_free(again);
    guest_free(guest);
}

static int done;
static int reader(void *arg)
{
    (void)arg;
    fake_cpu_set(1);
    while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
        struct p2m_entry e;
        for (uint64_t ipa = 0x40000000; ipa < 0x40000000 + BLOCK_SIZE; ipa += 16 * PAGE_SIZE) {
            if (!p2m_lookup(guest, IPA(ipa), &e) && e.type != P2M_NONE)
                return 1;
            if (e.type != P2M_NONE && e.pa.v != 0x100000000 + (ipa & (BLOCK_SIZE - 1)))
                return 1; /* a freed table that was reused */
        }
    }
    return 0;
}

static void lookup_races_with_merge(void **state)
{
    (void)state;
    set_up();
    assert_int_equal(p2m_map(guest, IPA(0x40000000), PA(0x100000000), 512, P2M_DEVICE), 0);
    done = 0;
    thrd_t t;
    int bad;
    thrd_create(&t, reader, NULL);
    for (unsigned i = 0; i < 2000; i++) {
        spin_lock(&guest->p2m.lock);
        assert_non_null(pt_entry_at(&guest->p2m.pt, 0x40000000, 3));
        spin_unlock(&guest->p2m.lock);
        /* Probably the page that was the last table: now with other contents. */
        void *hot = mem_alloc(PAGE_SIZE);
        memset(hot, 0xff, PAGE_SIZE);
        spin_lock(&guest->p2m.lock);
        assert_true(pt_merge(&guest->p2m.pt, 0x40000000, 2));
        spin_unlock(&guest->p2m.lock);
        mem_free(hot, PAGE_SIZE);
    }
    __atomic_store_n(&done, 1, __ATOMIC_RELEASE);
    thrd_join(t, &bad);
    assert_int_equal(bad, 0);
    guest_free(guest);
}

/* CPUs alternate between two domains while both maps grow: each look-up must find its own domain's
 * entries, also those added after the window was filled. */
static void lookup_in_two_domains_by_turns(void **state)
{
    (void)state;
    set_up();
    struct domain *both[2] = { guest, guest_new(2) };
    for (unsigned n = 0; n < 24; n++) /* GiB after GiB, past the end of a 32-bit window */
        for (unsigned who = 0; who < 2; who++) {
            uint64_t ipa = (uint64_t)n << 30 | 5 * PAGE_SIZE,
                     pa = 0x100000000ull + (2 * n + who) * PAGE_SIZE;
            fake_cpu_set(one_in(2));
            compare(ipa); /* this CPU's window shows `guest` */
            assert_int_equal(p2m_map(both[who], IPA(ipa), PA(pa), 1, P2M_DEVICE), 0);
            for (unsigned i = 0; i < 8; i++) {
                unsigned k = (unsigned)below(2), m = (unsigned)below(n + 1);
                bool there = m < n || k <= who;
                struct p2m_entry e;
                fake_cpu_set(one_in(2));
                assert_int_equal(p2m_lookup(both[k], IPA((uint64_t)m << 30 | 5 * PAGE_SIZE), &e),
                                 there);
                assert_true(!there || e.pa.v == 0x100000000ull + (2 * m + k) * PAGE_SIZE);
            }
        }
    fake_cpu_set(0);
    assert_int_equal(fake_vlpt_shows > 100, fake_one_window);
    guest_free(both[1]);
    guest_free(guest);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(window_equals_walk),
                                        cmocka_unit_test(domains_beyond_the_last_window),
                                        cmocka_unit_test(lookup_races_with_merge),
                                        cmocka_unit_test(lookup_in_two_domains_by_turns) };
    return RUN_WITH_BOTH_WINDOWS(tests);
}
