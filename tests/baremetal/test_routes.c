/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every route by which a logged guest's memory may be written without a store of its own: grants,
 * foreign maps, and the hypervisor's writes.  Each step is one round: exactly the page written by
 * that route is dirty, and in the next round none is.  Pages that a route only reads stay clean.
 * Guests may not share memory with each other (docs/hypercalls.md), so the other domain is the
 * control domain, or the guest itself through a grant to itself.
 */
#include "bm.h"
#include <xen/platform.h>

void *memset(void *p, int c, size_t n);

#define MIB         16u
#define DATA        (GUEST_GFN + GUEST_DATA / PAGE)
#define END_GFN     (GUEST_GFN + MIB * 256) /* the first page above its RAM */
#define AREA(n)     (END_GFN + 512 + (n))   /* pages that tests add to its map */
#define IPA_OF(gfn) ((uint64_t)(gfn)*PAGE)

static struct guest g;
static struct grant_entry_v1 *table; /* the guest's grant frame, mapped here */
static uint32_t next_ref = GNTTAB_NR_RESERVED_ENTRIES;

/* ---- commands to the guest ---- */
static uint64_t tell(uint64_t command, uint64_t first, uint64_t count, uint64_t value)
{
    return guest_tell(&g, command, first, count, value);
}
static void store(uint64_t ipa, uint64_t value) { tell(GUEST_STORE, ipa, 8, value); }
static uint64_t load(uint64_t ipa) { return tell(GUEST_LOAD, ipa, 8, 0); }

/* Argument blocks in vCPU v's mailbox, and the guest's hypercalls with them. */
static void *block(unsigned v) { return guest_block(&g, v); }
static uint64_t block_ipa(unsigned v) { return guest_block_ipa(v); }
static long guest_call(unsigned v, uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2)
{
    return guest_hypercall_of(&g, v, number, a0, a1, a2);
}

/* The guest stores an argument block in its own page, and one round passes. */
static void poke(uint64_t ipa, const void *from, unsigned words)
{
    for (unsigned i = 0; i < words; i++)
        ((uint64_t *)block(0))[i] = ((const uint64_t *)from)[i];
    tell(GUEST_POKE, ipa, words, 0);
    log_op(&g, XEN_DOMCTL_SHADOW_OP_CLEAN);
}

/* ---- grants ---- */
static uint32_t grant_to(domid_t who, uint64_t gfn, uint16_t flags)
{
    struct grant_entry_v1 *e = &table[++next_ref];
    e->domid = who, e->frame = (uint32_t)gfn;
    __atomic_store_n(&e->flags, GTF_permit_access | flags, __ATOMIC_RELEASE);
    return next_ref;
}

static int16_t copy(uint32_t ref, uint64_t own, bool into_guest)
{
    struct gnttab_copy c = { .len = 32 };
    struct gnttab_copy_ptr there = { .u.ref = ref, .domid = g.id, .offset = 16 },
                           here = { .u.gmfn = own / PAGE, .domid = DOMID_SELF };
    c.flags = into_guest ? GNTCOPY_dest_gref : GNTCOPY_source_gref;
    c.dest = into_guest ? there : here;
    c.source = into_guest ? here : there;
    hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_copy, &c, 1ul);
    return c.status;
}

static void grant_copies(void)
{
    static uint64_t page[512] __attribute__((aligned(4096)));
    uint32_t rw = grant_to(0, DATA + 1, 0), ro = grant_to(0, DATA + 2, GTF_readonly);
    page[0] = 0x1122334455667788;
    CHECK_EQ("route: grant copy into the guest", copy(rw, (uintptr_t)page, true), GNTST_okay);
    log_once(DATA + 1);
    log_round(&g, "route: grant copy into the guest, its page is dirty");
    log_round(&g, "route: grant copy into the guest, and clean again");
    CHECK_EQ("route: the guest reads what was copied", load(IPA_OF(DATA + 1) + 16), page[0]);
    page[0] = 0;
    CHECK_EQ("route: grant copy out of the guest", copy(rw, (uintptr_t)page, false), GNTST_okay);
    CHECK("route: what was copied is what the guest has", page[0] == 0x1122334455667788);
    CHECK("route: no grant copy into a page granted read-only",
          copy(ro, (uintptr_t)page, true) < 0);
    log_round(&g, "route: a grant copy that only reads, or is refused, leaves all clean");
}

/* dom0 grants nothing, so the guest copies from a page that it granted to itself into another page,
 * named by frame number. */
static void copies_by_itself(void)
{
    struct gnttab_copy *c = block(0);
    store(IPA_OF(DATA + 3), 33);
    log_op(&g, XEN_DOMCTL_SHADOW_OP_CLEAN);
    memset(c, 0, sizeof(*c));
    c->source.u.ref = grant_to(g.id, DATA + 3, GTF_readonly), c->source.domid = g.id;
    c->dest.u.gmfn = DATA + 4, c->dest.domid = DOMID_SELF;
    c->len = 8, c->flags = GNTCOPY_source_gref;
    CHECK_EQ("route: grant copy by the guest",
             guest_call(0, __HYPERVISOR_grant_table_op, GNTTABOP_copy, block_ipa(0), 1), 0);
    CHECK_EQ("route: grant copy by the guest, its status", c->status, GNTST_okay);
    log_once(DATA + 4);
    log_round(&g, "route: grant copy by the guest, the page it goes to is dirty");
    CHECK_EQ("route: grant copy by the guest, its content", load(IPA_OF(DATA + 4)), 33);
}

static struct gnttab_unmap_grant_ref map_here(uint32_t ref, uint32_t flags)
{
    struct gnttab_map_grant_ref m = { .host_addr = (uintptr_t)guest_space(1),
                                      .flags = GNTMAP_host_map | flags,
                                      .ref = ref,
                                      .dom = g.id };
    hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, &m, 1ul);
    CHECK_EQ("route: grant map", m.status, GNTST_okay);
    return (struct gnttab_unmap_grant_ref){ .host_addr = m.host_addr, .handle = m.handle };
}

static void unmap_here(struct gnttab_unmap_grant_ref *u)
{
    hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, u, 1ul);
    CHECK_EQ("route: grant unmap", u->status, GNTST_okay);
}

static void grant_maps(void)
{
    uint64_t gfn = DATA + 600; /* in a block that has not been written to */
    struct gnttab_unmap_grant_ref u = map_here(grant_to(0, gfn, 0), 0);
    log_known(gfn, true);
    for (unsigned i = 0; i < 3; i++)
        log_round(&g, "route: a writable grant map is dirty in every round");
    *(volatile uint64_t *)(uintptr_t)u.host_addr = 66;
    CHECK_EQ("route: the guest reads what was written by the grant map", load(IPA_OF(gfn)), 66);
    log_round(&g, "route: a writable grant map is dirty in every round");
    unmap_here(&u);
    log_known(gfn, false);
    log_once(gfn);
    log_round(&g, "route: once more after the grant map is gone");
    log_round(&g, "route: and clean after that");
    u = map_here(grant_to(0, gfn, 0), GNTMAP_readonly);
    CHECK("route: a read-only grant map reads", *(volatile uint64_t *)(uintptr_t)u.host_addr == 66);
    CHECK_EQ("route: an answer into a read-only grant map",
             hypercall(__HYPERVISOR_xen_version, XENVER_extraversion, u.host_addr), -XEN_EFAULT);
    log_round(&g, "route: a read-only grant map is clean");
    unmap_here(&u);
    log_round(&g, "route: a read-only grant map is clean after it is gone");
}

/* The guest maps a page granted to itself.  Its store goes through a second leaf, which is not
 * logged. */
static void maps_by_itself(void)
{
    uint64_t gfn = DATA + 5, alias = AREA(8);
    struct gnttab_map_grant_ref *m = block(0);
    memset(m, 0, sizeof(*m));
    m->host_addr = IPA_OF(alias), m->flags = GNTMAP_host_map, m->dom = g.id,
    m->ref = grant_to(g.id, gfn, 0);
    guest_call(0, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, block_ipa(0), 1);
    CHECK_EQ("route: the guest maps a grant of its own", m->status, GNTST_okay);
    struct gnttab_unmap_grant_ref u = { .host_addr = m->host_addr, .handle = m->handle };
    log_known(gfn, true);
    log_round(&g, "route: a page that the guest maps twice is dirty in every round");
    store(IPA_OF(alias), 55);
    log_round(&g, "route: a page that the guest maps twice is dirty in every round");
    CHECK_EQ("route: the guest reads at one place what it wrote at the other", load(IPA_OF(gfn)),
             55);
    *(struct gnttab_unmap_grant_ref *)block(0) = u;
    guest_call(0, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, block_ipa(0), 1);
    log_known(gfn, false);
    log_once(gfn);
    log_round(&g, "route: a page that the guest mapped twice, once more after");
    log_round(&g, "route: a page that the guest mapped twice, clean after that");
}

/* ---- results that the hypervisor writes ---- */
static void answers_to_the_guest(void)
{
    const uint64_t out = IPA_OF(DATA + 7);
    CHECK_EQ("route: version string",
             guest_call(0, __HYPERVISOR_xen_version, XENVER_extraversion, out, 0), 0);
    log_once(DATA + 7);
    log_round(&g, "route: a version string is dirty");
    guest_call(0, __HYPERVISOR_xen_version, XENVER_extraversion, out + PAGE - 8, 0);
    log_once(DATA + 7), log_once(DATA + 8);
    log_round(&g, "route: a version string across two pages makes both dirty");

    evtchn_alloc_unbound_t u = { .dom = DOMID_SELF };
    poke(out, &u, sizeof(u) / 8);
    CHECK_EQ("route: event channel",
             guest_call(0, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, out, 0), 0);
    log_once(DATA + 7);
    log_round(&g, "route: an event channel's number is dirty");

    struct gnttab_query_size q = { .dom = DOMID_SELF };
    poke(out, &q, 2);
    CHECK_EQ("route: grant table size",
             guest_call(0, __HYPERVISOR_grant_table_op, GNTTABOP_query_size, out, 1), 0);
    log_once(DATA + 7);
    log_round(&g, "route: the grant table's size is dirty");
    struct gnttab_setup_table *t = block(0);
    memset(t, 0, sizeof(*t));
    t->dom = DOMID_SELF, t->nr_frames = 1, t->frame_list.q = out;
    CHECK_EQ("route: list of grant frames",
             guest_call(0, __HYPERVISOR_grant_table_op, GNTTABOP_setup_table, block_ipa(0), 1), 0);
    log_once(DATA + 7);
    log_round(&g, "route: the list of grant frames is dirty");
    CHECK_EQ("route: version into nowhere",
             guest_call(0, __HYPERVISOR_xen_version, XENVER_extraversion, IPA_OF(END_GFN), 0),
             -XEN_EFAULT);
    log_round(&g, "route: an answer that cannot be given leaves all clean");
}

static void answers_in_lists(void)
{
    multicall_entry_t list[2] = { { .op = __HYPERVISOR_xen_version, .args = { XENVER_version } },
                                  { .op = 63 } };
    uint64_t in = IPA_OF(DATA + 9), out = IPA_OF(DATA + 11), text = IPA_OF(DATA + 12);
    poke(in, list, sizeof(list) / 8);
    CHECK_EQ("route: multicall", guest_call(0, __HYPERVISOR_multicall, in, 2, 0), 0);
    log_once(DATA + 9);
    log_round(&g, "route: a multicall's results are dirty");
    CHECK_EQ("route: a multicall's result", load(in + offsetof(multicall_entry_t, result)),
             4 << 16 | 17);

    /* The hypervisor reads two arrays, both in one page, and writes a third. */
    struct xen_add_to_physmap_batch *b = block(0);
    memset(b, 0, sizeof(*b));
    b->domid = DOMID_SELF, b->space = XENMAPSPACE_shared_info, b->size = 1;
    b->idxs.q = in, b->gpfns.q = in, b->errs.q = out;
    CHECK_EQ("route: batch",
             guest_call(0, __HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, block_ipa(0), 0),
             0);
    log_once(DATA + 11);
    log_round(&g, "route: a batch's error codes are dirty, its arguments clean");

    guest_call(0, __HYPERVISOR_console_io, 0 /* CONSOLEIO_write */, 1, text);
    struct sched_poll *p = block(0);
    memset(p, 0, sizeof(*p));
    p->ports.q = text, p->nr_ports = 1, p->timeout = 1;
    guest_call(0, __HYPERVISOR_sched_op, SCHEDOP_poll, block_ipa(0), 0);
    log_round(&g, "route: arguments that are only read stay clean");
}

/* Results of the control domain's calls, written to a page of the guest that it has mapped. */
static void answers_to_the_control_domain(void)
{
    char *p = guest_map(&g, DATA + 13, 1);
    CHECK_EQ("route: version into a foreign page",
             hypercall(__HYPERVISOR_xen_version, XENVER_extraversion, p), 0);
    log_once(DATA + 13);
    log_round(&g, "route: an answer into a foreign map is dirty");
    log_round(&g, "route: an answer into a foreign map, and clean again");
    p[0] = 'x';
    log_known(DATA + 13, true);
    log_round(&g, "route: a foreign map is dirty in every round from the first store on");
    log_round(&g, "route: a foreign map is dirty in every round from the first store on");
    guest_unmap(&g, p, 1);
    log_known(DATA + 13, false);
    log_once(DATA + 13);
    log_round(&g, "route: once more after the foreign map is gone");
    log_round(&g, "route: a foreign map is gone, and its page clean");
}

/* ---- events ---- */
static evtchn_port_t connect(evtchn_port_t *theirs)
{
    evtchn_alloc_unbound_t u = { .dom = g.id, .remote_dom = 0 };
    CHECK_EQ("route: a port for the guest",
             hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &u), 0);
    evtchn_bind_interdomain_t b = { .remote_dom = g.id, .remote_port = u.port };
    CHECK_EQ("route: and one to it",
             hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, &b), 0);
    *theirs = u.port;
    return b.local_port;
}

static void notify(evtchn_port_t port)
{
    evtchn_send_t s = { .port = port };
    CHECK_EQ("route: send", hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &s), 0);
}

/* What the guest does after looking at its events: clear selector and flag. */
static void looked(uint64_t info)
{
    store(info + offsetof(struct vcpu_info, evtchn_upcall_pending), 0);
    store(info + offsetof(struct vcpu_info, evtchn_pending_sel), 0);
    log_op(&g, XEN_DOMCTL_SHADOW_OP_CLEAN);
}

static void event_info(unsigned v, uint64_t gfn)
{
    uint64_t info = IPA_OF(gfn) + 64 * (v + 1);
    struct vcpu_register_vcpu_info *r = block(v);
    r->mfn = gfn, r->offset = 64 * (v + 1), r->rsvd = 0;
    CHECK_EQ("route: register vcpu_info",
             guest_call(v, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, v, block_ipa(v)), 0);
    log_once(gfn);
    log_round(&g, "route: vcpu_info is dirty when it is registered");
    looked(info);
    evtchn_port_t theirs, port = connect(&theirs);
    if (v) {
        struct evtchn_bind_vcpu *b = block(v);
        b->port = theirs, b->vcpu = v;
        CHECK_EQ("route: bind the port to the vCPU",
                 guest_call(v, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_vcpu, block_ipa(v), 0),
                 0);
    }
    log_round(&g, "route: a port that is only made leaves vcpu_info clean");
    notify(port);
    log_once(gfn);
    log_round(&g, "route: an event makes vcpu_info dirty");
    CHECK("route: the guest reads the event",
          load(info + offsetof(struct vcpu_info, evtchn_pending_sel)) & 1);
    notify(port);
    log_round(&g, "route: an event that is pending already writes nothing");
    looked(info);
}

/* vCPU 1 sends an event to vCPU 0 (IPI). */
static void event_ipi(uint64_t gfn)
{
    uint64_t info = IPA_OF(gfn) + 64;
    struct evtchn_bind_ipi *b = block(1);
    b->vcpu = 0, b->port = 0;
    CHECK_EQ("route: bind an IPI",
             guest_call(1, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, block_ipa(1), 0), 0);
    evtchn_send_t *s = block(1);
    s->port = b->port;
    log_round(&g, "route: an IPI that is only made writes nothing");
    CHECK_EQ("route: send an IPI",
             guest_call(1, __HYPERVISOR_event_channel_op, EVTCHNOP_send, block_ipa(1), 0), 0);
    log_once(gfn);
    log_round(&g, "route: an IPI makes the other vCPU's vcpu_info dirty");
    looked(info);
}

static long add_to_map(unsigned space, uint64_t idx, uint64_t gfn)
{
    struct xen_add_to_physmap a = { .domid = g.id, .space = space, .idx = idx, .gpfn = gfn };
    return hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &a);
}

/* shared_info and vcpu_info: guest and hypervisor write to these at any time, so they are dirty in
 * every round from the moment they are in the map. */
static void shared_pages(void)
{
    CHECK_EQ("route: map shared_info while logging",
             add_to_map(XENMAPSPACE_shared_info, 0, AREA(0)), 0);
    log_known(AREA(0), true);
    log_round(&g, "route: shared_info, mapped while logging, is dirty");
    store(IPA_OF(AREA(0)) + offsetof(struct shared_info, evtchn_mask) + 56, 1);
    log_round(&g, "route: shared_info, mapped while logging, is dirty in every round");
    evtchn_port_t theirs, port = connect(&theirs);
    notify(port);
    CHECK("route: the guest reads the event in shared_info",
          load(IPA_OF(AREA(0)) + offsetof(struct shared_info, evtchn_pending)) >> theirs & 1);
    log_op(&g, XEN_DOMCTL_SHADOW_OP_CLEAN); /* also marks vcpu_info */
    CHECK_EQ("route: map a grant frame while logging",
             add_to_map(XENMAPSPACE_grant_table, 0, AREA(1)), 0);
    log_known(AREA(1), true);
    log_round(&g, "route: a grant frame, mapped while logging, is dirty");
    log_round(&g, "route: a grant frame, mapped while logging, is dirty in every round");
    CHECK_EQ("route: move a grant frame while logging",
             add_to_map(XENMAPSPACE_grant_table, 0, AREA(2)), 0);
    log_known(AREA(1), false), log_known(AREA(2), true);
    log_round(&g, "route: a grant frame, moved while logging, is dirty at its new place only");
    struct gnttab_unmap_grant_ref u = map_here(grant_to(0, DATA + 14, 0), 0);
    CHECK("route: the guest reads in its grant frame that the page is in use",
          (load(IPA_OF(AREA(2)) + next_ref * sizeof(*table)) & (GTF_reading | GTF_writing)) ==
              (GTF_reading | GTF_writing));
    unmap_here(&u);
    log_once(DATA + 14);
    log_round(&g, "route: a grant frame is dirty in every round");
}

/* A masked event is pending in shared_info.  When the guest unmasks it by a call, the hypervisor
 * writes the rest. */
static void unmasked_event(uint64_t gfn)
{
    uint64_t info = IPA_OF(gfn) + 64;
    evtchn_port_t theirs, port = connect(&theirs);
    store(IPA_OF(AREA(0)) + offsetof(struct shared_info, evtchn_mask), 1ull << theirs);
    looked(info);
    notify(port);
    log_round(&g, "route: a masked event leaves vcpu_info clean");
    evtchn_unmask_t *u = block(0);
    u->port = theirs;
    CHECK_EQ("route: unmask",
             guest_call(0, __HYPERVISOR_event_channel_op, EVTCHNOP_unmask, block_ipa(0), 0), 0);
    log_once(gfn);
    log_round(&g, "route: unmasking an event makes vcpu_info dirty");
    looked(info);
}

/* ---- time ---- */
static void wall_clock(void)
{
    static xen_platform_op_t op;
    op.cmd = XENPF_settime64, op.interface_version = XENPF_INTERFACE_VERSION;
    op.u.settime64.secs = 1700000000;
    CHECK_EQ("route: set the time", hypercall(__HYPERVISOR_platform_op, &op), 0);
    log_round(&g, "route: the wall clock's page is dirty");
    g.op.u.settimeoffset.time_offset_seconds = 3600;
    CHECK_EQ("route: set the domain's time", domctl(&g, XEN_DOMCTL_settimeoffset), 0);
    log_round(&g, "route: the wall clock's page is dirty, for the domain's own offset");
    uint64_t secs = load(IPA_OF(AREA(0)) + offsetof(struct shared_info, wc_sec)) & 0xffffffff;
    bm_check(secs >= 1700003599 && secs < 1700003700, "route: the guest reads the wall clock",
             "%ju s", secs);
}

static void rest(bool paused)
{
    long rc = domctl(&g, paused ? XEN_DOMCTL_pausedomain : XEN_DOMCTL_unpausedomain);
    if (rc)
        bm_check(false, "route: pause and unpause", "answers %ld", rc);
}

/* The hypervisor writes the runstate area whenever the vCPU is scheduled in or out.  Here it spans
 * two pages. */
static void runstate(void)
{
    uint64_t at = IPA_OF(DATA + 20) + PAGE - 24;
    struct vcpu_register_runstate_memory_area *r = block(0);
    r->addr.p = (uint64_t)at;
    CHECK_EQ(
        "route: register runstate",
        guest_call(0, __HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0, block_ipa(0)),
        0);
    rest(true);
    log_once(DATA + 20), log_once(DATA + 21);
    log_round(&g, "route: runstate across two pages, both are dirty");
    log_round(&g, "route: runstate of a guest that does not run is clean");
    rest(false);
    tell(GUEST_IDLE, 0, 0, 0);
    rest(true);
    log_once(DATA + 20), log_once(DATA + 21);
    log_round(&g, "route: runstate is dirty when the vCPU has run");
    rest(false);
    CHECK("route: the guest reads its runstate",
          load(at + offsetof(struct vcpu_runstate_info, time)) != 0);
    ((struct vcpu_register_runstate_memory_area *)block(0))->addr.p = 0;
    guest_call(0, __HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0, block_ipa(0));
    log_op(&g, XEN_DOMCTL_SHADOW_OP_CLEAN);
    log_round(&g, "route: runstate that is not wanted any more is clean");
}

/* ---- the console ---- */
static bool console_start(uint64_t gfn)
{
    memset(&g.op.u, 0, sizeof(g.op.u));
    g.op.u.vuart_op.cmd = XEN_DOMCTL_VUART_OP_INIT;
    g.op.u.vuart_op.type = XEN_DOMCTL_VUART_TYPE_VPL011;
    g.op.u.vuart_op.gfn = gfn;
    return domctl(&g, XEN_DOMCTL_vuart_op) == 0;
}

static void console(uint64_t gfn)
{
    tell(GUEST_LOAD, GUEST_PL011_BASE + 0x18, 4, 0); /* UARTFR */
    log_round(&g, "route: the console's state is read, its ring stays clean");
    tell(GUEST_STORE, GUEST_PL011_BASE, 4, 'x');
    log_once(gfn);
    log_round(&g, "route: a character sent makes the console's ring dirty");
    struct {
        char in[1024], out[2048];
        uint32_t in_cons, in_prod, out_cons, out_prod;
    } *ring = guest_map(&g, gfn, 1);
    CHECK("route: the character is in the ring", ring->out[0] == 'x' && ring->out_prod == 1);
    ring->in[0] = 'y', ring->in_prod = 1;
    guest_unmap(&g, ring, 1);
    log_once(gfn);
    log_round(&g, "route: the console daemon's store is dirty");
    CHECK_EQ("route: the guest reads the character", tell(GUEST_LOAD, GUEST_PL011_BASE, 4, 0), 'y');
    log_once(gfn);
    log_round(&g, "route: a character read makes the console's ring dirty");
    log_round(&g, "route: the console's ring is clean again");
}

/* ---- memory added and removed while logging ---- */
static long reserve(unsigned op, uint64_t gfn, unsigned order)
{
    static xen_pfn_t list;
    struct xen_memory_reservation r = { .nr_extents = 1, .extent_order = order, .domid = g.id };
    list = gfn;
    set_xen_guest_handle(r.extent_start, &list);
    return hypercall(__HYPERVISOR_memory_op, (unsigned long)op, &r);
}

static long reserve_itself(unsigned op, uint64_t gfn)
{
    struct xen_memory_reservation *r = block(0);
    memset(r, 0, sizeof(*r));
    r->nr_extents = 1, r->domid = DOMID_SELF;
    r->extent_start.q = block_ipa(0) + sizeof(*r);
    *(xen_pfn_t *)(r + 1) = gfn;
    return guest_call(0, __HYPERVISOR_memory_op, op, block_ipa(0), 0);
}

static void come_and_go(void)
{
    uint64_t gfn = DATA + 30;
    store(IPA_OF(gfn), 7);
    log_once(gfn);
    log_peek(&g, "route: written and still there");
    CHECK_EQ("route: take a page out", reserve(XENMEM_decrease_reservation, gfn, 0), 1);
    log_expect_nothing();
    log_round(&g, "route: a page that is gone is not dirty");
    CHECK_EQ("route: and put one in", reserve(XENMEM_populate_physmap, gfn, 0), 1);
    log_once(gfn);
    log_round(&g, "route: a new page is dirty from the start");
    log_round(&g, "route: a new page is clean then");
    CHECK_EQ("route: a new page is empty", load(IPA_OF(gfn)), 0);

    CHECK_EQ("route: the guest gives a page back", reserve_itself(XENMEM_decrease_reservation, gfn),
             1);
    log_round(&g, "route: a page that was clean when it went is not dirty");
    CHECK_EQ("route: the guest takes one", reserve_itself(XENMEM_populate_physmap, gfn), 1);
    log_once(gfn);
    log_round(&g, "route: a page that the guest took is dirty from the start");
    store(IPA_OF(gfn), 8);
    log_once(gfn);
    log_round(&g, "route: and logged like any other");
}

/* A block added while logging: dirty as a whole, then clean, then dirty page by page. */
static void block_comes(void)
{
    uint64_t gfn = END_GFN;
    g.op.u.max_mem.max_memkb = (MIB + 8) * 1024;
    CHECK_EQ("route: more memory", domctl(&g, XEN_DOMCTL_max_mem), 0);
    CHECK_EQ("route: a block comes", reserve(XENMEM_populate_physmap, gfn, 9), 1);
    for (unsigned i = 0; i < 512; i++)
        log_once(gfn + i);
    log_round(&g, "route: a new block is dirty as a whole");
    log_round(&g, "route: a new block is clean then");
    store(IPA_OF(gfn + 77), 1);
    log_once(gfn + 77);
    log_round(&g, "route: one page of a block is dirty");
    store(IPA_OF(gfn + 78), 1), store(IPA_OF(gfn + 79), 1);
    CHECK_EQ("route: a page of the block goes", reserve(XENMEM_decrease_reservation, gfn + 79, 0),
             1);
    log_once(gfn + 78);
    log_round(&g, "route: one page of a block is dirty, another gone");
}

/* ---- the hardware's stage-1 walker ---- */
#define VA 0x80000000ul
enum { ROOT = DATA + 40, LEVEL2, LEVEL3, TARGET };

/* The guest's tables: an identity map of its RAM, and one page whose access and dirty flags are
 * clear. */
static void make_tables(void)
{
    uint64_t *t = guest_map(&g, ROOT, 3);
    t[1] = GUEST_RAM | 0x701; /* AF, inner shareable, block */
    t[2] = IPA_OF(LEVEL2) | 3;
    t[512] = IPA_OF(LEVEL3) | 3;
    t[1024] = IPA_OF(TARGET) | 1ull << 51 | 0x383; /* DBM, read-only, no AF */
    guest_unmap(&g, t, 3);
    log_op(&g, XEN_DOMCTL_SHADOW_OP_CLEAN);
}

static void walker(void)
{
    /* AArch32 tables have no such flags */
    if (!stage1_manages_flags() || guest_program()->address_bits != GUEST_ADDRESS_BITS)
        return;
    store(IPA_OF(TARGET), 99);
    make_tables();
    log_round(&g, "route: tables of stage 1 are clean while nobody walks them");
    CHECK_EQ("route: a load through stage 1", tell(GUEST_WALK, VA, 0, IPA_OF(ROOT)), 99);
    log_once(LEVEL3);
    log_round(&g, "route: an access flag set by the walker makes its table dirty");
    CHECK("route: the guest reads the access flag", load(IPA_OF(LEVEL3)) & 0x400);
    tell(GUEST_WALK, VA, 1, IPA_OF(ROOT));
    log_once(LEVEL3), log_once(TARGET);
    log_round(&g, "route: dirty state set by the walker makes table and page dirty");
    CHECK("route: the guest reads the dirty state", !(load(IPA_OF(LEVEL3)) & 0x80));
    log_round(&g, "route: tables of stage 1 are clean again");
}

/* ---- writers from before logging starts until after it ends ---- */
static void off_and_on(volatile uint64_t *foreign, struct gnttab_unmap_grant_ref *granted)
{
    CHECK_EQ("route: off", log_op(&g, XEN_DOMCTL_SHADOW_OP_OFF), 0);
    store(IPA_OF(DATA + 50), 1);
    CHECK_EQ("route: and on", log_op(&g, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY), 0);
    log_round(&g, "route: when logging starts, pages with writers are dirty and no others");
    guest_unmap(&g, (void *)(uintptr_t)foreign, 1);
    unmap_here(granted);
    log_known(DATA + 700, false), log_known(DATA + 1300, false);
    log_once(DATA + 700), log_once(DATA + 1300);
    log_round(&g, "route: writers from before are dirty once more");
    log_round(&g, "route: writers from before are gone");
}

void test_routes(void)
{
    const uint64_t ring = DATA + 60;
    CHECK("route: make guest", guest_make(&g, 2, MIB));
    CHECK("route: a virtual UART", console_start(ring));
    guest_start(&g);
    table = guest_space(1);
    xen_pfn_t at = (uintptr_t)table / PAGE;
    struct xen_mem_acquire_resource a = { .domid = g.id,
                                          .type = XENMEM_resource_grant_table,
                                          .nr_frames = 1 };
    set_xen_guest_handle(a.frame_list, &at);
    CHECK_EQ("route: its grant frame",
             hypercall(__HYPERVISOR_memory_op, XENMEM_acquire_resource, &a), 0);
    log_watch(&g);
    volatile uint64_t *foreign = guest_map(&g, DATA + 700, 1);
    *foreign = 1;
    struct gnttab_unmap_grant_ref granted = map_here(grant_to(0, DATA + 1300, 0), 0);
    for (unsigned v = 0; v < 2; v++)
        guest_run(&g, v, GUEST_IDLE);
    CHECK_EQ("route: enable", log_op(&g, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY), 0);
    log_known(DATA + 700, true), log_known(DATA + 1300, true);
    log_round(&g, "route: pages with writers are dirty when logging starts");
    log_round(&g, "route: and in every round");
    grant_copies();
    copies_by_itself();
    grant_maps();
    maps_by_itself();
    answers_to_the_guest();
    answers_in_lists();
    answers_to_the_control_domain();
    event_info(0, DATA + 15);
    event_info(1, DATA + 15);
    event_ipi(DATA + 15);
    shared_pages();
    unmasked_event(DATA + 15);
    wall_clock();
    runstate();
    console(ring);
    come_and_go();
    block_comes();
    walker();
    off_and_on(foreign, &granted);
    guest_unmap(&g, table, 1);
    guest_destroy(&g);
}
