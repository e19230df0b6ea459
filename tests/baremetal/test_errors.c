/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XEN_DOMCTL_shadow_op with invalid arguments, from callers without the right to it, and on domains
 * that do not exist.  Each call gets its error and leaves the log unchanged, bit for bit.  Xen's
 * answers to any domctl are checked on any hypervisor.  The log itself is checked on xen-lite only,
 * because stock Xen on Arm has none.
 */
#include "bm.h"

void *memset(void *p, int c, size_t n);

#define MIB  16u
#define DATA (GUEST_GFN + GUEST_DATA / PAGE)
/* A block far beyond its RAM: a harvest handles it in another piece than the rest. */
#define FAR_GFN      (GUEST_GFN + 0x5000)
#define DEVICE       DOM0_GICD
#define BITMAP_PAGES 12u

static struct guest g;
static uint8_t *bitmap;

static long shadow_op(uint32_t op, uint32_t mode, uint64_t pages, uint64_t to)
{
    struct xen_domctl_shadow_op *s = &g.op.u.shadow_op;
    memset(&g.op.u, 0, sizeof(g.op.u));
    s->op = op, s->mode = mode, s->pages = pages;
    s->dirty_bitmap.q = to;
    return domctl(&g, XEN_DOMCTL_shadow_op);
}

static long clean_at(uint64_t pages, uint64_t to)
{
    return shadow_op(XEN_DOMCTL_SHADOW_OP_CLEAN, 0, pages, to);
}
static long clean(uint64_t pages, const void *to) { return clean_at(pages, (uintptr_t)to); }
static long of_domain(domid_t id)
{
    struct guest other = { .id = id };
    other.op.u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_CLEAN;
    return domctl(&other, XEN_DOMCTL_shadow_op);
}

/* The guest itself makes the call. */
static long by_guest(domid_t id)
{
    struct xen_domctl *op = guest_block(&g, 0);
    memset(op, 0, sizeof(*op));
    op->cmd = XEN_DOMCTL_shadow_op, op->interface_version = XEN_DOMCTL_INTERFACE_VERSION,
    op->domain = id;
    op->u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_OFF;
    return guest_hypercall_of(&g, 0, __HYPERVISOR_domctl, guest_block_ipa(0), 0, 0);
}

static void refused(const char *name, long got, long expected)
{
    bm_check(got == expected, name, "answers %ld, expected %ld", got, expected);
    if (bm_is_xen_lite())
        log_peek(&g, name); /* the log is unchanged */
}

static long with_version(uint32_t version)
{
    static struct xen_domctl op;
    op.cmd = XEN_DOMCTL_shadow_op, op.interface_version = version, op.domain = g.id;
    op.u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_CLEAN;
    return hypercall(__HYPERVISOR_domctl, &op);
}

static void any_domctl(void)
{
    refused("errors: by a guest, on itself", by_guest(g.id), -XEN_EPERM);
    refused("errors: by a guest, on the control domain", by_guest(0), -XEN_EPERM);
    refused("errors: by a guest, on no domain", by_guest(77), -XEN_ESRCH);
    refused("errors: of a domain that never was", of_domain(77), -XEN_ESRCH);
    refused("errors: of DOMID_SELF", of_domain(DOMID_SELF), -XEN_ESRCH);
    refused("errors: of DOMID_INVALID", of_domain(DOMID_INVALID), -XEN_ESRCH);
    refused("errors: of an older interface", with_version(XEN_DOMCTL_INTERFACE_VERSION - 1),
            -XEN_EACCES);
    refused("errors: of no interface", with_version(0), -XEN_EACCES);
    refused("errors: block from nowhere", hypercall(__HYPERVISOR_domctl, NOWHERE), -XEN_EFAULT);
    refused("errors: block from an address that is none", hypercall(__HYPERVISOR_domctl, ~0ul - 15),
            -XEN_EFAULT);
}

static void log_while_off(void)
{
    CHECK_EQ("errors: clean while off", clean(LOG_GFNS, bitmap), -XEN_EINVAL);
    CHECK_EQ("errors: peek while off",
             shadow_op(XEN_DOMCTL_SHADOW_OP_PEEK, 0, LOG_GFNS, (uintptr_t)bitmap), -XEN_EINVAL);
    CHECK_EQ("errors: off while off is no error", shadow_op(XEN_DOMCTL_SHADOW_OP_OFF, 0, 0, 0), 0);
    CHECK_EQ("errors: enable in no mode", shadow_op(XEN_DOMCTL_SHADOW_OP_ENABLE, 0, 0, 0),
             -XEN_EINVAL);
    CHECK_EQ(
        "errors: enable in an unknown mode",
        shadow_op(XEN_DOMCTL_SHADOW_OP_ENABLE, XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY | 0x100, 0, 0),
        -XEN_EINVAL);
    CHECK_EQ("errors: clean after enabling failed", clean(LOG_GFNS, bitmap), -XEN_EINVAL);
}

static void wrong_operations(void)
{
    refused("errors: unknown operation", shadow_op(4711, 0, LOG_GFNS, (uintptr_t)bitmap),
            -XEN_EINVAL);
    refused("errors: of the caller", of_domain(0), -XEN_EINVAL);
    refused("errors: enable twice", shadow_op(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, 0, 0, 0),
            -XEN_EINVAL);
    refused("errors: enable twice by mode",
            shadow_op(XEN_DOMCTL_SHADOW_OP_ENABLE, XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY, 0, 0),
            -XEN_EINVAL);
    refused("errors: enable test mode", shadow_op(XEN_DOMCTL_SHADOW_OP_ENABLE_TEST, 0, 0, 0),
            -XEN_EINVAL);
    refused("errors: enable translation",
            shadow_op(3 /* ENABLE_TRANSLATE, no longer supported */, 0, 0, 0), -XEN_EINVAL);
    refused("errors: clean in an unknown mode",
            shadow_op(XEN_DOMCTL_SHADOW_OP_CLEAN, 2, LOG_GFNS, (uintptr_t)bitmap), -XEN_EINVAL);
    refused("errors: peek in an unknown mode",
            shadow_op(XEN_DOMCTL_SHADOW_OP_PEEK, ~0u, LOG_GFNS, (uintptr_t)bitmap), -XEN_EINVAL);
    refused("errors: more than there is of memory for tables",
            (g.op.u.shadow_op.mb = ~0u, g.op.u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION,
             domctl(&g, XEN_DOMCTL_shadow_op)),
            -XEN_ENOMEM);
}

static long give_back(const void *page, bool back)
{
    static xen_pfn_t gfn;
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };
    gfn = (uintptr_t)page / PAGE;
    set_xen_guest_handle(r.extent_start, &gfn);
    return hypercall(__HYPERVISOR_memory_op,
                     back ? XENMEM_populate_physmap : XENMEM_decrease_reservation, &r);
}

/* Bitmaps whose last page is missing: at the start of the guest's RAM, in the middle of it, and
 * between its RAM and the far block. */
static void bitmap_with_a_hole(void)
{
    uint8_t *missing = bitmap + (BITMAP_PAGES - 2) * PAGE;
    CHECK_EQ("errors: a page out of the bitmap", give_back(missing, false), 1);
    refused("errors: bitmap without its last page", clean(LOG_GFNS, missing - GUEST_GFN / 8),
            -XEN_EFAULT);
    refused("errors: bitmap without the end of its last page",
            clean(LOG_GFNS, missing - (DATA + 64) / 8), -XEN_EFAULT);
    refused("errors: bitmap without its last piece",
            clean(LOG_GFNS, missing - (FAR_GFN - 0x1000) / 8), -XEN_EFAULT);
    refused("errors: bitmap without its last byte", clean(LOG_GFNS, missing - (FAR_GFN + 511) / 8),
            -XEN_EFAULT);
    CHECK_EQ("errors: the bitmap's page is given back", give_back(missing, true), 1);
}

static void wrong_bitmaps(void)
{
    refused("errors: bitmap nowhere", clean_at(LOG_GFNS, NOWHERE), -XEN_EFAULT);
    refused("errors: bitmap in a device", clean_at(LOG_GFNS, DEVICE), -XEN_EFAULT);
    refused("errors: bitmap at an address that is none", clean_at(LOG_GFNS, 1ull << 50),
            -XEN_EFAULT);
    refused("errors: bitmap at the end of all addresses", clean_at(LOG_GFNS, ~0ul - 7),
            -XEN_EFAULT);
    refused("errors: bitmap in read-only memory", clean(LOG_GFNS, bm_readonly(bitmap)),
            -XEN_EFAULT);
    g.op.u.shadow_op.dirty_bitmap.q = (uintptr_t)bitmap;
    refused("errors: block in read-only memory", hypercall(__HYPERVISOR_domctl, bm_readonly(&g.op)),
            -XEN_EFAULT);
    bitmap_with_a_hole();
}

static bool told(const uint8_t *map, uint64_t gfn) { return map[gfn / 8] >> gfn % 8 & 1; }

/* Unusual but valid sizes: exactly the pages that are reported are cleaned. */
static void odd_sizes(void)
{
    memset(bitmap, 0xa5, BITMAP_PAGES * PAGE);
    CHECK_EQ("errors: no pages are none", clean(0, bitmap), 0);
    bm_check(g.op.u.shadow_op.pages == 0 && bitmap[0] == 0xa5, "errors: no pages, nothing told",
             "%ju pages, byte 0x%x", g.op.u.shadow_op.pages, bitmap[0]);
    log_peek(&g, "errors: no pages are none");
    CHECK_EQ("errors: more pages than there can be",
             shadow_op(XEN_DOMCTL_SHADOW_OP_PEEK, 0, ~0ull, (uintptr_t)(bitmap + 3)), 0);
    bm_check(g.op.u.shadow_op.pages == FAR_GFN + 512 && told(bitmap + 3, FAR_GFN) &&
                 told(bitmap + 3, DATA + 100),
             "errors: more pages than there can be, the guest's are told", "%ju pages",
             g.op.u.shadow_op.pages);
    log_peek(&g, "errors: more pages than there can be");
    memset(bitmap, 0xa5, BITMAP_PAGES * PAGE);
    CHECK_EQ("errors: a bitmap for a part, no multiple of 64", clean(DATA + 66, bitmap), 0);
    bm_check(g.op.u.shadow_op.pages == DATA + 66 && told(bitmap, DATA + 1) &&
                 told(bitmap, DATA + 65) && bitmap[(DATA + 66) / 8] == 2 &&
                 bitmap[(DATA + 66) / 8 + 1] == 0xa5,
             "errors: a bitmap for a part tells that part and not a byte more", "%ju pages, 0x%x",
             g.op.u.shadow_op.pages, bitmap[(DATA + 66) / 8]);
    log_expect_nothing();
    log_once(DATA + 66), log_once(DATA + 100), log_once(FAR_GFN);
    log_round(&g, "errors: after a bitmap for a part, the other pages are dirty as before");
}

static void write_pages(void)
{
    const uint64_t gfn[] = { DATA + 1, DATA + 65, DATA + 66, DATA + 100, FAR_GFN };
    for (unsigned i = 0; i < ARRAY_SIZE(gfn); i++) {
        guest_tell(&g, GUEST_STORE, gfn[i] * PAGE, 8, gfn[i]);
        log_once(gfn[i]);
    }
}

static bool add_far_block(void)
{
    static xen_pfn_t gfn;
    struct xen_memory_reservation r = { .nr_extents = 1, .extent_order = 9, .domid = g.id };
    gfn = FAR_GFN;
    set_xen_guest_handle(r.extent_start, &gfn);
    g.op.u.max_mem.max_memkb = (MIB + 4) * 1024;
    return !domctl(&g, XEN_DOMCTL_max_mem) &&
           hypercall(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &r) == 1;
}

/* ---- logged domains that are destroyed ---- */
static struct xen_domctl kill;
static volatile uint64_t kill_result;

static void kill_on_second_cpu(uint32_t intid)
{
    if (intid == 5)
        __atomic_store_n(&kill_result, (uint64_t)hypercall(__HYPERVISOR_domctl, &kill),
                         __ATOMIC_RELEASE);
}

/* The second CPU destroys the guest while this CPU harvests: every answer is right until the domain
 * is gone. */
static void destroy_under_harvest(void)
{
    kill.cmd = XEN_DOMCTL_destroydomain, kill.interface_version = XEN_DOMCTL_INTERFACE_VERSION,
    kill.domain = g.id;
    kill_result = 1;
    bm_irq_hook = kill_on_second_cpu;
    guest_forget(&g);
    gic_sgi(1, 5);
    long rc = 0;
    unsigned calls = 0;
    for (uint64_t end = bm_counter() + 5 * bm_counter_hz();
         (rc == 0 || rc == -XEN_EINVAL) && bm_counter() < end; calls++)
        rc = clean(LOG_GFNS, bitmap);
    bm_check(rc == -XEN_ESRCH && bm_wait(&kill_result, 0, 5000),
             "errors: harvests of a domain that is being destroyed",
             "call %u answers %ld, destroying %ld", calls, rc, (long)kill_result);
    bm_irq_hook = NULL;
}

/* The guest is logged when it is destroyed, while this domain still maps one of its pages. */
static void dead_domain(void)
{
    volatile uint64_t *page = guest_map(&g, DATA + 1, 1);
    *page = 4711;
    guest_destroy(&g);
    CHECK_EQ("errors: clean of a dead domain", clean(LOG_GFNS, bitmap), -XEN_ESRCH);
    CHECK_EQ("errors: off of a dead domain", shadow_op(XEN_DOMCTL_SHADOW_OP_OFF, 0, 0, 0),
             -XEN_ESRCH);
    CHECK_EQ("errors: enable of a dead domain",
             shadow_op(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, 0, 0, 0), -XEN_ESRCH);
    page[1] = 4712;
    CHECK("errors: a page outlives its logged domain", page[0] == 4711 && page[1] == 4712);
    guest_unmap(&g, (void *)(uintptr_t)page, 1);
}

static void logged_to_the_end(void)
{
    uint64_t before = 0;
    for (unsigned i = 0; i < 6; i++) {
        if (i == 2)
            before = bm_free_pages();
        if (!guest_make(&g, 1, 4))
            break;
        guest_start(&g);
        shadow_op(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, 0, 0, 0);
        guest_tell(&g, GUEST_STORE, GUEST_RAM + 0x300000, 8, 1);
        guest_destroy(&g);
    }
    CHECK_EQ("errors: a log that is on when its domain ends leaks nothing", bm_free_pages(),
             before);
}

void test_errors(void)
{
    bitmap = bm_alloc(BITMAP_PAGES);
    CHECK("errors: make guest", guest_make(&g, 1, MIB) && add_far_block());
    guest_start(&g);
    if (!bm_is_xen_lite()) {
        any_domctl();
        guest_destroy(&g);
        return;
    }
    log_while_off();
    log_watch(&g);
    CHECK_EQ("errors: enable", shadow_op(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, 0, 0, 0), 0);
    write_pages();
    log_peek(&g, "errors: what the guest wrote is dirty");
    any_domctl();
    wrong_operations();
    wrong_bitmaps();
    odd_sizes();
    write_pages();
    log_round(&g, "errors: after all this the guest runs, and is logged");
    if (smccc(0xc4000004, 1, 0, 0) == 0) /* AFFINITY_INFO: the second CPU is on */
        destroy_under_harvest();
    else
        guest_destroy(&g);
    if (guest_make(&g, 1, MIB)) {
        guest_start(&g);
        CHECK_EQ("errors: enable", shadow_op(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, 0, 0, 0), 0);
        dead_domain();
    }
    logged_to_the_end();
}
