/* SPDX-License-Identifier: BSD-2-Clause */
/* The scheduler.  sched.c */
#ifndef XL_SCHED_H
#define XL_SCHED_H

#include "cpu.h"
#include "sched_types.h"

struct vcpu;
struct domain;

void sched_init(void);      /* once, on the boot CPU, before any timer or domain exists */
void sched_cpu_start(void); /* on each CPU, before its first guest_prepare */
void sched_domain_init(struct domain *d);
void sched_domain_destroy(struct domain *d); /* none of its vCPUs runs or will run */
void sched_vcpu_init(struct vcpu *v);
void sched_vcpu_remove(struct vcpu *v); /* v does not run */
/*
 * Called after the saved registers of v were changed: no CPU may reuse the copy in its hardware
 * registers. v does not run.  vcpu_sleep includes this.
 */
void sched_vcpu_invalidate(struct vcpu *v);
/*
 * A vCPU can run if it is online and not blocked, and neither it nor its domain has a pause count.
 * vcpu_wake and vcpu_sleep re-evaluate this after a change.  vcpu_sleep_sync also waits until v has
 * left its CPU and its state is in memory.  It is for domctls, as are vcpu_pause and domain_pause,
 * which call it: the caller holds no lock except domctl_lock (sched_wait.c explains why).
 */
void vcpu_wake(struct vcpu *v);
void vcpu_sleep(struct vcpu *v);
void vcpu_sleep_sync(struct vcpu *v);
/* Ends WFI, SCHEDOP_block or SCHEDOP_poll of v, for an event or interrupt.  On any CPU. */
void vcpu_unblock(struct vcpu *v);
/* If v runs on another CPU, makes it leave the guest, so that it sees new vGIC state. */
void vcpu_kick(struct vcpu *v);
void vcpu_pause(struct vcpu *v), vcpu_unpause(struct vcpu *v); /* both count; vcpu_pause waits */
/*
 * Both count.  domain_pause waits until all vCPUs are off their CPUs; not for the current vCPU's
 * own domain.
 */
void domain_pause(struct domain *d), domain_unpause(struct domain *d);
/*
 * Like domain_pause without the wait.  For the current vCPU's own domain it takes effect on the
 * return to the guest.
 */
void domain_pause_nosync(struct domain *d);
void sched_set_affinity(struct vcpu *v, uint64_t hard, uint64_t soft);
uint64_t vcpu_run_ns(struct vcpu *v); /* CPU time in ns, with the present time slice */
struct vcpu_runstate_info;
/*
 * A vCPU's times per RUNSTATE_*: sched_runstate_copy as of the last change of state,
 * sched_runstate_get as of now (VCPUOP_get_runstate_info).
 */
void sched_runstate_copy(struct vcpu *v, struct vcpu_runstate_info *r);
void sched_runstate_get(struct vcpu *v, struct vcpu_runstate_info *r);
/*
 * XEN_DOMCTL_scheduler_op and XEN_SYSCTL_scheduler_op, with the parameters of credit and credit2.
 * 0; -XEN_EINVAL in the same cases as Xen.
 */
struct xen_domctl_scheduler_op;
struct xen_sysctl_scheduler_op;
int sched_domctl(struct domain *d, struct xen_domctl_scheduler_op *op);
int sched_sysctl(struct xen_sysctl_scheduler_op *op);
/* Parameters of sched.c that sched_params.c changes. */
struct sched_tunables {
    uint32_t slice_us, ratelimit_us, migrate_delay_us;
};
extern struct sched_tunables sched_tunables;
void sched_domain_set(struct domain *d, uint16_t weight, uint16_t cap);
void sched_dump(void);

#endif
