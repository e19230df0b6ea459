/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handles a guest's access that stage 2 did not permit.  Only this file decides in which order the
 * possible reasons are checked; arch/ decodes the fault.  The most frequent come first: a write to
 * a clean logged leaf, emulated MMIO, the first write through a foreign mapping, a fault whose
 * reason is gone, dom0's first access to a large device window, an error of the guest.
 */
#include "arch.h"
#include "dirty.h"
#include "domain_types.h"
#include "log.h"
#include "mm.h"
#include "mmio.h"
#include "p2m.h"
#include "vmid.h"

/*
 * The control domain writes for the first time through a mapping of another domain's page.  From
 * now on that page has an external writer.  The owner's side is changed first, so that there is no
 * moment when the control domain can write and the log does not know.  Two p2m locks are never held
 * at once.
 */
static bool foreign_fault(struct domain *d, ipa_t ipa)
{
    struct p2m *p2m = &d->p2m;
    unsigned level;
    spin_lock(&p2m->lock);
    uint64_t leaf = pt_lookup(&p2m->pt, ipa.v, &level);
    bool first = (leaf & PTE_VALID) && p2m_leaf_type(leaf) == P2M_FOREIGN && !(leaf & PTE_S2_W);
    struct page *p = first ? pfn_page((leaf & PTE_ADDR) >> PAGE_SHIFT) : NULL;
    if (p)
        page_get_known(p);
    spin_unlock(&p2m->lock);
    if (!p)
        return false;

    dirty_ext_writer(p, 1);
    spin_lock(&p2m->lock);
    uint64_t *entry = pt_entry(&p2m->pt, ipa.v, &level);
    bool same = *entry == leaf;
    if (same)
        pt_write(&p2m->pt, ipa.v, level, entry, leaf | PTE_S2_W);
    spin_unlock(&p2m->lock);
    /* Unmapped, or another vCPU was first: the access is repeated and shows which. */
    if (!same)
        dirty_ext_writer(p, -1);
    page_put(p);
    return true;
}

/*
 * Does the map allow the access now?  The lock is taken, so that no change is half done.  A
 * translation fault can come from break-before-make: if there is any valid leaf now, the access is
 * repeated, and takes a permission fault if it must (the leaf may be logged and clean).  A logged
 * leaf may be written by right.  If one is found here, the fault came while the log was off, and
 * the log has been enabled since.
 */
static bool spurious(struct domain *d, ipa_t ipa, bool permission, bool write, bool instruction)
{
    struct p2m *p2m = &d->p2m;
    unsigned level;
    spin_lock(&p2m->lock);
    uint64_t leaf = pt_lookup(&p2m->pt, ipa.v, &level);
    spin_unlock(&p2m->lock);
    if (!(leaf & PTE_VALID))
        return false;
    if (permission && (!(leaf & PTE_S2_R) || (write && !(leaf & (PTE_S2_W | PTE_SW_LOGGED))) ||
                       (instruction && (leaf & PTE_S2_XN))))
        return false;
    vmid_flush_ipa(d, IPA(ipa.v & PAGE_MASK));
    p2m->spurious_count++;
    return true;
}

/* Any fault but a write that the dirty log waits for. */
static __attribute__((noinline)) void other_fault(struct vcpu *v, const struct stage2_fault *f,
                                                  bool write)
{
    struct domain *d = v->domain;
    const bool inside = !(f->ipa.v >> IPA_BITS);
    v->exits[EXIT_MMIO]++;
    if (f->permission && write) {
        if (inside && foreign_fault(d, f->ipa))
            return;
    } else if (!f->permission && mmio_dispatch(v, f)) {
        return;
    }
    if (inside && spurious(d, f->ipa, f->permission, write, f->instruction))
        return;
    if (!f->permission && p2m_device_on_demand(d, f->ipa))
        return;
    log_debug("d%uv%u: %s of ipa 0x%llx (va 0x%llx, esr 0x%x) not allowed by stage 2\n", d->id,
              v->id,
              f->instruction ? "fetch"
              : write        ? "write"
                             : "read",
              (unsigned long long)f->ipa.v, (unsigned long long)f->va.v, f->esr);
    arch_inject_abort(v, f->va, f->instruction);
}

void stage2_fault(struct vcpu *v, const struct stage2_fault *f)
{
    /* A stage-1 walk that lacks permission is a write: the walk wanted to set an access flag or
     * dirty state (Arm ARM D8.15.5). */
    const bool write = f->s1_walk ? f->permission : f->write;
    if (f->permission && write && dirty_fault(v, f->ipa))
        v->exits[EXIT_WRITE_FAULT]++;
    else
        other_fault(v, f, write);
}
