/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes guests through the toolstack's hypercalls, as a control domain without an operating system
 * does. */
#include "bm.h"

void *memset(void *p, int c, size_t n);
void *memcpy(void *d, const void *s, size_t n);

/* Next free guest-physical address of this domain for foreign mappings. */
static uint64_t next_map = SPACE_MAPS;
static uint64_t next_sequence;
static unsigned alive_count;

long domctl(struct guest *g, uint32_t cmd)
{
    g->op.cmd = cmd;
    g->op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    g->op.domain = g->id;
    return hypercall(__HYPERVISOR_domctl, &g->op);
}

void *guest_space(unsigned pages)
{
    uint64_t at = next_map;
    next_map += (uint64_t)pages * PAGE;
    return (void *)(uintptr_t)at;
}

void *guest_map(struct guest *g, uint64_t gfn, unsigned pages)
{
    uint64_t at = (uintptr_t)guest_space(pages);
    for (unsigned done = 0; done < pages; done++) {
        xen_ulong_t idx = gfn + done;
        xen_pfn_t gpfn = at / PAGE + done;
        int err = 0;
        struct xen_add_to_physmap_batch b = { .domid = DOMID_SELF,
                                              .space = XENMAPSPACE_gmfn_foreign,
                                              .size = 1,
                                              .u.foreign_domid = g->id };
        set_xen_guest_handle(b.idxs, &idx);
        set_xen_guest_handle(b.gpfns, &gpfn);
        set_xen_guest_handle(b.errs, &err);
        if (hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, &b) || err)
            return NULL;
    }
    return (void *)(uintptr_t)at;
}

void guest_unmap(struct guest *g, void *p, unsigned pages)
{
    (void)g;
    for (unsigned i = 0; i < pages; i++) {
        struct xen_remove_from_physmap r = { .domid = DOMID_SELF, .gpfn = (uintptr_t)p / PAGE + i };
        hypercall(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, &r);
    }
}

static bool populate_piece(struct guest *g, const xen_pfn_t *gfn, unsigned extents, unsigned order)
{
    struct xen_memory_reservation r = { .nr_extents = extents,
                                        .extent_order = order,
                                        .domid = g->id };
    set_xen_guest_handle(r.extent_start, (xen_pfn_t *)(uintptr_t)gfn);
    return hypercall(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &r) == (long)extents;
}

/* Fill with blocks of 2 MiB, or with pages in an order that cannot be merged into a block. */
static bool populate(struct guest *g, bool pages_only)
{
    static xen_pfn_t gfn[512];
    for (uint64_t done = 0; done < g->page_count; done += 512) {
        for (uint64_t i = 0; i < (pages_only ? 512 : 1); i++)
            gfn[i] = GUEST_GFN + done + (i * 5 & 511);
        if (!populate_piece(g, gfn, pages_only ? 512 : 1, pages_only ? 0 : 9))
            return false;
    }
    return true;
}

/* Create a domain with a memory limit of page_count pages, but without any memory. */
static bool create(struct guest *g, unsigned vcpu_count, uint64_t page_count)
{
    if (!alive_count++)
        next_map = SPACE_MAPS; /* start again, so that tables for these maps do not pile up */
    memset(g, 0, sizeof(*g));
    g->vcpu_count = vcpu_count;
    g->page_count = page_count;
    struct xen_domctl_createdomain *c = &g->op.u.createdomain;
    c->flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    c->max_vcpus = vcpu_count;
    c->max_evtchn_port = 1023;
    c->max_grant_frames = 32;
    c->max_maptrack_frames = 64;
    c->grant_opts = 1;
    c->arch.gic_version = XEN_DOMCTL_CONFIG_GIC_NATIVE;
    c->arch.nr_spis = 32; /* includes the virtual UART's */
    g->id = 0;            /* 0 requests any free id */
    if (domctl(g, XEN_DOMCTL_createdomain))
        return false;
    g->id = g->op.domain;
    g->op.u.max_vcpus.max = vcpu_count;
    if (domctl(g, XEN_DOMCTL_max_vcpus))
        return false;
    g->op.u.address_size.size = guest_program()->address_bits;
    if (domctl(g, XEN_DOMCTL_set_address_size))
        return false;
    g->op.u.max_mem.max_memkb = g->page_count * 4 + 1024;
    return domctl(g, XEN_DOMCTL_max_mem) == 0;
}

static unsigned code_pages(void)
{
    return ((unsigned)(guest_program()->end - guest_program()->start) + PAGE - 1) / PAGE;
}

bool guest_mail(struct guest *g)
{
    for (unsigned v = 0; v < g->vcpu_count; v++) {
        g->mail[v] = guest_map(g, GUEST_GFN + GUEST_MAILS / PAGE + v, 1);
        if (!g->mail[v])
            return false;
    }
    return true;
}

/* Copy the program into the guest and clear its mailboxes. */
static bool install(struct guest *g)
{
    void *code = guest_map(g, GUEST_GFN, code_pages());
    if (!code)
        return false;
    memcpy(code, guest_program()->start, (size_t)(guest_program()->end - guest_program()->start));
    guest_unmap(g, code, code_pages());
    if (!guest_mail(g))
        return false;
    for (unsigned v = 0; v < g->vcpu_count; v++) {
        memset(g->mail[v], 0, PAGE);
        g->mail[v]->gic_version = gic_version;
    }
    return true;
}

bool guest_make(struct guest *g, unsigned vcpu_count, unsigned mib)
{
    return create(g, vcpu_count, (uint64_t)mib * 256) && populate(g, false) && install(g);
}

bool guest_make_paged(struct guest *g, unsigned vcpu_count, unsigned mib)
{
    return create(g, vcpu_count, (uint64_t)mib * 256) && populate(g, true) && install(g);
}

bool guest_make_small(struct guest *g, unsigned data_pages)
{
    static xen_pfn_t gfn[64];
    unsigned n = 0;
    for (; n < code_pages(); n++)
        gfn[n] = GUEST_GFN + n;
    gfn[n++] = GUEST_GFN + GUEST_MAILS / PAGE;
    for (unsigned i = 0; i < data_pages; i++)
        gfn[n++] = GUEST_GFN + GUEST_DATA / PAGE + i;
    if (!create(g, 1, n))
        return false;
    struct xen_memory_reservation r = { .nr_extents = n, .domid = g->id };
    set_xen_guest_handle(r.extent_start, gfn);
    return hypercall(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &r) == (long)n && install(g);
}

void guest_start(struct guest *g)
{
    static struct vcpu_guest_context ctx;
    for (unsigned v = 0; v < g->vcpu_count; v++) {
        memset(&ctx, 0, sizeof(ctx));
        ctx.flags = VGCF_online;
        ctx.user_regs.pc64 = GUEST_RAM;
        ctx.user_regs.x0 = v;
        ctx.user_regs.cpsr = guest_program()->cpsr;
        ctx.sctlr = GUEST_SCTLR;
        g->op.u.vcpucontext.vcpu = v;
        set_xen_guest_handle(g->op.u.vcpucontext.ctxt, &ctx);
        CHECK_EQ("guest: set vCPU context", domctl(g, XEN_DOMCTL_setvcpucontext), 0);
    }
    CHECK_EQ("guest: unpause", domctl(g, XEN_DOMCTL_unpausedomain), 0);
}

bool guest_order(struct guest *g, unsigned vcpu, uint64_t command)
{
    struct mailbox *m = g->mail[vcpu];
    __atomic_store_n(&m->command, ++next_sequence << 8 | command, __ATOMIC_RELEASE);
    return true;
}

bool guest_finish(struct guest *g, unsigned vcpu)
{
    bool ok = bm_wait(&g->mail[vcpu]->done, g->mail[vcpu]->command, g->silent ? 100 : 20000);
    g->silent = !ok;
    return ok;
}

bool guest_run(struct guest *g, unsigned vcpu, uint64_t command)
{
    guest_order(g, vcpu, command);
    return guest_finish(g, vcpu);
}

uint64_t guest_tell(struct guest *g, uint64_t command, uint64_t first, uint64_t count,
                    uint64_t value)
{
    struct mailbox *m = g->mail[0];
    m->first = first, m->count = count, m->value = value, m->result[0] = ~0ull;
    if (!guest_run(g, 0, command))
        bm_check(false, "guest: answers", "command %ju", command);
    return m->result[0];
}

void *guest_block(struct guest *g, unsigned vcpu)
{
    return (void *)&g->mail[vcpu]->page[GUEST_BLOCK];
}

uint64_t guest_block_ipa(unsigned vcpu)
{
    return GUEST_RAM + GUEST_MAILS + vcpu * PAGE + offsetof(struct mailbox, page) + GUEST_BLOCK * 8;
}

long guest_hypercall_of(struct guest *g, unsigned vcpu, uint64_t number, uint64_t a0, uint64_t a1,
                        uint64_t a2)
{
    struct mailbox *m = g->mail[vcpu];
    m->page[0] = number, m->page[1] = a0, m->page[2] = a1, m->page[3] = a2, m->page[4] = 0;
    m->result[0] = ~0ull;
    if (!guest_run(g, vcpu, GUEST_HYPERCALL))
        bm_check(false, "guest: answers", "hypercall %ju", number);
    return (long)m->result[0];
}

void guest_forget(struct guest *g)
{
    for (unsigned v = 0; v < g->vcpu_count; v++)
        guest_unmap(g, g->mail[v], 1);
    alive_count--;
}

void guest_destroy(struct guest *g)
{
    guest_forget(g);
    CHECK_EQ("guest: destroy", domctl(g, XEN_DOMCTL_destroydomain), 0);
}
