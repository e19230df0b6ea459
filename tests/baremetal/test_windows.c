/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log of guests whose maps are large, grow, and are many at once.  The hypervisor finds leaves
 * through a window of its address space (xen-lite/stage2/vlpt.c), which must stay correct
 * meanwhile.  On 32-bit each CPU has one window, which shows one guest at a time through copied
 * table entries and reaches 64 GiB.  On 64-bit each guest has a window.  The tests are the same:
 * the log has what was written, bit for bit.
 */
#include "bm.h"

void *memset(void *p, int c, size_t n);

#define MIB           16u
#define DATA          (GUEST_GFN + GUEST_DATA / PAGE)
#define GIB_GFN(n)    ((uint64_t)(n) << 18)
#define FAR_PAGES     64u /* per guest, in another GiB than its RAM */
#define TWIN_ROUNDS   60u
#define GROWTH_ROUNDS 24u
#define KEPT_PAGES    8u          /* one vCPU writes to these continuously */
#define WINDOW_END    GIB_GFN(64) /* of the 32-bit window */
#define NEAR_WORDS    (GIB_GFN(4) / 64)
#define FAR_WORDS     (GIB_GFN(70) / 64)

static uint64_t *bitmap, words;
static uint64_t seed = 0x2545f4914f6cdd1dull;

static long shadow(struct guest *g, uint32_t op)
{
    memset(&g->op.u, 0, sizeof(g->op.u));
    g->op.u.shadow_op.op = op;
    g->op.u.shadow_op.pages = words * 64;
    set_xen_guest_handle(g->op.u.shadow_op.dirty_bitmap, (void *)bitmap);
    return domctl(g, XEN_DOMCTL_shadow_op);
}

static void take(uint64_t gfn) { bitmap[gfn / 64] &= ~(1ull << gfn % 64); }
static bool has(uint64_t gfn) { return bitmap[gfn / 64] >> gfn % 64 & 1; }

/* Checks that the log has nothing but the mailboxes (this payload may write to them at any time)
 * and the pages that take() has taken out. */
static bool rest_is_clean(struct guest *g, const char *name)
{
    for (unsigned v = 0; v < g->vcpu_count; v++)
        take(GUEST_GFN + GUEST_MAILS / PAGE + v);
    for (uint64_t i = 0; i < words && i < (g->op.u.shadow_op.pages + 63) / 64; i++)
        if (bitmap[i]) {
            bm_check(false, name, "gfn 0x%jx..: log has 0x%016jx more", i * 64, bitmap[i]);
            return false;
        }
    return true;
}

/* One round: exactly these pages are dirty. */
static bool round_has(struct guest *g, const uint64_t *gfn, unsigned count, const char *name)
{
    long rc = shadow(g, XEN_DOMCTL_SHADOW_OP_CLEAN);
    if (rc) {
        bm_check(false, name, "the log answers %ld", rc);
        return false;
    }
    for (unsigned i = 0; i < count; i++)
        if (!has(gfn[i])) {
            bm_check(false, name, "gfn 0x%jx of d%u was written, and is not in the log", gfn[i],
                     g->id);
            return false;
        }
    for (unsigned i = 0; i < count; i++)
        take(gfn[i]);
    return rest_is_clean(g, name);
}

static bool one_page(struct guest *g, uint64_t gfn, bool written, const char *name)
{
    bool ok = round_has(g, &gfn, written, name);
    if (ok)
        bm_check(true, name, "%s", "");
    return ok;
}

/* Returns false if there is no such CPU. */
static bool pin(domid_t id, unsigned vcpu, uint8_t cpus)
{
    static uint8_t map;
    struct guest g = { .id = id };
    struct xen_domctl_vcpuaffinity *a = &g.op.u.vcpuaffinity;
    map = cpus;
    a->vcpu = vcpu;
    a->flags = XEN_VCPUAFFINITY_HARD;
    set_xen_guest_handle(a->cpumap_hard.bitmap, &map);
    a->cpumap_hard.nr_bits = 8;
    return domctl(&g, XEN_DOMCTL_setvcpuaffinity) == 0;
}

static bool more_memory(struct guest *g, uint64_t gfn, unsigned count, unsigned order)
{
    static xen_pfn_t list[FAR_PAGES];
    struct xen_memory_reservation r = { .nr_extents = count,
                                        .extent_order = order,
                                        .domid = g->id };
    for (unsigned i = 0; i < count; i++)
        list[i] = gfn + ((uint64_t)i << order);
    set_xen_guest_handle(r.extent_start, list);
    return hypercall(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &r) == (long)count;
}

static bool make(struct guest *g, unsigned vcpu_count)
{
    if (!guest_make(g, vcpu_count, MIB))
        return false;
    g->op.u.max_mem.max_memkb = (MIB + 8) * 1024;
    return domctl(g, XEN_DOMCTL_max_mem) == 0;
}

static bool run_logged(struct guest *g)
{
    guest_start(g);
    for (unsigned v = 0; v < g->vcpu_count; v++)
        guest_run(g, v, GUEST_IDLE);
    return shadow(g, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY) == 0 &&
           shadow(g, XEN_DOMCTL_SHADOW_OP_CLEAN) == 0;
}

/* ---- two guests logged at once, on two CPUs that exchange them ---- */
/* Chooses one page in the GiB of its RAM and one in another GiB, which differs between
 * the guests. */
static void choose(struct guest *g, uint64_t far, uint64_t gfn[2])
{
    gfn[0] = DATA + bm_random(&seed) % (MIB * 256 - GUEST_DATA / PAGE);
    gfn[1] = far + bm_random(&seed) % FAR_PAGES;
    struct mailbox *m = g->mail[0];
    m->count = 2;
    m->value = bm_random(&seed) >> 40;
    for (unsigned i = 0; i < 2; i++)
        m->page[i] = gfn[i] - DATA;
}

static bool twin_round(struct guest twin[2], const uint64_t far[2], unsigned round)
{
    uint64_t gfn[2][2];
    bool ok = true;
    for (unsigned i = 0; i < 2; i++) {
        pin(twin[i].id, 0, (uint8_t)(1u << ((round + i) & 1)));
        choose(&twin[i], far[i], gfn[i]);
    }
    for (unsigned i = 0; i < 2; i++)
        guest_order(&twin[i], 0, GUEST_WRITE_SET);
    for (unsigned i = 0; i < 2; i++)
        ok = ok && guest_finish(&twin[i], 0);
    if (!ok)
        bm_check(false, "windows: two guests logged at once", "no answer in round %u", round);
    for (unsigned i = 0; i < 2; i++)
        ok = ok && round_has(&twin[i], gfn[i], 2, "windows: two guests logged at once");
    return ok;
}

static void twins(void)
{
    static struct guest twin[2];
    const uint64_t far[2] = { GIB_GFN(2) + 5, GIB_GFN(3) + 512 + 7 };
    bool ok = true;
    for (unsigned i = 0; i < 2; i++)
        ok = ok && make(&twin[i], 1) && more_memory(&twin[i], far[i], FAR_PAGES, 0) &&
             run_logged(&twin[i]);
    CHECK("windows: make two guests", ok);
    for (unsigned round = 0; ok && round < TWIN_ROUNDS; round++)
        ok = twin_round(twin, far, round);
    if (ok)
        CHECK("windows: two guests logged at once", true);
    for (unsigned i = 0; i < 2; i++)
        guest_destroy(&twin[i]);
}

/* ---- a 32-bit guest's MMU, which reaches pages above 4 GiB ---- */
#define VA 0x80000000ul
enum { ROOT = DATA, LEVEL2, LEVEL3, OTHER_DATA = 16 };

/* An identity map of its RAM, and these pages from VA on. */
static bool make_tables(struct guest *g, const uint64_t *gfn, unsigned count)
{
    uint64_t *t = guest_map(g, ROOT, 3);
    if (!t)
        return false;
    t[1] = GUEST_RAM | 0x701; /* AF, inner shareable, block */
    t[2] = LEVEL2 * (uint64_t)PAGE | 3;
    t[512] = LEVEL3 * (uint64_t)PAGE | 3;
    for (unsigned i = 0; i < count; i++)
        t[1024 + i] = gfn[i] * PAGE | 0x703;
    guest_unmap(g, t, 3);
    return true;
}

/* vCPU v loads from or stores to the i-th page at VA. */
static bool access(struct guest *g, unsigned v, unsigned i, bool store)
{
    struct mailbox *m = g->mail[v];
    m->first = VA + i * PAGE, m->count = store, m->value = ROOT * (uint64_t)PAGE;
    return guest_run(g, v, GUEST_WALK);
}

/* ---- a map that grows by whole GiB while another CPU uses it ---- */
static uint64_t grown[GROWTH_ROUNDS];

static bool grow_once(struct guest *g, unsigned i)
{
    bool ok = more_memory(g, grown[i], 1, 0);
    shadow(g, XEN_DOMCTL_SHADOW_OP_CLEAN);
    ok = ok && has(grown[i]); /* new pages are dirty */
    shadow(g, XEN_DOMCTL_SHADOW_OP_CLEAN);
    ok = ok && !has(grown[i]) && access(g, 1, i, true);
    shadow(g, XEN_DOMCTL_SHADOW_OP_CLEAN);
    ok = ok && has(grown[i]);
    take(grown[i]);
    for (unsigned n = 0; n < KEPT_PAGES; n++)
        take(DATA + OTHER_DATA + n);
    return ok && rest_is_clean(g, "windows: pages of a GiB that is new to the guest are logged");
}

static void growth(void)
{
    static struct guest g;
    words = FAR_WORDS;
    for (unsigned i = 0; i < GROWTH_ROUNDS; i++)
        grown[i] = GIB_GFN(2 + i) + 512 * (i % 3) + i;
    bool ok = make(&g, 2) && make_tables(&g, grown, GROWTH_ROUNDS);
    CHECK("windows: make a guest that grows", ok);
    if (!ok)
        return;
    pin(0, 0, 1);
    bool two = pin(g.id, 0, 2) && pin(g.id, 1, 2);
    ok = run_logged(&g);
    g.mail[0]->first = OTHER_DATA, g.mail[0]->count = KEPT_PAGES;
    guest_order(&g, 0, GUEST_KEEP_WRITING);
    for (unsigned i = 0; ok && i < GROWTH_ROUNDS; i++)
        ok = grow_once(&g, i);
    bm_check(ok, "windows: pages of a GiB that is new to the guest are logged", "not all (%s)",
             two ? "on another CPU" : "one CPU only");
    CHECK("windows: and the guest has gone on",
          guest_run(&g, 0, GUEST_IDLE) && g.mail[0]->result[0] > KEPT_PAGES);
    guest_destroy(&g);
    pin(0, 0, 0xff);
}

/* ---- addresses beyond a window ---- */
static const uint64_t beyond[] = { WINDOW_END - 1, WINDOW_END, WINDOW_END + 0x123,
                                   GIB_GFN(69) + 512 * 77 + 5 };
enum { BLOCK = 3 }; /* index of the page that is in a block */

static void foreign_beyond(struct guest *g)
{
    volatile uint64_t *p = guest_map(g, beyond[1], 1);
    CHECK("windows: a page beyond can be mapped", p != NULL);
    if (!p)
        return;
    CHECK_EQ("windows: and has what the guest wrote", *p, 1);
    *p = 2;
    one_page(g, beyond[1], true, "windows: a foreign store beyond is logged");
    guest_unmap(g, (void *)(uintptr_t)p, 1);
    shadow(g, XEN_DOMCTL_SHADOW_OP_CLEAN);
    CHECK("windows: the guest reads it", access(g, 0, 1, false) && g->mail[0]->result[0] == 2);
    one_page(g, beyond[1], false, "windows: a page beyond is clean when only read");
}

static void beyond_the_window(void)
{
    static struct guest g;
    bool ok = make(&g, 1);
    for (unsigned i = 0; ok && i < BLOCK; i++)
        ok = more_memory(&g, beyond[i], 1, 0);
    ok = ok && more_memory(&g, beyond[BLOCK] & ~511ull, 1, 9) &&
         make_tables(&g, beyond, ARRAY_SIZE(beyond)) && run_logged(&g);
    CHECK("windows: a guest with memory beyond 64 GiB", ok);
    for (unsigned turn = 0; ok && turn < 3; turn++)
        for (unsigned i = 0; ok && i < ARRAY_SIZE(beyond); i++) {
            ok = access(&g, 0, i, true) &&
                 one_page(&g, beyond[i], true,
                          "windows: a page beyond, or at its end, is logged") &&
                 one_page(&g, beyond[i], false, "windows: and clean then");
        }
    if (ok)
        foreign_beyond(&g);
    CHECK_EQ("windows: off", shadow(&g, XEN_DOMCTL_SHADOW_OP_OFF), 0);
    guest_destroy(&g);
}

void test_windows(void)
{
    bitmap = bm_alloc((unsigned)(FAR_WORDS * 8 / PAGE));
    words = NEAR_WORDS;
    twins();
    growth();
    beyond_the_window();
}
