/* SPDX-License-Identifier: BSD-2-Clause */
/* HYPERVISOR_event_channel_op: arguments, permissions and results.  public/event_channel.h */
#include "lib.h"
#include "domain.h"
#include "hypercall.h"
#include "rights.h"

#define PIRQ_NUMBERS 1024u /* as in stock Xen */

static long op_alloc_unbound(uint64_t arg)
{
    struct evtchn_alloc_unbound op;
    long rc = -XEN_EPERM;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -XEN_EFAULT;
    struct domain *d = domain_get(op.dom), *remote = d ? domain_get(op.remote_dom) : NULL;
    if (!remote)
        rc = -XEN_ESRCH;
    else if (may_act_on(d) && may_talk(d, remote))
        rc = evtchn_alloc_unbound(d, remote->id, &op.port);
    if (remote)
        domain_put(remote);
    if (d)
        domain_put(d);
    /* The port stays.  A caller that passes a bad address can close it by EVTCHNOP_reset. */
    if (rc == 0 && copy_to_guest(arg, &op, sizeof(op)))
        rc = -XEN_EFAULT;
    return rc;
}

static long op_bind_interdomain(uint64_t arg)
{
    struct evtchn_bind_interdomain op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -XEN_EFAULT;
    long rc = evtchn_bind_interdomain(current_vcpu()->domain, op.remote_dom, op.remote_port,
                                      &op.local_port);
    if (rc == 0 && copy_to_guest(arg, &op, sizeof(op)))
        rc = -XEN_EFAULT;
    return rc;
}

static long op_bind_virq(uint64_t arg)
{
    struct evtchn_bind_virq op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -XEN_EFAULT;
    long rc = evtchn_bind_virq(current_vcpu()->domain, op.virq, op.vcpu, &op.port);
    if (rc == 0 && copy_to_guest(arg, &op, sizeof(op)))
        rc = -XEN_EFAULT;
    return rc;
}

static long op_bind_ipi(uint64_t arg)
{
    struct evtchn_bind_ipi op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -XEN_EFAULT;
    long rc = evtchn_bind_ipi(current_vcpu()->domain, op.vcpu, &op.port);
    if (rc == 0 && copy_to_guest(arg, &op, sizeof(op)))
        rc = -XEN_EFAULT;
    return rc;
}

/*
 * Physical interrupts are delivered by the virtual interrupt controller, so no number can be bound.
 */
static long op_bind_pirq(uint64_t arg)
{
    struct evtchn_bind_pirq op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -XEN_EFAULT;
    return op.pirq < PIRQ_NUMBERS ? -XEN_ENOMEM : -XEN_EINVAL;
}

static long op_status(uint64_t arg)
{
    struct evtchn_status op;
    long rc;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -XEN_EFAULT;
    struct domain *d = domain_get(op.dom);
    if (!d)
        return -XEN_ESRCH;
    rc = evtchn_status(d, op.port, &op);
    if (rc == 0 && !may_act_on(d))
        rc = -XEN_EPERM;
    domain_put(d);
    if (rc == 0 && copy_to_guest(arg, &op, sizeof(op)))
        rc = -XEN_EFAULT;
    return rc;
}

static long op_bind_vcpu(uint64_t arg)
{
    struct evtchn_bind_vcpu op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -XEN_EFAULT;
    return evtchn_bind_vcpu(current_vcpu()->domain, op.port, op.vcpu);
}

static long op_reset(uint64_t arg)
{
    struct evtchn_reset op;
    long rc;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -XEN_EFAULT;
    struct domain *d = domain_get(op.dom);
    if (!d)
        return -XEN_ESRCH;
    if (!may_act_on(d))
        rc = -XEN_EPERM;
    /* A domain that runs could bind new ports while the old ones are being closed. */
    else if (d != current_vcpu()->domain && !d->controller_paused)
        rc = -XEN_EINVAL;
    else
        rc = evtchn_reset(d);
    domain_put(d);
    return rc;
}

/* Close, send and unmask: the argument is one port. */
static long op_on_port(int cmd, uint64_t arg)
{
    struct domain *self = current_vcpu()->domain;
    evtchn_port_t port;

    if (copy_from_guest(&port, arg, sizeof(port)))
        return -XEN_EFAULT;
    switch (cmd) {
    case EVTCHNOP_close: return evtchn_close(self, port, true);
    case EVTCHNOP_send: return evtchn_send(self, port);
    default: return evtchn_unmask(self, port);
    }
}
_Static_assert(sizeof(struct evtchn_close) == sizeof(evtchn_port_t) &&
                   sizeof(struct evtchn_send) == sizeof(evtchn_port_t) &&
                   sizeof(struct evtchn_unmask) == sizeof(evtchn_port_t),
               "one port");

/*
 * FIFO event channels are left out on purpose.  A guest that finds init_control unimplemented uses
 * the 2-level ABI, whose state is in pages that the guest maps.  A guest with FIFO channels cannot
 * set up its control block again after a move.
 */
long do_event_channel_op(int cmd, uint64_t arg)
{
    switch (cmd) {
    case EVTCHNOP_alloc_unbound: return op_alloc_unbound(arg);
    case EVTCHNOP_bind_interdomain: return op_bind_interdomain(arg);
    case EVTCHNOP_bind_virq: return op_bind_virq(arg);
    case EVTCHNOP_bind_ipi: return op_bind_ipi(arg);
    case EVTCHNOP_bind_pirq: return op_bind_pirq(arg);
    case EVTCHNOP_status: return op_status(arg);
    case EVTCHNOP_bind_vcpu: return op_bind_vcpu(arg);
    case EVTCHNOP_reset: return op_reset(arg);
    case EVTCHNOP_close:
    case EVTCHNOP_send:
    case EVTCHNOP_unmask: return op_on_port(cmd, arg);
    default: return -XEN_ENOSYS;
    }
}
