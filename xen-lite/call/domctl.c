/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XEN_DOMCTL_*: the control domain's calls about domains.  public/domctl.h of Xen 4.17
 *
 * One runs at a time.  A caller that finds the lock taken goes back to its guest and repeats the
 * call, so that it can take interrupts.
 */
#include "domctl.h"
#include "panic.h"
#include <xen/sched.h>

static long domctl_pausedomain(struct domctl *c)
{
    return c->d == current_vcpu()->domain ? -XEN_EINVAL : domain_pause_by_controller(c->d);
}

static long domctl_unpausedomain(struct domctl *c)
{
    domain_unpause_by_controller(c->d);
    return 0;
}

static long domctl_resumedomain(struct domctl *c)
{
    if (c->d == current_vcpu()->domain)
        return -XEN_EINVAL;
    domain_resume(c->d);
    return 0;
}

static long domctl_max_mem(struct domctl *c)
{
    uint64_t pages = c->op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10);

    spin_lock(&c->d->lock);
    c->d->max_pages = (uint32_t)MIN(pages, (uint64_t)UINT32_MAX);
    spin_unlock(&c->d->lock);
    return 0;
}

static long domctl_scheduler_op(struct domctl *c)
{
    c->reply = true;
    return sched_domctl(c->d, &c->op->u.scheduler_op);
}

static long domctl_setdomainhandle(struct domctl *c)
{
    memcpy(c->d->handle, c->op->u.setdomainhandle.handle, sizeof(c->d->handle));
    return 0;
}

/* No debugger can attach: only the flag that the tools show is kept. */
static long domctl_setdebugging(struct domctl *c)
{
    if (c->d == current_vcpu()->domain)
        return -XEN_EINVAL;
    if (c->op->u.setdebugging.enable)
        c->d->flags |= DOMAIN_FLAG_DEBUGGED;
    else
        c->d->flags &= ~DOMAIN_FLAG_DEBUGGED;
    return 0;
}

static long domctl_settimeoffset(struct domctl *c)
{
    c->d->time_offset_s = c->op->u.settimeoffset.time_offset_seconds;
    domain_update_wallclock(c->d);
    return 0;
}

/*
 * Power and reset buttons.  Guests on Arm have no handler for them, so the domain is shut down or
 * reset.
 */
static long domctl_sendtrigger(struct domctl *c)
{
    if (c->d == current_vcpu()->domain)
        return -XEN_EINVAL;
    switch (c->op->u.sendtrigger.trigger) {
    case XEN_DOMCTL_SENDTRIGGER_POWER: domain_shutdown(c->d, SHUTDOWN_poweroff); return 0;
    case XEN_DOMCTL_SENDTRIGGER_RESET: domain_shutdown(c->d, SHUTDOWN_reboot); return 0;
    default: return -XEN_ENOSYS;
    }
}

static long domctl_subscribe(struct domctl *c)
{
    c->d->suspend_port = c->op->u.subscribe.port;
    return 0;
}

/* Global VIRQs go to the control domain and cannot be moved. */
static long domctl_set_virq_handler(struct domctl *c)
{
    uint32_t virq = c->op->u.set_virq_handler.virq;

    switch (virq) {
    case VIRQ_CONSOLE:
    case VIRQ_DOM_EXC:
    case VIRQ_TBUF:
    case VIRQ_DEBUGGER:
    case VIRQ_CON_RING:
    case VIRQ_PCPU_STATE:
    case VIRQ_MEM_EVENT:
    case VIRQ_ARGO:
    case VIRQ_ENOMEM: return c->d->privileged ? 0 : -XEN_EOPNOTSUPP;
    default: return -XEN_EINVAL;
    }
}

static long domctl_setvnumainfo(struct domctl *c)
{
    const struct xen_domctl_vnuma *v = &c->op->u.vnuma;

    if (v->pad || !v->nr_vnodes || !v->nr_vmemranges || v->nr_vcpus != c->d->max_vcpus)
        return -XEN_EINVAL;
    return -XEN_EOPNOTSUPP;
}

static long domctl_vuart_op(struct domctl *c)
{
    struct xen_domctl_vuart_op *u = &c->op->u.vuart_op;

    if (u->cmd != XEN_DOMCTL_VUART_OP_INIT || u->type != XEN_DOMCTL_VUART_TYPE_VPL011)
        return -XEN_EINVAL;
    /* The vuart must be in the guest's map from the start: later is too late. */
    if (__atomic_load_n(&c->d->state, __ATOMIC_RELAXED) != DOM_BUILDING)
        return -XEN_EPERM;
    c->reply = true;
    return vuart_init(c->d, u->gfn, u->console_domid, &u->evtchn);
}

/* Devices behind an IOMMU: no IOMMU is driven. */
static long domctl_no_iommu(struct domctl *c)
{
    (void)c;
    return -XEN_EOPNOTSUPP;
}

/* VM events are not supported. */
static long domctl_monitor_op(struct domctl *c)
{
    return c->d == current_vcpu()->domain ? -XEN_EPERM : -XEN_EOPNOTSUPP;
}

/* As on Arm in Xen: it checks whether the guest asked for a soft reset, and then cannot do one. */
static long domctl_soft_reset(struct domctl *c)
{
    return c->d->shut_down && c->d->shutdown_code == SHUTDOWN_soft_reset ? -XEN_ENOSYS
                                                                         : -XEN_EINVAL;
}

/*
 * In pieces, and the lock is dropped after each.  It is taken for each piece because the first one
 * waits for the vCPUs to leave their CPUs.
 */
static long domctl_destroydomain(struct domctl *c)
{
    ASSERT_LOCKED(&domctl_lock);
    long result = domain_kill(c->d);

    if (!result)
        domctl_forget_devices(c->d->id);
    return result;
}

static long (*const operations[])(struct domctl *c) = {
    [XEN_DOMCTL_createdomain] = domctl_createdomain,
    [XEN_DOMCTL_destroydomain] = domctl_destroydomain,
    [XEN_DOMCTL_pausedomain] = domctl_pausedomain,
    [XEN_DOMCTL_unpausedomain] = domctl_unpausedomain,
    [XEN_DOMCTL_getdomaininfo] = domctl_getdomaininfo,
    [XEN_DOMCTL_setvcpuaffinity] = domctl_setvcpuaffinity,
    [XEN_DOMCTL_getvcpuaffinity] = domctl_getvcpuaffinity,
    [XEN_DOMCTL_shadow_op] = domctl_shadow_op,
    [XEN_DOMCTL_max_mem] = domctl_max_mem,
    [XEN_DOMCTL_setvcpucontext] = domctl_setvcpucontext,
    [XEN_DOMCTL_getvcpucontext] = domctl_getvcpucontext,
    [XEN_DOMCTL_getvcpuinfo] = domctl_getvcpuinfo,
    [XEN_DOMCTL_max_vcpus] = domctl_max_vcpus,
    [XEN_DOMCTL_scheduler_op] = domctl_scheduler_op,
    [XEN_DOMCTL_setdomainhandle] = domctl_setdomainhandle,
    [XEN_DOMCTL_setdebugging] = domctl_setdebugging,
    [XEN_DOMCTL_irq_permission] = domctl_irq_permission,
    [XEN_DOMCTL_iomem_permission] = domctl_iomem_permission,
    [XEN_DOMCTL_settimeoffset] = domctl_settimeoffset,
    [XEN_DOMCTL_resumedomain] = domctl_resumedomain,
    [XEN_DOMCTL_sendtrigger] = domctl_sendtrigger,
    [XEN_DOMCTL_subscribe] = domctl_subscribe,
    [XEN_DOMCTL_gethvmcontext] = domctl_gethvmcontext,
    [XEN_DOMCTL_sethvmcontext] = domctl_sethvmcontext,
    [XEN_DOMCTL_set_address_size] = domctl_set_address_size,
    [XEN_DOMCTL_assign_device] = domctl_no_iommu,
    [XEN_DOMCTL_test_assign_device] = domctl_no_iommu,
    [XEN_DOMCTL_deassign_device] = domctl_no_iommu,
    [XEN_DOMCTL_get_device_group] = domctl_no_iommu,
    [XEN_DOMCTL_bind_pt_irq] = domctl_bind_pt_irq,
    [XEN_DOMCTL_unbind_pt_irq] = domctl_bind_pt_irq,
    [XEN_DOMCTL_memory_mapping] = domctl_memory_mapping,
    [XEN_DOMCTL_getpageframeinfo3] = domctl_getpageframeinfo3,
    [XEN_DOMCTL_set_virq_handler] = domctl_set_virq_handler,
    [XEN_DOMCTL_setnodeaffinity] = domctl_nodeaffinity,
    [XEN_DOMCTL_getnodeaffinity] = domctl_nodeaffinity,
    [XEN_DOMCTL_cacheflush] = domctl_cacheflush,
    [XEN_DOMCTL_setvnumainfo] = domctl_setvnumainfo,
    [XEN_DOMCTL_monitor_op] = domctl_monitor_op,
    [XEN_DOMCTL_vuart_op] = domctl_vuart_op,
    [XEN_DOMCTL_soft_reset] = domctl_soft_reset,
    [XEN_DOMCTL_get_paging_mempool_size] = domctl_paging_mempool,
    [XEN_DOMCTL_set_paging_mempool_size] = domctl_paging_mempool,
};

/* These two calls work with a domain id that is not in use. */
static bool names_no_domain(const struct xen_domctl *op)
{
    return op->cmd == XEN_DOMCTL_createdomain ||
           (op->cmd == XEN_DOMCTL_test_assign_device && op->domain == DOMID_INVALID);
}

static long locked_operation(struct domctl *c)
{
    uint32_t cmd = c->op->cmd;

    if (cmd >= ARRAY_SIZE(operations) || !operations[cmd])
        return -XEN_ENOSYS;
    if (!spin_trylock(&domctl_lock))
        return -XEN_ERESTART;
    long result = operations[cmd](c);
    spin_unlock(&domctl_lock);
    return result;
}

long do_domctl(uint64_t arg)
{
    struct xen_domctl op;
    struct domctl c = { .op = &op, .arg = arg };
    long result;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -XEN_EFAULT;
    if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
        return -XEN_EACCES;
    if (!names_no_domain(&op) && op.domain < DOMID_FIRST_RESERVED)
        c.d = domain_get(op.domain);
    if (!domain_is_control(current_vcpu()->domain))
        result = c.d || names_no_domain(&op) ? -XEN_EPERM : -XEN_ESRCH;
    else if (!c.d && !names_no_domain(&op) && op.cmd != XEN_DOMCTL_getdomaininfo)
        result = -XEN_ESRCH;
    else
        result = locked_operation(&c);
    if (c.d)
        domain_put(c.d);
    if (c.reply && copy_to_guest(arg, &op, sizeof(op)))
        result = -XEN_EFAULT;
    return result;
}
