/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The longest time that a hypercall keeps its CPU, from the call to its result or its restart.
 * Measures the calls with most to do, first alone, then with an interrupt always pending; in the
 * second case each call must still complete.  Prints `hold NAME N`.  Under -icount one nanosecond
 * is one instruction, and N is checked.
 */
#include "bm.h"

void *memset(void *p, int c, size_t n);

#define MOST 100000u
/* 1,024 instructions: the next tick is due as soon as one is handled */
#define STORM_TICKS      64u
#define STORM_TICKS_REAL 6250u /* without -icount: 100 us */
#define MIB              64u
#define SMALL_PAGES      4096u /* 16 MiB of single pages, above the rest */
#define SMALL_GFN        (GUEST_GFN + MIB * 256u)
#define ALL_PAGES        (MIB * 256u + SMALL_PAGES)
#define BITMAP_WORDS     ((GUEST_GFN + ALL_PAGES) / 64)
#define FEW              512u

static struct guest g;
static uint64_t *list; /* 3 * SMALL_PAGES words: frame numbers and error codes */
static uint64_t *bitmap;
static bool storm;

/* Measure `run`, which makes calls of number `nr`. */
static void hold(const char *name, unsigned nr, bool (*run)(void))
{
    static struct bm_counters c;
    bm_counters_reset();
    if (storm)
        gic_tick(bm_is_icount() ? STORM_TICKS : STORM_TICKS_REAL);
    uint32_t ticks = bm_irq_count[27];
    bool ok = run();
    ticks = bm_irq_count[27] - ticks;
    if (storm)
        gic_tick(0);
    bm_check(ok, "preempt: a long call does all it should", "%s%s", name,
             storm ? ", interrupts pending" : "");
    if (storm && bm_is_icount())
        bm_check(ticks > 0, "preempt: and lets interrupts in", "%s: none", name);
    bm_counters(&c);
    bm_print("hold %s%s %u\n", name, storm ? "-with-interrupts" : "", c.longest_ns[nr]);
}

static long shadow(uint32_t op, void *to)
{
    memset(&g.op.u, 0, sizeof(g.op.u));
    g.op.u.shadow_op.op = op;
    g.op.u.shadow_op.pages = BITMAP_WORDS * 64;
    set_xen_guest_handle(g.op.u.shadow_op.dirty_bitmap, to);
    return domctl(&g, XEN_DOMCTL_shadow_op);
}

static long reservation(unsigned op, uint64_t first, unsigned count, unsigned order)
{
    static struct xen_memory_reservation r;
    for (unsigned i = 0; i < count; i++)
        list[i] = first + ((uint64_t)i << order);
    r = (struct xen_memory_reservation){ .nr_extents = count,
                                         .extent_order = order,
                                         .domid = g.id };
    set_xen_guest_handle(r.extent_start, list);
    return hypercall(__HYPERVISOR_memory_op, (unsigned long)op, &r);
}

static bool populate_blocks(void)
{
    return reservation(XENMEM_populate_physmap, GUEST_GFN, MIB / 2, 9) == MIB / 2;
}
static bool populate_pages(void)
{
    return reservation(XENMEM_populate_physmap, SMALL_GFN, SMALL_PAGES, 0) == SMALL_PAGES;
}
static bool decrease_blocks(void)
{
    return reservation(XENMEM_decrease_reservation, GUEST_GFN, 4, 9) == 4;
}
static bool decrease_pages(void)
{
    return reservation(XENMEM_decrease_reservation, SMALL_GFN, FEW, 0) == FEW;
}
static bool decrease_tables(void)
{
    return reservation(XENMEM_decrease_reservation, SMALL_GFN + FEW, 4, 9) == 4;
}

static bool create(void)
{
    memset(&g, 0, sizeof(g));
    struct xen_domctl_createdomain *c = &g.op.u.createdomain;
    c->flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    c->max_vcpus = 8;
    c->max_evtchn_port = 4095;
    c->max_grant_frames = 64;
    c->max_maptrack_frames = 1024;
    c->grant_opts = 1;
    c->arch.nr_spis = 32; /* as xl sets it */
    c->arch.gic_version = XEN_DOMCTL_CONFIG_GIC_NATIVE;
    if (domctl(&g, XEN_DOMCTL_createdomain))
        return false;
    g.id = g.op.domain;
    return true;
}
static bool make_vcpus(void)
{
    g.op.u.max_vcpus.max = 8;
    return domctl(&g, XEN_DOMCTL_max_vcpus) == 0;
}
static bool limit_memory(void)
{
    g.op.u.max_mem.max_memkb = (ALL_PAGES + 1024) * 4;
    return domctl(&g, XEN_DOMCTL_max_mem) == 0;
}

static bool enable(void) { return shadow(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL) == 0; }
static bool disable(void) { return shadow(XEN_DOMCTL_SHADOW_OP_OFF, NULL) == 0; }
static bool peek(void) { return shadow(XEN_DOMCTL_SHADOW_OP_PEEK, bitmap) == 0; }
static bool clean(void) { return shadow(XEN_DOMCTL_SHADOW_OP_CLEAN, bitmap) == 0; }
static bool clean_unheard(void) { return shadow(XEN_DOMCTL_SHADOW_OP_CLEAN, NULL) == 0; }

static unsigned bits(uint64_t gfn, unsigned pages)
{
    unsigned n = 0;
    for (unsigned i = 0; i < pages; i++)
        n += bitmap[(gfn + i) / 64] >> (gfn + i) % 64 & 1;
    return n;
}
/* These pages came while logging was on: all are dirty, reported once, and then clean. */
static bool clean_all_dirty(void) { return clean() && bits(SMALL_GFN, FEW) == FEW; }
static bool clean_none_dirty(void) { return clean() && bits(SMALL_GFN, FEW) == 0; }
/* Write every page through its mapping, so that all leaves are dirty. */
static bool dirty_all(void)
{
    for (unsigned i = 0; i < SMALL_PAGES; i++) {
        volatile uint64_t *p = (volatile uint64_t *)(uintptr_t)(SPACE_FREE + (uint64_t)i * PAGE);
        *p = i;
    }
    return true;
}

static bool frame_info(void)
{
    for (unsigned i = 0; i < 1024; i++)
        list[i] = (GUEST_GFN + 4096 + i) | XEN_DOMCTL_PFINFO_XALLOC;
    memset(&g.op.u, 0, sizeof(g.op.u));
    g.op.u.getpageframeinfo3.num = 1024;
    set_xen_guest_handle(g.op.u.getpageframeinfo3.array, list);
    if (domctl(&g, XEN_DOMCTL_getpageframeinfo3))
        return false;
    for (unsigned i = 0; i < 1024; i++)
        if (list[i] != XEN_DOMCTL_PFINFO_XALLOC)
            return false;
    return g.op.u.getpageframeinfo3.num == 1024;
}

static bool cache_flush(void)
{
    memset(&g.op.u, 0, sizeof(g.op.u));
    g.op.u.cacheflush.start_pfn = GUEST_GFN;
    g.op.u.cacheflush.nr_pfns = ALL_PAGES;
    return domctl(&g, XEN_DOMCTL_cacheflush) == 0;
}

/* Map SMALL_PAGES pages of the guest at SPACE_FREE in one batch. */
static bool map_foreign(void)
{
    static struct xen_add_to_physmap_batch b;
    uint64_t *at = list + SMALL_PAGES;
    int32_t *err = (int32_t *)(at + SMALL_PAGES);
    for (unsigned i = 0; i < SMALL_PAGES; i++)
        list[i] = SMALL_GFN + i, at[i] = SPACE_FREE / PAGE + i, err[i] = 1;
    b = (struct xen_add_to_physmap_batch){ .domid = DOMID_SELF,
                                           .space = XENMAPSPACE_gmfn_foreign,
                                           .size = SMALL_PAGES,
                                           .u.foreign_domid = g.id };
    set_xen_guest_handle(b.idxs, list);
    set_xen_guest_handle(b.gpfns, at);
    set_xen_guest_handle(b.errs, err);
    if (hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, &b))
        return false;
    for (unsigned i = 0; i < SMALL_PAGES; i++)
        if (err[i])
            return false;
    return true;
}
static bool unmap_foreign(void)
{
    for (unsigned i = 0; i < SMALL_PAGES; i++) {
        struct xen_remove_from_physmap r = { .domid = DOMID_SELF, .gpfn = SPACE_FREE / PAGE + i };
        if (hypercall(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, &r))
            return false;
    }
    return true;
}

static uint8_t context[256 * 1024];
static uint32_t context_bytes;
static bool get_context(void)
{
    memset(&g.op.u, 0, sizeof(g.op.u));
    g.op.u.hvmcontext.size = sizeof(context);
    set_xen_guest_handle(g.op.u.hvmcontext.buffer, context);
    long rc = domctl(&g, XEN_DOMCTL_gethvmcontext);
    context_bytes = g.op.u.hvmcontext.size;
    return rc == 0;
}
static bool set_context(void)
{
    memset(&g.op.u, 0, sizeof(g.op.u));
    g.op.u.hvmcontext.size = context_bytes;
    set_xen_guest_handle(g.op.u.hvmcontext.buffer, context);
    return domctl(&g, XEN_DOMCTL_sethvmcontext) == 0;
}

static bool fill_ports(void)
{
    for (unsigned i = 1; i < 4096; i++) {
        evtchn_alloc_unbound_t u = { .dom = g.id, .remote_dom = DOMID_SELF };
        if (hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &u))
            return false;
    }
    return true;
}
static bool reset_ports(void)
{
    evtchn_reset_t r = { .dom = g.id };
    return hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_reset, &r) == 0;
}

static bool setup_grants(void)
{
    static uint64_t frames[64];
    static struct gnttab_setup_table s;
    s = (struct gnttab_setup_table){ .dom = g.id, .nr_frames = 64 };
    set_xen_guest_handle(s.frame_list, frames);
    return hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_setup_table, &s, 1ul) == 0 &&
           s.status == 0;
}
static bool acquire_frames(void)
{
    static struct xen_mem_acquire_resource r;
    for (unsigned i = 0; i < 64; i++)
        list[i] = SPACE_FREE / PAGE + SMALL_PAGES + i;
    r = (struct xen_mem_acquire_resource){ .domid = g.id,
                                           .type = XENMEM_resource_grant_table,
                                           .id = XENMEM_resource_grant_table_id_shared,
                                           .nr_frames = 64 };
    set_xen_guest_handle(r.frame_list, list);
    return hypercall(__HYPERVISOR_memory_op, XENMEM_acquire_resource, &r) == 0;
}
static void release_frames(void)
{
    for (unsigned i = 0; i < 64; i++) {
        struct xen_remove_from_physmap r = { .domid = DOMID_SELF,
                                             .gpfn = SPACE_FREE / PAGE + SMALL_PAGES + i };
        hypercall(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, &r);
    }
}

/* Grant the guest's pages to this domain, by writing to the guest's first table frame through a
 * mapping. */
static bool grant_pages(void)
{
    volatile struct grant_entry_v1 *e =
        (volatile struct grant_entry_v1 *)(SPACE_FREE + (uint64_t)SMALL_PAGES * PAGE);
    for (unsigned i = 0; i < FEW; i++)
        if (i >= GNTTAB_NR_RESERVED_ENTRIES) {
            e[i].domid = 0;
            e[i].frame = (uint32_t)(SMALL_GFN + i);
            barrier();
            e[i].flags = GTF_permit_access;
        }
    return true;
}
#define GRANTS (FEW - GNTTAB_NR_RESERVED_ENTRIES)
static struct gnttab_map_grant_ref maps[FEW];
static struct gnttab_unmap_grant_ref unmaps[FEW];
static uint64_t grant_ipa(unsigned i)
{
    return SPACE_FREE + (uint64_t)(SMALL_PAGES + 1024 + i) * PAGE;
}
static bool map_grants(void)
{
    for (unsigned i = 0; i < GRANTS; i++)
        maps[i] = (struct gnttab_map_grant_ref){ .host_addr = grant_ipa(i),
                                                 .flags = GNTMAP_host_map,
                                                 .dom = g.id,
                                                 .ref = i + GNTTAB_NR_RESERVED_ENTRIES,
                                                 .status = 1 };
    if (hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, maps, GRANTS))
        return false;
    for (unsigned i = 0; i < GRANTS; i++)
        if (maps[i].status)
            return false;
    return true;
}
static bool unmap_grants(void)
{
    for (unsigned i = 0; i < GRANTS; i++)
        unmaps[i] = (struct gnttab_unmap_grant_ref){ .host_addr = grant_ipa(i),
                                                     .handle = maps[i].handle,
                                                     .status = 1 };
    if (hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, unmaps, GRANTS))
        return false;
    for (unsigned i = 0; i < GRANTS; i++)
        if (unmaps[i].status)
            return false;
    return true;
}
static bool copy_grants(void)
{
    static struct gnttab_copy copies[FEW];
    uint64_t own = (uintptr_t)context / PAGE;
    for (unsigned i = 0; i < GRANTS; i++) {
        copies[i] = (struct gnttab_copy){ .flags = GNTCOPY_dest_gref, .len = PAGE, .status = 1 };
        copies[i].source.u.gmfn = own, copies[i].source.domid = DOMID_SELF;
        copies[i].dest.u.ref = i + GNTTAB_NR_RESERVED_ENTRIES, copies[i].dest.domid = g.id;
    }
    if (hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_copy, copies, GRANTS))
        return false;
    for (unsigned i = 0; i < GRANTS; i++)
        if (copies[i].status)
            return false;
    return true;
}
/* Flush a page that this domain has not mapped: the hypervisor searches all handles. */
static bool flush_strange(void)
{
    struct gnttab_cache_flush f = { .a.dev_bus_addr = (uintptr_t)bm_alloc(0),
                                    .length = PAGE,
                                    .op = GNTTAB_CACHE_CLEAN };
    hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_cache_flush, &f, 1ul);
    f.a.dev_bus_addr = 0x7f000000;
    long rc = hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_cache_flush, &f, 1ul);
    return rc == 0 || rc == -XEN_EINVAL;
}

static bool read_console(void)
{
    static struct xen_sysctl s;
    memset(&s, 0, sizeof(s));
    s.cmd = XEN_SYSCTL_readconsole, s.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    s.u.readconsole.count = sizeof(context);
    set_xen_guest_handle(s.u.readconsole.buffer, (void *)context);
    return hypercall(__HYPERVISOR_sysctl, &s) == 0 && s.u.readconsole.count > 100 &&
           s.u.readconsole.index >= s.u.readconsole.count;
}
static bool write_console(void)
{
    static char line[4096];
    memset(line, '#', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\n';
    return hypercall(__HYPERVISOR_console_io, 0ul, sizeof(line), line) == 0;
}

static bool many_calls(void)
{
    static struct multicall_entry e[1024];
    for (unsigned i = 0; i < ARRAY_SIZE(e); i++) {
        e[i] = (struct multicall_entry){ .op = __HYPERVISOR_xen_version,
                                         .result = 1,
                                         .args = { XENVER_version } };
    }
    if (hypercall(__HYPERVISOR_multicall, e, ARRAY_SIZE(e)))
        return false;
    for (unsigned i = 0; i < ARRAY_SIZE(e); i++)
        if (e[i].result != (4 << 16 | 17))
            return false;
    return true;
}
/* A multicall of entries that each take long. */
static bool long_calls(void)
{
    static struct multicall_entry e[4];
    static struct xen_domctl op[ARRAY_SIZE(e)];
    for (unsigned i = 0; i < ARRAY_SIZE(e); i++) {
        op[i] = (struct xen_domctl){ .cmd = XEN_DOMCTL_cacheflush,
                                     .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
                                     .domain = g.id,
                                     .u.cacheflush = { .start_pfn = GUEST_GFN, .nr_pfns = 2048 } };
        e[i] = (struct multicall_entry){ .op = __HYPERVISOR_domctl,
                                         .result = 1,
                                         .args = { (uintptr_t)&op[i] } };
    }
    if (hypercall(__HYPERVISOR_multicall, e, ARRAY_SIZE(e)))
        return false;
    return !e[0].result && !e[1].result && !e[2].result && !e[3].result;
}

static bool map_device(void)
{
    memset(&g.op.u, 0, sizeof(g.op.u));
    g.op.u.memory_mapping = (struct xen_domctl_memory_mapping){
        .first_gfn = 0x4000, .first_mfn = 0x4000, .nr_mfns = 64, .add_mapping = 1
    };
    g.op.u.iomem_permission = (struct xen_domctl_iomem_permission){ .first_mfn = 0x4000,
                                                                    .nr_mfns = 64,
                                                                    .allow_access = 1 };
    if (domctl(&g, XEN_DOMCTL_iomem_permission))
        return false;
    g.op.u.memory_mapping = (struct xen_domctl_memory_mapping){
        .first_gfn = 0x4000, .first_mfn = 0x4000, .nr_mfns = 64, .add_mapping = 1
    };
    if (domctl(&g, XEN_DOMCTL_memory_mapping))
        return false;
    g.op.u.memory_mapping.add_mapping = 0;
    return domctl(&g, XEN_DOMCTL_memory_mapping) == 0;
}

static bool destroy(void) { return domctl(&g, XEN_DOMCTL_destroydomain) == 0; }

static bool list_domains(void)
{
    static struct xen_sysctl s;
    memset(&s, 0, sizeof(s));
    s.cmd = XEN_SYSCTL_getdomaininfolist, s.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    s.u.getdomaininfolist.max_domains = 1024;
    set_xen_guest_handle(s.u.getdomaininfolist.buffer, (void *)context);
    return hypercall(__HYPERVISOR_sysctl, &s) == 0 && s.u.getdomaininfolist.num_domains >= 2;
}

/* As many domains as the hypervisor allows, all without memory. */
static void crowd(void)
{
    static struct guest many[128];
    unsigned n = 0;
    for (; n < ARRAY_SIZE(many); n++) {
        struct xen_domctl_createdomain *c = &many[n].op.u.createdomain;
        memset(&many[n], 0, sizeof(many[n]));
        c->flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
        c->max_vcpus = 1, c->max_grant_frames = 1, c->max_maptrack_frames = 1, c->grant_opts = 1;
        c->max_evtchn_port = 1023;
        if (domctl(&many[n], XEN_DOMCTL_createdomain))
            break;
        many[n].id = many[n].op.domain;
        many[n].op.u.max_vcpus.max = 1;
        domctl(&many[n], XEN_DOMCTL_max_vcpus);
    }
    bm_print("# a crowd of %u domains\n", n);
    hold("list-of-domains", __HYPERVISOR_sysctl, list_domains);
    while (n--)
        domctl(&many[n], XEN_DOMCTL_destroydomain);
}

static void all_calls(void)
{
    hold("create", __HYPERVISOR_domctl, create);
    hold("vcpus", __HYPERVISOR_domctl, make_vcpus);
    limit_memory();
    hold("populate-blocks", __HYPERVISOR_memory_op, populate_blocks);
    hold("populate-pages", __HYPERVISOR_memory_op, populate_pages);
    hold("map-foreign", __HYPERVISOR_memory_op, map_foreign);
    dirty_all();
    hold("enable", __HYPERVISOR_domctl, enable);
    hold("clean-all-dirty", __HYPERVISOR_domctl, clean_all_dirty);
    hold("peek", __HYPERVISOR_domctl, peek);
    hold("unmap-foreign", __HYPERVISOR_memory_op, unmap_foreign);
    hold("clean", __HYPERVISOR_domctl, clean);
    hold("clean-none-dirty", __HYPERVISOR_domctl, clean_none_dirty);
    hold("clean-without-bitmap", __HYPERVISOR_domctl, clean_unheard);
    hold("disable", __HYPERVISOR_domctl, disable);
    hold("page-frame-info", __HYPERVISOR_domctl, frame_info);
    hold("cache-flush", __HYPERVISOR_domctl, cache_flush);
    hold("get-context", __HYPERVISOR_domctl, get_context);
    hold("set-context", __HYPERVISOR_domctl, set_context);
    hold("map-device", __HYPERVISOR_domctl, map_device);
    hold("setup-grants", __HYPERVISOR_grant_table_op, setup_grants);
    hold("acquire-frames", __HYPERVISOR_memory_op, acquire_frames);
    grant_pages();
    hold("map-grants", __HYPERVISOR_grant_table_op, map_grants);
    hold("flush-strange-page", __HYPERVISOR_grant_table_op, flush_strange);
    hold("unmap-grants", __HYPERVISOR_grant_table_op, unmap_grants);
    hold("copy-grants", __HYPERVISOR_grant_table_op, copy_grants);
    release_frames();
    hold("read-console", __HYPERVISOR_sysctl, read_console);
    hold("many-calls", __HYPERVISOR_multicall, many_calls);
    hold("long-calls", __HYPERVISOR_multicall, long_calls);
    hold("fill-ports", __HYPERVISOR_event_channel_op, fill_ports);
    hold("reset-ports", __HYPERVISOR_event_channel_op, reset_ports);
    fill_ports();
    hold("decrease-pages", __HYPERVISOR_memory_op, decrease_pages);
    hold("decrease-blocks", __HYPERVISOR_memory_op, decrease_blocks);
    hold("decrease-tables", __HYPERVISOR_memory_op, decrease_tables);
    hold("destroy", __HYPERVISOR_domctl, destroy);
}

void test_preempt(void)
{
    list = bm_alloc(3 * SMALL_PAGES * 8 / PAGE);
    bitmap = bm_alloc((unsigned)(BITMAP_WORDS * 8 + PAGE - 1) / PAGE);
    gic_enable(0, 27, 0x80);
    irq_on();
    all_calls();
    hold("write-console", __HYPERVISOR_console_io, write_console);
    crowd();
    storm = true;
    all_calls();
    storm = false;
}
