/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @domain -xen-lite/stage2/guest_mem.c xen-lite/call/memory_*.c
// libs: -lcmocka
/*
 * A deadlock: XENMEM_claim_pages of the control domain waits for domctl_lock.  The holder of that
 * lock, a domctl on another CPU, waits until the claiming vCPU has left its CPU.  Both CPUs spin at
 * EL2 for ever.
 */
#include <stdio.h>
#include <threads.h>
#include <unistd.h>
#include "plain_memory.h"
#include <xen/memory.h>

long do_memory_op(uint64_t cmd, uint64_t arg);

#define WAIT_US    100000
#define WAIT_TURNS 100

/* Not bool: with -fsanitize=bool gcc 12 reads a volatile bool once and spins on the copy. */
static volatile int held, claimed, paused;

/* CPU 1 runs the control domain's vCPU 1: a claim, after which the vCPU leaves its CPU. */
static int claiming_cpu(void *arg)
{
    struct vcpu *v = arg;
    fake_cpu_set(1);
    cpus[1].current = v;
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = 1 };
    while (!held)
        ;
    do_memory_op(XENMEM_claim_pages, (uintptr_t)&r);
    claimed = true;
    __atomic_store_n(&v->sched.running, false, __ATOMIC_RELEASE);
    return 0;
}

/* CPU 0 runs vCPU 0: XEN_DOMCTL_getvcpucontext of vCPU 1, as domctl.c and domctl_vcpu.c do it. */
static int domctl_cpu(void *arg)
{
    struct vcpu *v = arg;
    fake_cpu_set(0);
    if (!spin_trylock(&domctl_lock))
        return 1;
    held = true;
    vcpu_pause(v);
    vcpu_unpause(v);
    spin_unlock(&domctl_lock);
    paused = true;
    return 0;
}

static void test_claim_and_domctl_both_end(void **state)
{
    (void)state;
    boot(NULL);
    sigaction(SIGSEGV, NULL, &machine_segv);
    make(1, 1);
    dom0->max_vcpus = 2;
    assert_int_equal(vcpu_create(dom0, 1), 0);
    struct vcpu *v = dom0->vcpu[1];
    v->online = true;
    v->sched.running = true;
    v->sched.cpu = 1;
    thrd_t claiming, domctl;
    thrd_create(&claiming, claiming_cpu, v);
    thrd_create(&domctl, domctl_cpu, v);
    for (unsigned i = 0; i < WAIT_TURNS && !(claimed && paused); i++)
        usleep(WAIT_US);
    printf("claim_pages %s, getvcpucontext %s\n", claimed ? "ends" : "spins on domctl_lock",
           paused ? "ends" : "spins until the vCPU leaves its CPU");
    assert_true(claimed && paused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claim_and_domctl_both_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
