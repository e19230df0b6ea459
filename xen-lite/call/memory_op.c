/* SPDX-License-Identifier: BSD-2-Clause */
/* HYPERVISOR_memory_op: the dispatcher and the queries.  See memory_op.h. */
#include "memory_op.h"

long memory_restart(unsigned op, uint64_t extent)
{
    arch_hypercall_set_arg(current_vcpu(), 0, op | extent << MEMOP_SHIFT);
    return -XEN_ERESTART;
}

/*
 * A count as a result, cut to the largest long.  "No limit" would otherwise look like an error
 * where a long has 32 bits.
 */
static long count_result(uint64_t n) { return (long)MIN(n, (uint64_t)__LONG_MAX__); }

/* current_reservation, maximum_reservation, maximum_gpfn */
static long domain_question(unsigned op, uint64_t arg)
{
    struct xen_memory_domain question;
    long rc;

    if (copy_from_guest(&question, arg, sizeof(question)))
        return -XEN_EFAULT;
    struct domain *d = domain_get(question.domid);
    if (!d)
        return -XEN_ESRCH;
    if (!may_act_on(d))
        rc = -XEN_EPERM;
    else if (op == XENMEM_current_reservation)
        rc = count_result(d->tot_pages);
    else if (op == XENMEM_maximum_reservation)
        rc = count_result(d->max_pages);
    else
        rc = count_result(p2m_max_gfn(d));
    domain_put(d);
    return rc;
}

/* Pages that are claimed for domains and not allocated yet. */
static uint64_t outstanding_pages(const struct domain *but)
{
    uint64_t pages = 0;
    domid_t next = 0;
    struct domain *d;

    while ((d = domain_get_next(next)) != NULL) {
        if (d != but)
            pages += d->outstanding;
        next = (domid_t)(d->id + 1);
        domain_put(d);
    }
    return pages;
}

static long set_claim(struct domain *d, uint64_t pages)
{
    if (pages == 0) {
        d->outstanding = 0;
        return 0;
    }
    if (d->outstanding || pages <= d->tot_pages || pages > d->max_pages)
        return -XEN_EINVAL;
    uint64_t wanted = pages - d->tot_pages;
    uint64_t promised = outstanding_pages(d), free_pages = page_free_count();
    if (promised > free_pages || wanted > free_pages - promised)
        return -XEN_ENOMEM;
    d->outstanding = (uint32_t)wanted;
    return 0;
}

static long claim_pages(uint64_t arg)
{
    struct xen_memory_reservation r;
    long rc;

    if (copy_from_guest(&r, arg, sizeof(r)))
        return -XEN_EFAULT;
    if (r.extent_start.q || r.extent_order || r.mem_flags)
        return -XEN_EINVAL;
    struct domain *d = domain_get(r.domid);
    if (!d)
        return -XEN_EINVAL;
    if (domain_is_control(current_vcpu()->domain)) {
        spin_lock(&domctl_lock); /* two claims at once would count the same free pages */
        rc = set_claim(d, r.nr_extents);
        spin_unlock(&domctl_lock);
    } else {
        rc = -XEN_EPERM;
    }
    domain_put(d);
    return rc;
}

/* No device has reserved memory of this kind. */
static long reserved_device_memory(uint64_t arg)
{
    struct xen_reserved_device_memory_map map;

    if (copy_from_guest(&map, arg, sizeof(map)))
        return -XEN_EFAULT;
    if (map.flags & ~(uint32_t)XENMEM_RDM_ALL)
        return -XEN_EINVAL;
    map.nr_entries = 0;
    return copy_to_guest(arg, &map, sizeof(map)) ? -XEN_EFAULT : 0;
}

static long vnuma_info(uint64_t arg)
{
    struct xen_vnuma_topology_info info;
    long rc = -XEN_EOPNOTSUPP; /* no domain has a vNUMA topology */

    if (copy_from_guest(&info, arg, sizeof(info)))
        return -XEN_EFAULT;
    if (info.pad)
        return -XEN_EINVAL;
    struct domain *d = domain_get(info.domid);
    if (!d)
        return -XEN_ESRCH;
    if (!may_act_on(d))
        rc = -XEN_EPERM;
    domain_put(d);
    return rc;
}

/* Operations that are never preempted: a non-zero start is an error. */
static long whole_op(unsigned op, uint64_t arg)
{
    switch (op) {
    case XENMEM_maximum_ram_page: return count_result(frame_base + frame_count);
    case XENMEM_current_reservation:
    case XENMEM_maximum_reservation:
    case XENMEM_maximum_gpfn: return domain_question(op, arg);
    case XENMEM_remove_from_physmap: return memory_remove(arg);
    case XENMEM_claim_pages: return claim_pages(arg);
    case XENMEM_reserved_device_memory_map: return reserved_device_memory(arg);
    default: return vnuma_info(arg);
    }
}

long do_memory_op(uint64_t cmd, uint64_t arg)
{
    unsigned op = (unsigned)cmd & MEMOP_MASK;
    uint64_t start = cmd >> MEMOP_SHIFT;

    switch (op) {
    case XENMEM_increase_reservation:
    case XENMEM_decrease_reservation:
    case XENMEM_populate_physmap: return memory_reservation(op, arg, start);
    case XENMEM_add_to_physmap: return memory_add(arg, start);
    case XENMEM_add_to_physmap_batch: return memory_add_batch(arg, start);
    case XENMEM_acquire_resource: return memory_acquire(arg, start);
    case XENMEM_maximum_ram_page:
    case XENMEM_current_reservation:
    case XENMEM_maximum_reservation:
    case XENMEM_maximum_gpfn:
    case XENMEM_remove_from_physmap:
    case XENMEM_claim_pages:
    case XENMEM_get_vnumainfo:
    case XENMEM_reserved_device_memory_map: return start ? -XEN_EINVAL : whole_op(op, arg);
    case XENMEM_get_sharing_freed_pages:
    case XENMEM_get_sharing_shared_pages: return 0;
    case XENMEM_exchange: /* only for domains that see machine frames */ return -XEN_EOPNOTSUPP;
    default: /* Arm has no memory map, populate-on-demand, paging or access rights per page */
        return -XEN_ENOSYS;
    }
}
