/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Domains and vCPUs.  domain.c
 */
#ifndef XL_DOMAIN_H
#define XL_DOMAIN_H

#include "types.h"
#include <xen/xen.h>
#include "abi.h"
#include "arch.h"
#include "cpu.h"
#include "dirty.h"
#include "domain_ref.h"
#include "domain_types.h"
#include "evtchn.h"
#include "grant.h"
#include "guest_mem.h"
#include "lib.h"
#include "log.h"
#include "mm.h"
#include "mmio.h"
#include "options.h"
#include "p2m.h"
#include "panic.h"
#include "preempt.h"
#include "sched.h"
#include "spinlock.h"
#include "timer.h"
#include "vgic.h"
#include "vmid.h"
#include "vtimer.h"
#include "vuart.h"

/* Functions that can fail return 0 or -XEN_E*. */
struct xen_domctl_createdomain;
/*
 * Creates a domain and enters it in the list; *out has a reference for the caller.  -XEN_EINVAL:
 * bad configuration; -XEN_EEXIST: the id is in use; -XEN_ENOMEM.
 */
int domain_create(domid_t id, const struct xen_domctl_createdomain *cfg, bool privileged,
                  struct domain **out);
/* Creates all vCPUs.  -XEN_EINVAL: n is not createdomain's max_vcpus. */
int domain_max_vcpus(struct domain *d, unsigned n);
int vcpu_create(struct domain *d, unsigned id);
/* Frees the domains that are queued as dead.  guest_prepare calls it.  No lock is held. */
void domain_reap(void);
/*
 * Tears down the domain.  -XEN_ERESTART: call again; 0: the domain is freed with its last
 * reference; -XEN_EINVAL: dom0 or the caller's own domain.
 */
int domain_kill(struct domain *d);
/*
 * Pauses the domain's vCPUs.  When all are off their CPUs, dom0 gets VIRQ_DOM_EXC.  For dom0
 * itself: stops the machine.
 */
void domain_shutdown(struct domain *d, uint32_t reason);
/* After SHUTDOWN_suspend: clears the shutdown state and lets the domain run. */
void domain_resume(struct domain *d);
/* For the scheduler: a vCPU of a domain in shutdown has left its CPU.  No lock is held. */
void domain_check_shutdown(struct domain *d);
/* Powers v off and resets its registers. v does not run.  Fails as arch_vcpu_init. */
int vcpu_reset(struct vcpu *v);
void domain_unpause_by_controller(struct domain *d);
int domain_pause_by_controller(struct domain *d);
int vcpu_register_info(struct vcpu *v, uint64_t gfn, uint32_t offset);
/* `where` 0: removes the registration.  -XEN_EINVAL: not aligned; -XEN_EFAULT: not mapped. */
int vcpu_register_runstate(struct vcpu *v, gva_t where);
/*
 * For state records: register the areas that the guest had registered on the old host.  Their
 * contents came with the memory and stay unchanged. v does not run.  -XEN_EINVAL.
 */
int vcpu_restore_info(struct vcpu *v, ipa_t where);
int vcpu_place_runstate(struct vcpu *v, gva_t where, ipa_t ipa);
/* Drops both areas.  vcpu_info moves back to shared_info or into the hypervisor's memory. */
void vcpu_release_areas(struct vcpu *v);
/*
 * Writes the runstate to the guest's area and marks the page dirty. v runs on this CPU.  No lock is
 * held.
 */
void vcpu_runstate_publish(struct vcpu *v);
/*
 * Writes the wall clock in shared_info from the platform's time and the domain's offsets.  Called
 * after counter_offset or time_offset_s changed.
 */
void domain_update_wallclock(struct domain *d);
/*
 * XENPF_settime: when d's own clock (its counter in ns) was `system_ns`, the time since 1970 was
 * secs and nsecs.  Updates all domains.
 */
void domain_set_wallclock(struct domain *d, uint64_t secs, uint32_t nsecs, uint64_t system_ns);
/* Called after shared_ipa was set: updates the contents of shared_info and marks the page dirty. */
void domain_map_shared_info(struct domain *d);
void domain_dump_all(void);
extern spinlock_t domctl_lock;

/*
 * Checks whether HVM parameter `index` of `d` may be written by `by`.  0; -XEN_EPERM: not by the
 * guest itself; -XEN_EINVAL: no such parameter.  hvm_param.c
 */
int hvm_param_may_set(const struct domain *d, const struct domain *by, uint32_t index);

#endif
