/* SPDX-License-Identifier: BSD-2-Clause */
// link: @world @mem @evtchn @grant xen-lite/call/grant_op.c
// libs: -lcmocka
/* Grant tables through the hypercall.  Guest 1 grants; dom0 maps and copies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "world.h"
#include "records.h"

#define HOLE 1000u /* gfns without memory, used for mappings */

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

static volatile struct grant_entry_v1 *entry(unsigned dom, unsigned ref)
{
    return (struct grant_entry_v1 *)page_va(world[dom]->grant.frame[ref / 512]) + ref % 512;
}
static void grant(unsigned dom, unsigned ref, domid_t to, uint32_t gfn, uint16_t flags)
{
    *entry(dom, ref) = (struct grant_entry_v1){ .flags = flags, .domid = to, .frame = gfn };
}
static struct gnttab_map_grant_ref map_op(domid_t dom, uint32_t ref, uint64_t gfn, uint32_t flags)
{
    struct gnttab_map_grant_ref op = {
        .host_addr = gfn << 12, .flags = flags, .ref = ref, .dom = dom, .status = 77, .handle = ~0u
    };
    assert_int_equal(do_grant_table_op(GNTTABOP_map_grant_ref, gva(&op), 1), 0);
    return op;
}
static int map_status(domid_t dom, uint32_t ref, uint64_t gfn, uint32_t flags)
{
    return map_op(dom, ref, gfn, flags).status;
}
static int unmap(uint32_t handle, uint64_t gfn)
{
    struct gnttab_unmap_grant_ref op = { .host_addr = gfn << 12, .handle = handle, .status = 77 };
    assert_int_equal(do_grant_table_op(GNTTABOP_unmap_grant_ref, gva(&op), 1), 0);
    return op.status;
}
static unsigned flags_of(unsigned dom, unsigned ref) { return entry(dom, ref)->flags; }
static uint8_t *bytes(unsigned dom, uint64_t gfn) { return page_va(world_page(dom, gfn)); }

static void map_and_unmap(void **state)
{
    struct page *p = world_page(1, GUEST_RAM);
    (void)state;

    grant(1, 9, 0, GUEST_RAM, GTF_permit_access);
    struct gnttab_map_grant_ref op = map_op(1, 9, HOLE, GNTMAP_host_map);
    assert_int_equal(op.status, GNTST_okay);
    assert_int_equal(op.dev_bus_addr, page_pa(p).v);
    assert_ptr_equal(world_page(0, HOLE), p);
    assert_int_equal(world_type(0, HOLE), P2M_GRANT);
    assert_int_equal(flags_of(1, 9), GTF_permit_access | GTF_reading | GTF_writing);
    assert_int_equal(p->ext_writers, 1);
    assert_int_equal(p->refs, 2);
    assert_int_equal(world[1]->refs, 2);

    struct gnttab_map_grant_ref ro = map_op(1, 9, HOLE + 1, GNTMAP_host_map | GNTMAP_readonly);
    assert_int_equal(ro.status, GNTST_okay);
    assert_int_equal(world_type(0, HOLE + 1), P2M_GRANT_RO);
    assert_int_equal(p->ext_writers, 1);
    assert_int_not_equal(ro.handle, op.handle);

    /* not the address of the mapping */
    assert_int_equal(unmap(ro.handle, HOLE), GNTST_general_error);
    assert_int_equal(unmap(99999, HOLE), GNTST_bad_handle);
    assert_int_equal(unmap(~0u, HOLE), GNTST_bad_handle);
    assert_int_equal(unmap(op.handle, 0), GNTST_okay); /* the ABI ignores the address here */
    assert_int_equal(unmap(op.handle, HOLE), GNTST_okay);
    assert_int_equal(unmap(op.handle, HOLE), GNTST_bad_handle);
    assert_null(world_page(0, HOLE));
    assert_int_equal(flags_of(1, 9), GTF_permit_access | GTF_reading);
    assert_int_equal(p->ext_writers, 0);
    assert_int_equal(unmap(ro.handle, HOLE + 1), GNTST_okay);
    assert_int_equal(flags_of(1, 9), GTF_permit_access);
    assert_int_equal(p->refs, 1);
    assert_int_equal(world[1]->refs, 1);
}

static void map_refused(void **state)
{
    uint32_t rw = GNTMAP_host_map, ro = GNTMAP_host_map | GNTMAP_readonly;
    (void)state;

    grant(1, 9, 0, GUEST_RAM, GTF_permit_access | GTF_readonly);
    assert_int_equal(map_status(1, 9, HOLE, GNTMAP_readonly), GNTST_bad_gntref);
    assert_int_equal(map_status(1, 9, HOLE, rw | GNTMAP_device_map), GNTST_general_error);
    assert_int_equal(map_status(1, 9, HOLE, rw | GNTMAP_contains_pte), GNTST_general_error);
    assert_int_equal(map_status(77, 9, HOLE, ro), GNTST_bad_domain);
    assert_int_equal(map_status(DOMID_SELF, 9, HOLE, ro), GNTST_bad_domain);
    assert_int_equal(map_status(1, 512, HOLE, ro), GNTST_bad_gntref);
    assert_int_equal(map_status(1, ~0u, HOLE, ro), GNTST_bad_gntref);
    assert_int_equal(map_status(1, 10, HOLE, ro), GNTST_general_error);      /* no grant */
    assert_int_equal(map_status(1, 9, HOLE, rw), GNTST_general_error);       /* read-only */
    assert_int_equal(map_status(1, 9, 1ull << 28, ro), GNTST_general_error); /* no such address */
    assert_int_equal(flags_of(1, 9), GTF_permit_access | GTF_readonly);
    grant(1, 11, 2, GUEST_RAM, GTF_permit_access);
    /* granted to another domain */
    assert_int_equal(map_status(1, 11, HOLE, ro), GNTST_general_error);
    grant(1, 12, 0, HOLE, GTF_permit_access);
    assert_int_equal(map_status(1, 12, HOLE, rw), GNTST_bad_page); /* grants no existing page */
    grant(1, 13, 0, ~0u, GTF_permit_access);
    assert_int_equal(map_status(1, 13, HOLE, rw), GNTST_bad_page);
    assert_int_equal(flags_of(1, 12), GTF_permit_access);
    assert_int_equal(flags_of(1, 13), GTF_permit_access);
    grant(1, 14, 0, GUEST_RAM, GTF_accept_transfer);
    assert_int_equal(map_status(1, 14, HOLE, ro), GNTST_general_error);
    world_p2m_fails = true;
    assert_int_equal(map_status(1, 9, HOLE, ro), GNTST_general_error);
    assert_int_equal(world_page(1, GUEST_RAM)->refs, 1);
    assert_int_equal(flags_of(1, 9), GTF_permit_access | GTF_readonly);

    /* A page that the granter does not own cannot be granted. */
    grant(1, 15, 0, GUEST_RAM + 1, GTF_permit_access);
    assert_int_equal(map_status(1, 15, HOLE, rw), GNTST_okay);
    grant(0, 20, 2, HOLE, GTF_permit_access);
    world_be(2, 0);
    assert_int_equal(map_status(0, 20, HOLE, rw), GNTST_bad_page);
}

/* The granter changes the entry while the page is mapped: the mapped page stays pinned and
 * referenced. */
static void granter_changes(void **state)
{
    struct page *p = world_page(1, GUEST_RAM);
    (void)state;

    world[2]->privileged = true; /* otherwise it may not map from guest 1 at all */
    grant(1, 9, 0, GUEST_RAM, GTF_permit_access);
    struct gnttab_map_grant_ref a = map_op(1, 9, HOLE, GNTMAP_host_map);
    grant(1, 9, 2, GUEST_RAM + 1, GTF_permit_access);
    world_be(2, 0);
    assert_int_equal(map_status(1, 9, HOLE, GNTMAP_host_map), GNTST_general_error);
    world_be(0, 0);
    struct gnttab_map_grant_ref b = map_op(1, 9, HOLE + 1, GNTMAP_host_map);
    assert_int_equal(b.status, GNTST_okay);
    assert_ptr_equal(world_page(0, HOLE + 1), p);
    p2m_unmap(world[1], GFN(GUEST_RAM), 1);
    assert_int_equal(p->refs, 2);
    assert_int_equal(unmap(a.handle, HOLE), GNTST_okay);
    assert_int_equal(unmap(b.handle, HOLE + 1), GNTST_okay);
    assert_true(p->flags & PAGE_FREE || !p->refs);
    /* Only new mappings use the entry's new contents. */
    world_be(2, 0);
    grant(1, 9, 2, GUEST_RAM + 1, GTF_permit_access);
    assert_int_equal(map_status(1, 9, HOLE, GNTMAP_host_map), GNTST_okay);
    assert_ptr_equal(world_page(2, HOLE), world_page(1, GUEST_RAM + 1));
}

/* The mapper replaces the mapping by another one: the handle can still be unmapped, once. */
static void mapper_overwrites(void **state)
{
    (void)state;
    grant(1, 1, 0, GUEST_RAM, GTF_permit_access);
    grant(1, 2, 0, GUEST_RAM + 1, GTF_permit_access);
    struct gnttab_map_grant_ref a = map_op(1, 1, HOLE, GNTMAP_host_map),
                                b = map_op(1, 2, HOLE, GNTMAP_host_map);
    assert_int_equal(b.status, GNTST_okay);
    assert_int_equal(unmap(a.handle, HOLE), GNTST_general_error);
    assert_int_equal(world_page(1, GUEST_RAM)->refs, 2);
    assert_int_equal(unmap(b.handle, HOLE), GNTST_okay);
    /* a's handle ends with dom0, in world_end */
}

static void out_of_handles(void **state)
{
    struct gnttab_map_grant_ref op;
    (void)state;

    grant(1, 1, 0, GUEST_RAM, GTF_permit_access);
    for (unsigned i = 0; i < GRANT_FRAME_HANDLES; i++) {
        op = map_op(1, 1, HOLE + i, GNTMAP_host_map | GNTMAP_readonly);
        assert_int_equal(op.status, GNTST_okay);
        assert_int_equal(op.handle, i);
    }
    assert_int_equal(map_status(1, 1, HOLE + 999, GNTMAP_host_map | GNTMAP_readonly),
                     GNTST_no_space);
    assert_int_equal(unmap(100, HOLE + 100), GNTST_okay);
    op = map_op(1, 1, HOLE + 999, GNTMAP_host_map | GNTMAP_readonly);
    assert_int_equal(op.status, GNTST_okay);
    assert_int_equal(op.handle, 100);
}

static void copies_by_grant(void **state)
{
    struct gnttab_copy op = {
        .source = { .u = { .ref = 5 }, .domid = 1, .offset = 16 },
        .len = 100,
        .dest = { .u = { .gmfn = GUEST_RAM + 2 }, .domid = DOMID_SELF, .offset = 32 },
        .flags = GNTCOPY_source_gref
    };
    struct gnttab_copy good = op;
    (void)state;
#define COPY() (assert_int_equal(do_grant_table_op(GNTTABOP_copy, gva(&op), 1), 0), op.status)

    grant(1, 5, 0, GUEST_RAM, GTF_permit_access | GTF_readonly);
    memset(bytes(1, GUEST_RAM), 0x5a, 4096);
    memset(bytes(0, GUEST_RAM + 2), 0, 4096);
    assert_int_equal(COPY(), GNTST_okay);
    assert_int_equal(bytes(0, GUEST_RAM + 2)[31], 0);
    assert_int_equal(bytes(0, GUEST_RAM + 2)[32], 0x5a);
    assert_int_equal(bytes(0, GUEST_RAM + 2)[131], 0x5a);
    assert_int_equal(bytes(0, GUEST_RAM + 2)[132], 0);
    assert_true(world_dirty[0][GUEST_RAM + 2]);
    assert_int_equal(flags_of(1, 5), GTF_permit_access | GTF_readonly);

    op.source.offset = 4000;
    assert_int_equal(COPY(), GNTST_bad_copy_arg);
    op = good, op.dest.offset = 4096, op.len = 0;
    assert_int_equal(COPY(), GNTST_okay);
    op = good, op.source.u.ref = 5000;
    assert_int_equal(COPY(), GNTST_bad_gntref);
    op = good, op.source.u.ref = 6;
    assert_int_equal(COPY(), GNTST_general_error);
    op = good, op.source.domid = 77;
    assert_int_equal(COPY(), GNTST_bad_domain);
    op = good, op.dest.domid = 1; /* by frame number: only of the caller's own pages */
    assert_int_equal(COPY(), GNTST_permission_denied);
    op = good, op.dest.u.gmfn = HOLE;
    assert_int_equal(COPY(), GNTST_bad_page);
    op = good, op.dest.u.gmfn = ~0ull;
    assert_int_equal(COPY(), GNTST_bad_page);
    /* into the granter: only with a writable grant */
    op = (struct gnttab_copy){ .source = { .u = { .gmfn = GUEST_RAM + 2 }, .domid = DOMID_SELF },
                               .len = 4096,
                               .dest = { .u = { .ref = 5 }, .domid = 1 },
                               .flags = GNTCOPY_dest_gref };
    assert_int_equal(COPY(), GNTST_general_error);
    grant(1, 5, 0, GUEST_RAM, GTF_permit_access);
    memset(world_dirty, 0, sizeof(world_dirty));
    world[1]->p2m.logging = true;
    world[1]->grant.gfn[0] = 30;
    assert_int_equal(COPY(), GNTST_okay);
    assert_true(world_dirty[1][GUEST_RAM]);
    assert_true(world_dirty[1][30]); /* the status bits in the entry were written */
    assert_int_equal(bytes(1, GUEST_RAM)[32], 0x5a);
    assert_int_equal(flags_of(1, 5), GTF_permit_access);
    world[1]->p2m.logging = false;
    world[1]->grant.gfn[0] = GRANT_NO_GFN;
    /* a page onto itself */
    op = (struct gnttab_copy){ .source = { .u = { .gmfn = GUEST_RAM }, .domid = DOMID_SELF },
                               .len = 4095,
                               .dest = {
                                   .u = { .gmfn = GUEST_RAM }, .domid = DOMID_SELF, .offset = 1 } };
    assert_int_equal(COPY(), GNTST_okay);
}

static void table_setup(void **state)
{
    xen_pfn_t list[8];
    struct gnttab_setup_table setup = { .dom = DOMID_SELF,
                                        .nr_frames = 3,
                                        .frame_list = { .q = gva(list) } };
    struct gnttab_query_size size = { .dom = DOMID_SELF };
    struct gnttab_set_version set = { .version = 1 };
    struct gnttab_get_version get = { .dom = DOMID_SELF };
    struct gnttab_swap_grant_ref swap = { .ref_a = 1, .ref_b = 2 };
    (void)state;

    world_be(1, 0);
    assert_int_equal(grant_map_frame(world[1], 0, 50, NULL), 0);
    assert_int_equal(do_grant_table_op(GNTTABOP_setup_table, gva(&setup), 2), -XEN_EINVAL);
    assert_int_equal(do_grant_table_op(GNTTABOP_setup_table, 0, 1), -XEN_EFAULT);
    assert_int_equal(do_grant_table_op(GNTTABOP_setup_table, gva(&setup), 1), 0);
    assert_int_equal(setup.status, GNTST_okay);
    assert_int_equal(list[0], 50);
    assert_int_equal(list[2], ~0ull);
    setup.nr_frames = 5;
    do_grant_table_op(GNTTABOP_setup_table, gva(&setup), 1);
    assert_int_equal(setup.status, GNTST_general_error);
    setup =
        (struct gnttab_setup_table){ .dom = 2, .nr_frames = 1, .frame_list = { .q = gva(list) } };
    do_grant_table_op(GNTTABOP_setup_table, gva(&setup), 1);
    assert_int_equal(setup.status, GNTST_permission_denied);
    setup.dom = 77;
    do_grant_table_op(GNTTABOP_setup_table, gva(&setup), 1);
    assert_int_equal(setup.status, GNTST_bad_domain);
    assert_int_equal(do_grant_table_op(GNTTABOP_query_size, gva(&size), 1), 0);
    assert_int_equal(size.status, GNTST_okay);
    assert_int_equal(size.nr_frames, 3);
    assert_int_equal(size.max_nr_frames, 4);

    assert_int_equal(do_grant_table_op(GNTTABOP_set_version, gva(&set), 1), 0);
    set.version = 2;
    assert_int_equal(do_grant_table_op(GNTTABOP_set_version, gva(&set), 1), -XEN_ENOSYS);
    assert_int_equal(set.version, 1);
    set.version = 3;
    assert_int_equal(do_grant_table_op(GNTTABOP_set_version, gva(&set), 1), -XEN_EINVAL);
    assert_int_equal(do_grant_table_op(GNTTABOP_get_version, gva(&get), 1), 0);
    assert_int_equal(get.version, 1);
    get.dom = 0;
    assert_int_equal(do_grant_table_op(GNTTABOP_get_version, gva(&get), 1), -XEN_EPERM);
    get.dom = 77;
    assert_int_equal(do_grant_table_op(GNTTABOP_get_version, gva(&get), 1), -XEN_ESRCH);

    grant(1, 1, 0, 100, GTF_permit_access);
    assert_int_equal(do_grant_table_op(GNTTABOP_swap_grant_ref, gva(&swap), 1), 0);
    assert_int_equal(swap.status, GNTST_okay);
    assert_int_equal(entry(1, 2)->frame, 100);
    assert_int_equal(entry(1, 1)->flags, 0);
    swap.ref_a = 512 * 3;
    do_grant_table_op(GNTTABOP_swap_grant_ref, gva(&swap), 1);
    assert_int_equal(swap.status, GNTST_bad_gntref);
    grant(1, 7, 2, GUEST_RAM, GTF_permit_access);
    world_be(2, 0);
    /* guests may not share memory */
    assert_int_equal(map_status(1, 7, HOLE, GNTMAP_host_map), GNTST_permission_denied);
    struct gnttab_copy copy = { .source = { .u = { .ref = 7 }, .domid = 1 },
                                .len = 8,
                                .flags = GNTCOPY_source_gref,
                                .dest = { .u = { .gmfn = GUEST_RAM }, .domid = DOMID_SELF } };
    assert_int_equal(do_grant_table_op(GNTTABOP_copy, gva(&copy), 1), 0);
    assert_int_equal(copy.status, GNTST_permission_denied);
    world[2]->privileged = true;
    assert_int_equal(map_status(1, 7, HOLE, GNTMAP_host_map), GNTST_okay);
    world_be(1, 0);
    swap.ref_a = 7;
    do_grant_table_op(GNTTABOP_swap_grant_ref, gva(&swap), 1);
    assert_int_equal(swap.status, GNTST_eagain);
    assert_int_equal(do_grant_table_op(GNTTABOP_transfer, gva(&swap), 1), -XEN_EOPNOTSUPP);
    assert_int_equal(do_grant_table_op(GNTTABOP_dump_table, gva(&swap), 1), -XEN_ENOSYS);
    assert_int_equal(do_grant_table_op(99, gva(&swap), 1), -XEN_ENOSYS);
    assert_int_equal(do_grant_table_op(GNTTABOP_copy, gva(&swap), ~0u), -XEN_EINVAL);
    assert_int_equal(do_grant_table_op(GNTTABOP_copy, 8, 1), -XEN_EFAULT);
}

static void table_frames(void **state)
{
    struct page *a, *b, *got;
    (void)state;

    assert_int_equal(grant_map_frame(world[1], 1, 50, &a), 0);
    assert_int_equal(world_type(1, 50), P2M_SHARED);
    assert_int_equal(world[1]->grant.frame_count, 2);
    /* a second call, as by a resumed guest */
    assert_int_equal(grant_map_frame(world[1], 1, 50, &b), 0);
    assert_ptr_equal(a, b);
    assert_int_equal(grant_map_frame(world[1], 1, 60, &b), 0); /* moves */
    assert_null(world_page(1, 50));
    assert_ptr_equal(world_page(1, 60), a);
    assert_int_equal(grant_map_frame(world[1], 4, 61, &b), -XEN_EINVAL);
    assert_int_equal(grant_map_frame(world[1], XENMAPIDX_grant_table_status, 61, &b), -XEN_EINVAL);
    assert_int_equal(grant_map_frame(world[1], 0, 1ull << 28, &b), -XEN_EINVAL);
    p2m_unmap(world[1], GFN(60), 1); /* the guest took it out */
    assert_int_equal(grant_map_frame(world[1], 1, 60, &b), 0);
    assert_ptr_equal(world_page(1, 60), a);
    assert_int_equal(grant_get_frame(world[1], 3, &got), 0);
    assert_int_equal(got->refs, 2);
    page_put(got);
    assert_int_equal(grant_get_frame(world[1], 4, &got), -XEN_EINVAL);
}

static void records_of_frames(void **state)
{
    struct xlr_grant r;
    (void)state;

    assert_int_equal(grant_map_frame(world[1], 0, 50, NULL), 0);
    assert_int_equal(grant_map_frame(world[1], 2, 52, NULL), 0);
    grant_get(world[1], &r);
    assert_int_equal(r.version, 1);
    assert_int_equal(r.frame_count, 3);
    assert_int_equal(r.gfn[0], 50);
    assert_true(r.gfn[1] == XLR_NOWHERE && r.gfn[3] == XLR_NOWHERE);
    assert_int_equal(r.gfn[2], 52);
    assert_int_equal(grant_check(world[2], &r), 0);
    assert_int_equal(grant_set(world[2], &r), 0);
    assert_int_equal(world_type(2, 52), P2M_SHARED);
    assert_int_equal(world[2]->grant.frame_count, 3);
    assert_int_equal(grant_set(world[2], &r), 0);
    p2m_unmap(world[1], GFN(50), 1);
    grant_get(world[1], &r);
    assert_true(r.gfn[0] == XLR_NOWHERE);
    r.gfn[0] = 1ull << 40;
    assert_int_equal(grant_check(world[2], &r), -XEN_EINVAL);
    r.gfn[0] = 1, r.frame_count = 5;
    assert_int_equal(grant_check(world[2], &r), -XEN_EINVAL);
    r.frame_count = 1, r.version = 2;
    assert_int_equal(grant_check(world[2], &r), -XEN_EINVAL);
}

static void batches_restart(void **state)
{
    struct gnttab_map_grant_ref op[5];
    struct vcpu *v = world[0]->vcpu[0];
    uint64_t arg = gva(op);
    unsigned count = 5, calls = 0;
    (void)state;

    for (unsigned i = 0; i < 5; i++) {
        grant(1, i, 0, GUEST_RAM + i, GTF_permit_access);
        op[i] = (struct gnttab_map_grant_ref){
            .host_addr = (uint64_t)(HOLE + i) << 12, .flags = GNTMAP_host_map, .ref = i, .dom = 1
        };
    }
    op[2].ref = 400; /* a failed operation does not stop the others */
    fake_preempt = true;
    while (do_grant_table_op(GNTTABOP_map_grant_ref, arg, count) == -XEN_ERESTART) {
        arg = arch_hypercall_arg(v, 1);
        count = (unsigned)arch_hypercall_arg(v, 2);
        calls++;
    }
    assert_int_equal(calls, 4);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(op[i].status, i == 2 ? GNTST_general_error : GNTST_okay);
    struct gnttab_unmap_and_replace replace = { .host_addr = HOLE << 12,
                                                .new_addr = 5,
                                                .handle = op[0].handle };
    assert_int_equal(do_grant_table_op(GNTTABOP_unmap_and_replace, gva(&replace), 1), 0);
    assert_int_equal(replace.status, GNTST_general_error);
    assert_int_equal(do_grant_table_op(GNTTABOP_map_grant_ref, 0, 0), 0);
}

static void cache_flush(void **state)
{
    struct gnttab_cache_flush op = { .offset = 8, .length = 100, .op = GNTTAB_CACHE_CLEAN };
#define FLUSH() do_grant_table_op(GNTTABOP_cache_flush, gva(&op), 1)
    (void)state;

    op.a.dev_bus_addr = page_pa(world_page(0, GUEST_RAM)).v;
    assert_int_equal(FLUSH(), 0);
    op.length = 4090;
    assert_int_equal(FLUSH(), -XEN_EINVAL);
    op.length = 100, op.op = 4;
    assert_int_equal(FLUSH(), -XEN_EINVAL);
    op.op = GNTTAB_CACHE_SOURCE_GREF;
    assert_int_equal(FLUSH(), -XEN_EINVAL);
    op.op = GNTTAB_CACHE_INVAL;
    op.a.dev_bus_addr = page_pa(world_page(1, GUEST_RAM)).v;
    assert_int_equal(FLUSH(), -XEN_EINVAL); /* not ours */
    grant(1, 3, 0, GUEST_RAM, GTF_permit_access | GTF_readonly);
    assert_int_equal(map_status(1, 3, HOLE, GNTMAP_host_map | GNTMAP_readonly), GNTST_okay);
    assert_int_equal(FLUSH(), 0);
    op.a.dev_bus_addr = 0;
    assert_int_equal(FLUSH(), -XEN_EINVAL);
}

/* The granter dies first: its page and its struct domain stay until the last mapping is removed. */
static void granter_destroyed(void **state)
{
    struct page *p = world_page(1, GUEST_RAM);
    (void)state;

    grant(1, 1, 0, GUEST_RAM, GTF_permit_access);
    struct gnttab_map_grant_ref op = map_op(1, 1, HOLE, GNTMAP_host_map);
    grant(0, 40, 1, GUEST_RAM, GTF_permit_access);
    world_be(1, 0);
    assert_int_equal(map_status(0, 40, HOLE, GNTMAP_host_map), GNTST_okay);
    assert_int_equal(map_status(1, 1, HOLE, GNTMAP_host_map), GNTST_general_error);
    grant(1, 2, 1, GUEST_RAM + 1, GTF_permit_access); /* granted to itself */
    assert_int_equal(map_status(1, 2, HOLE + 1, GNTMAP_host_map), GNTST_okay);
    fake_preempt = true;
    world_kill(1);
    assert_int_equal(world_page(0, GUEST_RAM)->refs, 1);
    assert_int_equal(p->refs, 1);
    assert_int_equal(world[1]->refs, 2);
    world_be(0, 0);
    assert_int_equal(unmap(op.handle, HOLE), GNTST_okay);
    assert_int_equal(world[1]->refs, 1);
    world_be(1, 0);
    /* a dying domain cannot map */
    assert_int_equal(map_status(0, 40, HOLE, GNTMAP_host_map), GNTST_no_space);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(map_and_unmap),     TEST(map_refused),    TEST(granter_changes),
        TEST(mapper_overwrites), TEST(out_of_handles), TEST(copies_by_grant),
        TEST(table_setup),       TEST(table_frames),   TEST(records_of_frames),
        TEST(batches_restart),   TEST(cache_flush),    TEST(granter_destroyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
