/* SPDX-License-Identifier: BSD-2-Clause */
/* XEN_SYSCTL_*: the control domain's calls about the machine.  public/sysctl.h, of Xen 4.17 */
#include "control.h"

#define READ_PIECE 1024u
#define KEYS_MAX   256u

static spinlock_t sysctl_lock = SPINLOCK_INIT;

static long sysctl_readconsole(struct xen_sysctl *op, bool *reply)
{
    struct xen_sysctl_readconsole *r = &op->u.readconsole;
    char piece[READ_PIECE];
    uint32_t index = r->index, done = 0, end = 0;
    bool incremental = r->incremental;

    while (done < r->count) {
        uint32_t n = console_read_ring(piece, MIN(r->count - done, READ_PIECE), &index, incremental, false);
        if (n && copy_to_guest(r->buffer.q + done, piece, n))
            return -XEN_EFAULT;
        if (!n)
            break;
        done += n;
        incremental = true;
    }
    if (r->clear)
        console_read_ring(piece, 0, &end, false, true);
    r->index = index;
    r->count = done;
    *reply = true;
    return 0;
}

static long sysctl_sched_id(struct xen_sysctl *op, bool *reply)
{
    op->u.sched_id.sched_id = XEN_SCHEDULER_CREDIT2;
    *reply = true;
    return 0;
}

static long sysctl_getdomaininfolist(struct xen_sysctl *op, bool *reply)
{
    struct xen_sysctl_getdomaininfolist *l = &op->u.getdomaininfolist;
    struct xen_domctl_getdomaininfo info;
    uint32_t n = 0;
    long result = 0;

    for (struct domain *d = domain_get_next(l->first_domain); d;) {
        domid_t next = (domid_t)(d->id + 1u);
        bool room = n < l->max_domains;
        if (room)
            domain_info(d, &info);
        domain_put(d);
        if (!room)
            break;
        if (copy_to_guest(l->buffer.q + n * sizeof info, &info, sizeof info)) {
            result = -XEN_EFAULT;
            break;
        }
        n++;
        d = domain_get_next(next);
    }
    l->num_domains = n;
    *reply = !result;
    return result;
}

static long sysctl_debug_keys(struct xen_sysctl *op, bool *reply)
{
    const struct xen_sysctl_debug_keys *k = &op->u.debug_keys;

    (void)reply;
    for (uint32_t i = 0; i < MIN(k->nr_keys, KEYS_MAX); i++) {
        char c;
        if (copy_from_guest(&c, k->keys.q + i, 1))
            return -XEN_EFAULT;
        debug_key(c);
    }
    return 0;
}

static long sysctl_scheduler_op(struct xen_sysctl *op, bool *reply)
{
    if (op->u.scheduler_op.cpupool_id)
        return -XEN_ESRCH;
    *reply = true;
    return sched_sysctl(&op->u.scheduler_op);
}

/* Tracing is off, and has no buffers to be turned on with. */
static long sysctl_tbuf_op(struct xen_sysctl *op, bool *reply)
{
    struct xen_sysctl_tbuf_op *t = &op->u.tbuf_op;

    switch (t->cmd) {
    case XEN_SYSCTL_TBUFOP_get_info:
        t->evt_mask = 0;
        t->buffer_mfn = 0;
        t->size = 0;
        *reply = true;
        return 0;
    case XEN_SYSCTL_TBUFOP_set_cpu_mask:
    case XEN_SYSCTL_TBUFOP_set_evt_mask:
    case XEN_SYSCTL_TBUFOP_disable:
        return 0;
    default:
        return -XEN_EINVAL;
    }
}

static long sysctl_unsupported(struct xen_sysctl *op, bool *reply)
{
    (void)op;
    (void)reply;
    return -XEN_EOPNOTSUPP;
}

static long (*const operations[])(struct xen_sysctl *op, bool *reply) = {
    [XEN_SYSCTL_readconsole] = sysctl_readconsole,
    [XEN_SYSCTL_tbuf_op] = sysctl_tbuf_op,
    [XEN_SYSCTL_physinfo] = sysctl_physinfo,
    [XEN_SYSCTL_sched_id] = sysctl_sched_id,
    [XEN_SYSCTL_getdomaininfolist] = sysctl_getdomaininfolist,
    [XEN_SYSCTL_debug_keys] = sysctl_debug_keys,
    [XEN_SYSCTL_getcpuinfo] = sysctl_getcpuinfo,
    [XEN_SYSCTL_availheap] = sysctl_availheap,
    [XEN_SYSCTL_cputopoinfo] = sysctl_cputopoinfo,
    [XEN_SYSCTL_numainfo] = sysctl_numainfo,
    [XEN_SYSCTL_cpupool_op] = sysctl_cpupool_op,
    [XEN_SYSCTL_scheduler_op] = sysctl_scheduler_op,
    [XEN_SYSCTL_coverage_op] = sysctl_unsupported,
    [XEN_SYSCTL_page_offline_op] = sysctl_unsupported,
};

long do_sysctl(uint64_t arg)
{
    struct xen_sysctl op;
    bool reply = false;

    if (copy_from_guest(&op, arg, sizeof op))
        return -XEN_EFAULT;
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
        return -XEN_EACCES;
    if (!domain_is_control(current_vcpu()->domain))
        return -XEN_EPERM;
    if (op.cmd >= ARRAY_SIZE(operations) || !operations[op.cmd])
        return -XEN_ENOSYS;
    if (!spin_trylock(&sysctl_lock))
        return -XEN_ERESTART;
    long result = operations[op.cmd](&op, &reply);
    spin_unlock(&sysctl_lock);
    if (reply && copy_to_guest(arg, &op, sizeof op))
        result = -XEN_EFAULT;
    return result;
}
