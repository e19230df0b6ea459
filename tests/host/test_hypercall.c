/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @control
// libs: -lcmocka
/* The dispatcher, and guests' version, multicall, HVM parameter, vCPU and scheduler calls. */
#include "control_world.h"

static void test_dispatch(void **state)
{
    (void)state;
    be(guest_vcpu[0]);
    guest_vcpu[0]->arch.regs.x[3] = 1000;
    guest_vcpu[0]->arch.regs.x[4] = 10000;
    /* five words, the arguments of a call */
    assert_int_equal(call(__HYPERVISOR_hypfs_op, 1, 10, 100, NULL), 11111);
    assert_int_equal(call(__HYPERVISOR_xen_version, XENVER_version, 0, 0, NULL), 4 << 16 | 17);
    assert_int_equal(call(__HYPERVISOR_xen_version, 99, 0, 0, NULL), -XEN_ENOSYS);
    assert_int_equal(call(63, 0, 0, 0, NULL), -XEN_ENOSYS);
    assert_int_equal(call(~0u, 0, 0, 0, NULL), -XEN_ENOSYS);
    assert_int_equal(call(__HYPERVISOR_set_trap_table, 0, 0, 0, NULL), -XEN_ENOSYS);
    assert_int_equal(call(__HYPERVISOR_physdev_op, 1, 2, 0, NULL), -XEN_ENOSYS);
    guest_vcpu[0]->arch.regs.pstate = 0x3c0; /* EL0 */
    assert_int_equal(call(__HYPERVISOR_xen_version, XENVER_version, 0, 0, NULL), -XEN_EPERM);
    guest_vcpu[0]->arch.regs.pstate = 0x3c5;
    assert_int_equal(call(__HYPERVISOR_vcpu_op, VCPUOP_is_up, 0, 0, NULL), -XEN_EINVAL);
    assert_int_equal(call(__HYPERVISOR_vcpu_op, VCPUOP_is_up, 9, 0, NULL), -XEN_ENOENT);
    assert_int_equal(call(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 9, 0, NULL),
                     -XEN_ENOENT);
    assert_int_equal(call(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, 0, NULL),
                     -XEN_EFAULT);
    assert_int_equal(
        call(__HYPERVISOR_vm_assist, VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag, 0, NULL),
        0);
    assert_int_equal(guest->vm_assist, 1u << VMASST_TYPE_runstate_update_flag);
    assert_int_equal(call(__HYPERVISOR_vm_assist, VMASST_CMD_enable, 0, 0, NULL), -XEN_EINVAL);
    assert_int_equal(call(__HYPERVISOR_vm_assist, 7, VMASST_TYPE_runstate_update_flag, 0, NULL),
                     -XEN_ENOSYS);
    assert_int_equal(
        call(__HYPERVISOR_vm_assist, VMASST_CMD_disable, VMASST_TYPE_runstate_update_flag, 0, NULL),
        0);
    assert_int_equal(guest->vm_assist, 0);
    static const unsigned missing[] = { __HYPERVISOR_argo_op,  __HYPERVISOR_dm_op,
                                        __HYPERVISOR_xsm_op,   __HYPERVISOR_xenpmu_op,
                                        __HYPERVISOR_kexec_op, __HYPERVISOR_tmem_op };
    for (unsigned i = 0; i < ARRAY_SIZE(missing); i++)
        assert_int_equal(call(missing[i], 0, 0, 0, NULL), -XEN_ENOSYS);
}

static void test_version(void **state)
{
    struct xen_feature_info f = { 0, 0 };
    char text[1024];

    (void)state;
    assert_int_equal(call(__HYPERVISOR_xen_version, XENVER_get_features, gva(&f), 0, NULL), 0);
    assert_true(f.submap & 1u << XENFEAT_dom0 && f.submap & 1u << XENFEAT_direct_mapped);
    be(guest_vcpu[0]);
    assert_int_equal(call(__HYPERVISOR_xen_version, XENVER_get_features, gva(&f), 0, NULL), 0);
    assert_false(f.submap & 1u << XENFEAT_dom0);
    assert_true(f.submap & 1u << XENFEAT_not_direct_mapped &&
                f.submap & 1u << XENFEAT_auto_translated_physmap);
    f.submap_idx = 1;
    assert_int_equal(call(__HYPERVISOR_xen_version, XENVER_get_features, gva(&f), 0, NULL),
                     -XEN_EINVAL);
    assert_int_equal(call(__HYPERVISOR_xen_version, XENVER_capabilities, gva(text), 0, NULL), 0);
    assert_string_equal(text, "xen-3.0-aarch64 ");
    fake_el1_32 = true;
    assert_int_equal(call(__HYPERVISOR_xen_version, XENVER_capabilities, gva(text), 0, NULL), 0);
    assert_string_equal(text, "xen-3.0-aarch64 xen-3.0-armv7l ");
    fake_el1_64 = false;
    assert_int_equal(call(__HYPERVISOR_xen_version, XENVER_capabilities, gva(text), 0, NULL), 0);
    assert_string_equal(text, "xen-3.0-armv7l ");
    assert_int_equal(call(__HYPERVISOR_xen_version, XENVER_commandline, gva(text), 0, NULL), 0);
    assert_string_equal(text, "<denied>");
    assert_int_equal(call(__HYPERVISOR_xen_version, XENVER_build_id, gva(text), 0, NULL),
                     -XEN_EPERM);
    be(control_vcpu);
    assert_int_equal(call(__HYPERVISOR_xen_version, XENVER_build_id, gva(text), 0, NULL),
                     -XEN_ENODATA);
    be(guest_vcpu[0]);
    assert_int_equal(call(__HYPERVISOR_xen_version, XENVER_extraversion, 8, 0, NULL), -XEN_EFAULT);
    assert_int_equal(call(__HYPERVISOR_xen_version, XENVER_pagesize, 0, 0, NULL), 4096);
}

static void test_multicall(void **state)
{
    struct multicall_entry e[4];
    unsigned restarts;

    (void)state;
    memset(e, 0, sizeof(e));
    e[0].op = __HYPERVISOR_console_io;
    e[0].args[1] = 5;
    e[1].op = __HYPERVISOR_memory_op;
    e[1].args[0] = 7;
    e[2].op = __HYPERVISOR_multicall;
    e[3].op = 1ull << 32 | __HYPERVISOR_xen_version; /* must not be truncated to 32 bits */
    memory_restarts = 2;
    assert_int_equal(call(__HYPERVISOR_multicall, gva(e), 4, 0, &restarts), 0);
    assert_int_equal(restarts, 2);
    assert_int_equal(e[0].result, 105);
    assert_int_equal(e[1].result, 7 + 2 * 0x40); /* the call continued from its own progress */
    assert_int_equal((int64_t)e[2].result, -XEN_EINVAL);
    assert_int_equal((int64_t)e[3].result, -XEN_ENOSYS);
    cpus[0].work = 1;
    memset(e, 0, sizeof(e));
    for (unsigned i = 0; i < 4; i++) {
        e[i].op = __HYPERVISOR_console_io;
        e[i].args[1] = i;
    }
    assert_int_equal(call(__HYPERVISOR_multicall, gva(e), 4, 0, &restarts), 0);
    cpus[0].work = 0;
    assert_int_equal(restarts, 3);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(e[i].result, 100 + i);
    assert_int_equal(call(__HYPERVISOR_multicall, 8, 1, 0, NULL), -XEN_EFAULT);
    /* A 32-bit caller: arguments are 32 bits wide. */
    memset(e, 0, sizeof(e));
    e[0].op = __HYPERVISOR_memory_op;
    e[0].args[0] = 5ull << 32 | 7;
    control->aarch32 = true;
    assert_int_equal(call(__HYPERVISOR_multicall, gva(e), 1, 0, NULL), 0);
    control->aarch32 = false;
    assert_int_equal(e[0].result, 7);
}

static void test_hvm_param(void **state)
{
    struct xen_hvm_param p = { .domid = 3, .index = HVM_PARAM_STORE_PFN, .value = 0x39001 };

    (void)state;
    assert_int_equal(call(__HYPERVISOR_hvm_op, HVMOP_set_param, gva(&p), 0, NULL), 0);
    be(guest_vcpu[0]);
    p.domid = DOMID_SELF;
    p.value = 0;
    assert_int_equal(call(__HYPERVISOR_hvm_op, HVMOP_get_param, gva(&p), 0, NULL), 0);
    assert_int_equal(p.value, 0x39001);
    assert_int_equal(call(__HYPERVISOR_hvm_op, HVMOP_set_param, gva(&p), 0, NULL), -XEN_EPERM);
    p.index = HVM_PARAM_MONITOR_RING_PFN;
    assert_int_equal(call(__HYPERVISOR_hvm_op, HVMOP_get_param, gva(&p), 0, NULL), -XEN_EPERM);
    p.index = HVM_PARAM_IDENT_PT;
    assert_int_equal(call(__HYPERVISOR_hvm_op, HVMOP_get_param, gva(&p), 0, NULL), -XEN_EINVAL);
    p.index = 1000;
    assert_int_equal(call(__HYPERVISOR_hvm_op, HVMOP_get_param, gva(&p), 0, NULL), -XEN_EINVAL);
    p.index = HVM_PARAM_STORE_PFN;
    p.domid = 0;
    assert_int_equal(call(__HYPERVISOR_hvm_op, HVMOP_get_param, gva(&p), 0, NULL), -XEN_EPERM);
    p.domid = 99;
    assert_int_equal(call(__HYPERVISOR_hvm_op, HVMOP_get_param, gva(&p), 0, NULL), -XEN_ESRCH);
    assert_int_equal(call(__HYPERVISOR_hvm_op, HVMOP_get_param, 0, 0, NULL), -XEN_EFAULT);
    assert_int_equal(call(__HYPERVISOR_hvm_op, HVMOP_flush_tlbs, 0, 0, NULL), -XEN_ENOSYS);
    assert_int_equal(call(__HYPERVISOR_hvm_op, HVMOP_guest_request_vm_event, 0, 0, NULL), 0);
}

static void test_sched_op(void **state)
{
    struct sched_watchdog w = { 0, 10 };
    struct sched_shutdown down = { SHUTDOWN_suspend };
    evtchn_port_t ports[2] = { 5, 70 };
    struct sched_poll poll = { .nr_ports = 2 };
    struct vcpu *v = guest_vcpu[0];

    (void)state;
    be(v);
    assert_int_equal(call(__HYPERVISOR_sched_op, SCHEDOP_watchdog, gva(&w), 0, NULL), 1);
    assert_int_equal(call(__HYPERVISOR_sched_op, SCHEDOP_watchdog, gva(&w), 0, NULL), 2);
    assert_int_equal(call(__HYPERVISOR_sched_op, SCHEDOP_watchdog, gva(&w), 0, NULL), -XEN_ENOSPC);
    w = (struct sched_watchdog){ 3, 10 };
    assert_int_equal(call(__HYPERVISOR_sched_op, SCHEDOP_watchdog, gva(&w), 0, NULL), -XEN_EINVAL);
    w = (struct sched_watchdog){ 1, 0 };
    assert_int_equal(call(__HYPERVISOR_sched_op, SCHEDOP_watchdog, gva(&w), 0, NULL), 0);
    assert_int_equal(call(__HYPERVISOR_sched_op, SCHEDOP_watchdog, gva(&w), 0, NULL), -XEN_EINVAL);
    w = (struct sched_watchdog){ 0, 0 }; /* a new watchdog that expires at once */
    assert_int_equal(call(__HYPERVISOR_sched_op, SCHEDOP_watchdog, gva(&w), 0, NULL), 1);
    /* Poll blocks until an event is pending, or returns at once if one is. */
    poll.ports.p = ports;
    poll.timeout = system_time_ns() + 1600000;
    assert_int_equal(call(__HYPERVISOR_sched_op, SCHEDOP_poll, gva(&poll), 0, NULL), 0);
    assert_true(v->blocked && v->poll_mask && v->poll_timer.armed);
    assert_int_equal(v->poll_port, 0);
    assert_true(timer_deadline > fake_counter + 90000 && timer_deadline < fake_counter + 110000);
    v->blocked = v->poll_mask = false;
    guest->shared_info->evtchn_pending[1] = 1ull << 6;
    assert_int_equal(call(__HYPERVISOR_sched_op, SCHEDOP_poll, gva(&poll), 0, NULL), 0);
    assert_false(v->blocked);
    ports[1] = 5000;
    assert_int_equal(call(__HYPERVISOR_sched_op, SCHEDOP_poll, gva(&poll), 0, NULL), -XEN_EINVAL);
    poll.nr_ports = 129;
    assert_int_equal(call(__HYPERVISOR_sched_op, SCHEDOP_poll, gva(&poll), 0, NULL), -XEN_EINVAL);
    poll.nr_ports = 1;
    poll.ports.q = 8;
    assert_int_equal(call(__HYPERVISOR_sched_op, SCHEDOP_poll, gva(&poll), 0, NULL), -XEN_EFAULT);
    assert_int_equal(call(__HYPERVISOR_sched_op, SCHEDOP_block, 0, 0, NULL), 0);
    assert_true(v->blocked);
    assert_false(v->arch.regs.pstate & PSR_IRQ_MASK);
    assert_int_equal(call(__HYPERVISOR_sched_op, SCHEDOP_shutdown, gva(&down), 0, NULL), 0);
    assert_int_equal(shutdown_reason, SHUTDOWN_suspend);
    assert_int_equal(call(__HYPERVISOR_sched_op, SCHEDOP_shutdown, 0, 0, NULL), -XEN_EFAULT);
    struct sched_remote_shutdown r = { .domain_id = 0, .reason = 1 };
    assert_int_equal(call(__HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, gva(&r), 0, NULL),
                     -XEN_EPERM);
    assert_int_equal(call(__HYPERVISOR_sched_op, SCHEDOP_pin_override, 0, 0, NULL), -XEN_EPERM);
    assert_int_equal(call(__HYPERVISOR_sched_op, 99, 0, 0, NULL), -XEN_ENOSYS);
    be(control_vcpu);
    struct sched_pin_override pin = { 9 };
    assert_int_equal(call(__HYPERVISOR_sched_op, SCHEDOP_pin_override, gva(&pin), 0, NULL),
                     -XEN_EINVAL);
    pin.pcpu = 2;
    assert_int_equal(call(__HYPERVISOR_sched_op, SCHEDOP_pin_override, gva(&pin), 0, NULL), 0);
    assert_int_equal(control_vcpu->sched.affinity, 4);
    assert_int_equal(call(__HYPERVISOR_sched_op, SCHEDOP_pin_override, gva(&pin), 0, NULL),
                     -XEN_EBUSY);
    pin.pcpu = -1;
    assert_int_equal(call(__HYPERVISOR_sched_op, SCHEDOP_pin_override, gva(&pin), 0, NULL), 0);
    assert_int_equal(control_vcpu->sched.affinity, ~0ull);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, start, end)
    const struct CMUnitTest tests[] = {
        T(test_dispatch), T(test_version), T(test_multicall), T(test_hvm_param), T(test_sched_op),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
