/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program in the guests: it executes the commands in its mailbox.  Position-independent,
 * without data and without calls out of its section (built with -fPIC -fno-jump-tables, placed in
 * .guest).
 */
#include "guest_code.h"

static inline void guest_idle(const struct mailbox *m)
{
    if (m->idle_ticks)
        guest_sleep(m->idle_ticks);
    else
        guest_hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0);
}

GUEST static void guest_write_set(struct mailbox *m)
{
    for (uint64_t i = 0; i < m->count; i++)
        data_page(m->page[i])[m->value & 511] = m->value + i;
}

GUEST static void guest_write_all(struct mailbox *m)
{
    for (uint64_t i = 0; i < m->count; i++)
        *data_page(m->first + i) = m->value;
}

/* Ticks for one write to each of `count` pages.  result[0]: the first write since the log was
 * cleared; result[1]: the second. */
GUEST static void guest_cost(struct mailbox *m)
{
    for (unsigned pass = 0; pass < 2; pass++) {
        uint64_t start = bm_counter();
        for (uint64_t i = 0; i < m->count; i++)
            *data_page(m->first + i) = m->value;
        m->result[pass] = bm_counter() - start;
    }
}

GUEST static void guest_check(struct mailbox *m)
{
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < m->count; i++)
        wrong += *data_page(m->first + i) != m->value;
    m->result[0] = wrong;
}

GUEST void guest_main(uint64_t id);
GUEST void guest_main(uint64_t id)
{
    struct mailbox *m = (struct mailbox *)(uintptr_t)(GUEST_RAM + GUEST_MAILS + id * PAGE);
    for (uint64_t seen = 0;;) {
        uint64_t command = *(volatile uint64_t *)&m->command;
        barrier();
        if (command == seen) {
            guest_idle(m);
            continue;
        }
        seen = command;
        if ((command & 0xff) == GUEST_WRITE_SET)
            guest_write_set(m);
        else if ((command & 0xff) == GUEST_WRITE_ALL)
            guest_write_all(m);
        else if ((command & 0xff) == GUEST_COST)
            guest_cost(m);
        else if ((command & 0xff) == GUEST_CHECK)
            guest_check(m);
        else if ((command & 0xff) == GUEST_SLEEP)
            for (;;) /* until the guest is destroyed: no interrupt is enabled */
                wait_for_interrupt();
        else if ((command & 0xff) == GUEST_SOAK)
            guest_soak(m, id);
        else if ((command & 0xff) >= GUEST_BENCH)
            guest_bench(m, id, command & 0xff);
        else
            guest_routes(m, command & 0xff);
        barrier();
        m->done = command;
    }
}
