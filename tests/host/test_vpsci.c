/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake xen-lite/call/vpsci.c
// libs: -lcmocka
/* PSCI and SMCCC as guests call them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "hypercall.h"
#include "domain.h"
#include "fake.h"
#include <xen/sched.h>

static struct domain dom;
static struct vcpu vcpus[3];
static struct {
    int shutdown;
    unsigned waits, sleeps, wakes, upcalls, vgic, vtimer, invalid;
} seen;

void domain_shutdown(struct domain *d, uint32_t reason)
{
    assert_ptr_equal(d, &dom);
    seen.shutdown = (int)reason;
}
void vcpu_wait_for_interrupt(struct vcpu *v)
{
    (void)v;
    seen.waits++;
}
void vcpu_sleep(struct vcpu *v)
{
    assert_false(v->online);
    seen.sleeps++;
}
void vcpu_wake(struct vcpu *v)
{
    assert_true(v->online && v->initialised && !v->blocked);
    seen.wakes++;
}
void evtchn_upcall(struct vcpu *v)
{
    (void)v;
    seen.upcalls++;
}
void vgic_vcpu_reset(struct vcpu *v)
{
    assert_false(v->online);
    seen.vgic++;
}
void vtimer_vcpu_reset(struct vcpu *v)
{
    assert_false(v->online);
    seen.vtimer++;
}
void sched_vcpu_invalidate(struct vcpu *v)
{
    assert_false(v->online);
    seen.invalid++;
}

static int start(void **state)
{
    (void)state;
    fake_init(1 << 20, 1);
    memset(&dom, 0, sizeof(dom));
    memset(vcpus, 0, sizeof(vcpus));
    memset(&seen, 0, sizeof(seen));
    seen.shutdown = -1;
    dom.max_vcpus = 3;
    for (unsigned i = 0; i < 3; i++) {
        vcpus[i].domain = &dom;
        vcpus[i].id = i;
        dom.vcpu[i] = &vcpus[i];
    }
    vcpus[0].online = true;
    return 0;
}
static int64_t call(uint32_t fn, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t *x = vcpus[0].arch.regs.x;
    x[0] = fn;
    x[1] = a;
    x[2] = b;
    x[3] = c;
    vpsci_dispatch(&vcpus[0]);
    return (int64_t)x[0];
}
static uint32_t word(unsigned n) { return (uint32_t)vcpus[0].arch.regs.x[n]; }

static void test_discovery(void **state)
{
    (void)state;
    assert_int_equal(call(0x84000000, 0, 0, 0), 0x10001);
    assert_int_equal(call(0x80000000, 0, 0, 0), 0x10001);
    static const uint32_t yes[] = { 0x84000000, 0x84000001, 0xc4000001, 0x84000002, 0x84000003,
                                    0xc4000003, 0x84000004, 0xc4000004, 0x84000006, 0x84000008,
                                    0x84000009, 0x8400000a, 0x80000000 };
    static const uint32_t no[] = { 0x84000005, 0x84000007, 0xc4000000, 0xc4000008, 0x8400000e,
                                   0x84000012, 0xc600ff01, 0,          0xffffffff };
    for (unsigned i = 0; i < ARRAY_SIZE(yes); i++)
        assert_int_equal(call(0x8400000a, yes[i], 0, 0), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(no); i++) {
        assert_int_equal(call(0x8400000a, no[i], 0, 0), -1);
        assert_int_equal(call(no[i], 0, 0, 0), -1);
    }
    assert_int_equal(call(0x80000001, 0x80000000, 0, 0), 0);
    assert_int_equal(call(0x80000001, 0x80008000, 0, 0), -1);
    assert_int_equal(call(0x80000001, 0x80007fff, 0, 0), -1);
    assert_int_equal(call(0x80000001, 0x80003fff, 0, 0), -1);
    assert_int_equal(call(0x84000006, 0, 0, 0), 2);
    call(0x8600ff01, 0, 0, 0); /* XEN_SMCCC_UID */
    assert_int_equal(word(0), 0xdc1218a7);
    assert_int_equal(word(1), 0x694398c6);
    assert_int_equal(word(2), 0xd179cf9a);
    assert_int_equal(word(3), 0x67e6de8d);
    call(0x8600ff03, 0, 0, 0);
    assert_int_equal(word(0), 0);
    assert_int_equal(word(1), 1);
    assert_int_equal(call(0x8600ff00, 0, 0, 0), 3);
}

static void test_cpu_on(void **state)
{
    (void)state;
    assert_int_equal(call(0xc4000004, 1, 0, 0), 1);
    assert_int_equal(call(0xc4000003, 1, 0x40200000, 0x1234), 0);
    assert_true(vcpus[1].online);
    assert_int_equal(vcpus[1].arch.regs.pc, 0x40200000);
    assert_int_equal(vcpus[1].arch.regs.x[0], 0x1234);
    assert_true(seen.wakes == 1 && seen.upcalls == 1 && seen.vgic == 1 && seen.vtimer == 1 &&
                seen.invalid == 1);
    assert_int_equal(call(0xc4000004, 1, 0, 0), 0);
    assert_int_equal(call(0xc4000003, 1, 0x40200000, 0), -4);
    assert_int_equal(call(0xc4000003, 0, 0x40200000, 0), -4);
    assert_int_equal(call(0xc4000003, 3, 0x40200000, 0), -2);
    assert_int_equal(call(0xc4000003, 1ull << 32 | 2, 0x40200000, 0), -2);
    assert_int_equal(call(0xc4000003, 2, 0x40200002, 0), -9);
    /* SMC32: low halves of the registers */
    assert_int_equal(call(0x84000003, 1ull << 32 | 2, 0x140200000ull, 7), 0);
    assert_int_equal(vcpus[2].arch.regs.pc, 0x40200000);
    assert_int_equal(seen.wakes, 2);
    assert_false(spin_is_locked(&dom.lock));
}

static void test_cpu_off(void **state)
{
    (void)state;
    vcpus[1].online = true;
    call(0x84000002, 0, 0, 0);
    assert_false(vcpus[0].online);
    assert_int_equal(seen.sleeps, 1);
    vcpus[0].sched.running = true; /* still leaving its CPU */
    vcpus[1].arch.regs.x[0] = 0xc4000004;
    vpsci_dispatch(&vcpus[1]);
    assert_int_equal(vcpus[1].arch.regs.x[0], 0);
    vcpus[1].arch.regs.x[0] = 0xc4000003;
    vpsci_dispatch(&vcpus[1]);
    assert_int_equal((int64_t)vcpus[1].arch.regs.x[0], -4);
    vcpus[0].sched.running = false;
    vcpus[1].arch.regs.x[0] = 0xc4000003;
    vpsci_dispatch(&vcpus[1]);
    assert_int_equal(vcpus[1].arch.regs.x[0], 0);
    assert_true(vcpus[0].online);
}

static void test_system_off_and_reset(void **state)
{
    (void)state;
    call(0x84000008, 0, 0, 0);
    assert_int_equal(seen.shutdown, SHUTDOWN_poweroff);
    call(0x84000009, 0, 0, 0);
    assert_int_equal(seen.shutdown, SHUTDOWN_reboot);
    assert_int_equal(call(0xc4000001, 0, 0, 0), 0);
    assert_int_equal(call(0x84000001, 1u << 16, 0, 0), 0);
    assert_int_equal(seen.waits, 2);
    assert_int_equal(call(0xc4000004, 0, 1, 0), 0);
    assert_int_equal(call(0xc4000004, 0x100, 1, 0), -2);
    assert_int_equal(call(0xc4000004, 0, 4, 0), -2);
    assert_int_equal(call(0xc4000004, 9, 0, 0), -2);
}

static void test_aarch32(void **state)
{
    (void)state;
    dom.aarch32 = true;
    assert_int_equal(call(0xc4000003, 1, 0x40200000, 0), -1);
    assert_int_equal(call(0x8400000a, 0xc4000003, 0, 0), -1);
    assert_int_equal(call(0x84000003, 1, 0x40200001, 5), 0); /* Thumb */
    assert_int_equal(vcpus[1].arch.regs.pc, 0x40200001);
    assert_int_equal(call(2, 2, 0x40200000, 5), 0); /* PSCI 0.1 */
    assert_true(vcpus[2].online);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_discovery, start),
        cmocka_unit_test_setup(test_cpu_on, start),
        cmocka_unit_test_setup(test_cpu_off, start),
        cmocka_unit_test_setup(test_system_off_and_reset, start),
        cmocka_unit_test_setup(test_aarch32, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
