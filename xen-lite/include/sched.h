/* SPDX-License-Identifier: BSD-2-Clause */
/* The scheduler.  sched.c */
#ifndef XL_SCHED_H
#define XL_SCHED_H

#include "cpu.h"
#include "sched_types.h"

struct vcpu;
struct domain;

void sched_init(void);      /* once, on the boot CPU, before any timer or domain */
void sched_cpu_start(void); /* on each CPU, before its first guest_prepare */
void sched_domain_init(struct domain *d);
void sched_domain_destroy(struct domain *d); /* none of its vCPUs runs or will run */
void sched_vcpu_init(struct vcpu *v);
void sched_vcpu_remove(struct vcpu *v); /* v does not run */
/*
 * The saved registers of `v`, which does not run, were changed: copies that a CPU still has are
 * void.  (vcpu_sleep implies this.)
 */
void sched_vcpu_invalidate(struct vcpu *v);
/*
 * A vCPU runs if it is online and not blocked, and neither it nor its domain is paused.  vcpu_wake
 * and vcpu_sleep evaluate this condition again.  vcpu_sleep_sync also waits until the vCPU is off
 * its CPU and its state is in memory.  It, and vcpu_pause and domain_pause, which use it, are for
 * domctls, with no lock held but domctl_lock (sched_wait.c argues why).
 */
void vcpu_wake(struct vcpu *v);
void vcpu_sleep(struct vcpu *v);
void vcpu_sleep_sync(struct vcpu *v);
/* An event or interrupt for v: ends WFI, block and poll; any CPU. */
void vcpu_unblock(struct vcpu *v);
/* If v runs on another CPU, makes it exit, to take new vGIC state. */
void vcpu_kick(struct vcpu *v);
void vcpu_pause(struct vcpu *v), vcpu_unpause(struct vcpu *v); /* these count */
/* These count; pause waits (sync), and is not for the current vCPU's own domain. */
void domain_pause(struct domain *d), domain_unpause(struct domain *d);
/* Without the wait.  In the current vCPU's own domain it takes effect on return to the guest. */
void domain_pause_nosync(struct domain *d);
void sched_set_affinity(struct vcpu *v, uint64_t hard, uint64_t soft);
uint64_t vcpu_run_ns(struct vcpu *v); /* CPU time in ns, including the current slice */
/* The vCPU's times up to now (VCPUOP_get_runstate_info). */
struct vcpu_runstate_info;
/* As of the last change of state. */
void sched_runstate_copy(struct vcpu *v, struct vcpu_runstate_info *r);
void sched_runstate_get(struct vcpu *v, struct vcpu_runstate_info *r);
/*
 * XEN_DOMCTL_SCHEDOP and XEN_SYSCTL_SCHEDOP: parameter blocks of credit and credit2; -EINVAL as in
 * Xen.
 */
struct xen_domctl_scheduler_op;
struct xen_sysctl_scheduler_op;
int sched_domctl(struct domain *d, struct xen_domctl_scheduler_op *op);
int sched_sysctl(struct xen_sysctl_scheduler_op *op);
/* Access of sched_params.c to the tunables of sched.c. */
struct sched_tunables {
    uint32_t slice_us, ratelimit_us, migrate_delay_us;
};
extern struct sched_tunables sched_tunables;
void sched_domain_set(struct domain *d, uint16_t weight, uint16_t cap);
void sched_dump(void);

#endif
