/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mapping things into a domain's guest-physical space, and removing them: its shared info page,
 * grant frames, another domain's pages, and frames of a resource.
 */
#include "hw.h"
#include "memory_op.h"

/* ---- one page ---- */

/*
 * The same place again has no effect; another place moves the page.  A guest that resumes on a new
 * host calls this again.
 */
static int add_shared_info(struct domain *d, uint64_t idx, uint64_t gfn)
{
    struct p2m_entry e;
    int rc = 0;

    if (idx)
        return -XEN_EINVAL;
    spin_lock(&d->lock);
    ipa_t old = d->shared_ipa;
    paddr_t pa = page_pa(d->shared_page);
    if (old.v != GFN(gfn).v || !p2m_lookup(d, old, &e) || e.pa.v != pa.v) {
        rc = p2m_map(d, GFN(gfn), pa, 1, P2M_SHARED);
        if (rc == 0) {
            d->shared_ipa = GFN(gfn);
            /* Fails if the guest unmapped it itself, which is harmless. */
            if (old.v != ~0ull && old.v != GFN(gfn).v)
                p2m_unmap_exact(d, old, pa);
        }
    }
    spin_unlock(&d->lock);
    return rc;
}

/*
 * A domain that has never run is being built or received, so a foreign mapping of its pages is
 * going to be written.  It counts as an external writer at once, and the first write does not
 * fault.
 */
static int map_foreign(struct domain *d, uint64_t gfn, const struct domain *fd, struct page *page,
                       enum p2m_type type)
{
    bool counted = type == P2M_RAM && fd->state == DOM_BUILDING;

    if (counted)
        dirty_ext_writer(page, 1);
    int rc = p2m_map(d, GFN(gfn), page_pa(page), 1, counted ? P2M_FOREIGN_COUNTED : P2M_FOREIGN);
    if (rc && counted)
        dirty_ext_writer(page, -1);
    return rc;
}

/*
 * Maps memory of another domain, or a page that the hypervisor shares with it: the migration daemon
 * reads those, too.
 */
static int add_foreign(struct domain *d, domid_t foreign, uint64_t idx, uint64_t gfn)
{
    /*
     * As in stock Xen, a caller that names itself by its own number is not a foreign domain.  As
     * DOMID_SELF it may be one, for another domain's map.
     */
    struct domain *fd = foreign == current_vcpu()->domain->id ? NULL : domain_get(foreign);
    struct page *page = NULL;
    enum p2m_type type;
    int rc = -XEN_EINVAL;

    if (!fd)
        return -XEN_ESRCH;
    if (fd == d)
        ;
    else if (!domain_is_control(d))
        rc = -XEN_EPERM;
    else if (gfn_valid(idx, 1) && (page = p2m_get_page(fd, GFN(idx), false, &type)) != NULL &&
             (type == P2M_RAM || type == P2M_SHARED))
        rc = map_foreign(d, gfn, fd, page, type);
    if (rc && page)
        page_put(page); /* otherwise the entry holds the reference */
    domain_put(fd);
    return rc;
}

static bool within(uint64_t pfn, paddr_t start, uint64_t bytes)
{
    return bytes && pfn >= pa_pfn(start) && pfn <= pa_pfn(PA(start.v + bytes - 1));
}

/*
 * Maps device registers for the control domain.  Registers that it may not have are skipped
 * silently, as in Xen.
 */
static int add_device(struct domain *d, uint64_t pfn, uint64_t gfn)
{
    if (!gfn_valid(pfn, 1) || pfn_valid(pfn) || pfn - frame_base < frame_count)
        return 0;
    if (gic_owns(pfn, pfn) || within(pfn, uart_base, PAGE_SIZE))
        return 0;
    return p2m_map(d, GFN(gfn), pfn_pa(pfn), 1, P2M_DEVICE);
}

static int add_one(struct domain *d, unsigned space, domid_t foreign, uint64_t idx, uint64_t gfn)
{
    if (!gfn_valid(gfn, 1))
        return -XEN_EINVAL;
    switch (space) {
    case XENMAPSPACE_shared_info: return add_shared_info(d, idx, gfn);
    case XENMAPSPACE_grant_table: return grant_map_frame(d, idx, gfn, NULL);
    case XENMAPSPACE_gmfn_foreign: return add_foreign(d, foreign, idx, gfn);
    case XENMAPSPACE_dev_mmio: return add_device(d, idx, gfn);
    default: /* gmfn and gmfn_range: not on Arm */ return -XEN_ENOSYS;
    }
}

/* ---- add ---- */

static long may_add(const struct domain *d, unsigned space)
{
    const struct domain *self = current_vcpu()->domain;

    if (space == XENMAPSPACE_dev_mmio && (d != self || !domain_is_control(d)))
        return -XEN_EACCES;
    if (!may_act_on(d))
        return -XEN_EPERM;
    return d->state >= DOM_DYING ? -XEN_ESRCH : 0; /* its map is being emptied */
}

long memory_add(uint64_t arg, uint64_t start)
{
    struct xen_add_to_physmap op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -XEN_EFAULT;
    if (op.space == XENMAPSPACE_gmfn_foreign) /* this call has no field for the foreign domain */
        return -XEN_ENOSYS;
    struct domain *d = domain_get(op.domid);
    if (!d)
        return -XEN_ESRCH;
    long rc = may_add(d, op.space);
    if (rc == 0 && op.space == XENMAPSPACE_gmfn_range && op.size <= start)
        rc = op.size < start ? -XEN_EILSEQ : 0;
    else if (rc == 0)
        rc = add_one(d, op.space, DOMID_INVALID, op.idx, op.gpfn);
    domain_put(d);
    return rc;
}

/*
 * One element.  0 if its own error code has the result; -XEN_EFAULT; -XEN_ERESTART: the same
 * element again.
 */
static long batch_one(struct domain *d, const struct xen_add_to_physmap_batch *op, uint64_t i)
{
    xen_ulong_t idx;
    xen_pfn_t gfn;

    if (copy_from_guest(&idx, op->idxs.q + i * sizeof(idx), sizeof(idx)) ||
        copy_from_guest(&gfn, op->gpfns.q + i * sizeof(gfn), sizeof(gfn)))
        return -XEN_EFAULT;
    int32_t err = add_one(d, op->space, op->u.foreign_domid, idx, gfn);
    if (err == -XEN_ERESTART)
        return err;
    return copy_to_guest(op->errs.q + i * sizeof(err), &err, sizeof(err)) ? -XEN_EFAULT : 0;
}

static long batch(struct domain *d, const struct xen_add_to_physmap_batch *op, uint64_t start)
{
    if (op->size < start || (op->size == start && start))
        return -XEN_EILSEQ;
    if (op->size && op->space == XENMAPSPACE_dev_mmio && op->u.res0)
        return -XEN_EOPNOTSUPP;
    for (uint64_t i = start; i < op->size; i++) {
        long rc = batch_one(d, op, i);

        if (rc)
            return rc == -XEN_ERESTART ? memory_restart(XENMEM_add_to_physmap_batch, i) : rc;
        if (i % MEMOP_PAGES_A_LOOK == MEMOP_PAGES_A_LOOK - 1 && i + 1 < op->size &&
            hypercall_preempt_check())
            return memory_restart(XENMEM_add_to_physmap_batch, i + 1);
    }
    return 0;
}

long memory_add_batch(uint64_t arg, uint64_t start)
{
    struct xen_add_to_physmap_batch op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -XEN_EFAULT;
    if (op.space == XENMAPSPACE_gmfn_range)
        return -XEN_EOPNOTSUPP;
    struct domain *d = domain_get(op.domid);
    if (!d)
        return -XEN_ESRCH;
    long rc = may_add(d, op.space);
    if (rc == 0)
        rc = batch(d, &op, start);
    domain_put(d);
    return rc;
}

/* ---- remove ---- */

/*
 * Removes a page that the domain owns, shares with the hypervisor, or has mapped of another domain
 * by frame number.  Grant mappings are removed by handle, devices not at all.
 */
static int remove_page(struct domain *d, uint64_t gfn)
{
    struct p2m_entry e;

    if (!gfn_valid(gfn, 1) || !p2m_lookup(d, GFN(gfn), &e))
        return -XEN_ENOENT;
    switch (e.type) {
    case P2M_RAM: return memory_take_out(d, gfn);
    case P2M_SHARED:
        if (d->shared_ipa.v == GFN(gfn).v)
            d->shared_ipa = IPA(~0ull);
        return p2m_unmap_exact(d, GFN(gfn), e.pa);
    case P2M_FOREIGN:
    case P2M_FOREIGN_RO: return p2m_unmap_later(d, GFN(gfn), e.pa);
    default: return -XEN_ENOENT;
    }
}

long memory_remove(uint64_t arg)
{
    struct xen_remove_from_physmap op;
    long rc = -XEN_EPERM;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -XEN_EFAULT;
    struct domain *d = domain_get(op.domid);
    if (!d)
        return -XEN_ESRCH;
    if (may_act_on(d)) {
        spin_lock(&d->lock);
        rc = remove_page(d, op.gpfn);
        spin_unlock(&d->lock);
    }
    domain_put(d);
    return rc;
}

/* ---- resources ---- */

/* Number of frames that the resource can have; 0: not available here. */
static uint32_t resource_frames(const struct domain *d, const struct xen_mem_acquire_resource *op)
{
    bool shared = op->type == XENMEM_resource_grant_table &&
                  op->id == XENMEM_resource_grant_table_id_shared;

    return shared ? d->grant.max_frames : 0;
}

/* Maps frame i of the request where the caller's list has it. */
static int map_frame(struct domain *self, struct domain *d,
                     const struct xen_mem_acquire_resource *op, uint64_t i)
{
    struct page *page;
    xen_pfn_t gfn;
    int rc;

    if (copy_from_guest(&gfn, op->frame_list.q + i * sizeof(gfn), sizeof(gfn)))
        return -XEN_EFAULT;
    if (!gfn_valid(gfn, 1))
        return -XEN_EINVAL;
    rc = grant_get_frame(d, op->frame + i, &page);
    if (rc)
        return rc;
    rc = p2m_map(self, GFN(gfn), page_pa(page), 1, P2M_FOREIGN);
    if (rc)
        page_put(page);
    return rc;
}

static long map_frames(struct domain *d, const struct xen_mem_acquire_resource *op, uint64_t start)
{
    for (uint64_t i = start; i < op->nr_frames; i++) {
        long rc = map_frame(current_vcpu()->domain, d, op, i);

        if (rc == -XEN_ERESTART)
            return memory_restart(XENMEM_acquire_resource, i);
        if (rc)
            return i ? -XEN_EIO : rc; /* some frames are mapped: the caller cleans up */
        if (i + 1 < op->nr_frames && hypercall_preempt_check())
            return memory_restart(XENMEM_acquire_resource, i + 1);
    }
    return 0;
}

static long acquire(struct domain *d, struct xen_mem_acquire_resource *op, uint64_t arg,
                    uint64_t start)
{
    uint32_t frames = resource_frames(d, op);

    if (op->type > XENMEM_resource_vmtrace_buf)
        return -XEN_EOPNOTSUPP;
    if (frames == 0)
        return -XEN_EINVAL;
    if (op->frame_list.q == 0) { /* a query for the number of frames */
        if (op->nr_frames || start)
            return -XEN_EINVAL;
        op->nr_frames = frames;
        return copy_to_guest(arg, op, sizeof(*op)) ? -XEN_EFAULT : 0;
    }
    if (start >= op->nr_frames || op->frame + op->nr_frames > frames)
        return -XEN_EINVAL;
    return map_frames(d, op, start);
}

long memory_acquire(uint64_t arg, uint64_t start)
{
    struct domain *self = current_vcpu()->domain;
    struct xen_mem_acquire_resource op;
    long rc;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -XEN_EFAULT;
    if (op.pad || op.frame >> 32 || (op.frame + op.nr_frames) >> 32)
        return -XEN_EINVAL;
    struct domain *d = op.domid < DOMID_FIRST_RESERVED ? domain_get(op.domid) : NULL;
    if (!d)
        return -XEN_ESRCH;
    if (d == self || !domain_is_control(self))
        rc = -XEN_EPERM;
    else
        rc = acquire(d, &op, arg, start);
    domain_put(d);
    return rc;
}
