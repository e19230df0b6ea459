/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @mem
// libs: -lcmocka
/* Compares the page allocator with a list of allocated pages; owners and their counts; boot
 * regions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <cmocka.h>
#include "domain.h"
#include "fake.h"

#define MIB (1ull << 20)
static uint64_t seed = 1;
static uint64_t below(uint64_t n)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (seed >> 33) % n;
}
static bool all_zero(const void *p, size_t bytes)
{
    const uint64_t *w = p;
    for (size_t i = 0; i < bytes / 8; i++)
        if (w[i])
            return false;
    return true;
}

static void boot_regions(void **state)
{
    (void)state;
    fake_init(16 * MIB, 1);
    const struct mem_region ram[] = { { FAKE_RAM + 10 * MIB, FAKE_RAM + 16 * MIB },
                                      { FAKE_RAM + 0x123, FAKE_RAM + 4 * MIB + 0xfff } };
    const struct mem_region reserved[] = { { FAKE_RAM + 11 * MIB + 1, FAKE_RAM + 11 * MIB + 2 },
                                           { FAKE_RAM, FAKE_RAM + 64 * 1024 },
                                           { FAKE_RAM + 12 * MIB, FAKE_RAM + 13 * MIB },
                                           { FAKE_RAM + 12 * MIB + 4096,
                                             FAKE_RAM + 13 * MIB + 4096 } };
    page_init(ram, 2, reserved, 4);
    /* 1023 + 1536 frames, less 15 + 1 + 257 reserved, less the table: 4096 - 1 frames of 16 bytes
     */
    uint64_t table = (4095 * 16 + 4095) / 4096;
    assert_int_equal(page_total_count(), 1023 - 15 + 1536 - 1 - 257 + table * 0 - table);
    assert_int_equal(page_free_count(), page_total_count());
    assert_false(pfn_valid((FAKE_RAM + 11 * MIB) >> 12));
    assert_false(pfn_valid((FAKE_RAM + 5 * MIB) >> 12));
    assert_false(pfn_valid((FAKE_RAM >> 12) - 1));
    assert_false(pfn_valid((FAKE_RAM + 16 * MIB) >> 12));
    assert_true(pfn_valid((FAKE_RAM + 2 * MIB) >> 12));
    assert_null(page_alloc_at(NULL, PA(FAKE_RAM + 12 * MIB), 0));
    /* Boot modules are freed; pages that are free already are not counted twice. */
    uint64_t before = page_total_count();
    page_free_region(FAKE_RAM + 12 * MIB - 4096, FAKE_RAM + 12 * MIB + 8 * 4096 + 5);
    assert_int_equal(page_total_count(), before + 8);
    /* Every allocated page is in the region, and allocated once. */
    uint64_t n = 0;
    for (struct page *p; (p = page_alloc(NULL, 0, 0)) != NULL; n++) {
        uint64_t pa = page_pa(p).v;
        assert_true(pfn_valid(page_pfn(p)));
        assert_false(pa >= FAKE_RAM + 13 * MIB && pa < FAKE_RAM + 13 * MIB + 4096);
        assert_int_equal(p->refs, 1);
        memset(page_va(p), 0x5a, PAGE_SIZE);
    }
    assert_int_equal(n, page_total_count());
    assert_int_equal(page_free_count(), 0);
}

#define OUT 400u
static void blocks_allocated_once(void **state)
{
    (void)state;
    fake_init(32 * MIB, 1);
    fake_page_init();
    static struct {
        struct page *p;
        unsigned order;
        bool guest;
    } out[OUT];
    struct domain d = { .id = 7, .max_pages = 3000 };
    uint8_t *owner = calloc((size_t)frame_count, 1);
    memset(out, 0, sizeof(out));
    uint64_t total = page_total_count(), held = 0;
    for (unsigned step = 0; step < 60000; step++) {
        unsigned i = (unsigned)below(OUT);
        if (step > 20000 && !below(3))
            page_scrub();
        if (!out[i].p) {
            unsigned order = (unsigned)below(below(8) ? 4 : 11);
            bool guest = below(2), zeroed = below(6);
            struct page *p =
                zeroed ? page_alloc(guest ? &d : NULL, order, ALLOC_ZERO)
                       : page_alloc_at(guest ? &d : NULL,
                                       PA(FAKE_RAM + (below(32 * MIB) & ~((4096ull << order) - 1))),
                                       order);
            if (!p)
                continue;
            uint64_t first = (uint64_t)(p - frame_table);
            if (zeroed)
                assert_true(*(uint64_t *)page_va(p) == 0);
            assert_int_equal((page_pfn(p)) & ((1u << order) - 1), 0);
            for (uint64_t n = 0; n < 1u << order; n++) {
                assert_int_equal(owner[first + n], 0);
                owner[first + n] = 1;
                assert_int_equal(p[n].refs, 1);
                assert_int_equal(p[n].owner, guest ? 7 : DOMID_XEN);
                assert_int_equal(p[n].gfn, PAGE_NO_GFN);
                assert_int_equal(p[n].ext_writers, 0);
            }
            out[i].p = p, out[i].order = order, out[i].guest = guest;
            held += 1u << order;
            *(uint64_t *)page_va(p) = ~0ull;
        } else {
            struct page *p = out[i].p;
            bool together = below(2);
            for (uint64_t n = 0; n < 1u << out[i].order; n++) {
                owner[p - frame_table + (ptrdiff_t)n] = 0;
                if (!together)
                    page_put(&p[n]);
            }
            if (together)
                page_put_block(p, out[i].order);
            held -= 1u << out[i].order;
            out[i].p = NULL;
        }
        assert_int_equal(page_free_count(), total - held);
        assert_true(d.tot_pages <= d.max_pages);
    }
    uint64_t guest_pages = 0;
    for (unsigned i = 0; i < OUT; i++)
        if (out[i].p && out[i].guest)
            guest_pages += 1u << out[i].order;
    assert_int_equal(d.tot_pages, guest_pages);
    for (unsigned i = 0; i < OUT; i++)
        for (uint64_t n = 0; out[i].p && n < 1u << out[i].order; n++)
            page_put(&out[i].p[n]);
    assert_int_equal(page_free_count(), total);
    assert_int_equal(d.tot_pages, 0);
    /* All blocks have merged: the block that holds the middle is complete. */
    while (page_scrub())
        ;
    assert_non_null(page_alloc_at(NULL, PA(FAKE_RAM + 8 * MIB), 11));
    free(owner);
}

static void memory_handed_out_zeroed(void **state)
{
    (void)state;
    fake_init(4 * MIB, 1);
    fake_page_init();
    struct domain d = { .id = 3, .max_pages = 100 };
    for (unsigned i = 0; i < 3000; i++) {
        struct page *p = page_alloc(i % 2 ? &d : NULL, 2, i % 2 ? 0 : ALLOC_ZERO);
        assert_true(all_zero(page_va(p), 4 * PAGE_SIZE));
        memset(page_va(p), 0xee, 4 * PAGE_SIZE);
        for (unsigned n = 0; n < 4; n++)
            page_put(&p[n]);
    }
    uint8_t *m = mem_alloc(5000);
    assert_int_equal((uintptr_t)m % 8192, 0);
    assert_true(all_zero(m, 8192));
    mem_free(m, 5000);
    mem_free(NULL, 1);
    assert_null(mem_alloc(64 * MIB));
    assert_null(page_alloc(NULL, PAGE_MAX_ORDER + 1, 0));
    assert_int_equal(page_free_count(), page_total_count());
}

static void owners_and_counts(void **state)
{
    (void)state;
    fake_init(4 * MIB, 1);
    fake_page_init();
    struct domain a = { .id = 1, .max_pages = 4, .refs = 1 },
                  b = { .id = 2, .max_pages = 100, .refs = 1 };
    struct page *p = page_alloc(&a, 2, 0);
    assert_non_null(p);
    assert_null(page_alloc(&a, 0, 0)); /* no more than max_pages */
    struct page *q = page_alloc(&a, 0, ALLOC_NO_COUNT);
    assert_non_null(q);
    assert_int_equal(a.tot_pages, 4);
    assert_true(page_get(p, &a));
    assert_false(page_get(p, &b));
    assert_int_equal(p->refs, 2);
    page_get_known(p);
    page_put(p);
    page_put(p);
    assert_ptr_equal(page_owner_get(p), &a);
    assert_int_equal(a.refs, 2);
    page_put(q);
    assert_int_equal(a.tot_pages, 4);
    page_put(&p[3]);
    assert_int_equal(a.tot_pages, 3);
    assert_false(page_get(&p[3], &a)); /* free */
    /* In pieces, as a preemptible teardown does. */
    uint64_t next = 0;
    struct page *left = page_alloc(&b, 1, 0);
    page_put(left);
    assert_true(page_forget_some(&b, &next));
    assert_int_equal(b.tot_pages, 0);
    assert_null(page_owner_get(&left[1]));
    page_put(&left[1]);
    next = frame_count - 1;
    assert_true(page_forget_some(&a, &next)); /* starts behind its pages: they stay its own */
    assert_ptr_equal(page_owner_get(p), &a);
    /* The domain ends while others hold its pages: a new domain of the same id does not
     * own them. */
    page_forget_owner(&a);
    struct domain again = { .id = 1, .max_pages = 100 };
    assert_false(page_get(p, &again));
    assert_null(page_owner_get(p));
    assert_non_null(page_alloc(&again, 0, 0));
    for (unsigned i = 0; i < 3; i++)
        page_put(&p[i]);
    assert_int_equal(again.tot_pages, 1);
    assert_int_equal(page_free_count(), page_total_count() - 1);
    if (setjmp(fake_panic_jmp) == 0) {
        fake_panic_armed = true;
        page_put(p); /* one put too many */
        fail();
    }
}

/* Reserved memory is given to a domain as it is, or refused. */
static void reserved_memory_adopted(void **state)
{
    (void)state;
    fake_init(8 * MIB, 1);
    const struct mem_region ram[] = { { FAKE_RAM, FAKE_RAM + 8 * MIB } },
                            reserved[] = { { FAKE_RAM + MIB, FAKE_RAM + 2 * MIB } };
    page_init(ram, 1, reserved, 1);
    uint64_t total = page_total_count(), freed = page_free_count();
    struct domain d = { .id = 3, .max_pages = 100, .refs = 1 };
    char *content = pa_to_va(PA(FAKE_RAM + MIB));
    memset(content, 0x5a, MIB);
    /* more than it may have */
    assert_false(page_adopt(&d, FAKE_RAM + MIB, FAKE_RAM + MIB + 101 * PAGE_SIZE));
    assert_false(page_adopt(&d, FAKE_RAM + 2 * MIB - PAGE_SIZE, FAKE_RAM + 2 * MIB + PAGE_SIZE));
    assert_false(page_adopt(&d, FAKE_RAM + MIB + 1, FAKE_RAM + MIB + PAGE_SIZE));
    assert_false(page_adopt(&d, FAKE_RAM - PAGE_SIZE, FAKE_RAM));
    assert_int_equal(d.tot_pages, 0);
    assert_true(page_adopt(&d, FAKE_RAM + MIB, FAKE_RAM + MIB + 50 * PAGE_SIZE));
    while (page_scrub())
        ;
    for (unsigned i = 0; i < 50 * PAGE_SIZE; i++)
        assert_int_equal(content[i], 0x5a);
    assert_int_equal(d.tot_pages, 50);
    assert_int_equal(page_free_count(), freed);
    assert_int_equal(page_total_count(), total + 50);
    assert_false(page_adopt(&d, FAKE_RAM + MIB, FAKE_RAM + MIB + PAGE_SIZE)); /* not twice */
    for (unsigned i = 0; i < 50; i++)
        page_put(&pfn_page((FAKE_RAM + MIB) >> PAGE_SHIFT)[i]);
    assert_int_equal(d.tot_pages, 0);
    assert_int_equal(page_free_count(), freed + 50);
    page_free_region(FAKE_RAM + MIB, FAKE_RAM + 2 * MIB); /* the rest, later */
    assert_int_equal(page_free_count(), freed + MIB / PAGE_SIZE);
    assert_int_equal(page_free_count(), page_total_count());
}

/* Idle CPUs clear free memory, and an allocation then need not.  Cleared and uncleared blocks merge
 * when a larger block is needed. */
static void idle_scrubbing(void **state)
{
    (void)state;
    fake_init(4 * MIB, 1);
    fake_page_init();
    struct domain d = { .id = 3, .max_pages = 2000 };
    struct page *p, *held[2000];
    unsigned n = 0;
    while ((p = page_alloc(NULL, 0, 0)) != NULL) {
        memset(page_va(p), 0xee, PAGE_SIZE);
        held[n++] = p;
    }
    for (unsigned i = 0; i < n; i++)
        page_put(held[i]);
    while (page_scrub())
        ;
    assert_false(page_scrub());
    assert_int_equal(page_free_count(), page_total_count());
    unsigned long cleaned = fake_cleaned_bytes;
    assert_non_null(p = page_alloc(&d, 4, 0));
    assert_true(all_zero(page_va(p), 16 * PAGE_SIZE));
    assert_int_equal(fake_cleaned_bytes, cleaned); /* it was clear before */
    memset(page_va(p), 0xee, 16 * PAGE_SIZE);
    for (unsigned i = 0; i < 16; i++)
        page_put(&p[i]);
    assert_non_null(p = page_alloc(&d, 4, 0)); /* another block, as long as a clear one exists */
    assert_true(all_zero(page_va(p), 16 * PAGE_SIZE));
    assert_int_equal(fake_cleaned_bytes, cleaned);
    for (unsigned i = 0; i < 16; i++)
        page_put(&p[i]);
    /* The largest block needs both kinds. */
    unsigned order = 0;
    while (page_total_count() >> (order + 1))
        order++;
    assert_non_null(p = page_alloc(NULL, order - 1, ALLOC_ZERO));
    assert_true(all_zero(page_va(p), (size_t)PAGE_SIZE << (order - 1)));
    for (unsigned i = 0; i < 1u << (order - 1); i++)
        page_put(&p[i]);
    assert_true(page_scrub());
    assert_int_equal(page_free_count(), page_total_count());
}

static int churn(void *arg)
{
    fake_cpu_set((unsigned)(uintptr_t)arg);
    struct domain *d = calloc(1, sizeof(*d));
    d->id = (domid_t)(uintptr_t)arg;
    d->max_pages = 500;
    struct page *held[16] = { NULL };
    uint64_t rnd = (uintptr_t)arg + 1;
    for (unsigned i = 0; i < 4000; i++) {
        rnd = rnd * 6364136223846793005ull + 1;
        unsigned k = (rnd >> 40) % 16;
        if (k == 0)
            page_scrub();
        if (held[k]) {
            if (*(uint64_t *)page_va(held[k]) != (uintptr_t)arg)
                return 1;
            page_put(held[k]);
            held[k] = NULL;
        } else if ((held[k] = page_alloc(d, 0, 0)) != NULL) {
            *(uint64_t *)page_va(held[k]) = (uintptr_t)arg;
        }
    }
    for (unsigned k = 0; k < 16; k++)
        if (held[k])
            page_put(held[k]);
    int bad = d->tot_pages != 0;
    free(d);
    return bad;
}

static void allocation_on_all_cpus(void **state)
{
    (void)state;
    fake_init(4 * MIB, 4);
    fake_page_init();
    /* No more threads than CPUs, because spin locks do not yield. */
    thrd_t t[2];
    for (uintptr_t i = 0; i < 2; i++)
        thrd_create(&t[i], churn, (void *)(i + 1));
    for (unsigned i = 0; i < 2; i++) {
        int bad;
        thrd_join(t[i], &bad);
        assert_int_equal(bad, 0);
    }
    assert_int_equal(page_free_count(), page_total_count());
}

/* Others hold some pages of a block: those stay, the rest is freed. */
static void block_with_pages_held(void **state)
{
    static const unsigned held[] = { 0, 1, 77, 510, 511 };
    (void)state;
    fake_init(32 * MIB, 1);
    fake_page_init();
    struct domain d = { .id = 7, .max_pages = 3000, .refs = 1 };
    uint64_t before = page_free_count();
    for (unsigned mask = 0; mask < 1u << ARRAY_SIZE(held); mask++) {
        struct page *p = page_alloc(&d, 9, 0);
        uint32_t kept = 0;
        for (unsigned i = 0; i < ARRAY_SIZE(held); i++)
            if (mask >> i & 1) {
                page_get_known(&p[held[i]]);
                kept++;
            }
        page_put_block(p, 9);
        assert_int_equal(d.tot_pages, kept);
        assert_int_equal(page_free_count(), before - kept);
        for (unsigned i = 0; i < ARRAY_SIZE(held); i++)
            if (mask >> i & 1) {
                assert_int_equal(p[held[i]].refs, 1);
                page_put(&p[held[i]]);
            }
        assert_int_equal(page_free_count(), before);
    }
    assert_null(page_owner_get(page_alloc(NULL, 0, 0)));
    /* A page of the hypervisor next to a domain's page. */
    struct page *p = page_alloc(&d, 1, ALLOC_NO_COUNT);
    p[1].flags &= (uint8_t)~PAGE_UNCOUNTED;
    d.tot_pages++;
    page_put_block(p, 1);
    assert_int_equal(d.tot_pages, 0);
    assert_int_equal(page_free_count(), before - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(boot_regions),
                                        cmocka_unit_test(blocks_allocated_once),
                                        cmocka_unit_test(memory_handed_out_zeroed),
                                        cmocka_unit_test(owners_and_counts),
                                        cmocka_unit_test(reserved_memory_adopted),
                                        cmocka_unit_test(block_with_pages_held),
                                        cmocka_unit_test(idle_scrubbing),
                                        cmocka_unit_test(allocation_on_all_cpus) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
