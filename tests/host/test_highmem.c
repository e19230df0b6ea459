/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @domain xen-lite/call/memory_reserve.c
// libs: -lcmocka
/*
 * A machine with more RAM than the direct map covers, as 32-bit machines may have: which zone an
 * allocation comes from, and all code that accesses a guest's page outside the direct map.  There,
 * an access without a temporary mapping faults.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include "domain_world.h"
#include "memory_op.h"

#define DIRECT_BYTES (16u << 20)

static struct domain *guest;
static bool beyond(const struct page *p) { return !pa_in_direct_map(page_pa(p)); }

long memory_restart(unsigned op, uint64_t extent)
{
    (void)op;
    (void)extent;
    return -XEN_ERESTART;
}

static int start(void **state)
{
    direct_bytes = DIRECT_BYTES;
    int rc = boot(state);
    guest = make(6, 2);
    give_memory(guest);
    this_cpu()->current = guest->vcpu[0];
    return rc;
}

static int end(void **state)
{
    this_cpu()->current = dom0->vcpu[0];
    destroy(guest);
    assert_int_equal(fake_moments, 0);
    assert_int_equal(fake_lasting, 0);
    return halt(state);
}

/* ---- zones ---- */

static void zones_chosen(void **state)
{
    (void)state;
    fake_init(40u << 20, 1);
    fake_small_direct_map(DIRECT_BYTES);
    fake_page_init();
    struct domain d = { .id = 7, .max_pages = ~0u };
    uint64_t own = page_free_own_count(), all = page_free_count();
    assert_true(pa_in_direct_map(va_to_pa(frame_table)));
    assert_int_equal(all - own, (40u << 20) / PAGE_SIZE - DIRECT_BYTES / PAGE_SIZE);
    unsigned blocks = 0;
    struct page *block[64];
    for (struct page *p; (p = page_alloc(&d, 9, 0)); blocks++) {
        block[blocks] = p; /* outside the direct map first, then inside; never across */
        assert_int_equal(beyond(p), blocks < 12);
        assert_int_equal(beyond(p), beyond(&p[511]));
        const uint64_t *w = fake_ram(page_pa(p));
        assert_int_equal(w[0] | w[512 * 512 - 1], 0);
    }
    assert_in_range(blocks, 12 + 6, 12 + 7);
    assert_true(page_free_own_count() == page_free_count() && page_free_count() < 2 * 512);
    for (unsigned i = 0; i < 12; i++)
        page_put_block(block[i], 9);
    while (page_alloc(NULL, 0, 0))
        ;
    /* although 24 MiB outside the direct map are free */
    assert_int_equal(page_free_own_count(), 0);
    assert_null(mem_alloc(1));
    assert_int_equal(page_free_count(), 12 * 512);
    while (page_scrub())
        ;
    unsigned long cleared = fake_cleaned_bytes;
    struct page *p = page_alloc(&d, 4, 0);
    assert_int_equal(fake_cleaned_bytes, cleared); /* cleared earlier by idle CPUs */
    page_put_block(p, 4);
    p = page_alloc(&d, 10, 0); /* merged again */
    assert_non_null(p);
    assert_true(beyond(p));
    page_put_block(p, 10);
    for (unsigned i = 12; i < blocks; i++)
        page_put_block(block[i], 9);
    page_forget_owner(&d);
}

static void zones_chosen_at_random(void **state)
{
    (void)state;
    fake_init(24u << 20, 1);
    fake_small_direct_map(10u << 20); /* the direct map ends inside a 4 MiB block */
    const struct mem_region all_of_it = { FAKE_RAM, FAKE_RAM + (24u << 20) },
                            module = { FAKE_RAM + (8u << 20), FAKE_RAM + (12u << 20) };
    page_init(&all_of_it, 1, &module, 1);
    page_free_region(module.start, module.end);
    struct domain d = { .id = 7, .max_pages = ~0u };
    uint64_t own = page_free_own_count(), all = page_free_count();
    assert_int_equal(all - own, (14u << 20) / PAGE_SIZE);
    struct {
        struct page *p;
        unsigned order;
    } out[200] = { { NULL, 0 } };
    srand(1);
    for (unsigned step = 0; step < 20000; step++) {
        unsigned i = (unsigned)rand() % ARRAY_SIZE(out), order = (unsigned)rand() % 9;
        bool mine = rand() % 2;
        if (out[i].p) {
            page_put_block(out[i].p, out[i].order);
            out[i].p = NULL;
            continue;
        }
        uint64_t free_beyond = page_free_count() - page_free_own_count();
        out[i].p = page_alloc(mine ? NULL : &d, order, ALLOC_ZERO);
        out[i].order = order;
        if (!out[i].p)
            continue;
        assert_int_equal(beyond(out[i].p), beyond(&out[i].p[(1u << order) - 1]));
        assert_false(mine && beyond(out[i].p));
        if (!mine && order == 0)
            assert_int_equal(beyond(out[i].p), free_beyond != 0);
        assert_int_equal(*(const uint64_t *)fake_ram(page_pa(out[i].p)), 0);
        memset(fake_ram(page_pa(out[i].p)), 0xee, PAGE_SIZE << order);
        if (step % 64 == 0)
            page_scrub();
    }
    for (unsigned i = 0; i < ARRAY_SIZE(out); i++)
        if (out[i].p)
            page_put_block(out[i].p, out[i].order);
    assert_int_equal(page_free_own_count(), own);
    assert_int_equal(page_free_count(), all);
    struct page *p = page_alloc(&d, 11, ALLOC_RAW); /* blocks are whole again */
    assert_true(p && beyond(p));
    page_put_block(p, 11);
    while ((p = page_alloc(NULL, 10, 0)))
        assert_false(beyond(p) || beyond(&p[1023]));
}

/* ---- a guest's memory ---- */

static void copies_in_high_memory(void **state)
{
    (void)state;
    see_windows();
    char in[3 * PAGE_SIZE], out[3 * PAGE_SIZE];
    for (unsigned i = 0; i < sizeof(in); i++)
        in[i] = (char)(i * 7);
    struct p2m_entry e;
    assert_true(p2m_lookup(guest, IPA(GUEST_RAM), &e));
    assert_false(pa_in_direct_map(e.pa));
    assert_int_equal(copy_to_guest(GUEST_RAM + 100, in, sizeof(in)), 0);
    assert_memory_equal(ram(guest, 100), in, 1000);
    assert_memory_equal(ram(guest, PAGE_SIZE), in + PAGE_SIZE - 100, PAGE_SIZE);
    assert_int_equal(copy_from_guest(out, GUEST_RAM + 100, sizeof(out)), 0);
    assert_memory_equal(in, out, sizeof(in));
    assert_int_equal(clear_guest(GUEST_RAM + 50, 2 * PAGE_SIZE), 0);
    assert_int_equal(*(uint8_t *)ram(guest, PAGE_SIZE + 77), 0);
    assert_int_equal(copy_from_ipa(guest, out, IPA(GUEST_RAM + 2 * PAGE_SIZE + 40), 100), 0);
    assert_int_equal(out[0], 0);
    assert_int_equal(out[10], in[2 * PAGE_SIZE - 50]);
    assert_true(fake_moment_count >= 10);
    p2m_cache_flush(guest, GUEST_RAM >> PAGE_SHIFT, GUEST_PAGES);
    assert_true(fake_cleaned_bytes >= GUEST_PAGES * PAGE_SIZE);
}

static void copies_marked_in_high_memory(void **state)
{
    (void)state;
    see_windows();
    uint64_t words[GUEST_PAGES / 64], count = 0;
    assert_int_equal(dirty_enable(guest), 0);
    assert_int_equal(
        dirty_harvest(guest, GUEST_RAM >> PAGE_SHIFT, GUEST_PAGES, words, true, &count), 0);
    dirty_round_end(guest);
    assert_int_equal(copy_to_guest(GUEST_RAM + 5 * PAGE_SIZE - 1, "ab", 2), 0);
    assert_int_equal(
        dirty_harvest(guest, GUEST_RAM >> PAGE_SHIFT, GUEST_PAGES, words, true, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(words[0], 3u << 4);
    dirty_round_end(guest);
    assert_int_equal(dirty_disable(guest), 0);
}

static void populate_in_high_memory(void **state)
{
    (void)state;
    see_windows();
    xen_pfn_t gfn = 0x60000;
    struct xen_memory_reservation r = { .nr_extents = 1, .extent_order = 4, .domid = DOMID_SELF };
    struct {
        struct xen_memory_reservation r;
        xen_pfn_t gfn;
    } *args = ram(guest, 0);
    args->gfn = gfn;
    r.extent_start.q = GUEST_RAM + ((uintptr_t)&args->gfn & (PAGE_SIZE - 1));
    args->r = r;
    guest->max_pages += 16;
    struct page *used = page_alloc(guest, 4, 0); /* the next page is not clean */
    memset(fake_ram(page_pa(used)), 0xee, 16 * PAGE_SIZE);
    page_put_block(used, 4);
    assert_int_equal(memory_reservation(XENMEM_populate_physmap, GUEST_RAM, 0), 1);
    for (unsigned i = 0; i < 16; i++) {
        struct p2m_entry e;
        assert_true(p2m_lookup(guest, GFN(gfn + i), &e));
        assert_false(pa_in_direct_map(e.pa));
        assert_int_equal(((const uint64_t *)fake_ram(e.pa))[i], 0);
    }
}

/* ---- grants ---- */

static void grant_copies_in_high_memory(void **state)
{
    (void)state;
    see_windows();
    struct domain *by = make(7, 1);
    give_memory(by);
    struct grant_entry_v1 *e = page_va(guest->grant.frame[0]);
    e[9] = (struct grant_entry_v1){ .flags = GTF_permit_access,
                                    .domid = 7,
                                    .frame = GUEST_RAM >> PAGE_SHIFT };
    strcpy(ram(guest, 64), "granted");
    this_cpu()->current = by->vcpu[0];
    struct gnttab_copy op = {
        .source = { .u.ref = 9, .domid = 6, .offset = 64 },
        .len = 100,
        .flags = GNTCOPY_source_gref,
        .dest = { .u.gmfn = (GUEST_RAM >> PAGE_SHIFT) + 3, .domid = DOMID_SELF, .offset = 32 }
    };
    unsigned long before = fake_moment_count;
    grant_copy_one(by, &op);
    assert_int_equal(op.status, GNTST_permission_denied); /* guests may not share with each other */
    by->privileged = true;
    grant_copy_one(by, &op);
    assert_int_equal(op.status, GNTST_okay);
    assert_string_equal(ram(by, 3 * PAGE_SIZE + 32), "granted");
    assert_int_equal(fake_moment_count, before + 2);
    op.source = (struct gnttab_copy_ptr){ .u.gmfn = (GUEST_RAM >> PAGE_SHIFT) + 3,
                                          .domid = DOMID_SELF,
                                          .offset = 32 };
    op.dest.offset = 35; /* within one page, overlapping */
    op.flags = 0;
    grant_copy_one(by, &op);
    assert_int_equal(op.status, GNTST_okay);
    assert_string_equal(ram(by, 3 * PAGE_SIZE + 35), "granted");
    struct p2m_entry at;
    assert_true(p2m_lookup(by, IPA(GUEST_RAM), &at));
    const struct gnttab_cache_flush flush = { .a.dev_bus_addr = at.pa.v,
                                              .length = 64,
                                              .op = GNTTAB_CACHE_CLEAN };
    unsigned long cleaned = fake_cleaned_bytes;
    assert_int_equal(grant_cache_flush(by, &flush), 0);
    assert_int_equal(fake_cleaned_bytes, cleaned + 64);
    by->privileged = false;
    this_cpu()->current = dom0->vcpu[0];
    destroy(by);
    this_cpu()->current = guest->vcpu[0];
}

/* ---- areas that stay mapped ---- */

static void areas_in_high_memory(void **state)
{
    (void)state;
    see_windows();
    struct vcpu *v = guest->vcpu[0], *w = guest->vcpu[1];
    assert_int_equal(vcpu_register_info(w, (GUEST_RAM >> PAGE_SHIFT) + 1, 128), 0);
    assert_int_equal(fake_lasting, 1);
    struct vcpu_info *there = ram(guest, PAGE_SIZE + 128);
    assert_int_equal(there->evtchn_upcall_pending, 1);
    there->evtchn_upcall_pending = 0;
    there->evtchn_pending_sel = 0;
    uint32_t port;
    assert_int_equal(evtchn_bind_ipi(guest, 1, &port), 0);
    guest->shared_info->evtchn_mask[port / 64] = 0;
    assert_int_equal(evtchn_send(guest, port), 0);
    assert_int_equal(there->evtchn_upcall_pending, 1);
    assert_int_equal(there->evtchn_pending_sel, 1ull << (port / 64));
    /* spans two pages */
    assert_int_equal(vcpu_register_runstate(v, GVA(GUEST_RAM + 3 * PAGE_SIZE - 24)), 0);
    assert_int_equal(fake_lasting, 3);
    uint64_t entry_time;
    memcpy(&entry_time,
           ram(guest, 3 * PAGE_SIZE - 24 + offsetof(struct vcpu_runstate_info, state_entry_time)),
           8);
    assert_int_equal(entry_time, v->runstate.state_entry_time);
    assert_int_equal(vcpu_register_runstate(v, GVA(GUEST_RAM + 4 * PAGE_SIZE)), 0);
    assert_int_equal(fake_lasting, 2);
    /* No slot is free: refused without any change. */
    struct page *p = page_alloc(guest, 0, 0);
    void *at[FAKE_LASTING];
    for (unsigned i = 0; i < FAKE_LASTING - 2; i++)
        assert_non_null(at[i] = page_map_lasting(p));
    assert_int_equal(vcpu_restore_info(v, IPA(GUEST_RAM)), -XEN_ENOMEM);
    assert_null(v->info_page);
    page_unmap_lasting(p, at[0]);
    /* the second of two pages fails */
    assert_int_equal(vcpu_register_runstate(v, GVA(GUEST_RAM + 8 * PAGE_SIZE - 24)), -XEN_ENOMEM);
    assert_int_equal(fake_lasting, FAKE_LASTING - 1);
    assert_int_equal(v->runstate_va.v, GUEST_RAM + 4 * PAGE_SIZE);
    for (unsigned i = 1; i < FAKE_LASTING - 2; i++)
        page_unmap_lasting(p, at[i]);
    page_put(p);
}

/* ---- no memory in the direct map ---- */

static void no_memory_for_tables(void **state)
{
    (void)state;
    see_windows();
    static struct page *own[DIRECT_BYTES / PAGE_SIZE];
    unsigned n = 0;
    struct p2m_entry e;
    struct domain *d = NULL;
    struct page *p = page_alloc(guest, 0, 0);
    while ((own[n] = page_alloc(NULL, 0, 0)))
        n++;
    assert_true(page_free_count() > 1024);
    assert_int_equal(p2m_map(guest, IPA(0x123000000), page_pa(p), 1, P2M_RAM), -XEN_ENOMEM);
    assert_false(p2m_lookup(guest, IPA(0x123000000), &e));
    struct xen_domctl_createdomain cfg = config(1);
    assert_int_equal(domain_create(9, &cfg, false, &d), -XEN_ENOMEM);
    for (unsigned i = 0; i < 8; i++) /* enough for the first tables, not for all */
        page_put(own[--n]);
    assert_int_equal(domain_create(9, &cfg, false, &d), -XEN_ENOMEM);
    assert_int_equal(page_free_own_count(), 8);
    while (n)
        page_put(own[--n]);
    assert_int_equal(p2m_map(guest, IPA(0x123000000), page_pa(p), 1, P2M_RAM), 0);
    assert_true(p2m_lookup(guest, IPA(0x123000000), &e));
    assert_true(beyond(p));
}

int main(void)
{
    fake_init(1 << 20, 1);
    sigaction(SIGSEGV, NULL, &machine_segv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_chosen),
        cmocka_unit_test(zones_chosen_at_random),
        cmocka_unit_test_setup_teardown(copies_in_high_memory, start, end),
        cmocka_unit_test_setup_teardown(copies_marked_in_high_memory, start, end),
        cmocka_unit_test_setup_teardown(populate_in_high_memory, start, end),
        cmocka_unit_test_setup_teardown(grant_copies_in_high_memory, start, end),
        cmocka_unit_test_setup_teardown(areas_in_high_memory, start, end),
        cmocka_unit_test_setup_teardown(no_memory_for_tables, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
