/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compares the dirty log with what guests wrote: bit for bit, round after round, from every vCPU.
 * The mailboxes count as dirty in every round once written to, because this payload writes to them
 * through a foreign mapping.
 */
#include "bm.h"

void *memset(void *p, int c, size_t n);

#define LOG_MIB      64u
#define LOG_PAGES    (LOG_MIB * 256u)
#define DATA_PAGES   (LOG_PAGES - (unsigned)(GUEST_DATA / PAGE))
#define BITMAP_WORDS ((GUEST_GFN + LOG_PAGES) / 64)

static uint64_t *bitmap, *expected;

static long shadow(struct guest *g, uint32_t op)
{
    memset(&g->op.u, 0, sizeof(g->op.u));
    g->op.u.shadow_op.op = op;
    g->op.u.shadow_op.pages = BITMAP_WORDS * 64;
    set_xen_guest_handle(g->op.u.shadow_op.dirty_bitmap, (void *)bitmap);
    return domctl(g, XEN_DOMCTL_shadow_op);
}

static void expect(uint64_t gfn) { expected[gfn / 64] |= 1ull << gfn % 64; }

static void expect_mailboxes(struct guest *g)
{
    memset(expected, 0, BITMAP_WORDS * 8);
    for (unsigned v = 0; v < g->vcpu_count; v++)
        expect(GUEST_GFN + GUEST_MAILS / PAGE + v);
}

static bool bitmaps_equal(const char *name)
{
    for (uint64_t i = 0; i < BITMAP_WORDS; i++)
        if (bitmap[i] != expected[i]) {
            bm_check(false, name, "gfn 0x%jx..: log has 0x%016jx, written 0x%016jx", i * 64,
                     bitmap[i], expected[i]);
            return false;
        }
    return true;
}

/* All vCPUs write random sets of pages at the same time; the log must be the union. */
static bool random_round(struct guest *g, uint64_t *seed, unsigned round)
{
    expect_mailboxes(g);
    for (unsigned v = 0; v < g->vcpu_count; v++) {
        struct mailbox *m = g->mail[v];
        m->count = bm_random(seed) % ARRAY_SIZE(m->page);
        m->value = round;
        for (uint64_t i = 0; i < m->count; i++) {
            m->page[i] = bm_random(seed) % DATA_PAGES;
            expect(GUEST_GFN + GUEST_DATA / PAGE + m->page[i]);
        }
        guest_order(g, v, GUEST_WRITE_SET);
    }
    for (unsigned v = 0; v < g->vcpu_count; v++)
        if (!guest_finish(g, v)) {
            bm_check(false, "dirty: random rounds", "vCPU %u does not answer in round %u", v,
                     round);
            return false;
        }
    memset(bitmap, 0xa5, BITMAP_WORDS * 8);
    if (round % 3 == 0) { /* a peek changes nothing */
        if (shadow(g, XEN_DOMCTL_SHADOW_OP_PEEK) || !bitmaps_equal("dirty: peek"))
            return false;
        memset(bitmap, 0x5a, BITMAP_WORDS * 8);
    }
    long rc = shadow(g, XEN_DOMCTL_SHADOW_OP_CLEAN);
    if (rc) {
        bm_check(false, "dirty: clean", "answers %ld", rc);
        return false;
    }
    return bitmaps_equal("dirty: random rounds");
}

static void wrong_arguments(struct guest *g)
{
    CHECK_EQ("dirty: clean without enable", shadow(g, XEN_DOMCTL_SHADOW_OP_CLEAN), -XEN_EINVAL);
    CHECK_EQ("dirty: peek without enable", shadow(g, XEN_DOMCTL_SHADOW_OP_PEEK), -XEN_EINVAL);
    CHECK_EQ("dirty: enable", shadow(g, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY), 0);
    CHECK_EQ("dirty: enable twice", shadow(g, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY), -XEN_EINVAL);
}

static void foreign_writer(struct guest *g)
{
    uint64_t gfn = GUEST_GFN + GUEST_DATA / PAGE + 77;
    volatile uint64_t *p = guest_map(g, gfn, 1);
    CHECK("dirty: foreign map", p != NULL);
    if (!p)
        return;
    (void)*p;
    shadow(g, XEN_DOMCTL_SHADOW_OP_CLEAN);
    expect_mailboxes(g);
    shadow(g, XEN_DOMCTL_SHADOW_OP_CLEAN);
    if (bitmaps_equal("dirty: a foreign map that only reads is clean"))
        CHECK("dirty: a foreign map that only reads is clean", true);
    *p = 1;
    expect(gfn);
    for (unsigned i = 0; i < 3; i++) {
        shadow(g, XEN_DOMCTL_SHADOW_OP_CLEAN);
        if (!bitmaps_equal("dirty: a foreign writer is dirty in every round"))
            return;
    }
    guest_unmap(g, (void *)p, 1);
    shadow(g, XEN_DOMCTL_SHADOW_OP_CLEAN);
    shadow(g, XEN_DOMCTL_SHADOW_OP_CLEAN);
    expect_mailboxes(g);
    if (bitmaps_equal("dirty: clean again after the foreign map is gone"))
        CHECK("dirty: a foreign writer is dirty in every round", true);
}

/* Each vCPU writes or checks its share of the pages. */
static bool all_vcpus(struct guest *g, uint64_t command)
{
    bool good = true;
    unsigned share = DATA_PAGES / g->vcpu_count;
    for (unsigned v = 0; v < g->vcpu_count; v++) {
        g->mail[v]->first = v * share, g->mail[v]->count = share, g->mail[v]->value = 99,
        g->mail[v]->result[0] = 0;
        guest_order(g, v, command);
    }
    for (unsigned v = 0; v < g->vcpu_count; v++)
        good = good && guest_finish(g, v) && g->mail[v]->result[0] == 0;
    return good;
}

static void rounds(unsigned vcpu_count)
{
    struct guest g;
    uint64_t start = bm_counter();
    uint64_t seed = 0x9e3779b97f4a7c15ull + vcpu_count;
    bool ok = guest_make(&g, vcpu_count, LOG_MIB);
    bm_check(ok, "dirty: make guest", "%u vCPUs", vcpu_count);
    if (!ok)
        return;
    guest_start(&g);
    wrong_arguments(&g);
    for (unsigned v = 0; v < vcpu_count; v++)
        guest_run(&g, v, GUEST_IDLE);
    shadow(&g, XEN_DOMCTL_SHADOW_OP_CLEAN);
    for (unsigned round = 1; ok && round <= (vcpu_count > 2 ? 8u : 20u); round++)
        ok = random_round(&g, &seed, round);
    if (ok)
        CHECK("dirty: random rounds", true);
    foreign_writer(&g);
    CHECK_EQ("dirty: off", shadow(&g, XEN_DOMCTL_SHADOW_OP_OFF), 0);
    CHECK_EQ("dirty: clean after off", shadow(&g, XEN_DOMCTL_SHADOW_OP_CLEAN), -XEN_EINVAL);
    CHECK("dirty: guest writes after off",
          all_vcpus(&g, GUEST_WRITE_ALL) && all_vcpus(&g, GUEST_CHECK));
    guest_destroy(&g);
    bm_print("# %u vCPUs took %ju ms\n", vcpu_count,
             (bm_counter() - start) * 1000 / bm_counter_hz());
}

/* Sleep in WFI, which leaves the hypervisor's CPU idle. */
static void sleep_ms(unsigned ms)
{
    uint64_t end = bm_counter() + bm_counter_hz() / 1000 * ms;
    gic_enable(0, 27, 0x80);
    gic_tick(bm_counter_hz() / 1000);
    while (bm_counter() < end)
        wait_for_interrupt();
    gic_tick(0);
}

/* With split=eager, idle CPUs split all blocks, so that no later write of the guest
 * meets a block. */
static void eager_split(void)
{
    struct guest g;
    struct bm_counters before, after;
    if (!guest_make(&g, 1, LOG_MIB))
        return;
    guest_start(&g);
    guest_run(&g, 0, GUEST_IDLE);
    CHECK_EQ("eager: pause", domctl(&g, XEN_DOMCTL_pausedomain), 0);
    bm_counters(&before);
    CHECK_EQ("eager: enable", shadow(&g, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY), 0);
    sleep_ms(100);
    bm_counters(&after);
    unsigned background = after.splits[1] - before.splits[1],
             needed = after.splits[0] - before.splits[0];
    bm_check(background + needed == LOG_MIB / 2, "eager: idle CPUs split every block",
             "%u in the background, %u when needed", background, needed);
    CHECK_EQ("eager: unpause", domctl(&g, XEN_DOMCTL_unpausedomain), 0);
    CHECK("eager: the guest writes", all_vcpus(&g, GUEST_WRITE_ALL));
    before = after;
    bm_counters(&after);
    bm_check(after.splits[0] == before.splits[0] && after.splits[1] == before.splits[1],
             "eager: no write finds a block afterwards", "%u more split",
             after.splits[0] - before.splits[0] + after.splits[1] - before.splits[1]);
    expect_mailboxes(&g);
    for (unsigned i = 0; i < DATA_PAGES; i++)
        expect(GUEST_GFN + GUEST_DATA / PAGE + i);
    CHECK_EQ("eager: clean", shadow(&g, XEN_DOMCTL_SHADOW_OP_CLEAN), 0);
    if (bitmaps_equal("eager: the log has what was written, and no more"))
        CHECK("eager: the log has what was written, and no more", true);
    CHECK_EQ("eager: off", shadow(&g, XEN_DOMCTL_SHADOW_OP_OFF), 0);
    guest_destroy(&g);
}

void test_dirty(void)
{
    bitmap = bm_alloc((unsigned)(BITMAP_WORDS * 8 + PAGE - 1) / PAGE);
    expected = bm_alloc((unsigned)(BITMAP_WORDS * 8 + PAGE - 1) / PAGE);
    rounds(1);
    rounds(2);
    rounds(8);
    if (bm_has_option("split=eager"))
        eager_split();
}
