/* SPDX-License-Identifier: BSD-2-Clause */
/* The soak's part inside the guest: each vCPU numbers its writes, and writes the number into its word of a random page. */
#include "guest_code.h"
#include "soak.h"

GUEST static uint64_t random_page(const struct soak_order *o, uint64_t id, uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    uint64_t page = (o->base + *seed % o->pages * o->stride) % o->data_pages;
    return soak_private(page) ? (page & ~7ul) | id : page;
}

/* The hypervisor writes there whenever this vCPU comes or goes. */
GUEST static void register_runstate(struct soak_order *o, uint64_t id)
{
    o->runstate.addr.p = (uint64_t)data_page(16 * id) + SOAK_RUNSTATE;
    guest_hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, id, (unsigned long)&o->runstate);
}

GUEST void guest_soak(struct mailbox *m, uint64_t id)
{
    struct soak_order *o = soak_order(m);
    uint64_t seed = m->seed, written = 0;
    register_runstate(o, id);
    while (!o->stop) {
        uint64_t sequence = o->sequence;
        guest_barrier();                            /* what was written is written, and what follows obeys the new order */
        o->acked = sequence;
        uint64_t page = random_page(o, id, &seed);
        if (!soak_in_hole(o, page))
            data_page(page)[id] = ++written;
        o->written = written;
        for (uint64_t i = o->delay; i; i--)
            __asm__ volatile("nop");
    }
}
