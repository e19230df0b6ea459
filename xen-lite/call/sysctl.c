/* SPDX-License-Identifier: BSD-2-Clause */
/* XEN_SYSCTL_*: the control domain's calls about the machine.  public/sysctl.h of Xen 4.17 */
#include "domctl.h"

#define READ_PIECE  1024u
#define KEYS_MAX    256u
#define LIST_A_LOOK 8u /* domains between two checks for preemption */

static spinlock_t sysctl_lock = SPINLOCK_INIT;

/*
 * If the call is preempted, `index` is where it continues, and `pad0` the number of whole pieces
 * done.
 */
static long sysctl_readconsole(struct xen_sysctl *op, bool *reply)
{
    struct xen_sysctl_readconsole *r = &op->u.readconsole;
    char piece[READ_PIECE];
    uint32_t index = r->index, done = r->pad0 * READ_PIECE, end = 0;
    bool incremental = r->incremental || done;

    while (done < r->count) {
        uint32_t n = log_read_ring(piece, MIN(r->count - done, READ_PIECE), &index, incremental,
                                   false);
        if (n && copy_to_guest(r->buffer.q + done, piece, n))
            return -XEN_EFAULT;
        if (!n)
            break;
        done += n;
        incremental = true;
        if (done % READ_PIECE == 0 && done / READ_PIECE <= UINT8_MAX && hypercall_preempt_check()) {
            r->pad0 = (uint8_t)(done / READ_PIECE);
            r->index = index;
            *reply = true;
            return -XEN_ERESTART;
        }
    }
    r->pad0 = 0;
    if (r->clear)
        log_read_ring(piece, 0, &end, false, true);
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

/*
 * Marks a restarted call (domain ids never have bit 15 set): the first num_domains entries are
 * already in the buffer.
 */
#define LIST_CONTINUED 0x8000u

static long next_in_list(const struct xen_sysctl_getdomaininfolist *l, uint32_t done, domid_t *next)
{
    struct xen_domctl_getdomaininfo last;

    *next = (domid_t)(l->first_domain & ~LIST_CONTINUED);
    if (!done)
        return 0;
    if (copy_from_guest(&last, l->buffer.q + (done - 1) * sizeof(last), sizeof(last)))
        return -XEN_EFAULT;
    *next = (domid_t)(last.domain + 1u);
    return 0;
}

/* Writes domain `*next`, or the first one after it, into entry `at`.  1: there was one. */
static long list_one(const struct xen_sysctl_getdomaininfolist *l, uint32_t at, domid_t *next)
{
    struct xen_domctl_getdomaininfo info;
    struct domain *d = domain_get_next(*next);

    if (!d)
        return 0;
    domain_info(d, &info);
    *next = (domid_t)(d->id + 1u);
    domain_put(d);
    return copy_to_guest(l->buffer.q + at * sizeof(info), &info, sizeof(info)) ? -XEN_EFAULT : 1;
}

static long sysctl_getdomaininfolist(struct xen_sysctl *op, bool *reply)
{
    struct xen_sysctl_getdomaininfolist *l = &op->u.getdomaininfolist;
    uint32_t done = l->first_domain & LIST_CONTINUED ? MIN(l->num_domains, l->max_domains) : 0;
    domid_t next;
    long result = next_in_list(l, done, &next);

    while (!result && done < l->max_domains) {
        result = list_one(l, done, &next);
        if (result <= 0)
            break;
        result = ++done % LIST_A_LOOK || !hypercall_preempt_check() ? 0 : -XEN_ERESTART;
    }
    l->first_domain = (domid_t)(result == -XEN_ERESTART ? l->first_domain | LIST_CONTINUED
                                                        : l->first_domain & ~LIST_CONTINUED);
    l->num_domains = done;
    *reply = !result || result == -XEN_ERESTART;
    return result;
}

/*
 * A dump is for people and takes as long as it takes.  Between two dumps the call can be preempted.
 */
static long sysctl_debug_keys(struct xen_sysctl *op, bool *reply)
{
    struct xen_sysctl_debug_keys *k = &op->u.debug_keys;

    for (k->nr_keys = MIN(k->nr_keys, KEYS_MAX); k->nr_keys; k->nr_keys--, k->keys.q++) {
        char c;
        if (*reply && hypercall_preempt_check())
            return -XEN_ERESTART;
        if (copy_from_guest(&c, k->keys.q, 1))
            return -XEN_EFAULT;
        debug_key(c);
        *reply = true;
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

/* Tracing is off; there are no buffers to turn it on with. */
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
    case XEN_SYSCTL_TBUFOP_disable: return 0;
    default: return -XEN_EINVAL;
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
    [XEN_SYSCTL_perfc_op] = sysctl_perfc_op,
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

    if (copy_from_guest(&op, arg, sizeof(op)))
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
    if (reply && copy_to_guest(arg, &op, sizeof(op)))
        result = -XEN_EFAULT;
    return result;
}
