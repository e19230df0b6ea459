/* SPDX-License-Identifier: BSD-2-Clause */
/* The soak's part inside the guest: each vCPU numbers its writes, and writes the number into its
 * word of a random page. */
#include "guest_code.h"
#include "soak.h"

GUEST static uint64_t random_page(const struct soak_order *o, uint64_t id, uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    uint64_t page = remainder_of(o->base + remainder_of(*seed, o->pages) * o->stride,
                                 o->data_pages);
    return soak_private(page) ? (page & ~7ul) | id : page;
}

/* The hypervisor writes there whenever this vCPU comes or goes. */
GUEST static void register_runstate(struct soak_order *o, uint64_t id)
{
    o->runstate.addr.p = (uintptr_t)data_page(16 * id) + SOAK_RUNSTATE;
    guest_hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, id,
                    (unsigned long)&o->runstate, 0);
}

/* A vCPU alone on its CPU keeps its TLB: with others beside it, switches would flush that. */
GUEST static void go_to_sleep(struct soak_order *o)
{
    o->asleep = 1;
    guest_psci(PSCI_CPU_OFF, 0, 0, 0);
}

GUEST static void wake_all(struct soak_order *o)
{
    o->wake = 0;
    for (unsigned id = 1; id < 8; id++) /* who is awake, or not there, says so */
        guest_psci(PSCI_CPU_ON, id, GUEST_RAM, id);
}

/* Whoever misses one of these two writes has missed it for good: nothing comes after them. */
GUEST static uint64_t fight(struct soak_order *o, uint64_t id, uint64_t written)
{
    uint64_t duel = o->duel;
    if (duel == o->fought)
        return written;
    barrier();
    data_page(o->first)[id] = ++written;
    for (uint64_t i = o->between; i; i--)
        nop();
    data_page(o->second)[id] = ++written;
    barrier();
    o->fought = duel;
    return written;
}

GUEST void guest_soak(struct mailbox *m, uint64_t id)
{
    struct soak_order *o = soak_order(m);
    const volatile uint32_t *gicd_typer = (volatile uint32_t *)(GUEST_GICV3_GICD_BASE + 4);
    uint64_t seed = m->seed + o->written, written = o->written;
    uint32_t typer = *gicd_typer;
    register_runstate(o, id);
    o->asleep = 0;
    barrier();
    while (!o->stop) {
        uint64_t sequence = o->sequence;
        barrier(); /* what was written is written, and what follows obeys the new order */
        o->acked = sequence;
        if (o->sleep)
            go_to_sleep(o);
        if (o->wake)
            wake_all(o);
        if (o->duelling) {
            written = fight(o, id, written);
            continue;
        }
        uint64_t page = random_page(o, id, &seed);
        if (!soak_in_hole(o, page))
            data_page(page)[id] = ++written;
        o->written = written;
        if (written % 128 == 0 &&
            *gicd_typer != typer) /* an emulated page: its leaf is found as others are */
            o->wrong++;
        for (uint64_t i = o->delay; i; i--)
            nop();
    }
}
