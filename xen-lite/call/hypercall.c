/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypercall table.  A call is a function of up to five words.  The table has the number of
 * words per call, so that a short call reads few registers.  XENVER_version is answered before the
 * table is consulted, because guests and benchmarks use it as the null hypercall.
 */
#include "types.h"
#include <xen/xen.h>
#include <xen/version.h>
#include "domain.h"
#include "hypercall.h"

#define CALL_ARGS 5u
static long call_memory_op(const uint64_t *a) { return do_memory_op(a[0], a[1]); }
static long call_domctl(const uint64_t *a) { return do_domctl(a[0]); }
static long call_sysctl(const uint64_t *a) { return do_sysctl(a[0]); }
static long call_xen_version(const uint64_t *a) { return do_xen_version((int)a[0], a[1]); }
static long call_console_io(const uint64_t *a)
{
    return do_console_io((unsigned)a[0], (unsigned)a[1], a[2]);
}
static long call_sched_op(const uint64_t *a) { return do_sched_op((int)a[0], a[1]); }
static long call_vcpu_op(const uint64_t *a) { return do_vcpu_op((int)a[0], (unsigned)a[1], a[2]); }
static long call_hvm_op(const uint64_t *a) { return do_hvm_op((unsigned long)a[0], a[1]); }
static long call_physdev_op(const uint64_t *a) { return do_physdev_op((int)a[0], a[1]); }
static long call_platform_op(const uint64_t *a) { return do_platform_op(a[0]); }
static long call_event_channel_op(const uint64_t *a)
{
    return do_event_channel_op((int)a[0], a[1]);
}
static long call_grant_table_op(const uint64_t *a)
{
    return do_grant_table_op((unsigned)a[0], a[1], (unsigned)a[2]);
}
static long call_vm_assist(const uint64_t *a)
{
    return do_vm_assist((unsigned)a[0], (unsigned)a[1]);
}
static long call_hypfs_op(const uint64_t *a)
{
    return do_hypfs_op((unsigned)a[0], a[1], a[2], a[3], a[4]);
}
static long call_multicall(const uint64_t *a) { return do_multicall(a[0], (unsigned)a[1]); }

static const struct {
    long (*fn)(const uint64_t *a);
    uint8_t args;
} hypercalls[HYPERCALL_COUNT] = {
    [__HYPERVISOR_memory_op] = { call_memory_op, 2 },
    [__HYPERVISOR_domctl] = { call_domctl, 1 },
    [__HYPERVISOR_sysctl] = { call_sysctl, 1 },
    [__HYPERVISOR_xen_version] = { call_xen_version, 2 },
    [__HYPERVISOR_console_io] = { call_console_io, 3 },
    [__HYPERVISOR_sched_op] = { call_sched_op, 2 },
    [__HYPERVISOR_vcpu_op] = { call_vcpu_op, 3 },
    [__HYPERVISOR_hvm_op] = { call_hvm_op, 2 },
    [__HYPERVISOR_physdev_op] = { call_physdev_op, 2 },
    [__HYPERVISOR_platform_op] = { call_platform_op, 1 },
    [__HYPERVISOR_event_channel_op] = { call_event_channel_op, 2 },
    [__HYPERVISOR_grant_table_op] = { call_grant_table_op, 3 },
    [__HYPERVISOR_vm_assist] = { call_vm_assist, 2 },
    [__HYPERVISOR_hypfs_op] = { call_hypfs_op, 5 },
    [__HYPERVISOR_multicall] = { call_multicall, 2 },
};

long hypercall_call(unsigned nr, const uint64_t arg[CALL_ARGS])
{
    if (nr >= ARRAY_SIZE(hypercalls) || !hypercalls[nr].fn)
        return -XEN_ENOSYS;
    return hypercalls[nr].fn(arg);
}

static __attribute__((noinline)) void dispatch_by_table(struct vcpu *v, uint64_t nr)
{
    uint64_t arg[CALL_ARGS];

    if (nr >= ARRAY_SIZE(hypercalls) || !hypercalls[nr].fn) {
        arch_hypercall_return(v, -XEN_ENOSYS);
        return;
    }
    for (unsigned n = 0; n < hypercalls[nr].args; n++)
        arg[n] = arch_hypercall_arg(v, n);
    preempt_call_start[cpu_id()] = counter();
    guest_mem_begin_call();
    long result = hypercalls[nr].fn(arg);
    guest_mem_end_call();
    preempt_note_length(nr, counter() - preempt_call_start[cpu_id()]);
    if (result == -XEN_ERESTART)
        arch_hypercall_restart(v);
    else
        arch_hypercall_return(v, result);
}

/*
 * XENVER_version first: Linux calls it only to enter the hypervisor, so that events which it has
 * just unmasked are delivered.
 */
void hypercall_dispatch(struct vcpu *v)
{
    uint64_t nr = arch_hypercall_arg(v, HYPERCALL_NUMBER_ARG);

    if (unlikely(arch_vcpu_in_user_mode(v)))
        arch_hypercall_return(v, -XEN_EPERM);
    else if (nr == __HYPERVISOR_xen_version && arch_hypercall_arg(v, 0) == XENVER_version)
        arch_hypercall_return(v, (int64_t)(XL_VERSION_MAJOR << 16 | XL_VERSION_MINOR));
    else
        dispatch_by_table(v, nr);
}

/*
 * Executes entry `e` as if it were called by itself: a callee that keeps its progress in registers
 * finds it there, and leaves it there.
 */
static long multicall_one(struct vcpu *v, struct multicall_entry *e)
{
    uint64_t arg[CALL_ARGS];

    for (unsigned n = 0; n < CALL_ARGS; n++) {
        arch_hypercall_set_arg(v, n, e->args[n]);
        arg[n] = arch_hypercall_arg(v, n); /* truncated to the caller's register width */
    }
    /* A multicall within a multicall could nest without bound on EL2's stack. */
    long result = e->op == __HYPERVISOR_multicall
                      ? -XEN_EINVAL
                      : hypercall_call((unsigned)MIN(e->op, 0xffffu), arg);
    if (result == -XEN_ERESTART)
        for (unsigned n = 0; n < CALL_ARGS; n++)
            e->args[n] = arch_hypercall_arg(v, n);
    return result;
}

/*
 * A list of calls.  It can be preempted between entries or inside one.  To continue, the argument
 * registers are advanced to the rest of the list, and the changed arguments of an entry in progress
 * are written back into the list.
 */
long do_multicall(uint64_t list, unsigned count)
{
    struct vcpu *v = current_vcpu();
    uint64_t saved[CALL_ARGS];
    long result = 0;
    unsigned i;

    for (unsigned n = 0; n < CALL_ARGS; n++)
        saved[n] = arch_hypercall_arg(v, n);
    for (i = 0; i < count && !result; i++) {
        struct multicall_entry e;
        uint64_t at = list + (uint64_t)i * sizeof(e);

        if (i && hypercall_preempt_check()) {
            result = -XEN_ERESTART;
            break;
        }
        if (copy_from_guest(&e, at, sizeof(e))) {
            result = -XEN_EFAULT;
            break;
        }
        long one = multicall_one(v, &e);
        e.result = (xen_ulong_t)one;
        if (copy_to_guest(at, &e, sizeof(e)))
            result = -XEN_EFAULT;
        else if (one == -XEN_ERESTART) {
            result = one;
            break;
        }
    }
    for (unsigned n = 0; n < CALL_ARGS; n++)
        arch_hypercall_set_arg(v, n, saved[n]);
    if (result == -XEN_ERESTART) {
        arch_hypercall_set_arg(v, 0, list + (uint64_t)i * sizeof(struct multicall_entry));
        arch_hypercall_set_arg(v, 1, count - i);
    }
    return result;
}
