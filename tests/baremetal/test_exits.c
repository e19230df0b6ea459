/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counts exits to the hypervisor per event: an interrupt, a timer tick, an event channel, a
 * sleeping guest.  Masking, acknowledging, ending and prioritising interrupts must cause none.
 * Prints `count NAME N`, N exits per event.
 */
#include "bm.h"
#include <xen/memory.h>

#define TIMES       200u
#define RTC         0x09010000ul /* PL031 of QEMU's virt board */
#define RTC_INTID   34u
#define EVENT_INTID 31u

static struct shared_info *shared;
static unsigned received;

static uint64_t total(const struct bm_counters *c, unsigned who)
{
    uint64_t n = 0;
    for (unsigned kind = 0; kind < BM_EXIT_COUNT; kind++)
        n += c->exits[kind][who];
    return n;
}

static void count(const char *name, bool (*run)(unsigned times), unsigned times, unsigned want)
{
    static struct bm_counters c[3];
    bool ok = run(2); /* one-time exits happen here */
    bm_counters(&c[0]);
    bm_counters(&c[1]);
    ok = run(times) && ok;
    bm_counters(&c[2]);
    uint64_t exits = total(&c[2], 0) - total(&c[1], 0) - (total(&c[1], 0) - total(&c[0], 0)),
             hundredths = exits * 100 / times;
    bm_print("count %s %ju.%02ju\n", name, hundredths / 100, hundredths % 100);
    bm_check(ok, "exits: each event comes", "%s", name);
    if (!bm_is_icount()) /* on a slow emulator interrupts come at other times */
        return;
    bm_check(exits * 100 <= (uint64_t)want * times, "exits: no more than there must be",
             "%s: %ju for %u", name, exits, times);
    for (unsigned kind = 0; exits * 100 > (uint64_t)want * times && kind < BM_EXIT_COUNT; kind++)
        bm_print("# kind %u: %u\n", kind, c[2].exits[kind][0] - c[1].exits[kind][0]);
}

static bool until(volatile uint32_t *counter, uint32_t value)
{
    uint64_t end = bm_counter() + bm_counter_hz();
    while (*counter != value)
        if (bm_counter() > end)
            return false;
    return true;
}

static bool sgi(unsigned times)
{
    bool ok = true;
    for (unsigned i = 0; i < times; i++) {
        uint32_t want = bm_irq_count[3] + 1;
        gic_sgi(0, 3);
        ok = ok && until(&bm_irq_count[3], want);
    }
    return ok;
}

/* An alarm at the present second fires at once.  The RTC belongs to this domain, so access to its
 * registers causes no exit. */
static bool spi(unsigned times)
{
    bool ok = true;
    for (unsigned i = 0; i < times; i++) {
        uint32_t want = bm_irq_count[RTC_INTID] + 1;
        mmio_write(RTC + 4, mmio_read(RTC));
        ok = ok && until(&bm_irq_count[RTC_INTID], want);
    }
    return ok;
}

static bool tick(unsigned times)
{
    uint32_t want = bm_irq_count[27] + times;
    gic_tick(bm_counter_hz() / 20000);
    while (bm_irq_count[27] < want)
        ;
    gic_tick(0);
    return true;
}

static bool idle_tick(unsigned times)
{
    uint32_t want = bm_irq_count[27] + times;
    gic_tick(bm_counter_hz() / 2000);
    while (bm_irq_count[27] < want)
        wait_for_interrupt();
    gic_tick(0);
    return true;
}

/* Use the priority mask, the running and pending registers, a spurious acknowledge, and
 * PSTATE.I. */
static bool mask_and_look(unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        irq_off();
        gic_look_around();
        irq_on();
    }
    return true;
}

/* Clear the flag, then the selector, then the port, in the order that a guest of the 2-level ABI
 * uses. */
static void take_events(void)
{
    struct vcpu_info *info = &shared->vcpu_info[0];
    __atomic_store_n(&info->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST);
    uint64_t words = __atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    for (; words; words &= words - 1) {
        unsigned w = (unsigned)__builtin_ctzll(words);
        uint64_t bits = __atomic_load_n(&shared->evtchn_pending[w], __ATOMIC_SEQ_CST) &
                        ~__atomic_load_n(&shared->evtchn_mask[w], __ATOMIC_SEQ_CST);
        __atomic_fetch_and(&shared->evtchn_pending[w], ~bits, __ATOMIC_SEQ_CST);
        for (; bits; bits &= bits - 1)
            received++;
    }
}
static void hook(uint32_t intid)
{
    if (intid == EVENT_INTID)
        take_events();
    else if (intid == RTC_INTID)
        mmio_write(RTC + 0x1c, 1); /* RTCICR */
}

static uint32_t ports[2];
static bool event(unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        uint32_t want = received + 1;
        evtchn_send_t s = { .port = ports[0] };
        if (hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &s) || !until(&received, want))
            return false;
    }
    return true;
}

/* Mask, unmask and poll event channels while no event comes. */
static bool event_masks(unsigned times)
{
    uint64_t seen = 0;
    for (unsigned i = 0; i < times; i++) {
        __atomic_fetch_or(&shared->evtchn_mask[ports[1] / 64], 1ull << ports[1] % 64,
                          __ATOMIC_SEQ_CST);
        seen |= __atomic_load_n(&shared->evtchn_pending[ports[1] / 64], __ATOMIC_SEQ_CST) &
                1ull << ports[1] % 64;
        __atomic_fetch_and(&shared->evtchn_mask[ports[1] / 64], ~(1ull << ports[1] % 64),
                           __ATOMIC_SEQ_CST);
    }
    return !seen;
}

/* Connect a port of this domain to another port of this domain. */
static bool connect(void)
{
    evtchn_alloc_unbound_t u = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
    if (hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &u))
        return false;
    evtchn_bind_interdomain_t b = { .remote_dom = DOMID_SELF, .remote_port = u.port };
    if (hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, &b))
        return false;
    ports[0] = b.local_port, ports[1] = u.port;
    shared = bm_shared();
    if (!shared)
        return false;
    __atomic_fetch_and(&shared->evtchn_mask[ports[1] / 64], ~(1ull << ports[1] % 64),
                       __ATOMIC_SEQ_CST);
    take_events();
    return true;
}

static bool sleep_a_second(unsigned times)
{
    (void)times;
    uint32_t want = bm_irq_count[27] + 1;
    gic_tick(bm_counter_hz());
    while (bm_irq_count[27] < want)
        wait_for_interrupt();
    gic_tick(0);
    return true;
}

/* Exits of a guest in WFI without any wake-up. */
static void guest_asleep(void)
{
    static struct bm_counters before, after;
    struct guest g;
    if (!guest_make(&g, 1, 16))
        return;
    guest_start(&g);
    guest_run(&g, 0, GUEST_IDLE);
    guest_order(&g, 0, GUEST_SLEEP);
    sleep_a_second(1);
    bm_counters(&before);
    sleep_a_second(1);
    bm_counters(&after);
    uint64_t exits = total(&after, 1) - total(&before, 1);
    bm_print("count idle-guest-second %ju\n", exits);
    bm_check(exits == 0, "exits: a guest asleep stays asleep", "%ju", exits);
    guest_destroy(&g);
}

void test_exits(void)
{
    bm_irq_hook = hook;
    gic_enable(0, 3, 0x80);
    gic_enable(0, 27, 0x80);
    gic_enable(0, RTC_INTID, 0x80);
    irq_on();
    count("sgi", sgi, TIMES, 100);
    mmio_write(RTC + 0x1c, 1);
    mmio_write(RTC + 0x10, 1); /* RTCIMSC */
    count("spi", spi, TIMES, 100);
    mmio_write(RTC + 0x10, 0);
    /* 101: one more tick may come while the counters are read */
    count("timer-tick", tick, TIMES, 101);
    count("idle-timer-tick", idle_tick, TIMES, 101);
    count("mask-and-look", mask_and_look, TIMES, 0);
    CHECK("exits: event channel to itself", connect());
    gic_enable(0, EVENT_INTID, 0x80);
    count("event", event, TIMES, 100);
    count("event-masks", event_masks, TIMES, 0);
    count("idle-second", sleep_a_second, 1, 100);
    guest_asleep();
    gic_disable(0, EVENT_INTID);
    bm_irq_hook = NULL;
}
