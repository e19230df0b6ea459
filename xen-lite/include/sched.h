/* SPDX-License-Identifier: BSD-2-Clause */
/* The scheduler.  sched.c */
#ifndef XL_SCHED_H
#define XL_SCHED_H

#include "cpu.h"
#include "sched_types.h"

struct vcpu;
struct domain;

void sched_init(void);      /* once, boot CPU, before any timer or domain */
void sched_cpu_start(void); /* each CPU, before its first guest_prepare */
void sched_domain_init(struct domain *d);
void sched_domain_destroy(struct domain *d); /* none of its vCPUs is running or will */
void sched_vcpu_init(struct vcpu *v);
void sched_vcpu_remove(struct vcpu *v); /* it is not running */
/* The saved registers of `v`, which is not running, were changed: whatever a CPU still holds of
 * them is void. (vcpu_sleep implies it.) */
void sched_vcpu_invalidate(struct vcpu *v);
/*
 * A vCPU runs iff: online, no pause count, domain has no pause count, not blocked.  vcpu_wake and
 * vcpu_sleep re-evaluate that; vcpu_sleep_sync waits until it is off its CPU and its state is in
 * memory: it, and vcpu_pause and domain_pause which use it, are for domctls, with no lock held but
 * domctl_lock (sched_wait.c says why).
 */
void vcpu_wake(struct vcpu *v);
void vcpu_sleep(struct vcpu *v);
void vcpu_sleep_sync(struct vcpu *v);
void vcpu_unblock(struct vcpu *v); /* an event or interrupt for v: ends WFI, block, poll; any CPU */
void vcpu_kick(struct vcpu *v); /* if running elsewhere, make it exit (to take up new vGIC state) */
void vcpu_pause(struct vcpu *v), vcpu_unpause(struct vcpu *v); /* counted */
void domain_pause(struct domain *d),
    domain_unpause(struct domain *d); /* counted; pause waits (sync), not of current's own domain */
void domain_pause_nosync(
    struct domain *d); /* for current's own domain: takes effect on return to guest */
void sched_set_affinity(struct vcpu *v, uint64_t hard, uint64_t soft);
uint64_t vcpu_run_ns(struct vcpu *v); /* CPU time incl. the current slice */
/* The vCPU's times up to now (VCPUOP_get_runstate_info). */
struct vcpu_runstate_info;
/* As accounted at the last change of state. */
void sched_runstate_copy(struct vcpu *v, struct vcpu_runstate_info *r);
void sched_runstate_get(struct vcpu *v, struct vcpu_runstate_info *r);
/* XEN_DOMCTL_SCHEDOP / XEN_SYSCTL_SCHEDOP share: credit and credit2 parameter blocks; -EINVAL as
 * Xen */
struct xen_domctl_scheduler_op;
struct xen_sysctl_scheduler_op;
int sched_domctl(struct domain *d, struct xen_domctl_scheduler_op *op);
int sched_sysctl(struct xen_sysctl_scheduler_op *op);
/* sched_params.c's view of sched.c. */
struct sched_tunables {
    uint32_t slice_us, ratelimit_us, migrate_delay_us;
};
extern struct sched_tunables sched_tunables;
void sched_domain_set(struct domain *d, uint16_t weight, uint16_t cap);
void sched_dump(void);

#endif
