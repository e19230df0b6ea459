/* SPDX-License-Identifier: BSD-2-Clause */
// link: @world @mem @evtchn @grant xen-lite/call/memory_*.c
// libs: -lcmocka
/* HYPERVISOR_memory_op. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "world.h"
#include "memory_op.h"

#define HOLE 1000u

static int start(void **state)
{
    (void)state;
    world_start();
    return 0;
}
static int end(void **state)
{
    (void)state;
    world_end();
    return 0;
}

/* Repeats the call as long as it is restarted, and counts the restarts. */
static unsigned restarts;
static long call(unsigned op, const void *arg)
{
    struct vcpu *v = current_vcpu();
    uint64_t cmd = op;
    long rc;

    for (restarts = 0; (rc = do_memory_op(cmd, gva(arg))) == -XEN_ERESTART; restarts++)
        cmd = arch_hypercall_arg(v, 0);
    return rc;
}
static long reserve(unsigned op, domid_t dom, xen_pfn_t *list, uint64_t n, unsigned order)
{
    struct xen_memory_reservation r = {
        .extent_start = { .q = gva(list) }, .nr_extents = n, .extent_order = order, .domid = dom
    };
    return call(op, &r);
}
static long add(domid_t dom, unsigned space, uint64_t idx, uint64_t gfn)
{
    struct xen_add_to_physmap op = { .domid = dom, .space = space, .idx = idx, .gpfn = gfn };
    return call(XENMEM_add_to_physmap, &op);
}
static long remove_at(domid_t dom, uint64_t gfn)
{
    struct xen_remove_from_physmap op = { .domid = dom, .gpfn = gfn };
    return call(XENMEM_remove_from_physmap, &op);
}
static long foreign(domid_t dom, domid_t of, xen_ulong_t idx, xen_pfn_t gfn, int *err)
{
    struct xen_add_to_physmap_batch op = {
        .domid = dom,
        .space = XENMAPSPACE_gmfn_foreign,
        .size = 1,
        .u = { .foreign_domid = of },
        .idxs = { .q = gva(&idx) },
        .gpfns = { .q = gva(&gfn) },
        .errs = { .q = gva(err) },
    };
    *err = 77;
    return call(XENMEM_add_to_physmap_batch, &op);
}
static long ask(unsigned op, domid_t dom)
{
    struct xen_memory_domain q = { .domid = dom };
    return call(op, &q);
}

static void populate_and_decrease(void **state)
{
    xen_pfn_t list[4] = { HOLE, HOLE + 1, HOLE + 2, HOLE + 3 };
    uint32_t had = world[1]->tot_pages;
    (void)state;

    assert_int_equal(reserve(XENMEM_populate_physmap, 1, list, 4, 0), 4);
    assert_int_equal(world[1]->tot_pages, had + 4);
    assert_int_equal(world_type(1, HOLE + 3), P2M_RAM);
    assert_int_equal(*(uint64_t *)page_va(world_page(1, HOLE)), 0);
    assert_int_equal(ask(XENMEM_current_reservation, 1), had + 4);
    assert_int_equal(ask(XENMEM_maximum_gpfn, 1), HOLE + 3);
    assert_int_equal(reserve(XENMEM_decrease_reservation, 1, list, 4, 0), 4);
    assert_int_equal(world[1]->tot_pages, had);
    assert_int_equal(reserve(XENMEM_decrease_reservation, 1, list, 4, 0), 0); /* no memory there */

    list[0] = 1024, list[1] = 1536, list[2] = 2048;
    assert_int_equal(reserve(XENMEM_populate_physmap, 1, list, 3, 9), 3);
    assert_int_equal(world[1]->tot_pages, had + 1536);
    assert_int_equal(reserve(XENMEM_decrease_reservation, 1, list, 1, 9), 1);
    list[1] = 1537;
    /* across two blocks */
    assert_int_equal(reserve(XENMEM_decrease_reservation, 1, list + 1, 1, 9), 1);
    assert_int_equal(world[1]->tot_pages, had + 512);
    /* too large: the tools then try smaller extents */
    assert_int_equal(reserve(XENMEM_populate_physmap, 1, list, 1, 18), 0);
}

static bool zeroed(domid_t dom, uint64_t gfn, unsigned pages)
{
    for (unsigned i = 0; i < pages; i++)
        for (unsigned w = 0; w < PAGE_SIZE / 8; w += 64)
            if (((const uint64_t *)page_va(world_page(dom, gfn + i)))[w])
                return false;
    return true;
}

/* Preempted at every check: a block is cleared only once, and taken out only once. */
static void reservation_restarts(void **state)
{
    xen_pfn_t list[2] = { 1024, 1536 };
    uint32_t had = world[1]->tot_pages;
    (void)state;

    fake_preempt = true;
    assert_int_equal(reserve(XENMEM_populate_physmap, 1, list, 2, 9), 2);
    assert_int_equal(restarts, 2 * 512 / 32 - 1);
    assert_int_equal(world[1]->tot_pages, had + 1024);
    assert_null(world[1]->populating.page);
    assert_true(zeroed(1, 1024, 1024));
    assert_int_equal(reserve(XENMEM_decrease_reservation, 1, list, 2, 9), 2);
    assert_int_equal(restarts, 2 * 512 / 16 - 1);
    assert_int_equal(world[1]->tot_pages, had);
    assert_int_equal(world_type(1, 1024 + 511), P2M_NONE);
    /* A restart position beyond the extent. */
    struct xen_memory_reservation r = {
        .extent_start = { .q = gva(list) }, .nr_extents = 2, .extent_order = 9, .domid = 1
    };
    assert_int_equal(do_memory_op(XENMEM_decrease_reservation | 512ull << (6 + 17), gva(&r)), 0);
    /* The restart position fits in a 32-bit register, which is all that 32-bit callers have. */
    assert_int_equal(reserve(XENMEM_populate_physmap, 1, list + 1, 1, 9), 1);
    list[0] = 1536;
    r.nr_extents = 1;
    assert_int_equal(do_memory_op(XENMEM_decrease_reservation, gva(&r)), -XEN_ERESTART);
    assert_in_range(arch_hypercall_arg(current_vcpu(), 0),
                    XENMEM_decrease_reservation | 1ull << (6 + 17), UINT32_MAX);
    uint64_t again = arch_hypercall_arg(current_vcpu(), 0);
    fake_preempt = false;
    assert_int_equal(do_memory_op(again, gva(&r)), 1);
    assert_int_equal(world[1]->tot_pages, had);
    fake_preempt = true;
    list[0] = 1024;
    r.nr_extents = 2;
    /* For extents larger than a page, the position has fewer bits; more extents are refused. */
    r.nr_extents = 1u << 17;
    assert_int_equal(do_memory_op(XENMEM_decrease_reservation, gva(&r)), 0);
    r.nr_extents = 2;
    /* The restart has another order, and then the domain dies: the block in progress is
     * not lost. */
    assert_int_equal(do_memory_op(XENMEM_populate_physmap, gva(&r)), -XEN_ERESTART);
    assert_non_null(world[1]->populating.page);
    r.extent_order = 8;
    assert_int_equal(do_memory_op(XENMEM_populate_physmap | 1 << 6, gva(&r)), 2);
    assert_int_equal(world[1]->tot_pages, had + 512 + 256);
    fake_preempt = false;
    assert_int_equal(reserve(XENMEM_decrease_reservation, 1, list + 1, 1, 8), 1);
    page_forget_block(world[1]);
    assert_int_equal(world[1]->tot_pages, had);
    /* A direct-mapped domain's pages are removed one by one. */
    world[0]->direct_map = true;
    world_be(0, 0);
    assert_int_equal(reserve(XENMEM_decrease_reservation, 0, list, 1, 9), 0);
    world[0]->direct_map = false;
}

static void reservation_refused(void **state)
{
    xen_pfn_t list[4] = { HOLE, HOLE + 1, 1ull << 28, HOLE + 3 };
    struct xen_memory_reservation pod = { .extent_start = { .q = gva(list) },
                                          .nr_extents = 1,
                                          .domid = 1,
                                          .mem_flags = XENMEMF_populate_on_demand };
    (void)state;

    assert_int_equal(reserve(XENMEM_populate_physmap, 77, list, 1, 0), 0);
    assert_int_equal(reserve(XENMEM_populate_physmap, 1, NULL, 1, 0), 0);
    assert_int_equal(reserve(XENMEM_populate_physmap, 1, list, 1ull << 27, 0), 0);
    assert_int_equal(call(XENMEM_populate_physmap, NULL), 0);
    assert_int_equal(call(XENMEM_populate_physmap, &pod), 0);
    assert_int_equal(reserve(XENMEM_increase_reservation, 1, list, 1, 0), 0);
    /* stops at the invalid address */
    assert_int_equal(reserve(XENMEM_populate_physmap, 1, list, 4, 0), 2);
    world_p2m_fails = true;
    assert_int_equal(reserve(XENMEM_populate_physmap, 1, list + 3, 1, 0), 0);
    world[1]->max_pages = world[1]->tot_pages;
    assert_int_equal(reserve(XENMEM_populate_physmap, 1, list + 3, 1, 0), 0);
    assert_int_equal(ask(XENMEM_maximum_reservation, 1), world[1]->max_pages);
    world[1]->max_pages = ~0u; /* no limit, so no error */
    assert_true(ask(XENMEM_maximum_reservation, 1) >= INT32_MAX);
    world[1]->max_pages = world[1]->tot_pages;
    world_be(2, 0);
    /* a guest may not do this */
    assert_int_equal(reserve(XENMEM_populate_physmap, 1, list, 1, 0), 0);
    assert_int_equal(reserve(XENMEM_decrease_reservation, 1, list, 1, 0), 0);
    assert_int_equal(reserve(XENMEM_populate_physmap, DOMID_SELF, list, 1, 0), 1);
}

#define MANY (2 * MEMOP_PAGES_A_LOOK + 3)

static void reservation_preempted(void **state)
{
    xen_pfn_t list[MANY];
    (void)state;
    for (unsigned i = 0; i < MANY; i++)
        list[i] = HOLE + i;
    fake_preempt = true;
    assert_int_equal(reserve(XENMEM_populate_physmap, 1, list, MANY, 0), MANY);
    assert_int_equal(restarts, (MANY - 1) / MEMOP_PAGES_A_LOOK);
    fake_preempt = false;
    struct xen_memory_reservation r = { .extent_start = { .q = gva(list) },
                                        .nr_extents = MANY,
                                        .domid = 1 };
    assert_int_equal(do_memory_op(XENMEM_populate_physmap | MANY << 6, gva(&r)), MANY);
    assert_int_equal(do_memory_op(XENMEM_populate_physmap | (MANY + 1) << 6, gva(&r)), MANY + 1);
}

/* dom0 keeps its pages while they are out of its map, and gets them back at the same address. */
static void direct_mapped_dom0(void **state)
{
    struct domain *d = world[0];
    struct page *p = page_alloc(d, 0, 0);
    xen_pfn_t list[2] = { page_pfn(p) };
    (void)state;

    p2m_map(d, GFN(list[0]), page_pa(p), 1, P2M_RAM);
    d->direct_map = true;
    uint32_t had = d->tot_pages;
    assert_int_equal(reserve(XENMEM_decrease_reservation, 0, list, 1, 0), 1);
    assert_int_equal(d->tot_pages, had);
    assert_int_equal(p->refs, 1);
    assert_true(p->flags & PAGE_KEPT);
    assert_int_equal(reserve(XENMEM_decrease_reservation, 0, list, 1, 0), 0);
    world_p2m_fails = true;
    assert_int_equal(reserve(XENMEM_populate_physmap, 0, list, 1, 0), 0);
    assert_int_equal(reserve(XENMEM_populate_physmap, 0, list, 1, 0), 1);
    assert_ptr_equal(world_page(0, list[0]), p);
    assert_int_equal(p->refs, 1);
    assert_false(p->flags & PAGE_KEPT);
    assert_int_equal(reserve(XENMEM_populate_physmap, 0, list, 1, 0), 1); /* is mapped already */
    assert_int_equal(p->refs, 1);
    assert_int_equal(remove_at(0, list[0]), 0);
    assert_true(p->flags & PAGE_KEPT);
    /* A page that only another domain's mapping keeps alive cannot be taken. */
    p->flags &= (uint8_t)~PAGE_KEPT;
    assert_int_equal(reserve(XENMEM_populate_physmap, 0, list, 1, 0), 0);
    page_put(p);
    /* A free page can be taken, and is cleared.  Another domain's cannot. */
    memset(page_va(p), 0x77, PAGE_SIZE);
    assert_int_equal(reserve(XENMEM_populate_physmap, 0, list, 1, 0), 1);
    assert_ptr_equal(world_page(0, list[0]), p);
    assert_int_equal(*(uint64_t *)page_va(p), 0);
    list[0] = page_pfn(world_page(1, GUEST_RAM));
    assert_int_equal(reserve(XENMEM_populate_physmap, 0, list, 1, 0), 0);
    list[0] = HOLE; /* no memory at that address */
    assert_int_equal(reserve(XENMEM_populate_physmap, 0, list, 1, 0), 0);
    d->direct_map = false;
}

static void shared_info(void **state)
{
    struct domain *d = world[1];
    (void)state;

    world_be(1, 0);
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_shared_info, 1, 40), -XEN_EINVAL);
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_shared_info, 0, 40), 0);
    assert_int_equal(world_type(1, 40), P2M_SHARED);
    assert_true(d->shared_ipa.v == 40 << 12);
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_shared_info, 0, 40), 0);
    /* in place of RAM, as Linux does */
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_shared_info, 0, GUEST_RAM), 0);
    assert_null(world_page(1, 40));
    assert_ptr_equal(world_page(1, GUEST_RAM), d->shared_page);
    assert_int_equal(remove_at(DOMID_SELF, GUEST_RAM), 0);
    assert_true(d->shared_ipa.v == ~0ull);
    assert_int_equal(remove_at(DOMID_SELF, GUEST_RAM), -XEN_ENOENT);
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_grant_table, 1, 41), 0);
    assert_ptr_equal(world_page(1, 41), d->grant.frame[1]);
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_grant_table, 1, 41), 0);
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_grant_table, 9, 42), -XEN_EINVAL);
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_gmfn, 0, 42), -XEN_ENOSYS);
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_gmfn_foreign, 0, 42), -XEN_ENOSYS);
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_gmfn_range, 0, 42), 0); /* an empty range */
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_dev_mmio, 0, 42), -XEN_EACCES);
    assert_int_equal(add(DOMID_SELF, 99, 0, 42), -XEN_ENOSYS);
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_shared_info, 0, 1ull << 28), -XEN_EINVAL);
    assert_int_equal(add(2, XENMAPSPACE_shared_info, 0, 42), -XEN_EPERM);
    assert_int_equal(add(77, XENMAPSPACE_shared_info, 0, 42), -XEN_ESRCH);
    assert_int_equal(call(XENMEM_add_to_physmap, NULL), -XEN_EFAULT);
    assert_int_equal(remove_at(2, GUEST_RAM), -XEN_EPERM);
    world_be(0, 0);
    assert_int_equal(remove_at(77, GUEST_RAM), -XEN_ESRCH);
    assert_int_equal(remove_at(1, 1ull << 40), -XEN_ENOENT);
    uint32_t had = d->tot_pages;
    assert_int_equal(remove_at(1, GUEST_RAM + 1), 0);
    assert_int_equal(d->tot_pages, had - 1);
    assert_int_equal(add(0, XENMAPSPACE_dev_mmio, 0x9000, 43), 0);
    assert_int_equal(world[0]->p2m.max_gfn < WORLD_GFNS, 1);
}

static void device_pages(void **state)
{
    (void)state;
    uart_base = PA(0x9000000);
    gic_info.dist = PA(0x8000000), gic_info.dist_bytes = 0x10000;
    assert_int_equal(add(0, XENMAPSPACE_dev_mmio, 0x9010, 43), 0);
    assert_int_equal(world_type(0, 43), P2M_DEVICE);
    /* the console, the GIC and memory are refused */
    assert_int_equal(add(0, XENMAPSPACE_dev_mmio, 0x9000, 44), 0);
    assert_int_equal(add(0, XENMAPSPACE_dev_mmio, 0x8008, 45), 0);
    assert_int_equal(add(0, XENMAPSPACE_dev_mmio, frame_base + 5, 46), 0);
    assert_true(!world_page(0, 44) && !world_page(0, 45) && !world_page(0, 46));
    assert_int_equal(add(1, XENMAPSPACE_dev_mmio, 0x9010, 43), -XEN_EACCES);
    assert_int_equal(remove_at(0, 43), -XEN_ENOENT);
    p2m_unmap(world[0], GFN(43), 1);
}

static void foreign_maps(void **state)
{
    struct page *p = world_page(1, GUEST_RAM);
    int err;
    (void)state;

    assert_int_equal(foreign(DOMID_SELF, 1, GUEST_RAM, HOLE, &err), 0);
    assert_int_equal(err, 0);
    assert_ptr_equal(world_page(0, HOLE), p);
    assert_int_equal(world_type(0, HOLE), P2M_FOREIGN);
    assert_int_equal(p->refs, 2);
    assert_int_equal(foreign(DOMID_SELF, 1, GUEST_RAM, HOLE, &err), 0); /* a page over itself */
    assert_int_equal(p->refs, 2);
    assert_int_equal(remove_at(DOMID_SELF, HOLE), 0);
    assert_int_equal(p->refs, 1);

    assert_int_equal(foreign(DOMID_SELF, 77, GUEST_RAM, HOLE, &err), 0);
    assert_int_equal(err, -XEN_ESRCH);
    foreign(DOMID_SELF, DOMID_SELF, GUEST_RAM, HOLE, &err);
    assert_int_equal(err, -XEN_EINVAL);
    foreign(DOMID_SELF, 0, GUEST_RAM, HOLE, &err);
    assert_int_equal(err, -XEN_ESRCH);
    foreign(DOMID_SELF, 1, HOLE, HOLE, &err);
    assert_int_equal(err, -XEN_EINVAL);
    foreign(DOMID_SELF, 1, ~0ull, HOLE, &err);
    assert_int_equal(err, -XEN_EINVAL);
    world_p2m_fails = true;
    foreign(DOMID_SELF, 1, GUEST_RAM, HOLE, &err);
    assert_int_equal(err, -XEN_ENOMEM);
    assert_int_equal(p->refs, 1);
    world_be(1, 0);
    add(DOMID_SELF, XENMAPSPACE_shared_info, 0, 40);
    world_be(0, 0);
    foreign(DOMID_SELF, 1, 40, HOLE, &err); /* the migration daemon reads it */
    assert_int_equal(err, 0);
    foreign(DOMID_SELF, 2, GUEST_RAM, HOLE + 1, &err);
    assert_int_equal(err, 0);
    world_be(1, 0);
    foreign(DOMID_SELF, 2, GUEST_RAM, HOLE, &err);
    assert_int_equal(err, -XEN_EPERM);
    assert_int_equal(foreign(0, 2, GUEST_RAM, HOLE, &err), -XEN_EPERM);
    world_be(2, 0);
    foreign(DOMID_SELF, 1, GUEST_RAM, HOLE, &err);
    assert_int_equal(err, -XEN_EPERM);
}

static void physmap_batch(void **state)
{
    xen_ulong_t idx[MANY];
    xen_pfn_t gfn[MANY];
    int err[MANY];
    struct xen_add_to_physmap_batch op = {
        .domid = DOMID_SELF,
        .space = XENMAPSPACE_gmfn_foreign,
        .size = MANY,
        .u = { .foreign_domid = 1 },
        .idxs = { .q = gva(idx) },
        .gpfns = { .q = gva(gfn) },
        .errs = { .q = gva(err) },
    };
    (void)state;

    for (unsigned i = 0; i < MANY; i++)
        idx[i] = GUEST_RAM + i % 3, gfn[i] = HOLE + i, err[i] = 77;
    idx[3] = HOLE;
    fake_preempt = true;
    assert_int_equal(call(XENMEM_add_to_physmap_batch, &op), 0);
    assert_int_equal(restarts, (MANY - 1) / MEMOP_PAGES_A_LOOK);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(err[i], i == 3 ? -XEN_EINVAL : 0);
    assert_int_equal(do_memory_op(XENMEM_add_to_physmap_batch | MANY << 6, gva(&op)), -XEN_EILSEQ);
    assert_int_equal(do_memory_op(XENMEM_add_to_physmap_batch | (MANY + 1) << 6, gva(&op)),
                     -XEN_EILSEQ);
    op.idxs.q = 0;
    assert_int_equal(call(XENMEM_add_to_physmap_batch, &op), -XEN_EFAULT);
    op.size = 0;
    assert_int_equal(call(XENMEM_add_to_physmap_batch, &op), 0);
    op.space = XENMAPSPACE_gmfn_range;
    assert_int_equal(call(XENMEM_add_to_physmap_batch, &op), -XEN_EOPNOTSUPP);
    op.space = XENMAPSPACE_dev_mmio, op.size = 1;
    assert_int_equal(call(XENMEM_add_to_physmap_batch, &op), -XEN_EOPNOTSUPP);
    op.domid = 77;
    assert_int_equal(call(XENMEM_add_to_physmap_batch, &op), -XEN_ESRCH);
    assert_int_equal(call(XENMEM_add_to_physmap_batch, NULL), -XEN_EFAULT);
}

static void resources_acquired(void **state)
{
    xen_pfn_t list[4] = { HOLE, HOLE + 1, HOLE + 2, 1ull << 30 };
    struct xen_mem_acquire_resource size = { .domid = 1, .type = XENMEM_resource_grant_table }, op;
    (void)state;

    assert_int_equal(call(XENMEM_acquire_resource, &size), 0);
    assert_int_equal(size.nr_frames, 4);
    assert_int_equal(call(XENMEM_acquire_resource, &size), -XEN_EINVAL);
#define ACQUIRE_OF(dom, kind, ...)                                             \
    (op = (struct xen_mem_acquire_resource){ .domid = (dom),                   \
                                             .type = (kind),                   \
                                             .frame_list = { .q = gva(list) }, \
                                             __VA_ARGS__ },                    \
     call(XENMEM_acquire_resource, &op))
#define ACQUIRE(...) ACQUIRE_OF(1, XENMEM_resource_grant_table, __VA_ARGS__)
    assert_int_equal(ACQUIRE(.nr_frames = 1), 0);
    assert_ptr_equal(world_page(0, HOLE), world[1]->grant.frame[0]);
    fake_preempt = true;
    assert_int_equal(ACQUIRE(.nr_frames = 3, .frame = 1), 0);
    assert_int_equal(restarts, 2);
    fake_preempt = false;
    assert_int_equal(world[1]->grant.frame_count, 4);
    assert_ptr_equal(world_page(0, HOLE + 2), world[1]->grant.frame[3]);
    assert_int_equal(world[1]->grant.frame[3]->refs, 2);
    assert_int_equal(ACQUIRE(.nr_frames = 2, .frame = 3), -XEN_EINVAL);
    assert_int_equal(ACQUIRE(.nr_frames = 4), -XEN_EIO); /* the last destination is invalid */
    assert_int_equal(ACQUIRE(.nr_frames = 1, .frame = 1ull << 32), -XEN_EINVAL);
    assert_int_equal(ACQUIRE(.nr_frames = ~0u), -XEN_EINVAL);
    assert_int_equal(ACQUIRE(.nr_frames = 0), -XEN_EINVAL);
    assert_int_equal(ACQUIRE(.nr_frames = ~0u, .frame = 1), -XEN_EINVAL);
    assert_int_equal(ACQUIRE(.nr_frames = 1, .pad = 1), -XEN_EINVAL);
    assert_int_equal(ACQUIRE_OF(77, XENMEM_resource_grant_table, .nr_frames = 1), -XEN_ESRCH);
    assert_int_equal(ACQUIRE_OF(0, XENMEM_resource_grant_table, .nr_frames = 1), -XEN_EPERM);
    assert_int_equal(ACQUIRE_OF(DOMID_SELF, XENMEM_resource_grant_table, .nr_frames = 1),
                     -XEN_ESRCH);
    assert_int_equal(ACQUIRE_OF(1, 9, .nr_frames = 1), -XEN_EOPNOTSUPP);
    assert_int_equal(ACQUIRE(.nr_frames = 1, .id = 1), -XEN_EINVAL);
    assert_int_equal(ACQUIRE_OF(1, XENMEM_resource_ioreq_server, .nr_frames = 1), -XEN_EINVAL);
    world_be(2, 0);
    assert_int_equal(ACQUIRE(.nr_frames = 1), -XEN_EPERM);
}

static void queries(void **state)
{
    struct xen_memory_reservation claim = { .nr_extents = 100, .domid = 1 };
    struct xen_reserved_device_memory_map rdm = { .flags = XENMEM_RDM_ALL, .nr_entries = 5 };
    struct xen_vnuma_topology_info vnuma = { .domid = 1 };
    (void)state;

    assert_int_equal(call(XENMEM_maximum_ram_page, NULL), frame_base + frame_count);
    assert_int_equal(do_memory_op(XENMEM_maximum_ram_page | 1 << 6, 0), -XEN_EINVAL);
    assert_int_equal(ask(XENMEM_current_reservation, 77), -XEN_ESRCH);
    assert_int_equal(call(XENMEM_maximum_gpfn, NULL), -XEN_EFAULT);
    assert_int_equal(call(XENMEM_claim_pages, &claim), 0);
    assert_int_equal(world[1]->outstanding, 100 - world[1]->tot_pages);
    assert_int_equal(call(XENMEM_claim_pages, &claim), -XEN_EINVAL);
    claim.domid = 2, claim.nr_extents = 10;
    /* already has that many pages */
    assert_int_equal(call(XENMEM_claim_pages, &claim), -XEN_EINVAL);
    world[2]->max_pages = ~0u, claim.nr_extents = 1u << 20;
    assert_int_equal(call(XENMEM_claim_pages, &claim), -XEN_ENOMEM);
    claim.domid = 1, claim.nr_extents = 0;
    assert_int_equal(call(XENMEM_claim_pages, &claim), 0);
    assert_int_equal(world[1]->outstanding, 0);
    claim.extent_order = 1;
    assert_int_equal(call(XENMEM_claim_pages, &claim), -XEN_EINVAL);
    claim.extent_order = 0, claim.domid = 77;
    assert_int_equal(call(XENMEM_claim_pages, &claim), -XEN_EINVAL);
    assert_int_equal(call(XENMEM_access_op, &claim), -XEN_ENOSYS);
    assert_int_equal(call(XENMEM_get_vnumainfo, &vnuma), -XEN_EOPNOTSUPP);
    assert_int_equal(call(XENMEM_get_sharing_freed_pages, NULL), 0);
    assert_int_equal(call(XENMEM_memory_map, NULL), -XEN_ENOSYS);
    assert_int_equal(call(XENMEM_set_memory_map, NULL), -XEN_ENOSYS);
    assert_int_equal(call(XENMEM_exchange, NULL), -XEN_EOPNOTSUPP);
    assert_int_equal(call(XENMEM_reserved_device_memory_map, NULL), -XEN_EFAULT);
    assert_int_equal(call(XENMEM_reserved_device_memory_map, &rdm), 0);
    assert_int_equal(rdm.nr_entries, 0);
    rdm.flags = 3;
    assert_int_equal(call(XENMEM_reserved_device_memory_map, &rdm), -XEN_EINVAL);
    assert_int_equal(call(63, NULL), -XEN_ENOSYS);
    world_be(1, 0);
    claim.domid = 1;
    assert_int_equal(call(XENMEM_claim_pages, &claim), -XEN_EPERM);
    assert_int_equal(ask(XENMEM_current_reservation, 0), -XEN_EPERM);
    assert_int_equal(ask(XENMEM_current_reservation, DOMID_SELF), world[1]->tot_pages);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(populate_and_decrease),
        TEST(reservation_restarts),
        TEST(reservation_refused),
        TEST(reservation_preempted),
        TEST(direct_mapped_dom0),
        TEST(shared_info),
        TEST(device_pages),
        TEST(foreign_maps),
        TEST(physmap_batch),
        TEST(resources_acquired),
        TEST(queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
