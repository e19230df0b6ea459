/* SPDX-License-Identifier: BSD-2-Clause */
/* Platform and physical-device calls of the control domain, and vm_assist.  public/platform.h,
 * physdev.h */
#include "types.h"
#include <xen/xen.h>
#include <xen/platform.h>
#include "domain.h"
#include "hypercall.h"

long do_platform_op(uint64_t arg)
{
    struct domain *d = current_vcpu()->domain;
    struct xen_platform_op op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -XEN_EFAULT;
    if (op.interface_version != XENPF_INTERFACE_VERSION)
        return -XEN_EACCES;
    if (!domain_is_control(d))
        return -XEN_EPERM;
    switch (op.cmd) {
    case XENPF_settime32:
        domain_set_wallclock(d, op.u.settime32.secs, op.u.settime32.nsecs,
                             op.u.settime32.system_time);
        return 0;
    case XENPF_settime64:
        if (op.u.settime64.mbz)
            return -XEN_EINVAL;
        domain_set_wallclock(d, op.u.settime64.secs, op.u.settime64.nsecs,
                             op.u.settime64.system_time);
        return 0;
    default: return -XEN_ENOSYS;
    }
}

/* On Arm the control domain owns interrupts and PCI devices itself: no operation exists. */
long do_physdev_op(int cmd, uint64_t arg)
{
    (void)cmd;
    (void)arg;
    return -XEN_ENOSYS;
}

/* Arm has one assist: the "being updated" flag in the runstate area. */
long do_vm_assist(unsigned cmd, unsigned type)
{
    struct domain *d = current_vcpu()->domain;

    if (type != VMASST_TYPE_runstate_update_flag)
        return -XEN_EINVAL;
    switch (cmd) {
    case VMASST_CMD_enable:
        __atomic_fetch_or(&d->vm_assist, 1u << type, __ATOMIC_RELAXED);
        return 0;
    case VMASST_CMD_disable:
        __atomic_fetch_and(&d->vm_assist, ~(1u << type), __ATOMIC_RELAXED);
        return 0;
    default: return -XEN_ENOSYS;
    }
}
