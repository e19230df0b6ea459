/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's side of test_routes.c and test_vmids.c: single accesses, hypercalls, its MMU. */
#include "guest_code.h"

GUEST static void route_hypercall(struct mailbox *m)
{
    m->result[0] = (uint64_t)guest_hypercall(m->page[0], m->page[1], m->page[2], m->page[3],
                                             m->page[4]);
}

GUEST static void route_load(struct mailbox *m)
{
    m->result[0] = m->count == 4 ? *(volatile uint32_t *)(uintptr_t)m->first
                                 : *(volatile uint64_t *)(uintptr_t)m->first;
}

GUEST static void route_store(struct mailbox *m)
{
    if (m->count == 4)
        *(volatile uint32_t *)(uintptr_t)m->first = (uint32_t)m->value;
    else
        *(volatile uint64_t *)(uintptr_t)m->first = m->value;
}

GUEST static void route_poke(struct mailbox *m)
{
    for (uint64_t i = 0; i < m->count; i++)
        ((volatile uint64_t *)(uintptr_t)m->first)[i] = m->page[GUEST_BLOCK + i];
}

/* One access through the stage-1 tables at `value`: a store if `count` is not 0, else a load.  The
 * hardware manages the access and dirty flags of those tables. */
GUEST static void route_walk(struct mailbox *m)
{
    uint64_t at = m->first, word = 0, off = stage1_on(m->value);
    if (m->count)
        *(volatile uint64_t *)(uintptr_t)at = 1;
    else
        word = *(volatile uint64_t *)(uintptr_t)at;
    stage1_off(off);
    m->result[0] = word;
}

/* Give a page back and take another one at the same address.  Returns 0 if the new page
 * is zeroed. */
GUEST static uint64_t exchange_page(struct mailbox *m, uint64_t n)
{
    uint64_t self = (uintptr_t)m, wrong;
    struct xen_memory_reservation *r = (struct xen_memory_reservation *)&m->page[GUEST_BLOCK];
    m->page[0] = (uintptr_t)data_page(n) / PAGE;
    r->extent_start.q = self + offsetof(struct mailbox, page);
    r->nr_extents = 1, r->extent_order = 0, r->mem_flags = 0, r->domid = DOMID_SELF;
    wrong = guest_hypercall(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, (uintptr_t)r, 0,
                            0) != 1;
    while (guest_hypercall(__HYPERVISOR_memory_op, XENMEM_populate_physmap, (uintptr_t)r, 0, 0) !=
           1)
        ;
    for (unsigned i = 0; i < PAGE / 8; i += 32)
        wrong += data_page(n)[i] != 0;
    return wrong;
}

/* Write values to pages and check them until `seed` is `value`.  Every turn exchanges one page and
 * lets other vCPUs run. */
GUEST static void route_watch(struct mailbox *m)
{
    uint64_t wrong = 0, turns = 0;
    for (uint64_t i = 0; i < m->count; i++)
        *data_page(i) = m->value + i;
    do {
        guest_hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0);
        for (uint64_t i = 0; i < m->count; i++)
            wrong += *data_page(i) != m->value + i;
        uint64_t n = remainder_of(turns, m->count);
        wrong += exchange_page(m, n);
        *data_page(n) = m->value + n;
        m->result[0] = wrong;
        m->result[1] = ++turns;
    } while (m->seed != m->value);
}

GUEST void guest_routes(struct mailbox *m, uint64_t command)
{
    if (command == GUEST_HYPERCALL)
        route_hypercall(m);
    else if (command == GUEST_LOAD)
        route_load(m);
    else if (command == GUEST_STORE)
        route_store(m);
    else if (command == GUEST_POKE)
        route_poke(m);
    else if (command == GUEST_WALK)
        route_walk(m);
    else if (command == GUEST_WATCH)
        route_watch(m);
}
