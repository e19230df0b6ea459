/* SPDX-License-Identifier: BSD-2-Clause */
/* Measurements in guests: interrupts and events between vCPUs, context switches, emulated pages,
 * and the single steps of the dirty log. */
#include "bench.h"

void *memset(void *p, int c, size_t n);

#define LOG_MIB        64u
#define BITMAP_PAGES   ((GUEST_GFN + (1024 << 8)) / 8 / PAGE)
#define EMULATED       GUEST_GICV3_GICR0_BASE /* 8 redistributors of 32 pages each */
#define EMULATED_PAGES 256u

static struct guest first, second;
static uint64_t cursor, sending_ticks;

/* ---- guests ---- */
void bench_idle(struct guest *g, uint64_t us)
{
    for (unsigned v = 0; v < g->vcpu_count; v++)
        g->mail[v]->idle_ticks = bm_counter_hz() / 1000000 * us;
}

static bool map_shared_info(struct guest *g)
{
    struct xen_add_to_physmap a = { .domid = g->id,
                                    .space = XENMAPSPACE_shared_info,
                                    .gpfn = GUEST_SHARED / PAGE };
    return hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &a) == 0;
}

static bool run_in(struct guest *g)
{
    guest_start(g);
    bool ok = map_shared_info(g);
    for (unsigned v = 0; ok && v < g->vcpu_count; v++)
        ok = bench_order(g, v, GUEST_GIC);
    bench_idle(g, bench_idle_us());
    return ok;
}

bool bench_guest(struct guest *g, unsigned vcpu_count, unsigned mib, bool pages)
{
    return (pages ? guest_make_paged(g, vcpu_count, mib) : guest_make(g, vcpu_count, mib)) &&
           run_in(g);
}

static void drop_first(void) { guest_destroy(&first); }

/* ---- from one vCPU to the other ---- */
static bool make_pair(void) { return bench_guest(&first, 2, 16, false); }

static uint64_t ask_and_answer(unsigned times, uint64_t command)
{
    first.mail[0]->count = first.mail[1]->count = times;
    guest_order(&first, 1, GUEST_ANSWER);
    bench_sleep(2 * bench_idle_us()); /* by then vCPU 1 waits for an interrupt */
    bench_order(&first, 0, command);
    bench_finish(&first, 1);
    sending_ticks = first.mail[0]->result[0];
    return first.mail[0]->result[1];
}

static uint64_t run_sgi(unsigned times) { return ask_and_answer(times, GUEST_SGI); }
static uint64_t run_event(unsigned times) { return ask_and_answer(times, GUEST_EVENT); }

/* Also report how long the send alone keeps the sender. */
static void finish_asking(const char *name)
{
    bench_say(name, sending_ticks, first.mail[0]->count, "%s", "");
    drop_first();
}
static void finish_sgi(void) { finish_asking("sgi-send"); }
static void finish_event(void) { finish_asking("event-send"); }

/* ---- context switches: one vCPU counts its yields, the other yields whenever it can ---- */
static bool make_yielding_pair(void)
{
    bool ok = make_pair();
    first.mail[1]->idle_ticks = 0;
    return ok;
}

static bool make_two_guests(void)
{
    bool ok = bench_guest(&first, 1, 16, false) && bench_guest(&second, 1, 16, false);
    bench_idle(&second, 0);
    bench_sleep(2 * bench_idle_us()); /* by then `second` has read its new idle time */
    return ok;
}

/* One yield makes two switches: to the other vCPU and back. */
static uint64_t run_switch(unsigned times)
{
    first.mail[0]->count = times;
    bench_order(&first, 0, GUEST_YIELD);
    return first.mail[0]->result[0] / 2;
}

static void drop_both(void)
{
    guest_destroy(&second);
    drop_first();
}

/* ---- emulated pages ---- */
static uint64_t read_emulated(unsigned pages)
{
    struct mailbox *m = first.mail[0];
    m->value = EMULATED + cursor * PAGE, m->count = pages, m->seed = 1;
    if (gic_version == 2) /* a GICv2 has only one such page, the distributor's */
        m->value = GUEST_GICD_BASE, m->count = 1, m->seed = pages;
    bench_order(&first, 0, GUEST_READ);
    cursor += pages;
    return m->result[0];
}

static bool make_empty(void)
{
    cursor = 8; /* gic_on() has touched the first ones */
    return gic_version == 3 && bench_guest(&first, 8, 16, false);
}

static bool make_hit(void)
{
    bool ok = bench_guest(&first, 8, 16, false);
    cursor = 0;
    read_emulated(EMULATED_PAGES);
    cursor = 0;
    /*
     * The other vCPUs wake up together with the measured one, and the hypervisor flushes deferred
     * unmaps 5 ms after the guest was made.  Neither may fall into the measurement.
     */
    for (unsigned i = 1; i < 8; i++)
        first.mail[i]->idle_ticks = bm_counter_hz() * 10;
    bench_sleep(2 * bench_idle_us());
    return ok;
}

/* ---- the dirty log ---- */
long bench_shadow(struct guest *g, uint32_t op)
{
    static void *bitmap;
    if (!bitmap)
        bitmap = bm_alloc(BITMAP_PAGES);
    memset(&g->op.u, 0, sizeof(g->op.u));
    g->op.u.shadow_op.op = op;
    g->op.u.shadow_op.pages = (uint64_t)BITMAP_PAGES * PAGE * 8;
    set_xen_guest_handle(g->op.u.shadow_op.dirty_bitmap, bitmap);
    uint64_t start = bm_counter();
    long rc = domctl(g, XEN_DOMCTL_shadow_op);
    return rc ? -1 : (long)(bm_counter() - start);
}

bool bench_write(struct guest *g, unsigned vcpu, uint64_t from, uint64_t of, uint64_t count,
                 bool scattered)
{
    struct mailbox *m = g->mail[vcpu];
    unsigned bits = 1;
    while (1ull << bits < of)
        bits++;
    m->first = from, m->count = of, m->value = bm_counter();
    m->page[0] = count, m->page[1] = scattered, m->page[2] = bits;
    return bench_order(g, vcpu, GUEST_DIRTY);
}

static bool log_on(bool pages)
{
    cursor = 0;
    bool ok = bench_guest(&first, 1, LOG_MIB, pages) &&
              bench_shadow(&first, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY) >= 0;
    bench_shadow(&first, XEN_DOMCTL_SHADOW_OP_CLEAN);
    return ok;
}
static bool log_pages(void) { return log_on(true); }
static bool log_blocks(void) { return log_on(false); }

/* Time of writes to clean pages, less the same loop over the then dirty pages. */
static uint64_t run_write_fault(unsigned times)
{
    bench_write(&first, 0, cursor, times, times, false);
    cursor += times;
    return first.mail[0]->result[0] - first.mail[0]->result[1];
}

/* Read and clean 512 dirty pages whose leaves are in one table. */
static uint64_t run_get_clear(unsigned times)
{
    uint64_t ticks = 0;
    for (unsigned i = 0; i < times; i++) {
        bench_write(&first, 0, 2048, 512, 512, false);
        ticks += (uint64_t)bench_shadow(&first, XEN_DOMCTL_SHADOW_OP_CLEAN);
    }
    return ticks;
}

static bool log_nothing(void)
{
    bool ok = log_pages();
    guest_forget(&first);
    bench_shadow(&first, XEN_DOMCTL_SHADOW_OP_CLEAN);
    return ok;
}

static uint64_t run_get_clear_clean(unsigned times)
{
    uint64_t ticks = 0;
    for (unsigned i = 0; i < times; i++)
        ticks += (uint64_t)bench_shadow(&first, XEN_DOMCTL_SHADOW_OP_CLEAN);
    return ticks;
}

static void drop_forgotten(void)
{
    guest_mail(&first);
    drop_first();
}

static bool forget_blocks(void)
{
    bool ok = bench_guest(&first, 1, LOG_MIB, false);
    guest_forget(&first);
    return ok;
}

static uint64_t run_enable(unsigned times)
{
    uint64_t ticks = 0;
    for (unsigned i = 0; i < times; i++) {
        ticks += (uint64_t)bench_shadow(&first, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY);
        bench_shadow(&first, XEN_DOMCTL_SHADOW_OP_OFF);
    }
    return ticks;
}

static bool pages_guest(void) { return bench_guest(&first, 1, LOG_MIB, true); }

/* Measured at EL2: debug key L prints the result. */
static uint64_t run_lookup(unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        bm_debug_key('L');
    return 0;
}

const struct bench_work bench_guest_works[] = {
    { "sgi", make_pair, run_sgi, finish_sgi, 512, 8 },
    { "event", make_pair, run_event, finish_event, 512, 8 },
    { "context-switch", make_yielding_pair, run_switch, drop_first, 1000, 8 },
    { "context-switch-domains", make_two_guests, run_switch, drop_both, 1000, 8 },
    { "mmio-hit", make_hit, read_emulated, drop_first, 200, 8 },
    { "mmio-empty", make_empty, read_emulated, drop_first, 200, 8 },
    { "write-fault", log_pages, run_write_fault, drop_first, 8192, 8 },
    { "write-fault-block", log_blocks, run_write_fault, drop_first, 8192, 8 },
    { "get-clear-512", log_pages, run_get_clear, drop_first, 8, 1 },
    { "get-clear-clean", log_nothing, run_get_clear_clean, drop_forgotten, 8, 1 },
    { "leaf-lookup", pages_guest, run_lookup, drop_first, 1, 1 },
    { "enable-blocks", forget_blocks, run_enable, drop_forgotten, 8, 1 },
};
const unsigned bench_guest_work_count = ARRAY_SIZE(bench_guest_works);
