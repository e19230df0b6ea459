/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine: CPUs, memory, one NUMA node, one CPU pool. */
#include "domctl.h"

#define NODE_DISTANCE 20u /* distance of the one node to itself, as in Xen on Arm */
#define SCHED_ID      XEN_SCHEDULER_CREDIT2

long sysctl_physinfo(struct xen_sysctl *op, bool *reply)
{
    struct xen_sysctl_physinfo *p = &op->u.physinfo;

    memset(p, 0, sizeof(*p));
    p->threads_per_core = 1;
    p->cores_per_socket = 1;
    p->nr_cpus = cpu_count;
    p->max_cpu_id = cpu_count - 1;
    p->nr_nodes = 1;
    p->max_node_id = 0;
    p->cpu_khz = (uint32_t)(counter_hz / 1000);
    p->capabilities = XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap |
                      XEN_SYSCTL_PHYSCAP_gnttab_v1;
    p->total_pages = page_total_count();
    p->free_pages = page_free_count();
    p->max_mfn = frame_base + frame_count - 1;
    *reply = true;
    return 0;
}

static uint64_t idle_ns(const struct cpu *c)
{
    uint64_t ticks = __atomic_load_n(&c->idle_ticks, __ATOMIC_RELAXED);
    uint64_t since = __atomic_load_n(&c->idle_since, __ATOMIC_RELAXED), now = counter();

    /* The idle period that is in progress counts, too. */
    if (__atomic_load_n(&c->idle, __ATOMIC_RELAXED) && now > since)
        ticks += now - since;
    return ticks_to_ns(ticks);
}

long sysctl_getcpuinfo(struct xen_sysctl *op, bool *reply)
{
    struct xen_sysctl_getcpuinfo *g = &op->u.getcpuinfo;
    uint32_t n = MIN(g->max_cpus, cpu_count);

    for (uint32_t i = 0; i < n; i++) {
        struct xen_sysctl_cpuinfo info = { .idletime = idle_ns(&cpus[i]) };
        if (copy_to_guest(g->info.q + i * sizeof(info), &info, sizeof(info)))
            return -XEN_EFAULT;
    }
    g->nr_cpus = n;
    *reply = true;
    return 0;
}

long sysctl_cputopoinfo(struct xen_sysctl *op, bool *reply)
{
    struct xen_sysctl_cputopoinfo *t = &op->u.cputopoinfo;
    const struct xen_sysctl_cputopo topo = { .core = 0,
                                             .socket = 0,
                                             .node = 0 }; /* Xen does not read it on Arm */
    uint32_t n = MIN(t->num_cpus, cpu_count);

    if (t->cputopo.q)
        for (uint32_t i = 0; i < n; i++)
            if (copy_to_guest(t->cputopo.q + i * sizeof(topo), &topo, sizeof(topo)))
                return -XEN_EFAULT;
    t->num_cpus = cpu_count;
    *reply = true;
    return 0;
}

long sysctl_numainfo(struct xen_sysctl *op, bool *reply)
{
    struct xen_sysctl_numainfo *n = &op->u.numainfo;
    struct xen_sysctl_meminfo mem = { .memsize = page_total_count() << PAGE_SHIFT,
                                      .memfree = page_free_count() << PAGE_SHIFT };
    const uint32_t distance = NODE_DISTANCE;

    if (n->num_nodes) {
        if (n->meminfo.q && copy_to_guest(n->meminfo.q, &mem, sizeof(mem)))
            return -XEN_EFAULT;
        if (n->distance.q && copy_to_guest(n->distance.q, &distance, sizeof(distance)))
            return -XEN_EFAULT;
    }
    n->num_nodes = 1;
    *reply = true;
    return 0;
}

long sysctl_availheap(struct xen_sysctl *op, bool *reply)
{
    struct xen_sysctl_availheap *a = &op->u.availheap;

    /*
     * The heap does not distinguish address widths: all of it counts as of the width that its last
     * page needs.
     */
    uint64_t top = (frame_base + frame_count) << PAGE_SHIFT;
    bool fits = a->node <= 0 &&
                (!a->max_bitwidth || a->max_bitwidth >= 64 || top <= 1ull << a->max_bitwidth);
    a->avail_bytes = fits ? page_free_count() << PAGE_SHIFT : 0;
    *reply = true;
    return 0;
}

static uint32_t count_domains(void)
{
    uint32_t n = 0;

    for (struct domain *d = domain_get_next(0); d; n++) {
        domid_t next = (domid_t)(d->id + 1u);
        domain_put(d);
        d = domain_get_next(next);
    }
    return n;
}

static bool no_domain(uint32_t id)
{
    struct domain *d = id < DOMID_FIRST_RESERVED ? domain_get((domid_t)id) : NULL;
    if (d)
        domain_put(d);
    return !d;
}

/* Only Pool-0 exists, with all CPUs; no other can be made. */
long sysctl_cpupool_op(struct xen_sysctl *op, bool *reply)
{
    struct xen_sysctl_cpupool_op *p = &op->u.cpupool_op;
    long result;

    switch (p->op) {
    case XEN_SYSCTL_CPUPOOL_OP_CREATE: return -XEN_EOPNOTSUPP;
    case XEN_SYSCTL_CPUPOOL_OP_DESTROY: return p->cpupool_id ? -XEN_ENOENT : -XEN_EBUSY;
    case XEN_SYSCTL_CPUPOOL_OP_INFO:
        /* The pool of that number, or the next one above. */
        if (p->cpupool_id)
            return -XEN_ENOENT;
        p->sched_id = SCHED_ID;
        p->n_dom = count_domains();
        result = bitmap_to_guest(&p->cpumap, cpus_mask(), cpu_count);
        break;
    case XEN_SYSCTL_CPUPOOL_OP_FREEINFO: result = bitmap_to_guest(&p->cpumap, 0, cpu_count); break;
    case XEN_SYSCTL_CPUPOOL_OP_ADDCPU:
        return p->cpupool_id ? -XEN_ENOENT : -XEN_ENODEV; /* no CPU is free */
    case XEN_SYSCTL_CPUPOOL_OP_RMCPU: return p->cpupool_id ? -XEN_ENOENT : -XEN_EINVAL;
    case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN:
        if (p->domid == DOMID_DOM0)
            return -XEN_EPERM;
        return no_domain(p->domid) ? -XEN_ESRCH : p->cpupool_id ? -XEN_ENOENT : 0;
    default: return -XEN_ENOSYS;
    }
    *reply = !result;
    return result;
}
