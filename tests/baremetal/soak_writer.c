/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The soak's second CPU.  The control domain writes to the guest's pages through mappings other
 * than the guest's own, as back ends and tools do, while the first CPU harvests.  It uses a foreign
 * mapping, kept for several rounds or not; a mapped grant; and a grant copy, which the hypervisor
 * writes.  Each of the three has its own number and its own word of the page.  Grant reference
 * FIRST_REF + n is page n.
 */
#include "soak.h"

#define TIMER_PPI       27u
#define FIRST_REF       8u /* the tools use the first ones */
#define ENTRIES_A_FRAME (PAGE / sizeof(grant_entry_v1_t))

uint64_t soak_writes[SOAK_SLOTS];

static struct soak *target;
static struct soak_order order; /* sequence, acked and hole_* mean the same as a vCPU's */
static volatile bool hold, held, rest;
static uint64_t seed;

static void yield(void) { hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL); }

/* Sleeps instead of yielding: every switch of guests on a CPU flushes its TLB in the emulator, and
 * that would hide stale entries. */
static void doze(void)
{
    irq_off();
    virtual_timer_start(bm_counter_hz() / 1000);
    wait_for_interrupt();
    irq_on();
}

static void write_number(volatile uint64_t *page, unsigned slot)
{
    page[slot] = ++soak_writes[slot];
}

static void foreign(uint64_t page)
{
    if (!soak_map(target, SPACE_WRITER, page, 1))
        return;
    for (uint64_t n = bm_random(&seed) % 8; n; n--) {
        write_number((uint64_t *)SPACE_WRITER, SLOT_FOREIGN);
        if (n > 4)
            yield(); /* the mapping stays for several rounds */
    }
    soak_unmap(SPACE_WRITER, 1);
}

static void granted_map(uint64_t page)
{
    struct gnttab_map_grant_ref m = { .host_addr = SPACE_WRITER,
                                      .flags = GNTMAP_host_map,
                                      .ref = (grant_ref_t)(FIRST_REF + page),
                                      .dom = target->g.id };
    if (hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, &m, 1ul) || m.status)
        return;
    for (uint64_t n = bm_random(&seed) % 4; n; n--)
        write_number((uint64_t *)SPACE_WRITER, SLOT_GRANT);
    struct gnttab_unmap_grant_ref u = { .host_addr = SPACE_WRITER, .handle = m.handle };
    hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, &u, 1ul);
}

static void granted_copy(uint64_t page)
{
    static uint64_t number __attribute__((aligned(8)));
    number = soak_writes[SLOT_COPY] + 1;
    struct gnttab_copy c = { .source.u.gmfn = (uintptr_t)&number / PAGE,
                             .source.domid = DOMID_SELF,
                             .source.offset = (uint16_t)((uintptr_t)&number % PAGE),
                             .dest.u.ref = (grant_ref_t)(FIRST_REF + page),
                             .dest.domid = target->g.id,
                             .dest.offset = SLOT_COPY * 8,
                             .len = 8,
                             .flags = GNTCOPY_dest_gref };
    if (!hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_copy, &c, 1ul) && c.status == GNTST_okay)
        soak_writes[SLOT_COPY]++;
}

static void work(void)
{
    gic_enable(1, TIMER_PPI, 0x80);
    for (;;) {
        uint64_t sequence = order.sequence;
        barrier();
        order.acked = sequence;
        held = hold;
        if (held || rest) {
            doze();
            continue;
        }
        uint64_t page = bm_random(&seed) % order.data_pages & ~8ul;
        if (soak_in_hole(&order, page))
            continue;
        switch (bm_random(&seed) % 4) {
        case 0: foreign(page); break;
        case 1: granted_map(page); break;
        default: granted_copy(page);
        }
        if (bm_random(&seed) % 32 == 0)
            yield();
    }
}

/* Fill the guest's grant table as the tools do: grant every shared page. */
static bool grant_all(struct soak *s)
{
    unsigned frames = (unsigned)((FIRST_REF + s->data_pages + ENTRIES_A_FRAME - 1) /
                                 ENTRIES_A_FRAME);
    xen_pfn_t gpfn = SPACE_WRITER / PAGE + 1;
    volatile grant_entry_v1_t *entries = (void *)(uintptr_t)(gpfn * PAGE);
    for (unsigned frame = 0; frame < frames; frame++) {
        struct xen_mem_acquire_resource a = { .domid = s->g.id,
                                              .type = XENMEM_resource_grant_table,
                                              .frame = frame,
                                              .nr_frames = 1,
                                              .id = XENMEM_resource_grant_table_id_shared };
        set_xen_guest_handle(a.frame_list, &gpfn);
        if (hypercall(__HYPERVISOR_memory_op, XENMEM_acquire_resource, &a))
            return false;
        for (uint64_t i = 0; i < ENTRIES_A_FRAME; i++) {
            uint64_t ref = frame * ENTRIES_A_FRAME + i;
            if (ref < FIRST_REF || soak_private(ref - FIRST_REF))
                continue;
            entries[i].domid = 0;
            entries[i].frame = (uint32_t)soak_gfn(ref - FIRST_REF);
            barrier();
            entries[i].flags = GTF_permit_access;
        }
        soak_unmap(gpfn * PAGE, 1);
    }
    return true;
}

bool soak_writer_start(struct soak *s)
{
    target = s;
    seed = soak_seed ^ 0x5ead;
    hold = true;
    order.data_pages = s->data_pages;
    bm_secondary_work = work;
    s->writer = grant_all(s) && bm_second_cpu();
    return s->writer;
}

void soak_writer_hold(bool on)
{
    __atomic_store_n(&hold, on, __ATOMIC_RELEASE);
    while (__atomic_load_n(&held, __ATOMIC_ACQUIRE) != on)
        yield();
}

void soak_writer_rest(bool on) { rest = on; }

void soak_writer_order(uint64_t hole_first, uint64_t hole_pages)
{
    order.hole_first = hole_first;
    order.hole_pages = hole_pages;
    barrier();
    order.sequence++;
    while (order.acked != order.sequence)
        yield();
}
