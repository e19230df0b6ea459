/* SPDX-License-Identifier: BSD-2-Clause */
/* HVMOP_*: on Arm, the parameters by which the tools tell a guest where its rings are.
 * public/hvm/params.h */
#include "types.h"
#include <xen/xen.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include "domain.h"
#include "hypercall.h"

static int may_get(const struct domain *d, const struct domain *by, uint32_t index)
{
    int r = hvm_param_may_set(d, by, index);
    /* A guest may read what it may not write, except the monitor's ring. */
    return r == -XEN_EPERM && index != HVM_PARAM_MONITOR_RING_PFN ? 0 : r;
}

static long param_op(bool set, uint64_t arg)
{
    const struct domain *by = current_vcpu()->domain;
    struct xen_hvm_param p;
    long result;

    if (copy_from_guest(&p, arg, sizeof(p)))
        return -XEN_EFAULT;
    if (p.index >= HVM_NR_PARAMS)
        return -XEN_EINVAL;
    struct domain *d = domain_get(p.domid);
    if (!d)
        return -XEN_ESRCH;
    if (d != by && !domain_is_control(by))
        result = -XEN_EPERM;
    else if (set) {
        result = hvm_param_may_set(d, by, p.index);
        if (!result)
            __atomic_store_n(&d->hvm_param[p.index], p.value, __ATOMIC_RELEASE);
    } else {
        result = may_get(d, by, p.index);
        if (!result) {
            p.value = __atomic_load_n(&d->hvm_param[p.index], __ATOMIC_ACQUIRE);
            result = copy_to_guest(arg, &p, sizeof(p)) ? -XEN_EFAULT : 0;
        }
    }
    domain_put(d);
    return result;
}

_Static_assert(HVM_NR_PARAMS <= sizeof((struct domain *)0)->hvm_param / sizeof(uint64_t),
               "hvm_param");

long do_hvm_op(unsigned long op, uint64_t arg)
{
    switch (op) {
    case HVMOP_set_param:
    case HVMOP_get_param: return param_op(op == HVMOP_set_param, arg);
    case HVMOP_guest_request_vm_event:
        /* A note to a monitor.  There is none, so nothing has to be done. */
        return arg ? -XEN_EINVAL : 0;
    default: return -XEN_ENOSYS;
    }
}
