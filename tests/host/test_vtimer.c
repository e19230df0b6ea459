/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake xen-lite/vgic/vtimer.c xen-lite/base/timer.c
// libs: -lcmocka
/* The guest's timers: while the vCPU is on a CPU, while it is not, and the emulated
 * physical timer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "hypercall.h"
#include "domain.h"
#include "records.h"
#include "fake.h"

static struct domain dom;
static struct vcpu vcpu;
static unsigned virt_raised;
static bool phys_line;

void vgic_inject(struct domain *d, struct vcpu *v, uint32_t intid, bool level)
{
    assert_ptr_equal(d, &dom);
    assert_ptr_equal(v, &vcpu);
    if (intid == INTID_PPI_VTIMER)
        virt_raised += level;
    else if (intid == INTID_PPI_PTIMER)
        phys_line = level;
    else
        fail();
}

static int start(void **state)
{
    (void)state;
    fake_init(1 << 20, 2);
    fake_counter_step = 0;
    fake_counter = 100000;
    memset(&dom, 0, sizeof(dom));
    memset(&vcpu, 0, sizeof(vcpu));
    for (unsigned i = 0; i < 2; i++) {
        cpus[i].id = i;
        list_init(&cpus[i].timers);
        cpus[i].armed = ~0ull;
    }
    dom.counter_offset = 90000;
    dom.max_vcpus = 1;
    dom.vcpu[0] = &vcpu;
    vcpu.domain = &dom;
    vtimer_vcpu_init(&vcpu);
    virt_raised = 0;
    phys_line = false;
    return 0;
}
static void pass_to(uint64_t now)
{
    fake_counter = now;
    timer_run_expired();
}

static void test_timer_on_cpu(void **state)
{
    (void)state;
    assert_int_equal(guest_counter(&dom), 10000);
    vcpu.vtimer.cntkctl = 3;
    vtimer_load(&vcpu);
    assert_int_equal(fake_vtimer[0].voff, 90000);
    assert_int_equal(fake_vtimer[0].cntkctl, 3);
    fake_vtimer[0].ctl = 1;
    fake_vtimer[0].cval = 10500;
    vtimer_host_irq();
    assert_int_equal(virt_raised, 1);
    assert_int_equal(fake_vtimer[0].ctl, 3); /* masked until the guest sets the timer again */
    vtimer_save(&vcpu);
    assert_int_equal(vcpu.vtimer.virt_ctl, 3);
    pass_to(300000);
    assert_int_equal(virt_raised, 1); /* no software timer for a masked timer */
    vtimer_host_irq();                /* a late interrupt, with no vCPU loaded */
    assert_int_equal(virt_raised, 1);
}

static void test_timer_off_cpu(void **state)
{
    (void)state;
    vtimer_load(&vcpu);
    fake_vtimer[0].ctl = 1;
    fake_vtimer[0].cval = 10500;
    vtimer_save(&vcpu);
    /* the hardware timer is off for the next vCPU */
    assert_int_equal(fake_vtimer[0].ctl & 2, 2);
    assert_int_equal(fake_timer_deadline[0], 100500);
    pass_to(100499);
    assert_int_equal(virt_raised, 0);
    pass_to(100500);
    assert_int_equal(virt_raised, 1);
    vtimer_load(&vcpu);
    assert_int_equal(fake_vtimer[0].ctl, 3);
    /* The vCPU returns before the deadline: the software timer does not fire. */
    fake_vtimer[0].ctl = 1;
    fake_vtimer[0].cval = 20000;
    vtimer_save(&vcpu);
    fake_cpu_set(1);
    vtimer_load(&vcpu);
    assert_int_equal(fake_vtimer[1].ctl, 1);
    fake_cpu_set(0);
    pass_to(500000);
    assert_int_equal(virt_raised, 1);
    fake_cpu_set(1);
    vtimer_save(&vcpu); /* expired by now: fires at once */
    pass_to(500000);
    assert_int_equal(virt_raised, 2);
    fake_cpu_set(0);
    /* A deadline beyond the counter's range: never fires, and does not overflow. */
    vcpu.vtimer.virt_ctl = 1;
    vcpu.vtimer.virt_cval = ~0ull;
    vtimer_load(&vcpu);
    vtimer_save(&vcpu);
    pass_to(1ull << 60);
    assert_int_equal(virt_raised, 2);
    vtimer_vcpu_destroy(&vcpu);
}

static void test_physical_timer(void **state)
{
    (void)state;
    assert_int_equal(vtimer_phys_read(&vcpu, VTIMER_CNTPCT), 10000);
    vtimer_phys_write(&vcpu, VTIMER_CNTP_TVAL, 200);
    assert_int_equal(vtimer_phys_read(&vcpu, VTIMER_CNTP_CVAL), 10200);
    vtimer_phys_write(&vcpu, VTIMER_CNTP_CTL, 1);
    assert_int_equal(vtimer_phys_read(&vcpu, VTIMER_CNTP_CTL), 1);
    assert_false(phys_line);
    pass_to(100250);
    assert_true(phys_line);
    assert_int_equal(vtimer_phys_read(&vcpu, VTIMER_CNTP_CTL), 5);
    assert_int_equal((int32_t)vtimer_phys_read(&vcpu, VTIMER_CNTP_TVAL), -50);
    vtimer_phys_write(&vcpu, VTIMER_CNTP_CTL, 3);
    assert_false(phys_line); /* masked */
    assert_int_equal(vtimer_phys_read(&vcpu, VTIMER_CNTP_CTL), 7);
    vtimer_phys_write(&vcpu, VTIMER_CNTP_CTL, 1);
    assert_true(phys_line);
    vtimer_phys_write(&vcpu, VTIMER_CNTP_TVAL, 1000);
    assert_false(phys_line); /* in the future again */
    vtimer_phys_write(&vcpu, VTIMER_CNTP_TVAL, (uint32_t)-1);
    assert_true(phys_line);
    vtimer_phys_write(&vcpu, VTIMER_CNTP_CTL, 0);
    assert_false(phys_line);
    assert_int_equal(vtimer_phys_read(&vcpu, VTIMER_CNTP_CTL), 0);
    vtimer_phys_write(&vcpu, VTIMER_CNTPCT, 5);
    assert_int_equal(vtimer_phys_read(&vcpu, VTIMER_CNTPCT), 10250);
}

static void test_timer_records(void **state)
{
    struct xlr_vtimer r = { .virt_cval = 10500,
                            .phys_cval = 9000,
                            .virt_ctl = 5,
                            .phys_ctl = 1,
                            .cntkctl = 7 },
                      again;
    (void)state;
    vtimer_set(&vcpu, &r);
    assert_true(phys_line); /* expired on the way */
    assert_int_equal(virt_raised, 0);
    vtimer_get(&vcpu, &again);
    r.virt_ctl = 1;
    assert_memory_equal(&again, &r, sizeof(r));
    pass_to(100500);
    assert_int_equal(virt_raised, 1);
    vtimer_vcpu_reset(&vcpu);
    assert_false(phys_line);
    vtimer_get(&vcpu, &again);
    memset(&r, 0, sizeof(r));
    assert_memory_equal(&again, &r, sizeof(r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_timer_on_cpu, start),
        cmocka_unit_test_setup(test_timer_off_cpu, start),
        cmocka_unit_test_setup(test_physical_timer, start),
        cmocka_unit_test_setup(test_timer_records, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
