/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Internals of domctl and sysctl.  Each operation gets a copy of the caller's argument block, and
 * the domain with a reference (NULL if the operation has no domain).  It sets *reply if the block
 * must be copied back.  It returns 0, a positive result or -XEN_E*.  The caller holds domctl_lock.
 */
#ifndef XL_DOMCTL_H
#define XL_DOMCTL_H
#include "types.h"
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>
#include "domain.h"
#include "hypercall.h"

/* In domain.flags, in addition to XEN_DOMCTL_CDF_*: set by XEN_DOMCTL_setdebugging. */
#define DOMAIN_FLAG_DEBUGGED (1u << 31)

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
void domctl_forget_devices(domid_t id); /* drops the permissions of a freed domain */
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
extern const char *const exit_names[]; /* indexed by EXIT_* */
long sysctl_perfc_op(struct xen_sysctl *op, bool *reply);

/*
 * Copy a bit map of CPUs or nodes to or from guest memory.  `bits`: number of CPUs or nodes here;
 * bits above it read as 0.  0, -XEN_EFAULT.
 */
long bitmap_to_guest(const struct xenctl_bitmap *map, uint64_t value, unsigned bits);
long bitmap_from_guest(const struct xenctl_bitmap *map, uint64_t *value, unsigned bits);
/* Mask of the online CPUs. */
uint64_t cpus_mask(void);

#endif
