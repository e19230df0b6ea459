/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @sched
// libs: -lcmocka
/*
 * The scheduler on a simulated machine.  Each CPU is a coroutine that runs guest_prepare() and
 * "guests".  Virtual time jumps from event to event.  Guests compute all the time, or for a part of
 * each period.
 */
#include <stdio.h>
#include <ucontext.h>
#include "sched_fake.h"
#include <xen/errno.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>

#define MS        1000000ull
#define NEVER     (~0ull)
#define CPU_STACK (256u << 10)
#define LOADS     64u

static struct sim_cpu {
    ucontext_t context;
    char *stack;
    bool interrupted;   /* an inter-processor interrupt is pending */
    struct vcpu *guest; /* this guest is running since: */
    uint64_t since;
    unsigned resumes;
} sim[MAX_CPUS];
static ucontext_t simulator;
static unsigned sim_cpus;

static struct load {
    struct vcpu *v;
    uint64_t burst, period; /* ns; period 0: computes for ever, or yields after each burst */
    uint64_t left, wake_at, latency_max, waiting_since, rounds;
    bool yields;
} load[LOADS];
static unsigned load_count;

static uint64_t now(void) { return fake_counter; }
static struct load *load_of(const struct vcpu *v)
{
    for (unsigned i = 0; i < load_count; i++)
        if (load[i].v == v)
            return &load[i];
    return NULL;
}

/* ---- the machine ---- */

bool evtchn_vcpu_pending(const struct vcpu *v)
{
    (void)v;
    return false;
}
void domain_check_shutdown(struct domain *d) { (void)d; }
void host_irq(void) { sim[cpu_id()].interrupted = false; }

static void to_simulator(void)
{
    unsigned me = fake_cpu;
    swapcontext(&sim[me].context, &simulator);
}
static void wfi(void) { to_simulator(); }
static void kick(unsigned cpu) { sim[cpu].interrupted = true; }

static void run_guest(struct vcpu *v)
{
    struct sim_cpu *c = &sim[fake_cpu];
    struct load *l = load_of(v);
    assert_true(v->sched.affinity >> fake_cpu & 1);
    assert_true(v->sched.running && v->sched.cpu == (int)fake_cpu);
    hw_count(v);
    if (l->waiting_since != NEVER) {
        l->latency_max = MAX(l->latency_max, now() - l->waiting_since);
        l->waiting_since = NEVER;
    }
    c->guest = v;
    c->since = now();
    to_simulator();
    c->guest = NULL;
    l->left -= MIN(l->left, now() - c->since);
    host_irq();
    timer_run_expired();
    if (l->period && !l->left) {
        l->rounds++;
        l->left = l->burst;
        l->wake_at = MAX(l->wake_at + l->period, now() + 1);
        vcpu_wait_for_interrupt(v);
    } else if (l->yields && !l->left) {
        l->left = l->burst;
        vcpu_yield(v);
    }
}

static void cpu_main(void)
{
    sched_cpu_start();
    for (;;) {
        guest_prepare();
        run_guest(this_cpu()->current);
    }
}

static void resume(unsigned cpu)
{
    fake_cpu_set(cpu);
    sim[cpu].resumes++;
    swapcontext(&simulator, &sim[cpu].context);
}

static void make_coroutine(struct sim_cpu *c)
{
    getcontext(&c->context);
    c->context.uc_stack.ss_sp = c->stack;
    c->context.uc_stack.ss_size = CPU_STACK;
    makecontext(&c->context, cpu_main, 0);
}

static void machine(unsigned cpu_total)
{
    fake_init(1 << 20, cpu_total);
    free_domains();
    fake_counter_step = 0;
    counter_hz = 1000000000;
    fake_on_wfi = wfi;
    fake_on_kick = kick;
    load_count = 0;
    sim_cpus = cpu_total;
    memset(hw, 0, sizeof(hw));
    memset(hw_owner, 0, sizeof(hw_owner));
    memset(live, 0, sizeof(live));
    sched_tunables = (struct sched_tunables){ 5000, 1000, 1000 };
    sched_init();
    for (unsigned i = 0; i < cpu_total; i++) {
        sim[i] = (struct sim_cpu){ .stack = sim[i].stack ? sim[i].stack : malloc(CPU_STACK) };
        make_coroutine(&sim[i]);
        resume(i);
    }
    assert_int_equal(cpu_count, cpu_total);
}

/* An interrupt for v arrives, on the CPU where v ran last. */
static void interrupt(struct vcpu *v)
{
    unsigned cpu = v->sched.cpu >= 0 ? (unsigned)v->sched.cpu : 0;
    fake_cpu_set(cpu);
    vcpu_unblock(v);
    sim[cpu].interrupted = true;
}

static uint64_t next_event(uint64_t end)
{
    uint64_t at = end;
    for (unsigned i = 0; i < sim_cpus; i++) {
        struct load *l = sim[i].guest ? load_of(sim[i].guest) : NULL;
        if (sim[i].interrupted)
            return now();
        at = MIN(at, fake_timer_deadline[i]);
        if (l && (l->period || l->yields))
            at = MIN(at, sim[i].since + l->left);
    }
    for (unsigned i = 0; i < load_count; i++)
        if (load[i].period && load[i].v->blocked)
            at = MIN(at, load[i].wake_at);
    return MAX(at, now());
}

static bool due(unsigned cpu)
{
    const struct load *l = sim[cpu].guest ? load_of(sim[cpu].guest) : NULL;
    return sim[cpu].interrupted || fake_timer_deadline[cpu] <= now() ||
           (l && (l->period || l->yields) && sim[cpu].since + l->left <= now());
}

static void run_for(uint64_t ns)
{
    uint64_t end = now() + ns;
    for (;;) {
        fake_counter = next_event(end);
        bool any = false;
        for (unsigned i = 0; i < load_count; i++)
            if (load[i].period && load[i].v->blocked && load[i].wake_at <= now()) {
                load[i].waiting_since = now();
                interrupt(load[i].v);
                any = true;
            }
        for (unsigned i = 0; i < sim_cpus; i++)
            while (due(i)) {
                resume(i);
                any = true;
            }
        if (!any && now() >= end)
            return;
    }
}

static struct load *start(struct vcpu *v, uint64_t burst, uint64_t period)
{
    struct load *l = &load[load_count++];
    *l = (struct load){ .v = v,
                        .burst = burst,
                        .period = period,
                        .left = burst,
                        .wake_at = now(),
                        .waiting_since = NEVER };
    v->online = true;
    fake_cpu_set(0);
    vcpu_wake(v);
    sim[0].interrupted = true;
    return l;
}

static struct vcpu *hog(domid_t id, unsigned weight)
{
    struct domain *d = make_domain(id, 1);
    d->sched.weight = (uint16_t)weight;
    start(d->vcpu[0], 0, 0);
    return d->vcpu[0];
}

static uint64_t before[LOADS];
static void measure(uint64_t ns)
{
    for (unsigned i = 0; i < load_count; i++)
        before[i] = vcpu_run_ns(load[i].v);
    run_for(ns);
}
/* The guest's share of one CPU during measure(ns), in per mille. */
static int share(unsigned n, uint64_t ns)
{
    return (int)((vcpu_run_ns(load[n].v) - before[n]) * 1000 / ns);
}

static void about(int value, int expect, int tolerance)
{
    if (value < expect - tolerance || value > expect + tolerance)
        fail_msg("%d is not within %d of %d", value, tolerance, expect);
}

/* ---- tests ---- */

static void test_weights_one_cpu(void **state)
{
    (void)state;
    machine(1);
    static const unsigned weight[] = { 256, 512, 128, 1024, 64 };
    for (domid_t i = 0; i < 5; i++)
        hog(i, weight[i]);
    run_for(500 * MS);
    measure(20000 * MS);
    for (unsigned i = 0; i < 5; i++)
        about(share(i, 20000 * MS), (int)(weight[i] * 1000 / (256 + 512 + 128 + 1024 + 64)), 5);
}

static void test_more_vcpus_than_cpus(void **state)
{
    (void)state;
    machine(2);
    for (domid_t i = 0; i < 3; i++)
        hog(i, 256);
    run_for(200 * MS);
    measure(10000 * MS);
    for (unsigned i = 0; i < 3; i++)
        about(share(i, 10000 * MS), 667, 15);
    machine(8);
    for (domid_t i = 0; i < 20; i++)
        hog(i, i < 10 ? 256 : 512);
    run_for(500 * MS);
    measure(20000 * MS);
    for (unsigned i = 0; i < 20; i++)
        about(share(i, 20000 * MS), i < 10 ? 267 : 533, 16);
}

/* A weight that one CPU cannot satisfy leaves the rest to the other guests, in proportion to their
 * weights. */
static void test_unsatisfiable_weight(void **state)
{
    (void)state;
    machine(2);
    hog(0, 4096);
    hog(1, 256);
    hog(2, 256);
    run_for(500 * MS);
    measure(5000 * MS);
    about(share(0, 5000 * MS), 1000, 10);
    about(share(1, 5000 * MS), 500, 15);
    about(share(2, 5000 * MS), 500, 15);
}

static void test_work_conserving(void **state)
{
    (void)state;
    machine(4);
    for (domid_t i = 0; i < 5; i++)
        hog(i, 256);
    struct domain *d = make_domain(9, 4);
    for (unsigned i = 0; i < 4; i++)
        start(d->vcpu[i], (i + 1) * MS, 7 * MS);
    run_for(100 * MS);
    uint64_t idle = 0;
    for (unsigned i = 0; i < 4; i++)
        idle -= cpu_idle_ns(i);
    measure(5000 * MS);
    for (unsigned i = 0; i < 4; i++)
        idle += cpu_idle_ns(i);
    assert_int_equal(idle, 0); /* a vCPU always waits, so no CPU is ever idle */
}

static void test_pinned(void **state)
{
    (void)state;
    machine(2);
    struct vcpu *a = hog(0, 256), *b = hog(1, 256);
    sched_set_affinity(a, 1, ~0ull);
    sched_set_affinity(b, 1, ~0ull);
    hog(2, 256);
    run_for(100 * MS);
    measure(5000 * MS);
    about(share(0, 5000 * MS), 500, 15);
    about(share(1, 5000 * MS), 500, 15);
    about(share(2, 5000 * MS), 1000, 10);
    /* The vCPU alone on its CPU has had twice the share of the others all the time.  It must not
     * pay for that when it gets a rival ... */
    hog(3, 256);
    measure(200 * MS);
    about(share(2, 200 * MS), 500, 80);
    /* ... and it moves when its CPU is taken away.  Two CPUs, four vCPUs: */
    sched_set_affinity(a, 3, ~0ull);
    sched_set_affinity(b, 2, ~0ull);
    run_for(100 * MS);
    measure(5000 * MS);
    for (unsigned i = 0; i < 4; i++)
        about(share(i, 5000 * MS), 500, 30);
}

static void test_soft_affinity(void **state)
{
    (void)state;
    machine(4);
    struct vcpu *v = make_domain(0, 1)->vcpu[0];
    sched_set_affinity(v, ~0ull, 1u << 3);
    start(v, MS, 10 * MS);
    run_for(500 * MS);
    assert_int_equal(v->sched.cpu, 3);
    sched_set_affinity(v, 7, 1u << 3); /* an impossible soft affinity is ignored */
    run_for(500 * MS);
    assert_true(v->sched.cpu < 3);
}

static void test_caps_kept(void **state)
{
    (void)state;
    machine(4);
    struct domain *d = make_domain(0, 4);
    for (unsigned i = 0; i < 4; i++)
        start(d->vcpu[i], 0, 0);
    static const uint16_t cap[] = { 25, 1, 100, 150, 390, 50 };
    for (unsigned n = 0; n < ARRAY_SIZE(cap); n++) {
        sched_domain_set(d, 256, cap[n]);
        run_for(300 * MS);
        measure(6000 * MS);
        about(share(0, 6000 * MS) + share(1, 6000 * MS) + share(2, 6000 * MS) + share(3, 6000 * MS),
              cap[n] * 10, MAX(cap[n] / 4, 3));
    }
    sched_domain_set(d, 256, 0);
    run_for(100 * MS);
    measure(1000 * MS);
    for (unsigned i = 0; i < 4; i++)
        about(share(i, 1000 * MS), 1000, 1);
}

/* Time that a capped domain may not use goes to the others.  A cap above its fair share has no
 * effect. */
static void test_cap_and_weight(void **state)
{
    (void)state;
    machine(1);
    struct vcpu *capped = hog(0, 1024);
    hog(1, 256);
    hog(2, 256);
    sched_domain_set(capped->domain, 1024, 20);
    run_for(300 * MS);
    measure(6000 * MS);
    about(share(0, 6000 * MS), 200, 10);
    about(share(1, 6000 * MS), 400, 15);
    sched_domain_set(capped->domain, 256, 60);
    run_for(300 * MS);
    measure(6000 * MS);
    for (unsigned i = 0; i < 3; i++)
        about(share(i, 6000 * MS), 333, 15);
}

static void test_wake_latency(void **state)
{
    (void)state;
    for (unsigned hogs = 0; hogs <= 5; hogs++) {
        machine(1);
        for (domid_t i = 0; i < hogs; i++)
            hog(i, 256);
        struct load *l = start(make_domain(50, 1)->vcpu[0], MS / 2, 20 * MS);
        run_for(100 * MS);
        l->latency_max = 0;
        l->rounds = 0;
        measure(4000 * MS);
        assert_true(l->rounds >= 199);
        if (l->latency_max > (hogs ? 1 * MS : 0))
            fail_msg("%u hogs: a vCPU that uses 2.5 %% waited %llu us", hogs,
                     (unsigned long long)l->latency_max / 1000);
    }
}

/* Preemption is bounded: many waking vCPUs cannot make a CPU switch more often than the rate limit
 * allows. */
static void test_rate_limit(void **state)
{
    (void)state;
    machine(1);
    struct vcpu *v = hog(0, 256);
    struct domain *d = make_domain(1, 8);
    for (unsigned i = 0; i < 8; i++)
        start(d->vcpu[i], 20000, 400000 + 13 * i);
    run_for(100 * MS);
    unsigned saves = v->arch.saves;
    measure(1000 * MS);
    assert_true(v->arch.saves - saves <= 1000);
    /* they request 40 %, and wait for their turns */
    assert_true(share(0, 1000 * MS) >= 500 && share(0, 1000 * MS) <= 850);
}

static void test_idle_cpus_sleep(void **state)
{
    (void)state;
    machine(2);
    unsigned resumes = sim[0].resumes + sim[1].resumes;
    run_for(10000 * MS);
    /* an idle machine has no wake-ups */
    assert_int_equal(sim[0].resumes + sim[1].resumes, resumes);
    assert_int_equal(cpu_idle_ns(0), 10000 * MS);
    hog(0, 256);
    hog(1, 256);
    run_for(10 * MS);
    resumes = sim[0].resumes + sim[1].resumes;
    run_for(10000 * MS);
    /* no vCPU waits: no scheduler timer */
    assert_int_equal(sim[0].resumes + sim[1].resumes, resumes);
    assert_int_equal(fake_timer_deadline[0], NEVER);
    assert_int_equal(fake_timer_deadline[1], NEVER);
    about((int)(cpu_idle_ns(0) / MS), 10000, 1);
}

/* A vCPU returns to a CPU that no other vCPU used meanwhile: saved each time, loaded once. */
static void test_reload_skipped(void **state)
{
    (void)state;
    machine(2);
    struct vcpu *v = make_domain(0, 1)->vcpu[0];
    start(v, MS, 5 * MS);
    run_for(1000 * MS);
    assert_int_equal(v->arch.loads, 1);
    assert_true(v->arch.saves >= 199);
    run_for(2 * MS); /* blocked */
    fake_cpu_set(1);
    vcpu_pause(v);
    v->arch.sysreg[0] = v->arch.sysreg[1] = 1000000; /* another CPU sets its context meanwhile */
    vcpu_unpause(v);
    run_for(100 * MS);
    assert_int_equal(v->arch.loads, 2);
    assert_true(v->arch.sysreg[1] > 1000000);
    hog(1, 256); /* two vCPUs on two CPUs: no preemption needed */
    run_for(1000 * MS);
    assert_true(v->arch.loads <= 4);
}

static void test_paused_vcpu_does_not_run(void **state)
{
    (void)state;
    machine(1);
    struct vcpu *a = hog(0, 256);
    hog(1, 256);
    run_for(50 * MS);
    fake_cpu_set(1); /* a call from outside the simulated CPUs */
    a->pause_count++;
    a->domain->pause_count++;
    vcpu_sleep(a);
    measure(1000 * MS);
    assert_int_equal(share(0, 1000 * MS), 0);
    assert_int_equal(share(1, 1000 * MS), 1000);
    assert_int_equal(a->runstate.state, RUNSTATE_offline);
    vcpu_unpause(a);
    run_for(10 * MS);
    assert_false(a->sched.running || a->sched.queued);
    fake_cpu_set(1);
    domain_unpause(a->domain);
    measure(1000 * MS);
    about(share(0, 1000 * MS), 500, 20); /* it is not compensated for its absence */
    if (setjmp(fake_panic_jmp) == 0) {
        fake_panic_armed = true;
        vcpu_unpause(a);
        fail();
    }
    a->pause_count = 0;
}

static void test_yielding_vcpu_not_starved(void **state)
{
    (void)state;
    machine(1);
    struct vcpu *a = hog(0, 256);
    hog(1, 256);
    load[0].yields = true;
    load[0].burst = load[0].left = 200000;
    run_for(100 * MS);
    measure(1000 * MS);
    about(share(0, 1000 * MS), 200, 60); /* it yields to the others, but is not starved */
    assert_false(a->sched.yielding);
}

static void test_runstate(void **state)
{
    (void)state;
    machine(1);
    hog(0, 256);
    struct vcpu *v = make_domain(1, 1)->vcpu[0];
    uint64_t born = now();
    start(v, 2 * MS, 10 * MS);
    run_for(1000 * MS);
    struct vcpu_runstate_info r;
    sched_runstate_get(v, &r);
    assert_int_equal(r.time[0] + r.time[1] + r.time[2] + r.time[3], now() - born);
    about((int)(r.time[RUNSTATE_running] / MS), 200, 10);
    about((int)(r.time[RUNSTATE_runnable] / MS), 50, 60);
    assert_int_equal(r.time[RUNSTATE_running], vcpu_run_ns(v));
}

/* A kick of a running vCPU interrupts its CPU.  A kick of another vCPU interrupts none. */
static void test_kick_reaches_running_vcpu(void **state)
{
    (void)state;
    machine(2);
    struct vcpu *v = hog(0, 256);
    run_for(10 * MS);
    unsigned kicks = fake_kicks[v->sched.cpu];
    v->vgic.dirty = true;
    fake_cpu_set(1 - (unsigned)v->sched.cpu);
    vcpu_kick(v);
    assert_int_equal(fake_kicks[v->sched.cpu], kicks + 1);
    run_for(MS);
    assert_false(v->vgic.dirty);
    vcpu_sleep(v);
    v->online = false;
    vcpu_sleep(v);
    run_for(MS);
    kicks = fake_kicks[0] + fake_kicks[1];
    vcpu_kick(v);
    assert_int_equal(fake_kicks[0] + fake_kicks[1], kicks);
}

static uint64_t rnd(uint64_t n)
{
    return ((uint64_t)(unsigned)rand() << 20 ^ (uint64_t)(unsigned)rand()) % n;
}

/* Random operations of all kinds, for long enough that the checks in the fakes meet many
 * interleavings. */
static void test_random_operations(void **state)
{
    (void)state;
    srand(7);
    machine(3);
    struct domain *d[4];
    for (domid_t i = 0; i < 4; i++) {
        d[i] = make_domain(i, 4);
        for (unsigned n = 0; n < 4; n++)
            start(d[i]->vcpu[n], n ? (rnd(5000) + 1) * 1000 : 0, n ? 3 * MS + rnd(10 * MS) : 0);
    }
    for (unsigned i = 0; i < 4000; i++) {
        struct domain *it = d[rand() % 4];
        struct vcpu *v = it->vcpu[rand() % 4];
        fake_cpu_set((unsigned)rand() % 3);
        switch (rand() % 8) {
        case 0:
            domain_pause_nosync(it);
            run_for(rnd(2 * MS));
            fake_cpu_set(0);
            domain_unpause(it);
            break;
        case 1:
            v->pause_count++;
            vcpu_sleep(v);
            run_for(rnd(MS));
            fake_cpu_set(1);
            vcpu_unpause(v);
            break;
        case 2: sched_set_affinity(v, (uint64_t)(rand() % 7 + 1), (uint64_t)rand()); break;
        case 3:
            sched_domain_set(it, (uint16_t)(rand() % 1000 + 1),
                             (uint16_t)(rand() % 3 ? 0 : rand() % 300));
            break;
        case 4: vcpu_kick(v); break;
        case 5: interrupt(v); break;
        case 6:
            load_of(v)->yields = rand() % 2;
            load_of(v)->burst += load_of(v)->burst ? 0 : MS / 3;
            break;
        default: break;
        }
        sim[fake_cpu].interrupted = true; /* this CPU then acts on the operation */
        run_for(rnd(3 * MS));
    }
    for (unsigned i = 0; i < 4; i++) {
        sched_domain_set(d[i], 256, 0);
        for (unsigned n = 0; n < 4; n++)
            sched_set_affinity(d[i]->vcpu[n], ~0ull, ~0ull);
        for (unsigned n = 1; n < 4; n++)
            load_of(d[i]->vcpu[n])->yields = false;
        load_of(d[i]->vcpu[0])->yields = false;
    }
    run_for(300 * MS);
    measure(3000 * MS); /* no vCPU got lost: all four that always compute get equal shares */
    for (unsigned i = 0; i < 4; i++)
        about(share(i * 4, 3000 * MS), share(0, 3000 * MS), 40);
}

static void test_parameters(void **state)
{
    (void)state;
    machine(1);
    struct domain *d = make_domain(0, 1);
    struct xen_domctl_scheduler_op op = { .sched_id = XEN_SCHEDULER_CREDIT2,
                                          .cmd = XEN_DOMCTL_SCHEDOP_getinfo };
    assert_int_equal(sched_domctl(d, &op), 0);
    assert_int_equal(op.u.credit2.weight, 256);
    assert_int_equal(op.u.credit2.cap, 0);
    op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
    op.u.credit2.weight = 700;
    op.u.credit2.cap = 80;
    assert_int_equal(sched_domctl(d, &op), 0);
    op.u.credit2.weight = 0; /* unchanged */
    op.u.credit2.cap = 0xffff;
    assert_int_equal(sched_domctl(d, &op), 0);
    assert_int_equal(d->sched.weight, 700);
    assert_int_equal(d->sched.cap, 80);
    op.cmd = XEN_DOMCTL_SCHEDOP_getvcpuinfo;
    assert_int_equal(sched_domctl(d, &op), -XEN_EINVAL);
    op.sched_id = XEN_SCHEDULER_RTDS;
    op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
    assert_int_equal(sched_domctl(d, &op), -XEN_EINVAL);

    struct xen_sysctl_scheduler_op s = { .sched_id = XEN_SCHEDULER_CREDIT2,
                                         .cmd = XEN_SYSCTL_SCHEDOP_getinfo };
    assert_int_equal(sched_sysctl(&s), 0);
    assert_int_equal(s.u.sched_credit2.ratelimit_us, 1000);
    s.cmd = XEN_SYSCTL_SCHEDOP_putinfo;
    s.u.sched_credit2.ratelimit_us = 50;
    assert_int_equal(sched_sysctl(&s), -XEN_EINVAL);
    s.u.sched_credit2.ratelimit_us = 20000;
    assert_int_equal(sched_sysctl(&s), 0);
    s.sched_id = XEN_SCHEDULER_CREDIT;
    s.u.sched_credit = (struct xen_sysctl_credit_schedule){ .tslice_ms = 10,
                                                            .ratelimit_us = 2000,
                                                            .vcpu_migr_delay_us = 0 };
    assert_int_equal(sched_sysctl(&s), 0);
    s.u.sched_credit.ratelimit_us = 11000; /* longer than the slice */
    assert_int_equal(sched_sysctl(&s), -XEN_EINVAL);
    s.cpupool_id = 1;
    assert_int_equal(sched_sysctl(&s), -XEN_ESRCH);
    assert_int_equal(sched_tunables.slice_us, 10000);
    sched_dump();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_one_cpu),
        cmocka_unit_test(test_more_vcpus_than_cpus),
        cmocka_unit_test(test_unsatisfiable_weight),
        cmocka_unit_test(test_work_conserving),
        cmocka_unit_test(test_pinned),
        cmocka_unit_test(test_soft_affinity),
        cmocka_unit_test(test_caps_kept),
        cmocka_unit_test(test_cap_and_weight),
        cmocka_unit_test(test_wake_latency),
        cmocka_unit_test(test_rate_limit),
        cmocka_unit_test(test_idle_cpus_sleep),
        cmocka_unit_test(test_reload_skipped),
        cmocka_unit_test(test_paused_vcpu_does_not_run),
        cmocka_unit_test(test_yielding_vcpu_not_starved),
        cmocka_unit_test(test_runstate),
        cmocka_unit_test(test_kick_reaches_running_vcpu),
        cmocka_unit_test(test_random_operations),
        cmocka_unit_test(test_parameters),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free_domains();
    for (unsigned i = 0; i < MAX_CPUS; i++)
        free(sim[i].stack);
    return failed;
}
