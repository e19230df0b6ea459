/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @control
// libs: -lcmocka
/* Domctl and sysctl through the dispatcher: rights, versions, bad pointers, refused calls and that
 * they change nothing, harvests in pieces with restarts, bitmaps, devices, the context block. */
#include "control_world.h"

static void test_rights(void **state)
{
    (void)state;
    be(guest_vcpu[0]);
    for (uint32_t cmd = 0; cmd < 100; cmd++) {
        assert_int_equal(domctl(cmd, 0), -XEN_EPERM);
        assert_int_equal(sysctl_call(cmd), -XEN_EPERM);
    }
    assert_int_equal(domctl(XEN_DOMCTL_pausedomain, 77), -XEN_ESRCH);
    struct xen_platform_op p = { .cmd = XENPF_settime64,
                                 .interface_version = XENPF_INTERFACE_VERSION };
    p.u.settime64.secs = 77;
    assert_int_equal(call(__HYPERVISOR_platform_op, gva(&p), 0, 0, NULL), -XEN_EPERM);
    be(control_vcpu);
    assert_int_equal(call(__HYPERVISOR_platform_op, gva(&p), 0, 0, NULL), 0);
    assert_int_equal(wallclock_s, 77);
    p.u.settime64.mbz = 1;
    assert_int_equal(call(__HYPERVISOR_platform_op, gva(&p), 0, 0, NULL), -XEN_EINVAL);
    p.interface_version++;
    assert_int_equal(call(__HYPERVISOR_platform_op, gva(&p), 0, 0, NULL), -XEN_EACCES);
    assert_int_equal(call(__HYPERVISOR_domctl, 16, 0, 0, NULL), -XEN_EFAULT);
    assert_int_equal(call(__HYPERVISOR_sysctl, 16, 0, 0, NULL), -XEN_EFAULT);
    op.interface_version = 1;
    assert_int_equal(call(__HYPERVISOR_domctl, gva(&op), 0, 0, NULL), -XEN_EACCES);
    sop.interface_version = 1;
    assert_int_equal(call(__HYPERVISOR_sysctl, gva(&sop), 0, 0, NULL), -XEN_EACCES);
    assert_int_equal(domctl(XEN_DOMCTL_pausedomain, DOMID_SELF), -XEN_ESRCH);
    assert_int_equal(domctl(XEN_DOMCTL_pausedomain, 0), -XEN_EINVAL);
    assert_int_equal(domctl(XEN_DOMCTL_soft_reset, 3), -XEN_EINVAL);
    assert_int_equal(domctl(XEN_DOMCTL_assign_device, 3), -XEN_EOPNOTSUPP);
    assert_int_equal(domctl(999999, 3), -XEN_ENOSYS);
    assert_int_equal(domctl(XEN_DOMCTL_pausedomain, 3), 0);
    assert_int_equal(domctl(XEN_DOMCTL_unpausedomain, 3), 0);
    assert_int_equal(domctl(XEN_DOMCTL_destroydomain, 0), -XEN_EINVAL);
    assert_int_equal(domctl(XEN_DOMCTL_destroydomain, 3), 0);
    assert_int_equal(kills, 3);
}

static long create(void)
{
    free(made);
    made = NULL;
    return domctl(XEN_DOMCTL_createdomain, 0);
}
static void test_create(void **state)
{
    struct xen_domctl_createdomain *c = &op.u.createdomain;
    const struct xen_domctl_createdomain good = {
        .flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
        .max_vcpus = 2,
        .max_evtchn_port = 1023,
        .max_grant_frames = -1,
        .max_maptrack_frames = -1,
        .grant_opts = 1,
    };
    (void)state;
    *c = good;
    assert_int_equal(create(), 0);
    assert_int_equal(op.domain, 42);
    assert_int_equal(c->arch.gic_version, XEN_DOMCTL_CONFIG_GIC_V3);
    assert_int_equal(made->refs, 1);
#define REFUSE(member, value, error)       \
    do {                                   \
        *c = good;                         \
        c->member = (value);               \
        assert_int_equal(create(), error); \
        assert_null(made);                 \
    } while (0)
    REFUSE(flags, XEN_DOMCTL_CDF_hvm, -XEN_EINVAL);
    REFUSE(flags, good.flags | XEN_DOMCTL_CDF_iommu, -XEN_EINVAL);
    REFUSE(flags, good.flags | 1u << 20, -XEN_EINVAL);
    REFUSE(max_vcpus, 0, -XEN_EINVAL);
    REFUSE(max_vcpus, 9, -XEN_EINVAL);
    REFUSE(grant_opts, 2, -XEN_EINVAL);
    REFUSE(max_grant_frames, 65, -XEN_EINVAL);
    REFUSE(max_grant_frames, 0, -XEN_EINVAL);
    REFUSE(cpupool_id, 1, -XEN_ESRCH);
    REFUSE(vmtrace_size, 4096, -XEN_EINVAL);
    REFUSE(arch.gic_version, XEN_DOMCTL_CONFIG_GIC_V2, -XEN_ENODEV);
    REFUSE(arch.tee_type, XEN_DOMCTL_CONFIG_TEE_OPTEE, -XEN_EINVAL);
    REFUSE(arch.nr_spis, 1000, -XEN_EINVAL);
    *c = good;
    assert_int_equal(domctl(XEN_DOMCTL_createdomain, 3), -XEN_EEXIST);
    *c = good;
    assert_int_equal(domctl(XEN_DOMCTL_createdomain, 9), 0);
    assert_int_equal(op.domain, 9);
    op.u.address_size.size = 32;
    assert_int_equal(domctl(XEN_DOMCTL_set_address_size, 3), -XEN_EINVAL);
    fake_el1_32 = true;
    assert_int_equal(domctl(XEN_DOMCTL_set_address_size, 3), 0);
    assert_true(guest->aarch32);
    fake_el1_64 = false;
    op.u.address_size.size = 64;
    assert_int_equal(domctl(XEN_DOMCTL_set_address_size, 3), -XEN_EINVAL);
    assert_true(guest->aarch32);
    fake_el1_64 = true;
    assert_int_equal(domctl(XEN_DOMCTL_set_address_size, 3), 0);
    assert_false(guest->aarch32);
    guest->tot_pages = 1;
    assert_int_equal(domctl(XEN_DOMCTL_set_address_size, 3), -XEN_EBUSY);
    op.u.paging_mempool.size = 4097;
    assert_int_equal(domctl(XEN_DOMCTL_set_paging_mempool_size, 3), -XEN_EINVAL);
    op.u.paging_mempool.size = 3 << 20;
    assert_int_equal(domctl(XEN_DOMCTL_set_paging_mempool_size, 3), 0);
    op.u.paging_mempool.size = 1 << 30;
    assert_int_equal(domctl(XEN_DOMCTL_set_paging_mempool_size, 3), -XEN_ENOMEM);
}

static void test_info(void **state)
{
    struct xen_domctl_getdomaininfo list[4];
    (void)state;
    guest->controller_paused = 1;
    guest_vcpu[0]->online = true;
    assert_int_equal(domctl(XEN_DOMCTL_getdomaininfo, 1), 0); /* the next existing domain */
    assert_int_equal(op.domain, 3);
    const struct xen_domctl_getdomaininfo *i = &op.u.getdomaininfo;
    assert_true(i->flags & XEN_DOMINF_paused && i->flags & XEN_DOMINF_hap &&
                i->flags & XEN_DOMINF_hvm_guest);
    assert_false(i->flags & (XEN_DOMINF_shutdown | XEN_DOMINF_dying | XEN_DOMINF_running |
                             XEN_DOMINF_blocked));
    assert_int_equal(i->nr_online_vcpus, 1);
    assert_int_equal(i->max_vcpu_id, 1);
    assert_int_equal(i->gpaddr_bits, 40);
    guest->shut_down = true;
    guest->shutdown_code = 2;
    assert_int_equal(domctl(XEN_DOMCTL_getdomaininfo, 3), 0);
    assert_int_equal(i->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask, 2);
    assert_int_equal(domctl(XEN_DOMCTL_getdomaininfo, 4), -XEN_ESRCH);
    sop.u.getdomaininfolist.first_domain = 0;
    sop.u.getdomaininfolist.max_domains = 4;
    sop.u.getdomaininfolist.buffer.p = list;
    assert_int_equal(sysctl_call(XEN_SYSCTL_getdomaininfolist), 0);
    assert_int_equal(sop.u.getdomaininfolist.num_domains, 2);
    assert_int_equal(list[1].domain, 3);
    sop.u.getdomaininfolist.max_domains = 1;
    assert_int_equal(sysctl_call(XEN_SYSCTL_getdomaininfolist), 0);
    assert_int_equal(sop.u.getdomaininfolist.num_domains, 1);
    sop.u.getdomaininfolist.buffer.q = 8;
    assert_int_equal(sysctl_call(XEN_SYSCTL_getdomaininfolist), -XEN_EFAULT);
    uint64_t gfns[3] = { 0x40000, 5, ~0ull };
    op.u.getpageframeinfo3.num = 3;
    op.u.getpageframeinfo3.array.p = gfns;
    assert_int_equal(domctl(XEN_DOMCTL_getpageframeinfo3, 3), 0);
    assert_int_equal(gfns[0], XEN_DOMCTL_PFINFO_NOTAB);
    assert_int_equal(gfns[1], XEN_DOMCTL_PFINFO_XTAB);
    assert_int_equal(gfns[2], XEN_DOMCTL_PFINFO_XTAB);
    /* The test for an all-zero page, inside and outside the direct map. */
    for (unsigned high = 0; high < 2; high++) {
        uint64_t zeroes[3] = { 0x40000 | XEN_DOMCTL_PFINFO_XALLOC,
                               0x40001 | XEN_DOMCTL_PFINFO_XALLOC, 5 | XEN_DOMCTL_PFINFO_XALLOC };
        op.u.getpageframeinfo3.array.p = zeroes;
        assert_int_equal(domctl(XEN_DOMCTL_getpageframeinfo3, 3), 0);
        assert_int_equal(zeroes[0], XEN_DOMCTL_PFINFO_XALLOC);
        assert_int_equal(zeroes[1], XEN_DOMCTL_PFINFO_NOTAB);
        assert_int_equal(zeroes[2], XEN_DOMCTL_PFINFO_XTAB);
        assert_int_equal(frame_refs, 0);
        assert_int_equal(fake_moment_count, 2 * high);
        assert_int_equal(fake_moments, 0);
        if (!high)
            fake_small_direct_map(0);
    }
}

static void test_vcpu(void **state)
{
    struct vcpu_guest_context c;
    uint8_t hard[4] = { 0 }, soft[4] = { 0xff, 0xff, 0xff, 0xff };

    (void)state;
    memset(&c, 0, sizeof(c));
    c.user_regs.pc64 = 0x40080000;
    c.user_regs.cpsr = 0x1c5;
    c.flags = VGCF_online;
    op.u.vcpucontext.ctxt.p = &c;
    assert_int_equal(domctl(XEN_DOMCTL_getvcpucontext, 3), -XEN_ENODATA);
    assert_int_equal(domctl(XEN_DOMCTL_setvcpucontext, 0), -XEN_EINVAL);
    assert_int_equal(domctl(XEN_DOMCTL_setvcpucontext, 3), 0);
    assert_true(guest_vcpu[0]->online && guest_vcpu[0]->initialised);
    c.user_regs.cpsr = 0x1c9; /* EL2 */
    op.u.vcpucontext.vcpu = 1;
    assert_int_equal(domctl(XEN_DOMCTL_setvcpucontext, 3), -XEN_EINVAL);
    assert_false(guest_vcpu[1]->online || guest_vcpu[1]->initialised);
    op.u.vcpucontext.vcpu = 2;
    assert_int_equal(domctl(XEN_DOMCTL_setvcpucontext, 3), -XEN_ESRCH);
    op.u.vcpucontext.vcpu = 3;
    assert_int_equal(domctl(XEN_DOMCTL_setvcpucontext, 3), -XEN_EINVAL);
    op.u.vcpucontext.vcpu = 0;
    c.user_regs.pc64 = 0;
    assert_int_equal(domctl(XEN_DOMCTL_getvcpucontext, 3), 0);
    assert_int_equal(c.user_regs.pc64, 0x40080000);
    assert_int_equal(c.flags, VGCF_online);
    op.u.vcpucontext.ctxt.q = 8;
    assert_int_equal(domctl(XEN_DOMCTL_getvcpucontext, 3), -XEN_EFAULT);
    assert_int_equal(guest_vcpu[0]->pause_count, 0);

    struct xen_domctl_vcpuaffinity *a = &op.u.vcpuaffinity;
    memset(a, 0, sizeof(*a));
    assert_int_equal(domctl(XEN_DOMCTL_setvcpuaffinity, 3), -XEN_EINVAL);
    a->flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
    a->cpumap_hard.bitmap.p = hard;
    a->cpumap_hard.nr_bits = 10;
    a->cpumap_soft.bitmap.p = soft;
    a->cpumap_soft.nr_bits = 32;
    assert_int_equal(domctl(XEN_DOMCTL_setvcpuaffinity, 3), -XEN_EINVAL); /* no CPU at all */
    hard[0] = 0xf2; /* CPUs 1, and 4..7, which there are not */
    hard[2] = 0xaa;
    assert_int_equal(domctl(XEN_DOMCTL_setvcpuaffinity, 3), 0);
    assert_int_equal(guest_vcpu[0]->sched.affinity & 0xf, 2);
    assert_int_equal(hard[0], 2);
    assert_int_equal(soft[0], 2);
    assert_int_equal(soft[3], 0);
    assert_int_equal(hard[2], 0xaa); /* bytes beyond its ten bits stay unchanged */
    assert_int_equal(domctl(XEN_DOMCTL_getvcpuaffinity, 3), 0);
    assert_int_equal(soft[0], 0xf);
    a->cpumap_hard.bitmap.q = 8;
    assert_int_equal(domctl(XEN_DOMCTL_getvcpuaffinity, 3), -XEN_EFAULT);
}

static uint8_t bitmap[LOG_PAGES / 8 + 8];
static long shadow(uint32_t o, unsigned *restarts)
{
    op.cmd = XEN_DOMCTL_shadow_op;
    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op.domain = 3;
    op.u.shadow_op.op = o;
    return call(__HYPERVISOR_domctl, gva(&op), 0, 0, restarts);
}
static void test_shadow(void **state)
{
    struct xen_domctl_shadow_op *s = &op.u.shadow_op;
    uint64_t expect[ARRAY_SIZE(log_words)];
    unsigned restarts, n = 0;

    (void)state;
    s->dirty_bitmap.p = bitmap;
    s->pages = LOG_PAGES;
    assert_int_equal(shadow(XEN_DOMCTL_SHADOW_OP_CLEAN, NULL), -XEN_EINVAL); /* not on */
    assert_int_equal(shadow(XEN_DOMCTL_SHADOW_OP_OFF, NULL), 0);
    s->mode = XEN_DOMCTL_SHADOW_ENABLE_REFCOUNT;
    assert_int_equal(shadow(XEN_DOMCTL_SHADOW_OP_ENABLE, NULL), -XEN_EINVAL);
    s->mode = 0;
    assert_int_equal(shadow(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL), 0);
    assert_int_equal(shadow(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL), -XEN_EINVAL);
    for (unsigned i = 0; i < LOG_PAGES; i += 1 + i % 61)
        bit_set(log_words, i), n++;
    memcpy(expect, log_words, sizeof(expect));
    guest->p2m.fault_count = 5;

    memset(bitmap, 0xee, sizeof(bitmap));
    s->stats.dirty_count = 12345; /* the caller's old value is ignored */
    assert_int_equal(shadow(XEN_DOMCTL_SHADOW_OP_PEEK, NULL), 0);
    assert_memory_equal(bitmap, expect, LOG_PAGES / 8);
    assert_int_equal(bitmap[LOG_PAGES / 8], 0xee); /* not a byte more */
    assert_int_equal(s->stats.dirty_count, n);
    assert_int_equal(s->pages, LOG_PAGES);
    assert_memory_equal(log_words, expect, sizeof(expect));
    assert_int_equal(rounds, 0);

    /* Preempted after each piece: no bit is lost or reported twice. */
    cpus[0].work = WORK_TIMER;
    memset(bitmap, 0xee, sizeof(bitmap));
    assert_int_equal(shadow(XEN_DOMCTL_SHADOW_OP_CLEAN, &restarts), 0);
    cpus[0].work = 0;
    assert_true(restarts >= 6);
    assert_memory_equal(bitmap, expect, LOG_PAGES / 8);
    assert_int_equal(s->op, XEN_DOMCTL_SHADOW_OP_CLEAN);
    assert_int_equal(s->stats.dirty_count, n);
    assert_int_equal(s->stats.fault_count, 5);
    assert_int_equal(guest->p2m.fault_count, 0);
    assert_int_equal(rounds, 1);
    for (unsigned i = 0; i < ARRAY_SIZE(log_words); i++)
        assert_int_equal(log_words[i], 0);

    /* Clearing a large guest's bitmap is preemptible too. */
    static uint8_t large[6u << 20 >> 3];
    memcpy(log_words, expect, sizeof(expect));
    memset(large, 0xee, sizeof(large));
    map_pages = 5u << 20;
    s->dirty_bitmap.p = large;
    s->pages = ~0ull;
    cpus[0].work = WORK_TIMER;
    assert_int_equal(shadow(XEN_DOMCTL_SHADOW_OP_CLEAN, &restarts), 0);
    cpus[0].work = 0;
    assert_true(restarts >= 6 + 2);
    assert_int_equal(s->pages, map_pages);
    assert_int_equal(s->stats.dirty_count, n);
    assert_memory_equal(large, expect, LOG_PAGES / 8);
    for (size_t i = LOG_PAGES / 8; i < map_pages / 8; i++)
        assert_int_equal(large[i], 0);
    assert_int_equal(large[map_pages / 8], 0xee);
    map_pages = LOG_PAGES;
    s->dirty_bitmap.p = bitmap;
    s->pages = LOG_PAGES;

    /* The bitmap's last byte cannot be written: all bits stay dirty. */
    memcpy(log_words, expect, sizeof(expect));
    frozen_from = gva(bitmap) + LOG_PAGES / 8 - 1;
    assert_int_equal(shadow(XEN_DOMCTL_SHADOW_OP_CLEAN, NULL), -XEN_EFAULT);
    assert_memory_equal(log_words, expect, sizeof(expect));
    frozen_from = ~0ull;
    s->dirty_bitmap.q = 64;
    assert_int_equal(shadow(XEN_DOMCTL_SHADOW_OP_CLEAN, NULL), -XEN_EFAULT);
    assert_memory_equal(log_words, expect, sizeof(expect));
    /* The bitmap's end or the answer cannot be written: no bit is cleared, not even of earlier
     * pieces. */
    s->dirty_bitmap.p = bitmap;
    hole = gva(bitmap) + LOG_PAGES / 8 - 1;
    assert_int_equal(shadow(XEN_DOMCTL_SHADOW_OP_CLEAN, NULL), -XEN_EFAULT);
    assert_memory_equal(log_words, expect, sizeof(expect));
    cpus[0].work = WORK_TIMER; /* also when the fault is found after a restart */
    map_pages = 5u << 20;
    s->dirty_bitmap.p = large;
    s->pages = ~0ull;
    hole = gva(large) + map_pages / 8 - 1;
    assert_int_equal(shadow(XEN_DOMCTL_SHADOW_OP_CLEAN, &restarts), -XEN_EFAULT);
    assert_int_equal(restarts, 2);
    cpus[0].work = 0;
    map_pages = LOG_PAGES;
    s->dirty_bitmap.p = bitmap;
    s->pages = LOG_PAGES;
    s->op = 0;
    assert_memory_equal(log_words, expect, sizeof(expect));
    hole = gva(&op) + sizeof(op) - 1;
    assert_int_equal(shadow(XEN_DOMCTL_SHADOW_OP_CLEAN, NULL), -XEN_EFAULT);
    assert_memory_equal(log_words, expect, sizeof(expect));
    hole = ~0ull;
    guest->state = DOM_DYING; /* its map may be in destruction */
    assert_int_equal(shadow(XEN_DOMCTL_SHADOW_OP_CLEAN, NULL), -XEN_EINVAL);
    assert_memory_equal(log_words, expect, sizeof(expect));
    guest->state = DOM_ALIVE;
    /* The buffer becomes unwritable during the call: bits already reported are cleared, the rest
     * stay dirty. */
    s->dirty_bitmap.p = bitmap;
    freeze_at_harvest = gva(bitmap) + 5000;
    assert_int_equal(shadow(XEN_DOMCTL_SHADOW_OP_CLEAN, NULL), -XEN_EFAULT);
    freeze_at_harvest = 0;
    frozen_from = ~0ull;
    uint8_t both[sizeof(expect)];
    for (unsigned i = 0; i < LOG_PAGES / 8; i++)
        both[i] = bitmap[i] | ((const uint8_t *)log_words)[i];
    assert_memory_equal(both, expect, LOG_PAGES / 8);

    /* A short buffer, no buffer, a wrong mode. */
    memcpy(log_words, expect, sizeof(expect));
    s->pages = 100;
    memset(bitmap, 0xee, sizeof(bitmap));
    assert_int_equal(shadow(XEN_DOMCTL_SHADOW_OP_CLEAN, NULL), 0);
    assert_int_equal(s->pages, 100);
    assert_memory_equal(bitmap, expect, 12);
    assert_int_equal(bitmap[13], 0xee);
    s->dirty_bitmap.q = 0;
    assert_int_equal(shadow(XEN_DOMCTL_SHADOW_OP_CLEAN, NULL), 0);
    assert_int_equal(s->pages, LOG_PAGES);
    s->mode = 8;
    assert_int_equal(shadow(XEN_DOMCTL_SHADOW_OP_PEEK, NULL), -XEN_EINVAL);
    s->mode = 0;
    assert_int_equal(shadow(4711, NULL), -XEN_EINVAL);
    assert_int_equal(shadow(XEN_DOMCTL_SHADOW_OP_OFF, NULL), 0);
    op.domain = 0;
    assert_int_equal(domctl(XEN_DOMCTL_shadow_op, 0), -XEN_EINVAL);
}

static void test_devices(void **state)
{
    struct xen_domctl_memory_mapping *m = &op.u.memory_mapping;
    struct xen_domctl_iomem_permission *p = &op.u.iomem_permission;

    (void)state;
#define PERMIT(first, n, allow)                                           \
    (p->first_mfn = (first), p->nr_mfns = (n), p->allow_access = (allow), \
     domctl(XEN_DOMCTL_iomem_permission, 3))
#define MAP(gfn, mfn, n, add)                                                              \
    (m->first_gfn = (gfn), m->first_mfn = (mfn), m->nr_mfns = (n), m->add_mapping = (add), \
     domctl(XEN_DOMCTL_memory_mapping, 3))
    assert_int_equal(MAP(0x22000, 0xa000, 4, 1), -XEN_EPERM);
    assert_int_equal(PERMIT(0x40001, 1, 1), -XEN_EPERM); /* memory */
    assert_int_equal(PERMIT(0x7fff, 2, 1), -XEN_EPERM);  /* overlaps the GIC */
    assert_int_equal(PERMIT(0x9000, 1, 1), -XEN_EPERM);  /* the hypervisor's UART */
    assert_int_equal(PERMIT(0xa000, 0, 1), -XEN_EINVAL);
    assert_int_equal(PERMIT(~0ull, 2, 1), -XEN_EINVAL);
    assert_int_equal(PERMIT(0xa000, 8, 1), 0);
    assert_int_equal(MAP(0x22000, 0xa000, 4, 1), 0);
    assert_int_equal(mapped_pa, 0xa000000);
    assert_int_equal(MAP(0x22000, 0xa000, 4, 0), 0);
    assert_int_equal(MAP(0x22000, 0xa006, 4, 1), -XEN_EPERM);
    assert_int_equal(MAP(0x22000, 0xa000, 65, 1), -XEN_E2BIG);
    assert_int_equal(MAP(1ull << 28, 0xa000, 1, 1), -XEN_EINVAL);
    assert_int_equal(PERMIT(0xa002, 2, 0), 0); /* a hole in the middle */
    assert_int_equal(MAP(0x22000, 0xa000, 2, 1), 0);
    assert_int_equal(MAP(0x22000, 0xa001, 2, 1), -XEN_EPERM);
    assert_int_equal(MAP(0x22000, 0xa004, 4, 1), 0);
    kills = 2;
    assert_int_equal(domctl(XEN_DOMCTL_destroydomain, 3), 0); /* its permissions end with it */
    assert_int_equal(MAP(0x22000, 0xa000, 1, 1), -XEN_EPERM);

    struct xen_domctl_bind_pt_irq *b = &op.u.bind_pt_irq;
#define BIND(irq, to, kind)                                             \
    (b->machine_irq = (irq), b->u.spi.spi = (to), b->irq_type = (kind), \
     domctl(XEN_DOMCTL_bind_pt_irq, 3))
    assert_int_equal(BIND(50, 50, PT_IRQ_TYPE_PCI), -XEN_EOPNOTSUPP);
    assert_int_equal(BIND(50, 51, PT_IRQ_TYPE_SPI), -XEN_EINVAL);
    assert_int_equal(BIND(27, 27, PT_IRQ_TYPE_SPI), -XEN_EINVAL);
    assert_int_equal(BIND(33, 33, PT_IRQ_TYPE_SPI), -XEN_EINVAL);  /* the console's */
    assert_int_equal(BIND(200, 200, PT_IRQ_TYPE_SPI), -XEN_EBUSY); /* beyond the guest's */
    assert_int_equal(BIND(40, 40, PT_IRQ_TYPE_SPI), -XEN_EBUSY);
    assert_int_equal(unreserved, 0);
    assert_int_equal(BIND(41, 41, PT_IRQ_TYPE_SPI), -XEN_EBUSY); /* another domain's */
    assert_int_equal(unreserved, 41);
    assert_int_equal(BIND(50, 50, PT_IRQ_TYPE_SPI), 0);
    op.u.irq_permission.pirq = 5000;
    assert_int_equal(domctl(XEN_DOMCTL_irq_permission, 3), -XEN_EINVAL);

    unsigned restarts;
    flushed = 0;
    op.cmd = XEN_DOMCTL_cacheflush;
    op.u.cacheflush.start_pfn = 0x40000;
    op.u.cacheflush.nr_pfns = 5000;
    cpus[0].work = 1;
    assert_int_equal(call(__HYPERVISOR_domctl, gva(&op), 0, 0, &restarts), 0);
    cpus[0].work = 0;
    assert_int_equal(flushed, 5000);
    assert_int_equal(restarts, 78);
    op.u.cacheflush.nr_pfns = 1 << 20;
    assert_int_equal(domctl(XEN_DOMCTL_cacheflush, 3), -XEN_EINVAL);
}

static void test_context(void **state)
{
    uint8_t *buf = calloc(1, 8000);
    struct xen_domctl_hvmcontext *h = &op.u.hvmcontext;

    (void)state;
    h->buffer.q = 0;
    assert_int_equal(domctl(XEN_DOMCTL_gethvmcontext, 3), 0);
    assert_int_equal(h->size, 5000);
    h->buffer.p = buf;
    h->size = 4999;
    assert_int_equal(domctl(XEN_DOMCTL_gethvmcontext, 3), -XEN_ENOSPC);
    assert_int_equal(h->size, 5000);
    assert_int_equal(buf[0], 0);
    h->size = 8000;
    assert_int_equal(domctl(XEN_DOMCTL_gethvmcontext, 3), 0);
    assert_int_equal(h->size, 5000);
    assert_int_equal(buf[4999], 0x77);
    assert_int_equal(buf[5000], 0);
    assert_int_equal(domctl(XEN_DOMCTL_gethvmcontext, 0), -XEN_EINVAL);
    memset(buf, 0x55, 8000);
    assert_int_equal(domctl(XEN_DOMCTL_sethvmcontext, 3), 0);
    assert_int_equal(loaded_bytes, 5000);
    h->size = 0;
    assert_int_equal(domctl(XEN_DOMCTL_sethvmcontext, 3), -XEN_EINVAL);
    h->size = 1 << 20;
    assert_int_equal(domctl(XEN_DOMCTL_sethvmcontext, 3), -XEN_EINVAL);
    h->size = 100;
    h->buffer.q = 0;
    assert_int_equal(domctl(XEN_DOMCTL_sethvmcontext, 3), -XEN_EFAULT);
    free(buf);
}

/* Preempted at every check, these calls still do every step once and leave the caller's block
 * unchanged. */
static void test_restarts(void **state)
{
    static uint64_t gfns[1000];
    static char text[4096];
    unsigned restarts;

    (void)state;
    cpus[0].work = WORK_TIMER;
    for (unsigned i = 0; i < ARRAY_SIZE(gfns); i++)
        gfns[i] = (0x40000 + i % 3) | XEN_DOMCTL_PFINFO_XALLOC;
    memset(&op, 0, sizeof(op));
    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op.cmd = XEN_DOMCTL_getpageframeinfo3;
    op.domain = 3;
    op.u.getpageframeinfo3.num = ARRAY_SIZE(gfns);
    op.u.getpageframeinfo3.array.p = gfns;
    assert_int_equal(call(__HYPERVISOR_domctl, gva(&op), 0, 0, &restarts), 0);
    assert_true(restarts >= 60);
    assert_int_equal(op.u.getpageframeinfo3.num, ARRAY_SIZE(gfns));
    assert_ptr_equal(op.u.getpageframeinfo3.array.p, gfns);
    for (unsigned i = 0; i < ARRAY_SIZE(gfns); i++)
        assert_int_equal(gfns[i], i % 3 == 1 ? XEN_DOMCTL_PFINFO_NOTAB : XEN_DOMCTL_PFINFO_XALLOC);
    op.u.getpageframeinfo3.num = 1025;
    assert_int_equal(domctl(XEN_DOMCTL_getpageframeinfo3, 3), -XEN_E2BIG);
    op.u.getpageframeinfo3.num = 5ull << 32 | 4;
    assert_int_equal(domctl(XEN_DOMCTL_getpageframeinfo3, 3), -XEN_E2BIG);

    ring_text_bytes = 3000;
    memset(&sop, 0, sizeof(sop));
    sop.cmd = XEN_SYSCTL_readconsole, sop.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    sop.u.readconsole.buffer.p = text;
    sop.u.readconsole.count = sizeof(text);
    assert_int_equal(call(__HYPERVISOR_sysctl, gva(&sop), 0, 0, &restarts), 0);
    assert_int_equal(restarts, 2);
    assert_int_equal(sop.u.readconsole.count, 3000);
    assert_int_equal(sop.u.readconsole.index, 3000);
    assert_true(!sop.u.readconsole.pad0 && !sop.u.readconsole.incremental);
    for (unsigned i = 0; i < 3000; i++)
        assert_int_equal(text[i], 'a' + i % 26);
    ring_text_bytes = 0;

    sop.cmd = XEN_SYSCTL_debug_keys;
    memset(keys, 0, sizeof(keys));
    sop.u.debug_keys.keys.p = "abc";
    sop.u.debug_keys.nr_keys = 3;
    assert_int_equal(call(__HYPERVISOR_sysctl, gva(&sop), 0, 0, &restarts), 0);
    assert_int_equal(restarts, 2);
    assert_string_equal(keys, "abc");
    memset(keys, 0, sizeof(keys));

    struct domain *crowd[35];
    for (unsigned i = 0; i < ARRAY_SIZE(crowd); i++)
        crowd[i] = new_domain((domid_t)(5 + i), 1);
    static struct xen_domctl_getdomaininfo many[64];
    sop.cmd = XEN_SYSCTL_getdomaininfolist;
    sop.u.getdomaininfolist.first_domain = 3;
    sop.u.getdomaininfolist.max_domains = 64;
    sop.u.getdomaininfolist.num_domains = 4711; /* the caller's old value is ignored */
    sop.u.getdomaininfolist.buffer.p = many;
    assert_int_equal(call(__HYPERVISOR_sysctl, gva(&sop), 0, 0, &restarts), 0);
    assert_int_equal(restarts, 4);
    assert_int_equal(sop.u.getdomaininfolist.num_domains, 36);
    assert_int_equal(sop.u.getdomaininfolist.first_domain, 3);
    assert_true(many[0].domain == 3 && many[1].domain == 5 && many[35].domain == 39);
    for (unsigned i = 0; i < ARRAY_SIZE(crowd); i++)
        free_domain(crowd[i]);
    cpus[0].work = 0;
}

static void test_perfc(void **state)
{
    static struct xen_sysctl_perfc_desc desc[32];
    static xen_sysctl_perfc_val_t val[128];

    (void)state;
    guest_vcpu[0]->exits[EXIT_WFI] = 7, guest_vcpu[1]->exits[EXIT_WFI] = 5;
    control_vcpu->exits[EXIT_WFI] = 3, control_vcpu->exits[EXIT_IRQ] = 1ull << 40;
    sop.u.perfc_op = (struct xen_sysctl_perfc_op){ .cmd = XEN_SYSCTL_PERFCOP_query };
    assert_int_equal(sysctl_call(XEN_SYSCTL_perfc_op), 0);
    unsigned counters = sop.u.perfc_op.nr_counters, values = sop.u.perfc_op.nr_vals;
    assert_true(counters < ARRAY_SIZE(desc) && values < ARRAY_SIZE(val));
    memset(val, 0xee, sizeof(val));
    sop.u.perfc_op.desc.p = desc;
    sop.u.perfc_op.val.p = val;
    assert_int_equal(sysctl_call(XEN_SYSCTL_perfc_op), 0);
    unsigned n = 0, at = 0;
    for (; n < counters && !strstr(desc[n].name, ": wfi"); n++)
        at += desc[n].nr_vals;
    assert_true(n < counters);
    assert_true(val[at] == 3 && val[at + 1] == 12);
    assert_int_equal(val[0], UINT32_MAX);
    for (at = 0, n = 0; n < counters; n++)
        at += desc[n].nr_vals;
    assert_int_equal(at, values);
    assert_int_equal(val[values], 0xeeeeeeee); /* not one entry more */
    sop.u.perfc_op.cmd = XEN_SYSCTL_PERFCOP_reset;
    assert_int_equal(sysctl_call(XEN_SYSCTL_perfc_op), 0);
    assert_true(!guest_vcpu[1]->exits[EXIT_WFI] && !control_vcpu->exits[EXIT_IRQ]);
    sop.u.perfc_op.cmd = 3;
    assert_int_equal(sysctl_call(XEN_SYSCTL_perfc_op), -XEN_EINVAL);
    sop.u.perfc_op.cmd = XEN_SYSCTL_PERFCOP_query;
    sop.u.perfc_op.val.q = 8;
    assert_int_equal(sysctl_call(XEN_SYSCTL_perfc_op), -XEN_EFAULT);
    memset(&sop, 0, sizeof(sop));
}

static void test_sysctl(void **state)
{
    char text[100] = { 0 };
    uint8_t map[2] = { 0xff, 0xff };

    (void)state;
    sop.u.readconsole.buffer.p = text;
    sop.u.readconsole.count = sizeof(text);
    assert_int_equal(sysctl_call(XEN_SYSCTL_readconsole), 0);
    assert_int_equal(sop.u.readconsole.count, 9);
    assert_string_equal(text, "(XL) log\n");
    assert_int_equal(sysctl_call(XEN_SYSCTL_physinfo), 0);
    assert_int_equal(sop.u.physinfo.nr_cpus, 4);
    assert_int_equal(sop.u.physinfo.max_cpu_id, 3);
    assert_int_equal(sop.u.physinfo.capabilities, XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap |
                                                      XEN_SYSCTL_PHYSCAP_gnttab_v1);
    struct xen_sysctl_cpupool_op *p = &sop.u.cpupool_op;
    memset(p, 0, sizeof(*p));
    p->op = XEN_SYSCTL_CPUPOOL_OP_INFO;
    p->cpumap.bitmap.p = map;
    p->cpumap.nr_bits = 16;
    assert_int_equal(sysctl_call(XEN_SYSCTL_cpupool_op), 0);
    assert_int_equal(map[0], 0xf);
    assert_int_equal(map[1], 0);
    assert_int_equal(p->n_dom, 2);
    assert_int_equal(p->sched_id, XEN_SCHEDULER_CREDIT2);
    p->cpupool_id = 1;
    assert_int_equal(sysctl_call(XEN_SYSCTL_cpupool_op), -XEN_ENOENT);
    sop.u.cputopoinfo.cputopo.q = 0;
    assert_int_equal(sysctl_call(XEN_SYSCTL_cputopoinfo), 0);
    assert_int_equal(sop.u.cputopoinfo.num_cpus, 4);
    memset(&sop.u, 0, sizeof(sop.u));
    assert_int_equal(sysctl_call(XEN_SYSCTL_numainfo), 0);
    assert_int_equal(sop.u.numainfo.num_nodes, 1);
    sop.u.debug_keys.keys.p = "hq";
    sop.u.debug_keys.nr_keys = 2;
    assert_int_equal(sysctl_call(XEN_SYSCTL_debug_keys), 0);
    assert_string_equal(keys, "hq");
    sop.u.tbuf_op.cmd = XEN_SYSCTL_TBUFOP_enable;
    assert_int_equal(sysctl_call(XEN_SYSCTL_tbuf_op), -XEN_EINVAL);
    assert_int_equal(sysctl_call(XEN_SYSCTL_livepatch_op), -XEN_ENOSYS);
    struct xen_sysctl_cpuinfo idle[8];
    sop.u.getcpuinfo.max_cpus = 8;
    sop.u.getcpuinfo.info.p = idle;
    assert_int_equal(sysctl_call(XEN_SYSCTL_getcpuinfo), 0);
    assert_int_equal(sop.u.getcpuinfo.nr_cpus, 4);
}

/* What docs/hypercalls.md lists as not offered, with the error that it names. */
static void test_not_offered(void **state)
{
    static const uint16_t no_iommu[] = { XEN_DOMCTL_assign_device, XEN_DOMCTL_test_assign_device,
                                         XEN_DOMCTL_deassign_device, XEN_DOMCTL_get_device_group };
    static const uint16_t no_domctl[] = { XEN_DOMCTL_vm_event_op,      XEN_DOMCTL_mem_sharing_op,
                                          XEN_DOMCTL_gdbsx_guestmemio, XEN_DOMCTL_psr_cmt_op,
                                          XEN_DOMCTL_psr_alloc,        XEN_DOMCTL_vmtrace_op };
    static const uint16_t no_sysctl[] = { XEN_SYSCTL_cpu_hotplug, XEN_SYSCTL_lockprof_op,
                                          XEN_SYSCTL_pm_op, XEN_SYSCTL_livepatch_op };
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(no_iommu); i++)
        assert_int_equal(domctl(no_iommu[i], 3), -XEN_EOPNOTSUPP);
    for (unsigned i = 0; i < ARRAY_SIZE(no_domctl); i++)
        assert_int_equal(domctl(no_domctl[i], 3), -XEN_ENOSYS);
    op.u.vnuma = (struct xen_domctl_vnuma){ .nr_vnodes = 1, .nr_vmemranges = 1 };
    op.u.vnuma.nr_vcpus = guest->max_vcpus;
    assert_int_equal(domctl(XEN_DOMCTL_setvnumainfo, 3), -XEN_EOPNOTSUPP);
    op.u.vnuma.nr_vnodes = 0;
    assert_int_equal(domctl(XEN_DOMCTL_setvnumainfo, 3), -XEN_EINVAL);
    assert_int_equal(domctl(XEN_DOMCTL_monitor_op, 3), -XEN_EOPNOTSUPP);
    assert_int_equal(domctl(XEN_DOMCTL_soft_reset, 3), -XEN_EINVAL);
    guest->shut_down = true;
    guest->shutdown_code = SHUTDOWN_soft_reset;
    assert_int_equal(domctl(XEN_DOMCTL_soft_reset, 3), -XEN_ENOSYS);
    op.u.set_virq_handler.virq = VIRQ_CONSOLE;
    assert_int_equal(domctl(XEN_DOMCTL_set_virq_handler, 3), -XEN_EOPNOTSUPP);
    assert_int_equal(domctl(XEN_DOMCTL_set_virq_handler, 0), 0);
    op.u.set_virq_handler.virq = VIRQ_TIMER;
    assert_int_equal(domctl(XEN_DOMCTL_set_virq_handler, 3), -XEN_EINVAL);
    op.u.sendtrigger.trigger = XEN_DOMCTL_SENDTRIGGER_NMI;
    assert_int_equal(domctl(XEN_DOMCTL_sendtrigger, 3), -XEN_ENOSYS);
    for (unsigned i = 0; i < ARRAY_SIZE(no_sysctl); i++)
        assert_int_equal(sysctl_call(no_sysctl[i]), -XEN_ENOSYS);
    assert_int_equal(sysctl_call(XEN_SYSCTL_coverage_op), -XEN_EOPNOTSUPP);
    assert_int_equal(sysctl_call(XEN_SYSCTL_page_offline_op), -XEN_EOPNOTSUPP);
    memset(&sop, 0, sizeof(sop));
    sop.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_CREATE;
    assert_int_equal(sysctl_call(XEN_SYSCTL_cpupool_op), -XEN_EOPNOTSUPP);
    sop.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_RMCPU;
    assert_int_equal(sysctl_call(XEN_SYSCTL_cpupool_op), -XEN_EINVAL);
    struct xen_platform_op p = { .cmd = XENPF_cpu_online,
                                 .interface_version = XENPF_INTERFACE_VERSION };
    assert_int_equal(call(__HYPERVISOR_platform_op, gva(&p), 0, 0, NULL), -XEN_ENOSYS);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, start, end)
    const struct CMUnitTest tests[] = {
        T(test_rights),  T(test_create),   T(test_info),        T(test_vcpu),
        T(test_shadow),  T(test_restarts), T(test_perfc),       T(test_devices),
        T(test_context), T(test_sysctl),   T(test_not_offered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
