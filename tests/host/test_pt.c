/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @mem xen-lite/stage2/pt.c
// libs: -lcmocka
/*
 * Compares the walker, in each regime, with a flat array, by random operations.  A model of a TLB
 * keeps every entry until it is flushed.  A live entry that differs from its replacement at a flush
 * is a missing break.  A wrong entry that remains is a missing flush.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <xen/errno.h>
#include "mm.h"
#include "pt.h"
#include "fake.h"

#define AREAS      5u
#define AREA_PAGES 1024u /* two level-3 tables each */
#define PAGES      (AREAS * AREA_PAGES)
#define ATTRS_A    (PTE_AF | PTE_SH_INNER | PTE_S2_R | PTE_S2_W)
#define ATTRS_B    (PTE_AF | PTE_SH_INNER | PTE_S2_R)
#define ATTRS_C    (PTE_AF | PTE_SH_INNER | PTE_S2_R | PTE_S2_W | (1ull << 2))

static uint64_t seed;
static uint64_t below(uint64_t n)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (seed >> 33) % n;
}

static struct pt pt;
static uint64_t area[AREAS];  /* addresses */
static uint64_t model[PAGES]; /* pa | attrs, 0: nothing */
static struct {
    uint64_t desc;
    unsigned level;
} tlb[PAGES];
static uint64_t table_count;
static unsigned flushes, gone, fail_alloc_in;
static bool was_empty_allocator;

static uint64_t addr_of(unsigned page)
{
    return area[page / AREA_PAGES] + (uint64_t)(page % AREA_PAGES) * PAGE_SIZE;
}
static uint64_t translation(uint64_t desc, unsigned level, uint64_t addr)
{
    if (!(desc & PTE_VALID))
        return 0;
    desc &= ~(uint64_t)(level == 3 ? PTE_VALID | PTE_TABLE : PTE_VALID);
    return desc + (addr & (pt_span(level) - 1));
}

static void flush(struct pt *p, uint64_t addr, unsigned level, bool table)
{
    assert_ptr_equal(p, &pt);
    assert_int_equal(addr & (pt_span(level) - 1), 0);
    flushes++;
    for (unsigned i = 0; i < PAGES; i++) {
        uint64_t at = addr_of(i);
        if (!tlb[i].desc || at - addr >= pt_span(level))
            continue;
        if (!table && tlb[i].level != level)
            continue; /* a flush of one address does not reach entries of other sizes */
        unsigned live_level;
        uint64_t live = pt_lookup(&pt, at, &live_level);
        if (live & PTE_VALID) {
            assert_int_equal(live_level, tlb[i].level);
            assert_int_equal((live ^ tlb[i].desc) & (PTE_ADDR | PTE_SH_INNER | (7ull << 2)), 0);
        }
        tlb[i].desc = 0;
    }
}

static void table_gone(struct pt *p, uint64_t addr, unsigned level)
{
    unsigned at;
    (void)p;
    uint64_t desc = *pt_entry_upto(&pt, addr, level - 1, &at);
    assert_true(at < level);
    /* the table is unlinked, or replaced by a block */
    assert_false(at == level - 1 && (desc & 3) == 3);
    gone++;
}

static paddr_t alloc_table(struct pt *p)
{
    (void)p;
    if (fail_alloc_in && !--fail_alloc_in) {
        was_empty_allocator = true;
        return PA(0);
    }
    void *t = mem_alloc(PAGE_SIZE);
    return t ? va_to_pa(t) : PA(0);
}
static void free_table(struct pt *p, paddr_t t)
{
    (void)p;
    memset(pa_to_va(t), 0xff, PAGE_SIZE); /* a later use of the table finds invalid data */
    mem_free(pa_to_va(t), PAGE_SIZE);
}

static void touch(unsigned i)
{
    unsigned level;
    if (tlb[i].desc)
        return;
    uint64_t desc = pt_lookup(&pt, addr_of(i), &level);
    if (!(desc & PTE_VALID))
        return;
    tlb[i].desc = desc;
    tlb[i].level = level;
}

static void check(void)
{
    for (unsigned i = 0; i < PAGES; i++) {
        unsigned level;
        uint64_t at = addr_of(i), desc = pt_lookup(&pt, at, &level);
        if (translation(desc, level, at) != model[i])
            fail_msg("0x%llx: entry 0x%llx, expected 0x%llx", (unsigned long long)at,
                     (unsigned long long)desc, (unsigned long long)model[i]);
        if (tlb[i].desc && ((translation(tlb[i].desc, tlb[i].level, at) ^ model[i]) & ~PTE_SW_BITS))
            fail_msg("0x%llx: stale 0x%llx in the TLB", (unsigned long long)at,
                     (unsigned long long)tlb[i].desc);
    }
}

static void random_range(unsigned *first, unsigned *count)
{
    *first = (unsigned)below(PAGES);
    unsigned rest = AREA_PAGES - *first % AREA_PAGES;
    switch (below(4)) {
    case 0:
        *first -= *first % 512;
        *count = 512;
        break;
    case 1: *count = 1; break;
    case 2: *count = 1 + (unsigned)below(rest); break;
    default: *count = 1 + (unsigned)below(rest < 20 ? rest : 20);
    }
}

static int visit_count(struct pt *p, uint64_t addr, unsigned level, uint64_t *entry, void *arg)
{
    (void)p;
    (void)entry;
    uint64_t *next = arg;
    assert_true(addr <= *next && addr + pt_span(level) > *next);
    *next = addr + pt_span(level);
    return 0;
}

/* Unmapping, made of the walker's verbs: blocks that stick out are split first. */
static int unmap_one(struct pt *p, uint64_t addr, unsigned level, uint64_t *entry, void *arg)
{
    (void)arg;
    pt_write(p, addr, level, entry, 0);
    return 0;
}

static bool cut(struct pt *p, uint64_t edge)
{
    unsigned level;
    while (!(edge >> p->geo->input_bits) && (pt_lookup(p, edge, &level) & PTE_VALID) &&
           (edge & (pt_span(level) - 1)))
        if (!pt_entry_at(p, edge, level + 1))
            return false;
    return true;
}

static int unmap(struct pt *p, uint64_t addr, uint64_t bytes)
{
    if (!cut(p, addr) || !cut(p, addr + bytes))
        return -XEN_ENOMEM;
    return pt_walk(p, addr, bytes, unmap_one, NULL);
}

static void one_operation(void)
{
    unsigned first, count;
    random_range(&first, &count);
    uint64_t addr = addr_of(first), bytes = (uint64_t)count * PAGE_SIZE;
    switch (below(6)) {
    case 0:
    case 1:
    case 2: {
        const uint64_t attrs[] = { ATTRS_A, ATTRS_B, ATTRS_C, ATTRS_A | PTE_SW_LOGGED };
        uint64_t a = attrs[below(4)],
                 pa = below(2) ? model[first] & PTE_ADDR : below(64) << (below(2) ? 21 : 12);
        if (!pa || below(5) == 0)
            pa = (addr & (BLOCK_SIZE - 1)) + (below(64) + 1) * BLOCK_SIZE;
        fail_alloc_in = below(4) ? 0 : 1 + (unsigned)below(3);
        was_empty_allocator = false;
        int err = pt_map(&pt, addr, PA(pa), bytes, a, 1 + (unsigned)below(3));
        fail_alloc_in = 0;
        assert_int_equal(err, was_empty_allocator ? -XEN_ENOMEM : 0);
        for (unsigned i = 0; !err && i < count; i++)
            model[first + i] = (pa + (uint64_t)i * PAGE_SIZE) | a;
        break;
    }
    case 3: {
        fail_alloc_in = below(4) ? 0 : 1;
        was_empty_allocator = false;
        int err = unmap(&pt, addr, bytes);
        fail_alloc_in = 0;
        assert_int_equal(err, was_empty_allocator ? -XEN_ENOMEM : 0);
        for (unsigned i = 0; !err && i < count; i++)
            model[first + i] = 0;
        break;
    }
    case 4: {
        unsigned i = first - first % 512, level;
        bool can = model[i] && !(model[i] & PTE_ADDR & (BLOCK_SIZE - 1));
        for (unsigned k = 0; k < 512; k++)
            can &= model[i + k] == model[i] + (uint64_t)k * PAGE_SIZE;
        assert_int_equal(pt_merge(&pt, addr_of(first), 2), can);
        pt_lookup(&pt, addr_of(first), &level);
        assert_true(!can || level == 2);
        break;
    }
    default: {
        uint64_t next = addr;
        assert_non_null(pt_entry_at(&pt, addr, 3));
        assert_int_equal(pt_walk(&pt, addr, bytes, visit_count, &next), 0);
        assert_true(next >= addr + bytes);
    }
    }
}

static void run(const struct pt_geometry *geo, uint64_t s)
{
    fake_init(32ull << 20, 1);
    fake_page_init();
    seed = s;
    memset(model, 0, sizeof(model));
    memset(tlb, 0, sizeof(tlb));
    table_count = 0;
    uint64_t baseline = page_free_count(), top = 1ull << geo->input_bits;
    void *root = mem_alloc((size_t)geo->root_pages * PAGE_SIZE);
    pt = (struct pt){ .geo = geo,
                      .root = va_to_pa(root),
                      .table_bits = geo->stage2 ? PTE_S2_TABLE_BITS : 0,
                      .flush = flush,
                      .table_gone = table_gone,
                      .alloc_table = alloc_table,
                      .free_table = free_table,
                      .table_pages = &table_count };
    area[0] = 0;
    area[1] = (1ull << 30) - BLOCK_SIZE; /* across two level-2 tables */
    area[2] = (top >> 1) - BLOCK_SIZE;   /* across root pages, or root entries */
    area[3] = 3ull << 30;
    area[4] = top - 2 * BLOCK_SIZE;
    for (unsigned step = 0; step < 1200; step++) {
        for (unsigned i = 0; i < 200; i++)
            touch((unsigned)below(PAGES));
        one_operation();
        check();
        assert_int_equal(page_free_count(), baseline - geo->root_pages - table_count);
    }
    assert_true(flushes > 100 && gone > 10);
    pt_free_all(&pt);
    assert_int_equal(table_count, 0);
    mem_free(root, (size_t)geo->root_pages * PAGE_SIZE);
    assert_int_equal(page_free_count(), baseline);
}

static void stage2_equals_model(void **state)
{
    (void)state;
    run(&pt_geometry_stage2, 1);
    run(&pt_geometry_stage2, 2);
}
/* The regimes of EL2 on 64-bit, and of Hyp mode. */
static void el2_equals_model(void **state)
{
    static const struct pt_geometry wide = { .input_bits = 48, .root_level = 0, .root_pages = 1 };
    static const struct pt_geometry narrow = { .input_bits = 32, .root_level = 1, .root_pages = 1 };
    (void)state;
    run(&wide, 3);
    run(&wide, 4);
    run(&narrow, 3);
    run(&narrow, 4);
}

static void bad_ranges_and_block_sizes(void **state)
{
    (void)state;
    fake_init(8ull << 20, 1);
    fake_page_init();
    memset(tlb, 0, sizeof(tlb));
    void *root = mem_alloc(2 * PAGE_SIZE);
    pt = (struct pt){ .geo = &pt_geometry_stage2, .root = va_to_pa(root), .flush = flush };
    assert_int_equal(pt_map(&pt, 1ull << 40, PA(0), PAGE_SIZE, ATTRS_A, 2), -XEN_EINVAL);
    assert_int_equal(pt_map(&pt, (1ull << 40) - PAGE_SIZE, PA(0), 2 * PAGE_SIZE, ATTRS_A, 2),
                     -XEN_EINVAL);
    assert_int_equal(pt_map(&pt, 1, PA(0), PAGE_SIZE, ATTRS_A, 2), -XEN_EINVAL);
    assert_int_equal(pt_map(&pt, 0, PA(0), PAGE_SIZE + 1, ATTRS_A, 2), -XEN_EINVAL);
    assert_int_equal(pt_map(&pt, 0, PA(0), ~(uint64_t)4095, ATTRS_A, 2), -XEN_EINVAL);
    assert_int_equal(pt_walk(&pt, 1ull << 41, PAGE_SIZE, unmap_one, NULL), -XEN_EINVAL);
    /* 1 GiB blocks are used only where they are allowed.  One is cut twice, by one page in the
     * middle. */
    unsigned level;
    assert_int_equal(pt_map(&pt, 1ull << 30, PA(1ull << 30), 2ull << 30, ATTRS_A, 1), 0);
    assert_int_equal(pt_lookup(&pt, (1ull << 30) + 12345, &level) & PTE_ADDR, 1ull << 30);
    assert_int_equal(level, 1);
    flushes = 0;
    assert_int_equal(unmap(&pt, (1ull << 30) + 7 * PAGE_SIZE, PAGE_SIZE), 0);
    assert_int_equal(flushes, 3); /* two splits and one page */
    assert_int_equal(pt_lookup(&pt, (1ull << 30) + 8 * PAGE_SIZE, &level) & PTE_ADDR,
                     (1ull << 30) + 8 * PAGE_SIZE);
    assert_int_equal(level, 3);
    assert_int_equal(pt_lookup(&pt, (1ull << 30) + BLOCK_SIZE, &level) & PTE_ADDR,
                     (1ull << 30) + BLOCK_SIZE);
    assert_int_equal(level, 2);
    pt_free_all(&pt);
    /* A change of software bits needs no flush, a change of permissions one flush, all others a
     * break first (flush() checks that). */
    assert_int_equal(pt_map(&pt, 0, PA(0), PAGE_SIZE, ATTRS_A, 3), 0);
    uint64_t *e = pt_entry(&pt, 0, &level), now = *e;
    flushes = 0;
    pt_write(&pt, 0, 3, e, now | PTE_SW_LOGGED);
    assert_int_equal(flushes, 0);
    pt_write(&pt, 0, 3, e, now & ~PTE_S2_W);
    assert_int_equal(flushes, 1);
    pt_free_all(&pt);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(stage2_equals_model),
                                        cmocka_unit_test(el2_equals_model),
                                        cmocka_unit_test(bad_ranges_and_block_sizes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
