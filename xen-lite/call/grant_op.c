/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HYPERVISOR_grant_table_op.  Operations come in batches, each with its own status.  The call
 * itself fails only for a reason that concerns the whole batch (-XEN_EFAULT for the array).  A long
 * batch is preempted: its arguments are advanced to the rest, and the call is repeated.
 */
#include "lib.h"
#include "domain.h"
#include "hypercall.h"
#include "rights.h"

/* ---- batches ---- */

/* After operation i of `count`.  0: go on; -XEN_ERESTART with the arguments advanced. */
static long preempt(uint64_t arg, unsigned i, unsigned count, size_t bytes)
{
    struct vcpu *v = current_vcpu();

    if (i + 1 >= count || !hypercall_preempt_check())
        return 0;
    arch_hypercall_set_arg(v, 1, arg + (uint64_t)(i + 1) * bytes);
    arch_hypercall_set_arg(v, 2, count - (i + 1));
    return -XEN_ERESTART;
}

union batch_op {
    struct gnttab_map_grant_ref map;
    struct gnttab_unmap_grant_ref unmap;
    struct gnttab_unmap_and_replace replace;
    struct gnttab_copy copy;
    struct gnttab_swap_grant_ref swap;
    struct gnttab_cache_flush flush;
};

static size_t op_bytes(unsigned cmd)
{
    switch (cmd) {
    case GNTTABOP_map_grant_ref: return sizeof(struct gnttab_map_grant_ref);
    case GNTTABOP_unmap_grant_ref: return sizeof(struct gnttab_unmap_grant_ref);
    case GNTTABOP_unmap_and_replace: return sizeof(struct gnttab_unmap_and_replace);
    case GNTTABOP_copy: return sizeof(struct gnttab_copy);
    case GNTTABOP_swap_grant_ref: return sizeof(struct gnttab_swap_grant_ref);
    default: return sizeof(struct gnttab_cache_flush);
    }
}

static long one_op(struct domain *d, unsigned cmd, union batch_op *op)
{
    switch (cmd) {
    case GNTTABOP_map_grant_ref: grant_map_one(d, &op->map); break;
    case GNTTABOP_unmap_grant_ref:
        op->unmap.status = grant_unmap(d, op->unmap.handle, op->unmap.host_addr);
        break;
    /* Guests have no page-table entry here that could replace the mapping. */
    case GNTTABOP_unmap_and_replace:
        op->replace.status = op->replace.new_addr
                                 ? GNTST_general_error
                                 : grant_unmap(d, op->replace.handle, op->replace.host_addr);
        break;
    case GNTTABOP_copy: grant_copy_one(d, &op->copy); break;
    case GNTTABOP_swap_grant_ref:
        op->swap.status = grant_swap(d, op->swap.ref_a, op->swap.ref_b);
        break;
    default: return grant_cache_flush(d, &op->flush);
    }
    return 0;
}

static long batch(unsigned cmd, uint64_t arg, unsigned count)
{
    struct domain *d = current_vcpu()->domain;
    size_t bytes = op_bytes(cmd);

    for (unsigned i = 0; i < count; i++) {
        uint64_t where = arg + (uint64_t)i * bytes;
        union batch_op op;
        long rc;

        if (copy_from_guest(&op, where, bytes))
            return -XEN_EFAULT;
        rc = one_op(d, cmd, &op);
        if (rc)
            return rc;
        if (cmd != GNTTABOP_cache_flush && copy_to_guest(where, &op, bytes))
            return -XEN_EFAULT;
        rc = preempt(arg, i, count, bytes);
        if (rc)
            return rc;
    }
    return 0;
}

/* ---- the table ---- */

/* The domain with a reference, or NULL with the reason in *status. */
static struct domain *find_domain(domid_t domid, int16_t *status)
{
    struct domain *d = domain_get(domid);

    if (!d) {
        *status = GNTST_bad_domain;
        return NULL;
    }
    if (!may_act_on(d)) {
        *status = GNTST_permission_denied;
        domain_put(d);
        return NULL;
    }
    *status = GNTST_okay;
    return d;
}

/* GNTST_*; -XEN_ERESTART: the table has grown, but not yet enough. */
static long list_frames(struct domain *d, const struct gnttab_setup_table *op)
{
    struct grant_table *t = &d->grant;
    uint64_t gfn[GRANT_FRAMES_MAX];

    if (op->nr_frames > t->max_frames)
        return GNTST_general_error;
    spin_lock(&t->lock);
    int rc = grant_grow(d, op->nr_frames);
    if (rc == 0)
        memcpy(gfn, t->gfn, op->nr_frames * sizeof(gfn[0]));
    spin_unlock(&t->lock);
    if (rc)
        return rc == -XEN_ERESTART ? rc : GNTST_general_error;
    if (copy_to_guest(op->frame_list.q, gfn, op->nr_frames * sizeof(gfn[0])))
        return GNTST_bad_virt_addr;
    return GNTST_okay;
}

static long op_setup_table(uint64_t arg, unsigned count)
{
    struct gnttab_setup_table op;

    if (count != 1)
        return -XEN_EINVAL;
    if (copy_from_guest(&op, arg, sizeof(op)))
        return -XEN_EFAULT;
    struct domain *d = find_domain(op.dom, &op.status);
    if (d) {
        long status = list_frames(d, &op);
        domain_put(d);
        if (status == -XEN_ERESTART)
            return status;
        op.status = (int16_t)status;
    }
    return copy_to_guest(arg, &op, sizeof(op)) ? -XEN_EFAULT : 0;
}

static long op_query_size(uint64_t arg, unsigned count)
{
    struct gnttab_query_size op;

    if (count != 1)
        return -XEN_EINVAL;
    if (copy_from_guest(&op, arg, sizeof(op)))
        return -XEN_EFAULT;
    struct domain *d = find_domain(op.dom, &op.status);
    if (d) {
        spin_lock(&d->grant.lock);
        op.nr_frames = d->grant.frame_count;
        op.max_nr_frames = d->grant.max_frames;
        spin_unlock(&d->grant.lock);
        domain_put(d);
    }
    return copy_to_guest(arg, &op, sizeof(op)) ? -XEN_EFAULT : 0;
}

/* Version 1 has no status frames. */
static long op_status_frames(uint64_t arg, unsigned count)
{
    struct gnttab_get_status_frames op;

    if (count != 1)
        return -XEN_EINVAL;
    if (copy_from_guest(&op, arg, sizeof(op)))
        return -XEN_EFAULT;
    struct domain *d = find_domain(op.dom, &op.status);
    if (d) {
        if (op.nr_frames)
            op.status = GNTST_general_error;
        domain_put(d);
    }
    return copy_to_guest(arg, &op, sizeof(op)) ? -XEN_EFAULT : 0;
}

static long op_set_version(uint64_t arg)
{
    struct gnttab_set_version op;
    long rc = 0;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -XEN_EFAULT;
    if (op.version != 1)
        rc = op.version == 2 ? -XEN_ENOSYS : -XEN_EINVAL;
    op.version = 1;
    if (copy_to_guest(arg, &op, sizeof(op)))
        rc = -XEN_EFAULT;
    return rc;
}

static long op_get_version(uint64_t arg)
{
    struct gnttab_get_version op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -XEN_EFAULT;
    struct domain *d = domain_get(op.dom);
    if (!d)
        return -XEN_ESRCH;
    long rc = may_act_on(d) ? 0 : -XEN_EPERM;
    domain_put(d);
    op.version = 1;
    if (rc == 0 && copy_to_guest(arg, &op, sizeof(op)))
        rc = -XEN_EFAULT;
    return rc;
}

long do_grant_table_op(unsigned cmd, uint64_t arg, unsigned count)
{
    if ((int)count < 0)
        return -XEN_EINVAL;
    switch (cmd) {
    case GNTTABOP_map_grant_ref:
    case GNTTABOP_unmap_grant_ref:
    case GNTTABOP_unmap_and_replace:
    case GNTTABOP_copy:
    case GNTTABOP_swap_grant_ref:
    case GNTTABOP_cache_flush: return batch(cmd, arg, count);
    case GNTTABOP_setup_table: return op_setup_table(arg, count);
    case GNTTABOP_query_size: return op_query_size(arg, count);
    case GNTTABOP_get_status_frames: return op_status_frames(arg, count);
    case GNTTABOP_set_version: return op_set_version(arg);
    case GNTTABOP_get_version: return op_get_version(arg);
    case GNTTABOP_transfer: /* only for domains that see machine frames */ return -XEN_EOPNOTSUPP;
    default: return -XEN_ENOSYS;
    }
}
