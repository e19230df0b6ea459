/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @sched
// libs: -lcmocka
/*
 * The scheduler with real threads as CPUs.  Two run guests that block at random.  The third stands
 * for a control domain that pauses, unpauses, wakes and moves them.  A paused guest must not
 * execute, and no vCPU may be lost or run twice at the same time.
 */
#include <stdio.h>
#include <threads.h>
#include <time.h>
#include "sched_fake.h"

#define GUEST_CPUS  2u
#define CONTROL_CPU 3u
#define DOMAINS     3u
#define VCPUS       3u
#define RUN_S       2

static bool irq[MAX_CPUS], done;
static struct domain *domain[DOMAINS];
static struct vcpu_state {
    unsigned in_guest;
    uint64_t entries;
    bool event;
} of[DOMAINS][VCPUS];

uint64_t counter(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct vcpu_state *state_of(const struct vcpu *v) { return &of[v->domain->id][v->id]; }
bool evtchn_vcpu_pending(const struct vcpu *v)
{
    return __atomic_load_n(&state_of(v)->event, __ATOMIC_SEQ_CST);
}
void domain_check_shutdown(struct domain *d) { (void)d; }

static bool pending(void)
{
    return __atomic_load_n(&irq[cpu_id()], __ATOMIC_ACQUIRE) ||
           fake_timer_deadline[cpu_id()] <= counter();
}
void host_irq(void) { __atomic_store_n(&irq[cpu_id()], false, __ATOMIC_SEQ_CST); }
static void kick(unsigned cpu) { __atomic_store_n(&irq[cpu], true, __ATOMIC_SEQ_CST); }
static void wfi(void)
{
    while (!pending()) {
        if (__atomic_load_n(&done, __ATOMIC_ACQUIRE))
            thrd_exit(0);
        thrd_yield();
    }
}

static _Thread_local uint32_t seed;
static uint32_t rnd(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

/* The control thread must not see `in_guest` set after it has paused the vCPU. */
static void run_guest(struct vcpu *v)
{
    struct vcpu_state *s = state_of(v);
    if (__atomic_fetch_add(&s->in_guest, 1, __ATOMIC_SEQ_CST))
        abort(); /* on two CPUs */
    hw_count(v);
    /* The guest handles its event first.  A later event must make it run once more, whether it is
     * running or blocked then. */
    __atomic_store_n(&s->event, false, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&s->entries, 1, __ATOMIC_SEQ_CST);
    bool block = rnd(3) == 0;
    for (uint32_t n = rnd(2000); !pending() && (n || !block); n -= n != 0)
        if (!block && !n)
            thrd_yield();
    hw_count(v);
    __atomic_fetch_sub(&s->in_guest, 1, __ATOMIC_SEQ_CST);
    if (pending()) {
        host_irq();
        timer_run_expired();
    } else {
        vcpu_wait_for_interrupt(v);
    }
}

static int guest_cpu(void *arg)
{
    fake_cpu_set((unsigned)(uintptr_t)arg);
    seed = fake_cpu;
    sched_cpu_start();
    while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) { /* ended by wfi() */
        guest_prepare();
        run_guest(this_cpu()->current);
    }
    return 0;
}

static void event(struct vcpu *v)
{
    __atomic_store_n(&state_of(v)->event, true, __ATOMIC_SEQ_CST);
    vcpu_unblock(v);
}

static void check_stopped(struct domain *d)
{
    for (unsigned i = 0; i < VCPUS; i++) {
        const struct vcpu *v = d->vcpu[i];
        assert_int_equal(__atomic_load_n(&state_of(v)->in_guest, __ATOMIC_SEQ_CST), 0);
        assert_false(v->sched.running || v->sched.queued);
        assert_int_equal(v->arch.sysreg[0], v->arch.sysreg[1]); /* its state is in memory */
    }
}

static void control(void)
{
    struct domain *d = domain[rnd(DOMAINS)];
    struct vcpu *v = d->vcpu[rnd(VCPUS)];
    switch (rnd(8)) {
    case 0:
        domain_pause(d);
        check_stopped(d);
        d->vcpu[0]->arch.sysreg[0] = ++d->vcpu[0]->arch.sysreg[1]; /* changes its registers */
        thrd_yield();
        check_stopped(d);
        domain_unpause(d);
        break;
    case 1:
        vcpu_pause(v);
        assert_int_equal(v->arch.sysreg[0], v->arch.sysreg[1]);
        v->arch.sysreg[0] = ++v->arch.sysreg[1];
        vcpu_unpause(v);
        break;
    case 2: sched_set_affinity(v, 1u + rnd(3), 1u + rnd(3)); break;
    case 3:
        sched_domain_set(d, (uint16_t)(1 + rnd(1000)), (uint16_t)(rnd(2) ? 0 : 50 + rnd(100)));
        break;
    case 4: vcpu_kick(v); break;
    default: event(v); break;
    }
}

static void test_races(void **unused)
{
    (void)unused;
    thrd_t thread[GUEST_CPUS];
    fake_init(1 << 20, GUEST_CPUS);
    counter_hz = 1000000000;
    fake_on_wfi = wfi;
    fake_on_kick = kick;
    sched_init();
    fake_cpu_set(CONTROL_CPU);
    seed = 77;
    for (domid_t i = 0; i < DOMAINS; i++) {
        domain[i] = make_domain(i, VCPUS);
        for (unsigned n = 0; n < VCPUS; n++)
            domain[i]->vcpu[n]->online = true;
    }
    for (unsigned i = 0; i < GUEST_CPUS; i++)
        assert_int_equal(thrd_create(&thread[i], guest_cpu, (void *)(uintptr_t)i), thrd_success);
    while (__atomic_load_n(&cpu_count, __ATOMIC_ACQUIRE) < GUEST_CPUS)
        thrd_yield();
    for (unsigned i = 0; i < DOMAINS * VCPUS; i++)
        vcpu_wake(domain[i / VCPUS]->vcpu[i % VCPUS]);
    unsigned rounds = 0;
    for (uint64_t end = counter() + RUN_S * 1000000000ull; counter() < end; rounds++)
        control();
    /* Every vCPU still runs. */
    for (unsigned i = 0; i < DOMAINS; i++) {
        sched_domain_set(domain[i], 256, 0);
        for (unsigned n = 0; n < VCPUS; n++) {
            struct vcpu *v = domain[i]->vcpu[n];
            sched_set_affinity(v, ~0ull, ~0ull);
            uint64_t seen = __atomic_load_n(&state_of(v)->entries, __ATOMIC_RELAXED),
                     end = counter() + 20000000000ull;
            event(v);
            /* A vCPU may stay in its guest for ever: no control thread disturbs it now. */
            vcpu_kick(v);
            while (__atomic_load_n(&state_of(v)->entries, __ATOMIC_RELAXED) == seen &&
                   counter() < end)
                thrd_yield();
            assert_true(__atomic_load_n(&state_of(v)->entries, __ATOMIC_RELAXED) > seen);
        }
    }
    for (unsigned i = 0; i < DOMAINS; i++) {
        domain_pause(domain[i]);
        check_stopped(domain[i]);
    }
    __atomic_store_n(&done, true, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < GUEST_CPUS; i++)
        thrd_join(thread[i], NULL);
    assert_true(rounds > 100);
    free_domains();
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_races) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
