/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @p2m
// libs: -lcmocka
/* Compares a domain's map with a flat array: types, references, the addresses that the guest
 * reaches, and released pages. */
#include "mem_guest.h"

#define BASE  0x3fe00000ull /* the second half is in the next GiB */
#define PAGES 2048u
static struct {
    enum p2m_type type;
    uint64_t pa;
} model[PAGES];
static struct domain *guest, *other;
static uint64_t baseline;

static void set_up(bool vlpt)
{
    cmdline.vlpt = vlpt;
    fake_domains_clear();
    fake_init(64ull << 20, 2);
    fake_page_init();
    vmid_init();
    memset(model, 0, sizeof(model));
    baseline = page_free_count();
    guest = guest_new(1);
    other = guest_new(2);
    assert_int_equal(guest->p2m.vlpt_slot >= 0, vlpt);
}

static void tear_down(void)
{
    guest_free(guest);
    guest_free(other);
    assert_int_equal(page_free_count(), baseline);
}

static bool guest_may_write(enum p2m_type t) { return t != P2M_FOREIGN_RO && t != P2M_GRANT_RO; }

static void check_page(unsigned i)
{
    struct p2m_entry e;
    uint64_t ipa = BASE + (uint64_t)i * PAGE_SIZE + 0x18;
    bool there = p2m_lookup(guest, IPA(ipa), &e);
    assert_int_equal(there, model[i].type != P2M_NONE);
    assert_int_equal(e.type, model[i].type);
    paddr_t pa;
    if (there) {
        assert_int_equal(e.pa.v, model[i].pa + 0x18);
        assert_int_equal(e.writable, guest_may_write(e.type));
    }
    assert_int_equal(guest_access(guest, ipa, false, &pa), there);
    if (there)
        assert_int_equal(pa.v, model[i].pa + 0x18);
    if (one_in(3)) {
        assert_int_equal(guest_access(guest, ipa, true, &pa), there && guest_may_write(e.type));
        if (there && model[i].type == P2M_RAM) {
            const struct page *p = pfn_page(model[i].pa >> 12);
            assert_int_equal(p->gfn, ipa >> 12);
            assert_int_equal(p->owner, guest->id);
        }
    }
}

static void random_map(unsigned i)
{
    static const enum p2m_type types[] = { P2M_RAM,   P2M_RAM,      P2M_FOREIGN, P2M_FOREIGN_RO,
                                           P2M_GRANT, P2M_GRANT_RO, P2M_SHARED,  P2M_DEVICE };
    enum p2m_type type = types[below(ARRAY_SIZE(types))];
    unsigned order = type == P2M_RAM && below(2) ? 9 : (unsigned)below(7), n = 1u << order;
    i &= ~(n - 1);
    struct page *p = page_alloc(type == P2M_RAM      ? guest
                                : type == P2M_SHARED ? NULL
                                                     : other,
                                order, 0);
    if (!p)
        return;
    uint64_t pa = page_pa(p).v;
    bool keep = type != P2M_RAM && type != P2M_FOREIGN && type != P2M_FOREIGN_RO;
    int err = p2m_map(guest, IPA(BASE + (uint64_t)i * PAGE_SIZE), PA(pa), n, type);
    /* These types hold no reference, so the pages are put back at once. */
    for (unsigned k = 0; k < n && (err || keep); k++)
        page_put(&p[k]);
    if (err) {
        assert_int_equal(err, -XEN_ENOMEM);
        return;
    }
    for (unsigned k = 0; k < n; k++) {
        model[i + k].type = type;
        model[i + k].pa = pa + k * PAGE_SIZE;
    }
}

static void forget(unsigned i, unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        model[i + k].type = P2M_NONE;
}

static void map_equals_model(void **state)
{
    for (int vlpt = 0; vlpt < 2; vlpt++) {
        (void)state;
        set_up(vlpt);
        for (unsigned step = 0; step < 4000; step++) {
            unsigned i = (unsigned)below(PAGES), n = (unsigned)below(below(4) ? 5 : 700);
            n = MIN(n, PAGES - i);
            uint64_t ipa = BASE + (uint64_t)i * PAGE_SIZE;
            switch (below(4)) {
            case 0:
            case 1: random_map(i); break;
            case 2:
                if (p2m_unmap(guest, IPA(ipa), n) == 0)
                    forget(i, n);
                break;
            default:
                if (model[i].type == P2M_NONE) {
                    assert_int_equal(p2m_unmap_exact(guest, IPA(ipa), PA(FAKE_RAM)), -XEN_ENOENT);
                } else {
                    assert_int_equal(p2m_unmap_exact(guest, IPA(ipa), PA(model[i].pa + PAGE_SIZE)),
                                     -XEN_EINVAL);
                    assert_int_equal(p2m_unmap_exact(guest, IPA(ipa), PA(model[i].pa)), 0);
                    forget(i, 1);
                }
            }
            for (unsigned k = 0; k < 40; k++)
                check_page((unsigned)below(PAGES));
            check_page(i);
        }
        for (unsigned k = 0; k < PAGES; k++)
            check_page(k);
        tear_down();
    }
}

static void foreign_writes_marked(void **state)
{
    (void)state;
    set_up(true);
    struct page *p = page_alloc(other, 0, 0);
    uint64_t pa = page_pa(p).v;
    paddr_t at;
    page_get_known(p);
    assert_int_equal(p2m_map(other, IPA(0x40000000), PA(pa), 1, P2M_RAM), 0);
    assert_int_equal(p2m_map(guest, IPA(0x1000), PA(pa), 1, P2M_FOREIGN), 0);
    unsigned level;
    assert_true(guest_access(guest, 0x1234, false, &at));
    assert_int_equal(p->ext_writers, 0);
    assert_true(guest_access(guest, 0x1234, true, &at));
    assert_int_equal(at.v, pa + 0x234);
    assert_int_equal(p->ext_writers, 1);
    assert_true(p2m_leaf(other, IPA(0x40000000), &level) & PTE_SW_EXT);
    assert_true(guest_access(guest, 0x1000, true, &at));
    assert_int_equal(p->ext_writers, 1);
    /* A read-only mapping never marks. */
    page_get_known(p);
    assert_int_equal(p2m_map(guest, IPA(0x2000), PA(pa), 1, P2M_FOREIGN_RO), 0);
    assert_false(guest_access(guest, 0x2000, true, &at));
    assert_int_equal(p2m_unmap(guest, IPA(0x1000), 2), 0);
    assert_int_equal(p->ext_writers, 0);
    assert_int_equal(p->refs, 1);
    assert_false(p2m_leaf(other, IPA(0x40000000), &level) & PTE_SW_EXT);
    /* A block has one bit for its 512 pages, and stays a block. */
    struct page *b = page_alloc(other, 9, 0);
    assert_int_equal(p2m_map(other, IPA(0x40200000), page_pa(b), 512, P2M_RAM), 0);
    dirty_ext_writer(&b[17], 1);
    assert_true(p2m_leaf(other, IPA(0x40200000), &level) & PTE_SW_EXT);
    assert_int_equal(level, 2);
    dirty_ext_writer(&b[17], -1);
    tear_down();
}

static void pages_by_address(void **state)
{
    (void)state;
    set_up(true);
    struct page *p = page_alloc(guest, 9, 0);
    enum p2m_type type;
    assert_int_equal(p2m_map(guest, IPA(0x40000000), page_pa(p), 512, P2M_RAM), 0);
    struct page *q = p2m_get_page(guest, IPA(0x40003456), true, &type);
    assert_ptr_equal(q, &p[3]);
    assert_int_equal(type, P2M_RAM);
    assert_int_equal(q->refs, 2);
    /* the test's reference keeps the page */
    assert_int_equal(p2m_unmap(guest, IPA(0x40003000), 1), 0);
    assert_int_equal(q->refs, 1);
    assert_int_equal(q->gfn, PAGE_NO_GFN);
    assert_null(p2m_get_page(guest, IPA(0x40003456), false, NULL));
    page_put(q);
    assert_null(p2m_get_page(guest, IPA(1ull << 40), false, NULL));
    assert_null(p2m_get_page(guest, IPA(~0ull), false, NULL));
    assert_int_equal(p2m_map(guest, IPA(0x9000000), PA(0x9000000), 1, P2M_DEVICE), 0);
    assert_null(p2m_get_page(guest, IPA(0x9000000), false, NULL));
    p = page_alloc(other, 0, 0);
    assert_int_equal(p2m_map(guest, IPA(0x5000), page_pa(p), 1, P2M_GRANT_RO), 0);
    assert_null(p2m_get_page(guest, IPA(0x5000), true, NULL));
    q = p2m_get_page(guest, IPA(0x5000), false, &type);
    assert_ptr_equal(q, p);
    assert_int_equal(type, P2M_GRANT_RO);
    page_put(q);
    page_put(p);
    assert_int_equal(p2m_unmap(guest, IPA(0x5000), 1), 0);
    assert_int_equal(p2m_max_gfn(guest), 0x401ff);
    tear_down();
}

static void bad_arguments_refused(void **state)
{
    (void)state;
    set_up(true);
    uint64_t ram = FAKE_RAM + (1 << 20);
    assert_int_equal(p2m_map(guest, IPA(1ull << 40), PA(ram), 1, P2M_SHARED), -XEN_EINVAL);
    assert_int_equal(p2m_map(guest, IPA((1ull << 40) - 4096), PA(ram), 2, P2M_SHARED), -XEN_EINVAL);
    assert_int_equal(p2m_map(guest, IPA(1), PA(ram), 1, P2M_SHARED), -XEN_EINVAL);
    assert_int_equal(p2m_map(guest, IPA(0), PA(1), 1, P2M_DEVICE), -XEN_EINVAL);
    assert_int_equal(p2m_map(guest, IPA(0), PA(ram), ~0ull, P2M_SHARED), -XEN_EINVAL);
    assert_int_equal(p2m_map(guest, IPA(0), PA(ram), 1, P2M_NONE), -XEN_EINVAL);
    assert_int_equal(p2m_map(guest, IPA(0), PA(ram), 1, P2M_MMIO), -XEN_EINVAL);
    /* no RAM there */
    assert_int_equal(p2m_map(guest, IPA(0), PA(0x1000), 1, P2M_RAM), -XEN_EINVAL);
    assert_int_equal(p2m_map(guest, IPA(0), PA(1ull << 40), 1, P2M_DEVICE), -XEN_EINVAL);
    assert_int_equal(p2m_unmap(guest, IPA(0), (1ull << 28) + 1), -XEN_EINVAL);
    assert_int_equal(p2m_unmap(guest, IPA(~0ull), 1), -XEN_EINVAL);
    assert_int_equal(p2m_unmap(guest, IPA(0), 0), 0);
    tear_down();
}

static bool mmio_seen;
bool mmio_dispatch(struct vcpu *v, const struct stage2_fault *f)
{
    unsigned level;
    uint64_t leaf = p2m_leaf(v->domain, f->ipa, &level);
    mmio_seen = p2m_leaf_is_mmio(leaf);
    return false;
}

static void emulated_pages_in_the_map(void **state)
{
    (void)state;
    set_up(true);
    unsigned level;
    const uint64_t payload = 0xabcd12345678ull;
    assert_int_equal(p2m_mmio_set(guest, IPA(0x8000000), payload), 0);
    uint64_t leaf = p2m_leaf(guest, IPA(0x8000abc), &level);
    assert_true(p2m_leaf_is_mmio(leaf));
    assert_int_equal(p2m_mmio_payload(leaf), payload);
    paddr_t at;
    mmio_seen = false;
    assert_false(guest_access(guest, 0x8000abc, true, &at));
    assert_true(mmio_seen);
    struct p2m_entry e;
    assert_true(p2m_lookup(guest, IPA(0x8000abc), &e));
    assert_int_equal(e.type, P2M_MMIO);
    assert_null(p2m_get_page(guest, IPA(0x8000000), false, NULL));
    assert_int_equal(p2m_map(guest, IPA(0x8001000), PA(0x9000000), 1, P2M_DEVICE), 0);
    assert_int_equal(p2m_mmio_set(guest, IPA(0x8001000), 1), -XEN_EEXIST);
    assert_int_equal(p2m_mmio_set(guest, IPA(1ull << 40), 1), -XEN_EINVAL);
    p2m_mmio_zap(guest);
    assert_int_equal(p2m_leaf(guest, IPA(0x8000000), &level), 0);
    assert_true(p2m_lookup(guest, IPA(0x8001000), &e));
    assert_int_equal(e.type, P2M_DEVICE);
    tear_down();
}

static void map_out_of_memory(void **state)
{
    (void)state;
    set_up(true);
    static struct page *hog[20000];
    unsigned hogs = 0;
    struct page *block = page_alloc(guest, 9, 0);
    assert_int_equal(p2m_map(guest, IPA(0x40000000), page_pa(block), 512, P2M_RAM), 0);
    struct page *p = page_alloc(guest, 0, 0);
    while ((hog[hogs] = page_alloc(NULL, 0, 0)) != NULL)
        hogs++;
    paddr_t at;
    unsigned level;
    assert_int_equal(p2m_map(guest, IPA(0x40001000), page_pa(p), 1, P2M_RAM), -XEN_ENOMEM);
    assert_int_equal(p2m_map(guest, IPA(0x80000000), page_pa(p), 1, P2M_RAM), -XEN_ENOMEM);
    assert_int_equal(p2m_unmap(guest, IPA(0x40001000), 1), -XEN_ENOMEM);
    assert_int_equal(p2m_unmap(guest, IPA(0x3ffff000), 500), -XEN_ENOMEM);
    assert_int_equal(p2m_mmio_set(guest, IPA(0x80000000), 1), -XEN_ENOMEM);
    assert_true(guest_access(guest, 0x40001000, true, &at));
    assert_int_equal(at.v, page_pa(&block[1]).v);
    p2m_leaf(guest, IPA(0x40000000), &level);
    assert_int_equal(level, 2);
    assert_int_equal(p->refs, 1);
    /* unmapping a whole block needs no memory */
    assert_int_equal(p2m_unmap(guest, IPA(0x40000000), 512), 0);
    page_put(p);
    while (hogs)
        page_put(hog[--hogs]);
    tear_down();
}

static void teardown_preempted(void **state)
{
    (void)state;
    set_up(true);
    for (unsigned i = 0; i < 8; i++) {
        struct page *p = page_alloc(guest, 9, 0);
        assert_int_equal(
            p2m_map(guest, IPA(0x40000000 + (uint64_t)i * BLOCK_SIZE), page_pa(p), 512, P2M_RAM),
            0);
        p = page_alloc(guest, 0, 0);
        assert_int_equal(
            p2m_map(guest, IPA(0x200000000 + (uint64_t)i * BLOCK_SIZE), page_pa(p), 1, P2M_RAM), 0);
        p = page_alloc(guest, 0, 0);
        assert_int_equal(
            p2m_map(guest, IPA(0x2001ff000 + (uint64_t)i * BLOCK_SIZE), page_pa(p), 1, P2M_RAM), 0);
    }
    fake_preempt = true;
    unsigned calls = 0;
    while (p2m_relinquish(guest) == -XEN_ERESTART)
        calls++;
    fake_preempt = false;
    assert_true(calls >= 8 + 8 * (512 / 64));
    assert_int_equal(guest->tot_pages, 0);
    tear_down();
}

/* Thousands of pages are unmapped: the map is empty at once; flushes and frees follow later, by an
 * explicit flush, by the next mapping, or when a list is full. */
static void deferred_unmaps(void **state)
{
    (void)state;
    set_up(true);
    guest->max_pages = 600;
    struct page *p[600];
    paddr_t pa;
    struct p2m_entry e;
    for (unsigned i = 0; i < 600; i++) {
        assert_non_null(p[i] = page_alloc(guest, 0, 0));
        assert_int_equal(p2m_map(guest, IPA(BASE + i * PAGE_SIZE), page_pa(p[i]), 1, P2M_RAM), 0);
        assert_true(guest_access(guest, BASE + i * PAGE_SIZE, true, &pa)); /* now in the TLB */
    }
    assert_null(page_alloc(guest, 0, 0));
    /* another page */
    assert_int_equal(p2m_unmap_later(guest, IPA(BASE), page_pa(p[1])), -XEN_EINVAL);
    assert_int_equal(p2m_unmap_later(guest, IPA(BASE), page_pa(p[0])), 0);
    assert_false(p2m_lookup(guest, IPA(BASE), &e));
    assert_int_equal(p[0]->gfn, PAGE_NO_GFN);
    assert_int_equal(guest->tot_pages, 600); /* still owned, because TLBs may have it */
    p2m_flush_deferred(guest);
    assert_int_equal(guest->tot_pages, 599);
    assert_false(guest_access(guest, BASE, false, &pa));
    /* Another page at the same address: TLB entries of the old page are flushed first. */
    assert_true(guest_access(guest, BASE + PAGE_SIZE, true, &pa));
    assert_int_equal(p2m_unmap_later(guest, IPA(BASE + PAGE_SIZE), page_pa(p[1])), 0);
    struct page *fresh = page_alloc(guest, 0, 0);
    assert_non_null(fresh);
    assert_int_equal(p2m_map(guest, IPA(BASE + PAGE_SIZE), page_pa(fresh), 1, P2M_RAM), 0);
    assert_true(guest_access(guest, BASE + PAGE_SIZE, true, &pa));
    assert_int_equal(pa.v, page_pa(fresh).v);
    for (unsigned i = 2; i < 600; i++)
        assert_int_equal(p2m_unmap_later(guest, IPA(BASE + i * PAGE_SIZE), page_pa(p[i])), 0);
    assert_true(guest->tot_pages < 600 - 500); /* a full list was flushed */
    guest_free(guest);                         /* with the other pages still deferred */
    guest_free(other);
    assert_int_equal(page_free_count(), baseline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_equals_model),          cmocka_unit_test(foreign_writes_marked),
        cmocka_unit_test(pages_by_address),          cmocka_unit_test(bad_arguments_refused),
        cmocka_unit_test(emulated_pages_in_the_map), cmocka_unit_test(map_out_of_memory),
        cmocka_unit_test(teardown_preempted),        cmocka_unit_test(deferred_unmaps)
    };
    return RUN_WITH_BOTH_WINDOWS(tests);
}
