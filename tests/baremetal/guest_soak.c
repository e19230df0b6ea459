/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's side of the soak: each vCPU numbers its writes and stores the number in its own word
 * of a random page. */
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

/* The hypervisor writes to this area whenever the vCPU is scheduled in or out. */
GUEST static void register_runstate(struct soak_order *o, uint64_t id)
{
    o->runstate.addr.p = (uintptr_t)data_page(16 * id) + SOAK_RUNSTATE;
    guest_hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, id,
                    (unsigned long)&o->runstate, 0);
}

/* Other vCPUs on the same CPU would cause switches, which flush the TLB.  So some vCPUs turn off,
 * and the remaining ones keep their TLB entries. */
GUEST static void go_to_sleep(struct soak_order *o)
{
    o->asleep = 1;
    guest_psci(PSCI_CPU_OFF, 0, 0, 0);
}

GUEST static void wake_all(struct soak_order *o)
{
    o->wake = 0;
    for (unsigned id = 1; id < 8; id++) /* fails for a vCPU that is on or absent */
        guest_psci(PSCI_CPU_ON, id, GUEST_RAM, id);
}

/* Two writes with nothing after them: a log that misses either of them cannot be saved by a later
 * write. */
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
        /* earlier writes come before the acknowledgement, later ones obey the new order */
        barrier();
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
        /* An emulated page: the hypervisor finds its leaf as it finds those of RAM. */
        if (written % 128 == 0 && *gicd_typer != typer)
            o->wrong++;
        for (uint64_t i = o->delay; i; i--)
            nop();
    }
}
