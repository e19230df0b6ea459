/* SPDX-License-Identifier: BSD-2-Clause */
/* Domctls about one vCPU: context, affinity, state. */
#include "domctl.h"

/*
 * NULL with *result set: -EINVAL for a number beyond the domain's vCPUs, -ESRCH for a vCPU that was
 * not created.
 */
static struct vcpu *find(struct domain *d, uint32_t id, long *result)
{
    if (id >= MIN(d->max_vcpus, MAX_VCPUS)) {
        *result = -XEN_EINVAL;
        return NULL;
    }
    if (!d->vcpu[id])
        *result = -XEN_ESRCH;
    return d->vcpu[id];
}

long domctl_getvcpuinfo(struct domctl *c)
{
    struct xen_domctl_getvcpuinfo *i = &c->op->u.getvcpuinfo;
    long result = 0;
    struct vcpu *v = find(c->d, i->vcpu, &result);

    if (!v)
        return result;
    i->online = v->online;
    i->blocked = v->blocked;
    i->running = v->sched.running;
    i->cpu_time = vcpu_run_ns(v);
    i->cpu = v->sched.cpu < 0 ? 0 : (uint32_t)v->sched.cpu;
    c->reply = true;
    return 0;
}

long domctl_getvcpucontext(struct domctl *c)
{
    struct vcpu_guest_context context;
    long result = 0;
    struct vcpu *v = find(c->d, c->op->u.vcpucontext.vcpu, &result);

    if (!v)
        return result;
    if (v == current_vcpu())
        return -XEN_EINVAL;
    if (!v->initialised)
        return -XEN_ENODATA;
    memset(&context, 0, sizeof(context));
    vcpu_pause(v);
    vcpu_sleep_sync(v);
    arch_get_context(v, &context);
    context.flags = v->online ? VGCF_online : 0;
    vcpu_unpause(v);
    return copy_to_guest(c->op->u.vcpucontext.ctxt.q, &context, sizeof(context)) ? -XEN_EFAULT : 0;
}

/* A null context resets the vCPU.  Otherwise VGCF_online tells whether it runs. */
long domctl_setvcpucontext(struct domctl *c)
{
    struct vcpu_guest_context context;
    long result = 0;
    struct vcpu *v = find(c->d, c->op->u.vcpucontext.vcpu, &result);

    if (c->d == current_vcpu()->domain)
        return -XEN_EINVAL;
    if (!v)
        return result;
    if (c->op->u.vcpucontext.ctxt.q &&
        copy_from_guest(&context, c->op->u.vcpucontext.ctxt.q, sizeof(context)))
        return -XEN_EFAULT;
    domain_pause(c->d);
    if (!c->op->u.vcpucontext.ctxt.q)
        result = vcpu_reset(v);
    else {
        result = arch_set_context(v, &context);
        if (!result) {
            v->initialised = true;
            v->online = context.flags & VGCF_online;
        }
    }
    domain_unpause(c->d);
    /*
     * The domain is not paused for another reason and the vCPU is online now: wake it here, because
     * domain_unpause may have seen it offline.
     */
    if (!result && v->online)
        vcpu_wake(v);
    return result;
}

long domctl_getvcpuaffinity(struct domctl *c)
{
    struct xen_domctl_vcpuaffinity *a = &c->op->u.vcpuaffinity;
    long result = 0;
    struct vcpu *v = find(c->d, a->vcpu, &result);

    if (!v)
        return result;
    if (!(a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)))
        return -XEN_EINVAL;
    if (a->flags & XEN_VCPUAFFINITY_HARD)
        result = bitmap_to_guest(&a->cpumap_hard, v->sched.affinity & cpus_mask(), cpu_count);
    if (!result && a->flags & XEN_VCPUAFFINITY_SOFT)
        result = bitmap_to_guest(&a->cpumap_soft, v->sched.affinity_soft & cpus_mask(), cpu_count);
    return result;
}

/*
 * Both maps are returned as they are in effect: hard affinity limited to existing CPUs, soft
 * limited by hard.
 */
long domctl_setvcpuaffinity(struct domctl *c)
{
    struct xen_domctl_vcpuaffinity *a = &c->op->u.vcpuaffinity;
    long result = 0;
    struct vcpu *v = find(c->d, a->vcpu, &result);

    if (!v)
        return result;
    if (!(a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)))
        return -XEN_EINVAL;
    uint64_t hard = v->sched.affinity, soft = v->sched.affinity_soft;
    if (a->flags & XEN_VCPUAFFINITY_HARD)
        result = bitmap_from_guest(&a->cpumap_hard, &hard, cpu_count);
    if (!result && a->flags & XEN_VCPUAFFINITY_SOFT)
        result = bitmap_from_guest(&a->cpumap_soft, &soft, cpu_count);
    if (!result && (!(hard & cpus_mask()) || !soft))
        result = -XEN_EINVAL;
    if (result)
        return result;
    sched_set_affinity(v, hard, soft);
    if (a->flags & XEN_VCPUAFFINITY_HARD)
        result = bitmap_to_guest(&a->cpumap_hard, hard & cpus_mask(), cpu_count);
    if (!result && a->flags & XEN_VCPUAFFINITY_SOFT)
        result = bitmap_to_guest(&a->cpumap_soft, soft & hard & cpus_mask(), cpu_count);
    return result;
}

/* There is a single NUMA node. */
long domctl_nodeaffinity(struct domctl *c)
{
    const struct xenctl_bitmap *map = &c->op->u.nodeaffinity.nodemap;
    uint64_t nodes;

    if (c->op->cmd == XEN_DOMCTL_getnodeaffinity)
        return bitmap_to_guest(map, 1, 1);
    long result = bitmap_from_guest(map, &nodes, 1);
    return result ? result : nodes ? 0 : -XEN_EINVAL;
}
