/* SPDX-License-Identifier: BSD-2-Clause */
/* The cost of the paths that a guest takes most, in instructions (run under -icount shift=0). */
#include "bm.h"

#define TIMES        1000u
#define LOG_MIB      64u
#define LOG_PAGES    (LOG_MIB * 256u)
#define DATA_PAGES   (LOG_PAGES - (unsigned)(GUEST_DATA / PAGE))
#define EXTENT_PAGES 512u
void *memset(void *p, int c, size_t n);

/* The figure includes the loop, the ISBs and the call itself, because every caller pays for them
 * too. */
static void cost_hypercall(void)
{
    uint64_t start = bm_counter();
    for (unsigned i = 0; i < TIMES; i++)
        hypercall(__HYPERVISOR_xen_version, XENVER_version, NULL);
    bm_cost("hypercall", bm_counter() - start, TIMES);
}

static void cost_psci(void)
{
    uint64_t start = bm_counter();
    for (unsigned i = 0; i < TIMES; i++)
        smccc(0x84000000, 0, 0, 0);
    bm_cost("psci-version", bm_counter() - start, TIMES);
}

static void cost_gic_read(void)
{
    uint64_t start = bm_counter();
    for (unsigned i = 0; i < TIMES; i++)
        (void)mmio_read(DOM0_GICD + 4);
    bm_cost("gicd-typer", bm_counter() - start, TIMES);
}

/* Cost of the first write to each page since logging began, less the same loop over dirty pages. */
static void cost_write_fault(void)
{
    struct guest g;
    static uint64_t bitmap[(GUEST_GFN + 16384) / 64];
    if (!guest_make(&g, 1, 64))
        return;
    guest_start(&g);
    struct mailbox *m = g.mail[0];
    m->first = 0, m->count = 4096, m->value = 1;
    guest_run(&g, 0, GUEST_WRITE_ALL);
    memset(&g.op.u, 0, sizeof(g.op.u));
    g.op.u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY;
    domctl(&g, XEN_DOMCTL_shadow_op);
    /* The first round splits blocks; the second is the steady state. */
    guest_run(&g, 0, GUEST_COST);
    bm_cost("write-fault-first-round", m->result[0] - m->result[1], m->count);
    memset(&g.op.u, 0, sizeof(g.op.u));
    g.op.u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_CLEAN;
    g.op.u.shadow_op.pages = sizeof(bitmap) * 8;
    set_xen_guest_handle(g.op.u.shadow_op.dirty_bitmap, (void *)bitmap);
    uint64_t start = bm_counter();
    domctl(&g, XEN_DOMCTL_shadow_op);
    bm_cost("harvest-per-page", bm_counter() - start, m->count);
    guest_run(&g, 0, GUEST_COST);
    bm_cost("write-fault", m->result[0] - m->result[1], m->count);
    guest_destroy(&g);
}

static long reservation(struct guest *g, unsigned cmd, xen_pfn_t *gfns, unsigned count,
                        unsigned order)
{
    struct xen_memory_reservation r = { .nr_extents = count,
                                        .extent_order = order,
                                        .domid = g->id };
    set_xen_guest_handle(r.extent_start, gfns);
    return hypercall(__HYPERVISOR_memory_op, (unsigned long)cmd, &r);
}

/* Replace the data's blocks by single pages, with each pair of neighbours swapped.  In whatever
 * order the hypervisor hands out pages, the result is no block and cannot be merged into one. */
static bool break_blocks(struct guest *g)
{
    static xen_pfn_t gfns[EXTENT_PAGES];
    for (xen_pfn_t at = GUEST_GFN + GUEST_DATA / PAGE; at < GUEST_GFN + LOG_PAGES;
         at += EXTENT_PAGES) {
        gfns[0] = at;
        if (reservation(g, XENMEM_decrease_reservation, gfns, 1, 9) != 1)
            return false;
        for (unsigned i = 0; i < EXTENT_PAGES; i++)
            gfns[i] = at + (i ^ 1);
        if (reservation(g, XENMEM_populate_physmap, gfns, EXTENT_PAGES, 0) != EXTENT_PAGES)
            return false;
    }
    return true;
}

static uint64_t log_bitmap[(GUEST_GFN + LOG_PAGES) / 64];

static unsigned pages_in_bitmap(void)
{
    unsigned pages = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(log_bitmap); i++)
        for (uint64_t word = log_bitmap[i]; word; word &= word - 1)
            pages++;
    return pages;
}

static uint64_t log_ticks(struct guest *g, uint32_t op)
{
    memset(&g->op.u, 0, sizeof(g->op.u));
    g->op.u.shadow_op.op = op;
    g->op.u.shadow_op.pages = sizeof(log_bitmap) * 8;
    set_xen_guest_handle(g->op.u.shadow_op.dirty_bitmap, (void *)log_bitmap);
    uint64_t start = bm_counter();
    long rc = domctl(g, XEN_DOMCTL_shadow_op);
    uint64_t ticks = bm_counter() - start;
    CHECK_EQ("costs: log operation", rc, 0);
    return ticks;
}

static void log_cost(const char *leaves, const char *what, uint64_t ticks)
{
    bm_print("cost log-%s-%s %ju\n", leaves, what, ticks * (1000000000ul / bm_counter_hz()));
}

/*
 * A logged session of a guest whose data is mapped by blocks of 2 MiB or pages of 4 KiB; all of it
 * is written in each of two rounds.  Prints whole operations: divide by LOG_PAGES (on, off) or
 * DATA_PAGES (the rest) for the cost per page.
 */
static void cost_log(const char *leaves, bool blocks)
{
    struct guest g;
    bool made = guest_make(&g, 1, LOG_MIB) && (blocks || break_blocks(&g));
    CHECK("costs: a guest to log", made);
    if (!made)
        return;
    guest_start(&g);
    struct mailbox *m = g.mail[0];
    m->first = 0, m->count = DATA_PAGES, m->value = 1;
    guest_run(&g, 0, GUEST_WRITE_ALL);
    log_cost(leaves, "on", log_ticks(&g, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY));
    for (unsigned round = 0; round < 2; round++) {
        guest_run(&g, 0, GUEST_COST);
        log_cost(leaves, round ? "writes" : "first-writes", m->result[0] - m->result[1]);
        log_cost(leaves, round ? "clean" : "first-clean",
                 log_ticks(&g, XEN_DOMCTL_SHADOW_OP_CLEAN));
        CHECK_EQ("costs: pages in the log, with the mailbox", pages_in_bitmap(), DATA_PAGES + 1);
    }
    log_cost(leaves, "off", log_ticks(&g, XEN_DOMCTL_SHADOW_OP_OFF));
    guest_destroy(&g);
}

void test_costs(void)
{
    cost_hypercall();
    cost_psci();
    cost_gic_read();
    if (bm_is_xen_lite()) {
        cost_write_fault();
        cost_log("2m", true);
        cost_log("4k", false);
    }
}
