/* SPDX-License-Identifier: BSD-2-Clause */
/* What the paths that a guest takes most cost, in instructions (run under -icount shift=0). */
#include "bm.h"

#define TIMES 1000u
void *memset(void *p, int c, size_t n);

/* The loop, the ISBs and the call itself are part of the figure, as they are of anybody's use. */
static void cost_hypercall(void)
{
    uint64_t start = bm_counter();
    for (unsigned i = 0; i < TIMES; i++)
        hypercall(__HYPERVISOR_xen_version, (unsigned long)XENVER_version, NULL);
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
        (void)*reg32(DOM0_GICD + 4);
    bm_cost("gicd-typer", bm_counter() - start, TIMES);
}

/* First write to each page since logging began, less the same loop over pages that are dirty already. */
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
    /* the first round splits blocks; the second is the steady state */
    guest_run(&g, 0, GUEST_COST);
    bm_cost("write-fault-first-round", m->result[0] - m->result[1], m->count);
    memset(&g.op.u, 0, sizeof(g.op.u));
    g.op.u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_CLEAN;
    g.op.u.shadow_op.pages = sizeof(bitmap) * 8;
    g.op.u.shadow_op.dirty_bitmap.p = (void *)bitmap;
    uint64_t start = bm_counter();
    domctl(&g, XEN_DOMCTL_shadow_op);
    bm_cost("harvest-per-page", bm_counter() - start, m->count);
    guest_run(&g, 0, GUEST_COST);
    bm_cost("write-fault", m->result[0] - m->result[1], m->count);
    guest_destroy(&g);
}

void test_costs(void)
{
    cost_hypercall();
    cost_psci();
    cost_gic_read();
    if (bm_is_xen_lite())
        cost_write_fault();
}
