/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VCPUOP_*.  Xen on Arm has two of them.  vCPUs are started and stopped by PSCI, and timers are the
 * architecture's; all other operations return -EINVAL.  public/vcpu.h
 */
#include "types.h"
#include <xen/xen.h>
#include <xen/vcpu.h>
#include "domain.h"
#include "hypercall.h"

static long register_vcpu_info(struct vcpu *v, uint64_t arg)
{
    struct vcpu_register_vcpu_info info;

    if (copy_from_guest(&info, arg, sizeof(info)))
        return -XEN_EFAULT;
    return vcpu_register_info(v, info.mfn, info.offset);
}

static long register_runstate(struct vcpu *v, uint64_t arg)
{
    struct vcpu_register_runstate_memory_area area;

    if (copy_from_guest(&area, arg, sizeof(area)))
        return -XEN_EFAULT;
    return vcpu_register_runstate(v, GVA(area.addr.p));
}

long do_vcpu_op(int cmd, unsigned vcpuid, uint64_t arg)
{
    struct domain *d = current_vcpu()->domain;

    if (vcpuid >= MIN(d->max_vcpus, MAX_VCPUS) || !d->vcpu[vcpuid])
        return -XEN_ENOENT;
    switch (cmd) {
    case VCPUOP_register_vcpu_info: return register_vcpu_info(d->vcpu[vcpuid], arg);
    case VCPUOP_register_runstate_memory_area: return register_runstate(d->vcpu[vcpuid], arg);
    default: return -XEN_EINVAL;
    }
}
