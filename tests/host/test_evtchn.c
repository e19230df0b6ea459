/* SPDX-License-Identifier: BSD-2-Clause */
// link: @world @mem @evtchn @grant xen-lite/call/evtchn_op.c
// libs: -lcmocka
/* Event channels through the hypercall. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <threads.h>
#include <cmocka.h>
#include "world.h"
#include <xen/hvm/params.h>
#include "records.h"

static int start(void **state)
{
    (void)state;
    world_start();
    return 0;
}
static int end(void **state)
{
    (void)state;
    world_end();
    return 0;
}

static bool pending(unsigned dom, uint32_t port)
{
    return bit_test(world[dom]->shared_info->evtchn_pending, port);
}
static void mask(unsigned dom, uint32_t port)
{
    bit_set(world[dom]->shared_info->evtchn_mask, port);
}
/* The steps of a guest's event handler. */
static void take(unsigned dom, unsigned vcpu)
{
    world[dom]->vcpu[vcpu]->info->evtchn_upcall_pending = 0;
    world[dom]->vcpu[vcpu]->info->evtchn_pending_sel = 0;
    memset(world[dom]->shared_info->evtchn_pending, 0,
           sizeof(world[dom]->shared_info->evtchn_pending));
}

static long alloc_unbound(domid_t dom, domid_t remote, uint32_t *port)
{
    struct evtchn_alloc_unbound op = { .dom = dom, .remote_dom = remote };
    long rc = do_event_channel_op(EVTCHNOP_alloc_unbound, gva(&op));
    *port = op.port;
    return rc;
}
static long bind(domid_t dom, uint32_t rport, uint32_t *port)
{
    struct evtchn_bind_interdomain op = { .remote_dom = dom, .remote_port = rport };
    long rc = do_event_channel_op(EVTCHNOP_bind_interdomain, gva(&op));
    *port = op.local_port;
    return rc;
}
static long on_port(int cmd, uint32_t port) { return do_event_channel_op(cmd, gva(&port)); }
static long status(domid_t dom, uint32_t port, struct evtchn_status *s)
{
    *s = (struct evtchn_status){ .dom = dom, .port = port, .status = 99 };
    return do_event_channel_op(EVTCHNOP_status, gva(s));
}
static uint32_t status_of(domid_t dom, uint32_t port)
{
    struct evtchn_status s;
    assert_int_equal(status(dom, port, &s), 0);
    return s.status;
}
static long bind_vcpu(uint32_t port, uint32_t vcpu)
{
    struct evtchn_bind_vcpu op = { .port = port, .vcpu = vcpu };
    return do_event_channel_op(EVTCHNOP_bind_vcpu, gva(&op));
}
static long bind_virq(uint32_t virq, uint32_t vcpu, uint32_t *port)
{
    struct evtchn_bind_virq op = { .virq = virq, .vcpu = vcpu };
    long rc = do_event_channel_op(EVTCHNOP_bind_virq, gva(&op));
    *port = op.port;
    return rc;
}
/* As the tools do: allocate a port in guest 1 for dom0, and bind it in dom0. */
static void connect_01(uint32_t *guest_port, uint32_t *dom0_port)
{
    world_be(0, 0);
    assert_int_equal(alloc_unbound(1, 0, guest_port), 0);
    assert_int_equal(bind(1, *guest_port, dom0_port), 0);
}

static void channel_between_domains(void **state)
{
    uint32_t gp, hp;
    struct evtchn_status s;
    (void)state;

    connect_01(&gp, &hp);
    assert_int_equal(gp, 1);     /* the lowest port: the guest is told this number at build time */
    assert_true(pending(0, hp)); /* binding raises an event on the binder's port */
    assert_int_equal(world_injected[0][0], 1);
    assert_false(pending(1, gp));
    assert_int_equal(status(1, gp, &s), 0);
    assert_int_equal(s.status, EVTCHNSTAT_interdomain);
    assert_int_equal(s.u.interdomain.dom, 0);
    assert_int_equal(s.u.interdomain.port, hp);

    assert_int_equal(on_port(EVTCHNOP_send, hp), 0);
    assert_true(pending(1, gp));
    assert_int_equal(world[1]->vcpu[0]->info->evtchn_pending_sel, 1);
    assert_int_equal(world[1]->vcpu[0]->info->evtchn_upcall_pending, 1);
    assert_true(evtchn_vcpu_pending(world[1]->vcpu[0]));
    assert_int_equal(world_injected[1][0], 1);
    assert_int_equal(on_port(EVTCHNOP_send, hp), 0); /* pending already: no second interrupt */
    assert_int_equal(world_injected[1][0], 1);

    take(1, 0);
    world_be(1, 0);
    assert_int_equal(bind_vcpu(gp, 1), 0);
    world_be(0, 0);
    assert_int_equal(on_port(EVTCHNOP_send, hp), 0);
    assert_int_equal(world_injected[1][1], 1);
    assert_int_equal(world[1]->refs, 2);
    assert_int_equal(on_port(EVTCHNOP_close, hp), 0);
    assert_int_equal(world[1]->refs, 1);
    assert_int_equal(status_of(1, gp), EVTCHNSTAT_unbound);
    assert_int_equal(status_of(0, hp), EVTCHNSTAT_closed);
    assert_false(pending(0, hp));
    world_be(1, 0);
    assert_int_equal(on_port(EVTCHNOP_send, gp), 0); /* no peer: dropped */
    world_be(0, 0);
    assert_int_equal(bind(1, gp, &hp), 0); /* and bound again */
}

static void channel_to_itself(void **state)
{
    uint32_t a, b;
    (void)state;
    world_be(1, 0);
    assert_int_equal(alloc_unbound(DOMID_SELF, DOMID_SELF, &a), 0);
    assert_int_equal(bind(DOMID_SELF, a, &b), 0);
    assert_int_equal(on_port(EVTCHNOP_send, b), 0);
    assert_true(pending(1, a));
    assert_int_equal(on_port(EVTCHNOP_close, a), 0);
    assert_int_equal(status_of(1, b), EVTCHNSTAT_unbound);
    assert_int_equal(on_port(EVTCHNOP_close, b), 0);
    assert_int_equal(world[1]->refs, 1);
}

static void wrong_arguments_refused(void **state)
{
    uint32_t gp, hp, port;
    struct evtchn_status s;
    struct evtchn_bind_ipi ipi = { .vcpu = 2 };
    (void)state;

    connect_01(&gp, &hp);
    assert_int_equal(alloc_unbound(77, 0, &port), -XEN_ESRCH);
    assert_int_equal(alloc_unbound(1, 77, &port), -XEN_ESRCH);
    assert_int_equal(bind(77, 1, &port), -XEN_ESRCH);
    assert_int_equal(bind(1, gp, &port), -XEN_EINVAL); /* bound already */
    assert_int_equal(bind(1, 4095, &port), -XEN_EINVAL);
    assert_int_equal(status(0, 4095, &s), -XEN_EINVAL);
    assert_int_equal(status(77, 1, &s), -XEN_ESRCH);
    assert_int_equal(status_of(0, 0), EVTCHNSTAT_closed); /* reserved */
    assert_int_equal(on_port(EVTCHNOP_close, 0), -XEN_EINVAL);
    assert_int_equal(on_port(EVTCHNOP_close, 100), -XEN_EINVAL);
    assert_int_equal(on_port(EVTCHNOP_close, ~0u), -XEN_EINVAL);
    assert_int_equal(on_port(EVTCHNOP_send, 0), -XEN_EINVAL);
    assert_int_equal(on_port(EVTCHNOP_send, 100), -XEN_EINVAL);
    assert_int_equal(on_port(EVTCHNOP_send, 4096), -XEN_EINVAL);
    assert_int_equal(on_port(EVTCHNOP_unmask, 4096), -XEN_EINVAL);
    assert_int_equal(bind_vcpu(hp, 2), -XEN_ENOENT);
    assert_int_equal(bind_vcpu(100, 0), -XEN_EINVAL);
    assert_int_equal(bind_virq(NR_VIRQS, 0, &port), -XEN_EINVAL);
    assert_int_equal(bind_virq(VIRQ_DOM_EXC, 1, &port), -XEN_EINVAL);
    assert_int_equal(bind_virq(VIRQ_TIMER, 2, &port), -XEN_ENOENT);
    assert_int_equal(do_event_channel_op(EVTCHNOP_bind_ipi, gva(&ipi)), -XEN_ENOENT);
    for (int cmd = EVTCHNOP_bind_interdomain; cmd <= EVTCHNOP_reset; cmd++)
        assert_int_equal(do_event_channel_op(cmd, 16), -XEN_EFAULT);
    struct evtchn_bind_pirq pirq = { .pirq = 5 };
    assert_int_equal(do_event_channel_op(EVTCHNOP_bind_pirq, gva(&pirq)), -XEN_ENOMEM);
    pirq.pirq = 1100;
    assert_int_equal(do_event_channel_op(EVTCHNOP_bind_pirq, gva(&pirq)), -XEN_EINVAL);
    for (int cmd = EVTCHNOP_init_control; cmd < 20; cmd++) /* so that guests use the 2-level ABI */
        assert_int_equal(do_event_channel_op(cmd, gva(&ipi)), -XEN_ENOSYS);
    assert_int_equal(do_event_channel_op(-1, gva(&ipi)), -XEN_ENOSYS);

    world_be(2, 0); /* a guest and another guest's ports */
    assert_int_equal(alloc_unbound(1, 2, &port), -XEN_EPERM);
    assert_int_equal(status(1, gp, &s), -XEN_EPERM);
    assert_int_equal(bind(1, gp, &port), -XEN_EINVAL);
    struct evtchn_reset reset = { .dom = 1 };
    assert_int_equal(do_event_channel_op(EVTCHNOP_reset, gva(&reset)), -XEN_EPERM);
    assert_int_equal(alloc_unbound(2, 0, &port), 0); /* its own domain id */
}

/* Guests may connect to the control domain, not to each other.  The control domain may allocate a
 * port between two guests, but they cannot bind it. */
static void guests_cannot_connect(void **state)
{
    uint32_t gp, port;
    (void)state;

    world_be(2, 0);
    assert_int_equal(alloc_unbound(DOMID_SELF, 1, &port), -XEN_EPERM);
    world_be(0, 0);
    assert_int_equal(alloc_unbound(1, 2, &gp), 0);
    world_be(2, 0);
    assert_int_equal(bind(1, gp, &port), -XEN_EPERM);
}

static void virq_and_ipi(void **state)
{
    uint32_t timer0, timer1, exc, port;
    struct evtchn_bind_ipi ipi = { .vcpu = 1 };
    (void)state;

    assert_int_equal(bind_virq(VIRQ_TIMER, 0, &timer0), 0);
    assert_int_equal(bind_virq(VIRQ_TIMER, 1, &timer1), 0);
    assert_int_equal(bind_virq(VIRQ_TIMER, 1, &port), -XEN_EEXIST);
    assert_int_equal(bind_virq(VIRQ_DOM_EXC, 0, &exc), 0);
    evtchn_send_virq(world[0]->vcpu[1], VIRQ_TIMER);
    assert_true(pending(0, timer1));
    assert_false(pending(0, timer0));
    assert_int_equal(world_injected[0][1], 1);
    evtchn_send_virq(world[0]->vcpu[0], VIRQ_DEBUG); /* not bound: nothing */
    assert_int_equal(bind_vcpu(timer0, 1), -XEN_EINVAL);
    assert_int_equal(bind_vcpu(exc, 1), 0); /* global VIRQs may move to another vCPU */
    take(0, 1);
    evtchn_send_global_virq(VIRQ_DOM_EXC);
    assert_true(pending(0, exc));
    assert_int_equal(world_injected[0][1], 2);
    assert_int_equal(on_port(EVTCHNOP_send, exc), -XEN_EINVAL);
    assert_int_equal(on_port(EVTCHNOP_close, exc), 0);
    evtchn_send_global_virq(VIRQ_DOM_EXC);
    assert_false(pending(0, exc));
    assert_int_equal(bind_virq(VIRQ_DOM_EXC, 0, &port), 0);
    assert_int_equal(port, exc); /* the lowest free port again */
    assert_int_equal(on_port(EVTCHNOP_close, timer1), 0);
    assert_int_equal(bind_virq(VIRQ_TIMER, 1, &port), 0);

    take(0, 1);
    assert_int_equal(do_event_channel_op(EVTCHNOP_bind_ipi, gva(&ipi)), 0);
    assert_int_equal(on_port(EVTCHNOP_send, ipi.port), 0);
    assert_true(pending(0, ipi.port));
    assert_int_equal(world_injected[0][1], 3);
    assert_int_equal(bind_vcpu(ipi.port, 0), -XEN_EINVAL);
}

static void masked_and_polled_ports(void **state)
{
    uint32_t gp, hp;
    (void)state;

    connect_01(&gp, &hp);
    mask(1, gp);
    assert_int_equal(on_port(EVTCHNOP_send, hp), 0);
    assert_true(pending(1, gp));
    assert_int_equal(world[1]->vcpu[0]->info->evtchn_pending_sel, 0);
    assert_int_equal(world_injected[1][0], 0);
    world_be(1, 0);
    assert_int_equal(on_port(EVTCHNOP_unmask, gp), 0);
    assert_int_equal(world[1]->vcpu[0]->info->evtchn_pending_sel, 1);
    assert_int_equal(world_injected[1][0], 1);
    assert_int_equal(on_port(EVTCHNOP_unmask, gp), 0); /* was not masked: no event */
    assert_int_equal(world_injected[1][0], 1);

    /* A polling vCPU is woken by a masked port too, but only by the port that it polls. */
    take(1, 0);
    mask(1, gp);
    world[1]->vcpu[1]->poll_mask = true;
    world[1]->vcpu[1]->poll_port = gp + 1;
    world_be(0, 0);
    on_port(EVTCHNOP_send, hp);
    assert_true(world[1]->vcpu[1]->poll_mask);
    take(1, 0);
    world[1]->vcpu[1]->poll_port = gp;
    on_port(EVTCHNOP_send, hp);
    assert_false(world[1]->vcpu[1]->poll_mask);
    take(1, 0);
    world[1]->vcpu[1]->poll_mask = true;
    world[1]->vcpu[1]->poll_port = 0; /* polls several ports */
    on_port(EVTCHNOP_send, hp);
    assert_false(world[1]->vcpu[1]->poll_mask);
}

static void events_mark_dirty(void **state)
{
    uint32_t gp, hp;
    (void)state;

    connect_01(&gp, &hp);
    world[1]->shared_ipa = GFN(20);
    world[1]->vcpu[0]->info_ipa = IPA(21 * PAGE_SIZE + 64);
    on_port(EVTCHNOP_send, hp);
    assert_int_equal(world_dirty[1][20] + world_dirty[1][21], 0); /* logging is off */
    take(1, 0);
    world[1]->p2m.logging = true;
    on_port(EVTCHNOP_send, hp);
    assert_true(world_dirty[1][20] && world_dirty[1][21]);
    memset(world_dirty, 0, sizeof(world_dirty));
    on_port(EVTCHNOP_send, hp); /* no change */
    assert_int_equal(world_dirty[1][20] + world_dirty[1][21], 0);
    take(1, 0);
    mask(1, gp);
    on_port(EVTCHNOP_send, hp);
    assert_true(world_dirty[1][20] && !world_dirty[1][21]);
    memset(world_dirty, 0, sizeof(world_dirty));
    world_be(1, 0);
    on_port(EVTCHNOP_close, gp); /* clears the pending bit */
    assert_true(world_dirty[1][20]);
    world[1]->p2m.logging = false;
}

static void port_numbers_and_reset(void **state)
{
    uint32_t port, first = 0;
    (void)state;

    world_be(1, 0);
    for (unsigned i = 1; i < EVTCHN_PORTS; i++) {
        assert_int_equal(alloc_unbound(DOMID_SELF, 0, &port), 0);
        assert_int_equal(port, i);
    }
    assert_int_equal(alloc_unbound(DOMID_SELF, 0, &first), -XEN_ENOSPC);
    assert_int_equal(on_port(EVTCHNOP_close, 2000), 0);
    assert_int_equal(alloc_unbound(DOMID_SELF, 0, &port), 0);
    assert_int_equal(port, 2000);
    struct evtchn_reset reset = { .dom = DOMID_SELF };
    unsigned restarts = 0;
    fake_preempt = true; /* preempted at every check */
    while (do_event_channel_op(EVTCHNOP_reset, gva(&reset)) == -XEN_ERESTART)
        restarts++;
    fake_preempt = false;
    assert_int_equal(restarts, EVTCHN_PORTS / 64 - 1);
    for (unsigned i = 1; i < EVTCHN_PORTS; i++)
        assert_int_equal(status_of(DOMID_SELF, i), EVTCHNSTAT_closed);
    assert_int_equal(alloc_unbound(DOMID_SELF, 0, &port), 0);
    assert_int_equal(port, 1);
    /* starts again from the first port */
    assert_int_equal(do_event_channel_op(EVTCHNOP_reset, gva(&reset)), 0);
    assert_int_equal(status_of(DOMID_SELF, 1), EVTCHNSTAT_closed);

    world_be(0, 0);
    reset.dom = 1;
    /* the vCPU runs */
    assert_int_equal(do_event_channel_op(EVTCHNOP_reset, gva(&reset)), -XEN_EINVAL);
    world[1]->controller_paused = 1;
    assert_int_equal(do_event_channel_op(EVTCHNOP_reset, gva(&reset)), 0);
}

static void port_limit(void **state)
{
    uint32_t port;
    (void)state;
    world[2]->evtchn.max_port = 3;
    world_be(2, 0);
    for (unsigned i = 1; i <= 3; i++)
        assert_int_equal(alloc_unbound(DOMID_SELF, 0, &port), 0);
    assert_int_equal(alloc_unbound(DOMID_SELF, 0, &port), -XEN_ENOSPC);
}

static void channel_to_the_hypervisor(void **state)
{
    uint32_t gp, hp;
    (void)state;

    assert_int_equal(evtchn_alloc_consumer(world[1], 0, EVTCHN_CONSUMER_VUART, &gp), 0);
    assert_int_equal(bind(1, gp, &hp), 0);
    assert_int_equal(on_port(EVTCHNOP_send, hp), 0);
    assert_int_equal(world_vuart_events, 1);
    assert_false(pending(1, gp));
    take(0, 0);
    evtchn_notify_port(world[1], gp);
    assert_true(pending(0, hp));
    world_be(1, 0); /* the guest cannot use it */
    assert_int_equal(on_port(EVTCHNOP_send, gp), -XEN_EINVAL);
    assert_int_equal(on_port(EVTCHNOP_close, gp), -XEN_EINVAL);
    assert_int_equal(bind_vcpu(gp, 1), -XEN_EINVAL);
    struct evtchn_reset reset = { .dom = DOMID_SELF };
    assert_int_equal(do_event_channel_op(EVTCHNOP_reset, gva(&reset)), 0);
    assert_int_equal(status_of(DOMID_SELF, gp), EVTCHNSTAT_interdomain);
}

static void peer_destroyed(void **state)
{
    uint32_t gp, hp, port;
    (void)state;

    connect_01(&gp, &hp);
    world_kill(1);
    assert_int_equal(status_of(0, hp), EVTCHNSTAT_unbound);
    assert_int_equal(on_port(EVTCHNOP_send, hp), 0);
    assert_int_equal(alloc_unbound(1, 0, &port), -XEN_EINVAL);
    assert_int_equal(bind(1, gp, &port), -XEN_EINVAL);
    assert_int_equal(world[1]->refs, 1);
}

static void records_of_ports(void **state)
{
    struct xlr_evtchn_port kept[8];
    uint32_t store, console, other, hp;
    (void)state;

    connect_01(&store, &hp);
    assert_int_equal(alloc_unbound(1, 0, &console), 0);
    connect_01(&other, &hp);
    world[1]->hvm_param[HVM_PARAM_STORE_EVTCHN] = store;
    world[1]->hvm_param[HVM_PARAM_CONSOLE_EVTCHN] = console;
    world_be(1, 0);
    bind_vcpu(store, 1);
    assert_int_equal(evtchn_get(world[1], kept, 8), 2);
    assert_int_equal(kept[0].port, store);
    assert_int_equal(kept[0].state, EVTCHNSTAT_interdomain);
    assert_int_equal(kept[0].vcpu, 1);
    assert_int_equal(kept[1].state, EVTCHNSTAT_unbound);

    world_be(0, 0);
    assert_int_equal(evtchn_check(world[2], kept, 2), -XEN_EINVAL); /* not open yet */
    assert_int_equal(alloc_unbound(2, 0, &store), 0);
    assert_int_equal(alloc_unbound(2, 0, &console), 0);
    assert_int_equal(evtchn_check(world[2], kept, 2), 0);
    kept[0].vcpu = 2;
    assert_int_equal(evtchn_check(world[2], kept, 2), -XEN_EINVAL);
    kept[0].vcpu = 1;
    kept[0].port = 0;
    assert_int_equal(evtchn_check(world[2], kept, 2), -XEN_EINVAL);
    kept[0].port = store;
    memset(world[2]->shared_info->evtchn_pending, 0xff,
           sizeof(world[2]->shared_info->evtchn_pending));
    world_be(2, 0);
    bind_vcpu(store, 1);
    world_be(0, 0);
    evtchn_set(world[2], kept, 2);
    assert_int_equal(world[2]->shared_info->evtchn_pending[0], 1ull << store | 1ull << console);
    for (unsigned i = 1; i < 64; i++)
        assert_int_equal(world[2]->shared_info->evtchn_pending[i], 0);
    for (unsigned i = 0; i < 64; i++)
        assert_true(world[2]->shared_info->evtchn_mask[i] == ~0ull);
    /* No event is raised before the guest unmasks the port.  Then vCPU 0 gets it, to whichever vCPU
     * the port was bound. */
    assert_int_equal(world_injected[2][0] + world_injected[2][1], 0);
    world_be(2, 0);
    assert_int_equal(on_port(EVTCHNOP_unmask, store), 0);
    assert_int_equal(world_injected[2][0], 1);
    assert_int_equal(world_injected[2][1], 0);
    evtchn_upcall(world[2]->vcpu[0]);
    assert_int_equal(world_injected[2][0], 2);
    evtchn_upcall(world[2]->vcpu[1]);
    assert_int_equal(world_injected[2][1], 0);
}

/* Both ends close, bind and send at the same time: no deadlock, and no lost reference (world_end
 * checks). */
static int stir(void *arg)
{
    unsigned dom = *(unsigned *)arg, peer = 3 - dom;
    uint32_t seed = dom * 7919u;

    fake_cpu_set(dom - 1);
    world_be(dom, 0);
    for (unsigned i = 0; i < 40000; i++) {
        uint32_t port;
        seed = seed * 1664525u + 1013904223u;
        uint32_t which = 1 + (seed >> 20) % 6;
        switch ((seed >> 28) % 4) {
        case 0: evtchn_alloc_unbound(world[dom], (domid_t)peer, &port); break;
        case 1: evtchn_bind_interdomain(world[dom], (domid_t)peer, which, &port); break;
        case 2: evtchn_send(world[dom], which); break;
        default: evtchn_close(world[dom], which, true); break;
        }
    }
    return 0;
}
static void ends_race(void **state)
{
    thrd_t t[2];
    unsigned id[2] = { 1, 2 };
    (void)state;
    world[1]->privileged = world[2]->privileged = true;
    for (unsigned i = 0; i < 2; i++)
        thrd_create(&t[i], stir, &id[i]);
    for (unsigned i = 0; i < 2; i++)
        thrd_join(t[i], NULL);
    world_be(0, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(channel_between_domains),
        TEST(channel_to_itself),
        TEST(wrong_arguments_refused),
        TEST(guests_cannot_connect),
        TEST(virq_and_ipi),
        TEST(masked_and_polled_ports),
        TEST(events_mark_dirty),
        TEST(port_numbers_and_reset),
        TEST(port_limit),
        TEST(channel_to_the_hypervisor),
        TEST(peer_destroyed),
        TEST(records_of_ports),
        TEST(ends_race),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
