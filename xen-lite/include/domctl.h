/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared by the files of domctl and sysctl.  Each operation gets the caller's argument block (a
 * copy) and the domain with a reference (NULL if the operation names none).  It sets *reply if the
 * block must be copied back.  The caller holds domctl_lock.
 */
#ifndef XL_DOMCTL_H
#define XL_DOMCTL_H
#include "types.h"
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>
#include "domain.h"
#include "hypercall.h"

#define DOMAIN_FLAG_DEBUGGED \
    (1u << 31) /* in domain.flags, next to XEN_DOMCTL_CDF_*: XEN_DOMCTL_setdebugging */

struct domctl {
    struct xen_domctl *op;
    uint64_t arg;
    struct domain *d;
    bool reply;
};

/* domctl_create.c */
long domctl_createdomain(struct domctl *c);
long domctl_max_vcpus(struct domctl *c);
long domctl_set_address_size(struct domctl *c);
long domctl_paging_mempool(struct domctl *c);
/* domctl_info.c */
void domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info);
long domctl_getdomaininfo(struct domctl *c);
long domctl_getpageframeinfo3(struct domctl *c);
/* domctl_vcpu.c */
long domctl_getvcpuinfo(struct domctl *c);
long domctl_getvcpucontext(struct domctl *c);
long domctl_setvcpucontext(struct domctl *c);
long domctl_getvcpuaffinity(struct domctl *c);
long domctl_setvcpuaffinity(struct domctl *c);
long domctl_nodeaffinity(struct domctl *c);
/* domctl_dirty.c */
long domctl_shadow_op(struct domctl *c);
/* domctl_device.c */
long domctl_irq_permission(struct domctl *c);
long domctl_iomem_permission(struct domctl *c);
long domctl_memory_mapping(struct domctl *c);
long domctl_bind_pt_irq(struct domctl *c);
long domctl_cacheflush(struct domctl *c);
/* Drops the permissions of a domain that no longer exists. */
void domctl_forget_devices(domid_t id);
/* domctl_context.c */
long domctl_gethvmcontext(struct domctl *c);
long domctl_sethvmcontext(struct domctl *c);

/* sysctl_info.c */
long sysctl_physinfo(struct xen_sysctl *op, bool *reply);
long sysctl_getcpuinfo(struct xen_sysctl *op, bool *reply);
long sysctl_cputopoinfo(struct xen_sysctl *op, bool *reply);
long sysctl_numainfo(struct xen_sysctl *op, bool *reply);
long sysctl_availheap(struct xen_sysctl *op, bool *reply);
long sysctl_cpupool_op(struct xen_sysctl *op, bool *reply);

/* perfc.c */
extern const char *const exit_names[]; /* by EXIT_* */
long sysctl_perfc_op(struct xen_sysctl *op, bool *reply);

/*
 * Bitmaps of CPUs or nodes in guest memory.  `bits` of them are known here; bits beyond read as 0.
 * -XEN_EFAULT
 */
long bitmap_to_guest(const struct xenctl_bitmap *map, uint64_t value, unsigned bits);
long bitmap_from_guest(const struct xenctl_bitmap *map, uint64_t *value, unsigned bits);
/* Mask of all CPUs. */
uint64_t cpus_mask(void);

#endif
