/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's side of bench.c.  Under the same rules as guest_code.c: no data, and no calls out of
 * the .guest section; MMU off, interrupts masked. */
#include "guest_code.h"

#define GICD GUEST_GICD_BASE
_Static_assert(GUEST_GICD_BASE == GUEST_GICV3_GICD_BASE,
               "one place for either version's distributor");
#define GICC       GUEST_GICC_BASE
#define GICR(id)   (GUEST_GICV3_GICR0_BASE + (id)*0x20000)
#define INTID(iar) ((iar)&0x3ff) /* bits 12:10 of GICC_IAR are an SGI's source CPU */
#define PPI_TIMER  27u

/* One tick is 16 instructions.  Varies the phase of each turn, because a loop of equal turns would
 * read the counter at the same point of the tick every time. */
static inline void dither(uint64_t turn)
{
    for (uint64_t n = turn * 7 & 15; n; n--)
        nop();
}

static inline bool is_gicv3(void)
{
    return ((const struct mailbox *)(uintptr_t)(GUEST_RAM + GUEST_MAILS))->gic_version == 3;
}

static inline uint32_t acknowledge(void)
{
    return is_gicv3() ? icc_acknowledge() : mmio_read(GICC + 0xc);
}
static inline void end_of_interrupt(uint32_t iar)
{
    if (is_gicv3())
        icc_end(iar);
    else
        mmio_write(GICC + 0x10, iar);
}

/* Enable two SGIs, the timer and event channels.  PSTATE keeps them masked: WFI also ends on a
 * masked pending interrupt. */
GUEST static void gic_on(uint64_t id)
{
    if (!is_gicv3()) {
        mmio_write(GICD, 1);
        mmio_write(GICD + 0x100, 1u << GUEST_EVTCHN_PPI | 1u << PPI_TIMER | 3);
        mmio_write(GICC + 4, 0xf0);
        mmio_write(GICC, 1);
        return;
    }
    mmio_write(GICD, 0x12);
    mmio_write(GICR(id) + 0x14, mmio_read(GICR(id) + 0x14) & ~2u);
    mmio_write(GICR(id) + 0x10080, ~0u);
    mmio_write(GICR(id) + 0x10100, 1u << GUEST_EVTCHN_PPI | 1u << PPI_TIMER | 3);
    icc_start(0xf0);
}

/* Sleep until an interrupt comes, and acknowledge it. */
static inline uint32_t next_interrupt(void)
{
    uint32_t iar;
    while (INTID(iar = acknowledge()) >= 1020)
        wait_for_interrupt();
    return iar;
}

GUEST void guest_sleep(uint64_t ticks)
{
    virtual_timer_start(ticks);
    uint32_t iar = next_interrupt();
    virtual_timer_stop();
    end_of_interrupt(iar);
}

/* SGI 0 */
static inline void send_sgi(uint64_t vcpu)
{
    if (is_gicv3()) {
        icc_send(1ull << vcpu);
    } else {
        barrier();
        mmio_write(GICD + 0xf00, 1u << (16 + vcpu));
    }
}

static inline void send_event(uint32_t port)
{
    evtchn_send_t send = { .port = port };
    guest_hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (uintptr_t)&send, 0, 0);
}

/* Clear the events of all ports; only one port is in use. */
static inline void clear_events(uint64_t id)
{
    volatile struct vcpu_info *info =
        (volatile struct vcpu_info *)(uintptr_t)(GUEST_RAM + GUEST_INFO + id * sizeof(*info));
    info->evtchn_upcall_pending = 0;
    info->evtchn_pending_sel = 0;
    ((volatile struct shared_info *)GUEST_SHARED)->evtchn_pending[0] = 0;
}

/* Register the vCPU's vcpu_info.  The hypervisor raises an event in response, which is consumed
 * here. */
GUEST static void events_on(uint64_t id)
{
    vcpu_register_vcpu_info_t r = { .mfn = (GUEST_RAM + GUEST_INFO) / PAGE,
                                    .offset = (uint32_t)(id * sizeof(struct vcpu_info)) };
    guest_hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, id, (uintptr_t)&r, 0);
    for (uint32_t iar; INTID(iar = acknowledge()) < 1020;) {
        clear_events(id);
        end_of_interrupt(iar);
    }
}

static inline uint32_t bind_event(uint32_t vcpu)
{
    evtchn_bind_ipi_t bind = { .vcpu = vcpu };
    guest_hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, (uintptr_t)&bind, 0, 0);
    return bind.port;
}

/* The other side of GUEST_SGI and GUEST_EVENT: note the time of the interrupt, then
 * send one back. */
GUEST static void answer(struct mailbox *m, uint64_t id)
{
    for (uint64_t i = 0; i < m->count; i++) {
        uint32_t iar = next_interrupt();
        m->seed = guest_ticks();
        if (INTID(iar) == GUEST_EVTCHN_PPI)
            clear_events(id);
        end_of_interrupt(iar);
        if (INTID(iar) == GUEST_EVTCHN_PPI)
            send_event((uint32_t)m->value);
        else
            send_sgi(id ^ 1);
    }
}

/* Send to the other vCPU and wait for its answer.  result[0]: ticks to send; result[1]: ticks from
 * the send until the other vCPU has acknowledged it. */
GUEST static void ask(struct mailbox *m, uint64_t id, bool event)
{
    struct mailbox *other = (struct mailbox *)(uintptr_t)(GUEST_RAM + GUEST_MAILS +
                                                          (id ^ 1) * PAGE);
    m->result[0] = m->result[1] = 0;
    if (event && !m->value) {
        m->value = bind_event((uint32_t)id ^ 1);
        other->value = bind_event((uint32_t)id);
    }
    for (uint64_t i = 0; i < m->count; i++) {
        dither(i);
        uint64_t start = guest_ticks();
        if (event)
            send_event((uint32_t)m->value);
        else
            send_sgi(id ^ 1);
        m->result[0] += guest_ticks() - start;
        uint32_t iar = next_interrupt();
        m->result[1] += other->seed - start;
        if (event)
            clear_events(id);
        end_of_interrupt(iar);
    }
}

GUEST static void yield(struct mailbox *m)
{
    uint64_t start = guest_ticks();
    for (uint64_t i = 0; i < m->count; i++)
        guest_hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0);
    m->result[0] = guest_ticks() - start;
}

/* Read a register in each of `count` pages, the first at `value`, `seed` times over.  result[0]:
 * ticks of it all. */
GUEST static void read_pages(struct mailbox *m)
{
    uint64_t start = guest_ticks();
    for (uint64_t turn = 0; turn < m->seed; turn++)
        for (uint64_t i = 0; i < m->count; i++)
            (void)mmio_read(m->value + i * PAGE);
    m->result[0] = guest_ticks() - start;
}

/* The i-th of 2^bits numbers in scrambled order.  Each step is invertible, so no number repeats. */
static inline uint64_t scatter(uint64_t i, unsigned bits)
{
    uint64_t mask = (1ull << bits) - 1;
    i = i * 0x9e3779b97f4a7c15ull & mask;
    i ^= i >> (bits / 2 + 1);
    i = i * 0xd1342543de82ef95ull & mask;
    return i ^ i >> (bits / 2 + 1);
}

static inline uint64_t write_pages(const struct mailbox *m)
{
    uint64_t start = guest_ticks(), first = m->first, value = m->value, left = m->page[0];
    if (!m->page[1]) {
        for (uint64_t i = 0; i < left; i++)
            *data_page(first + i) = value;
        return guest_ticks() - start;
    }
    for (uint64_t i = 0; left; i++) {
        uint64_t n = scatter(i, (unsigned)m->page[2]);
        if (n >= m->count)
            continue;
        *data_page(first + n) = value;
        left--;
    }
    return guest_ticks() - start;
}

/* Write to page[0] of the `count` pages from `first`: in order, or scattered if page[1] is set.
 * Done twice: result[0] and result[1] are the ticks. */
GUEST static void dirty(struct mailbox *m)
{
    for (unsigned pass = 0; pass < 2; pass++)
        m->result[pass] = write_pages(m);
}

/* Write until the command changes. */
GUEST static void keep_writing(struct mailbox *m, uint64_t command)
{
    m->result[0] = 0;
    while ((m->command & 0xff) == command) {
        *data_page(m->first + remainder_of(m->result[0], m->count)) = m->result[0];
        m->result[0]++;
    }
}

GUEST void guest_bench(struct mailbox *m, uint64_t id, uint64_t command)
{
    if (command == GUEST_GIC) {
        gic_on(id);
        events_on(id);
    } else if (command == GUEST_DIRTY) {
        dirty(m);
    } else if (command == GUEST_YIELD) {
        yield(m);
    } else if (command == GUEST_SGI || command == GUEST_EVENT) {
        ask(m, id, command == GUEST_EVENT);
    } else if (command == GUEST_ANSWER) {
        answer(m, id);
    } else if (command == GUEST_READ) {
        read_pages(m);
    } else if (command == GUEST_KEEP_WRITING) {
        keep_writing(m, command);
    }
}
