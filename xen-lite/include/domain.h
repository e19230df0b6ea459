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

/* All return 0 or a pointer, or -errno or NULL. */
struct xen_domctl_createdomain;
/* Creates a domain and enters it in the list.  *out has a reference. */
int domain_create(domid_t id, const struct xen_domctl_createdomain *cfg, bool privileged,
                  struct domain **out);
int domain_max_vcpus(struct domain *d, unsigned n); /* n: max_vcpus of createdomain */
int vcpu_create(struct domain *d, unsigned id);
/* Frees the dead domains that are queued; for guest_prepare; no lock held. */
void domain_reap(void);
/* Preemptible: -ERESTART.  After 0 the domain is freed with its last reference. */
int domain_kill(struct domain *d);
/* Pauses the domain's vCPUs and notifies dom0 by VIRQ_DOM_EXC when none runs any more. */
void domain_shutdown(struct domain *d, uint32_t reason);
/* After SHUTDOWN_suspend: clears that state, and the domain runs again. */
void domain_resume(struct domain *d);
/* For the scheduler: a vCPU of a domain that shuts down has left its CPU.  No lock held. */
void domain_check_shutdown(struct domain *d);
/* Powers v off and resets its registers.  v does not run.  Returns 0. */
int vcpu_reset(struct vcpu *v);
void domain_unpause_by_controller(struct domain *d);
int domain_pause_by_controller(struct domain *d);
int vcpu_register_info(struct vcpu *v, uint64_t gfn, uint32_t offset);
int vcpu_register_runstate(struct vcpu *v, gva_t where); /* 0: no area any more; -EINVAL, -EFAULT */
/*
 * State records: the addresses of these areas on the old host.  Their contents stay as they came
 * with the guest's memory.  v is not running.  0 or -EINVAL.
 */
int vcpu_restore_info(struct vcpu *v, ipa_t where);
int vcpu_place_runstate(struct vcpu *v, gva_t where, ipa_t ipa);
/* Drops both areas.  vcpu_info moves back to shared_info or the hypervisor's memory. */
void vcpu_release_areas(struct vcpu *v);
/* Writes it to the guest's area and marks the area dirty.  v runs here; no lock held. */
void vcpu_runstate_publish(struct vcpu *v);
/*
 * Computes shared_info's wall clock from the platform's and the domain's offsets.  Also called
 * after counter_offset or time_offset_s has changed.
 */
void domain_update_wallclock(struct domain *d);
/*
 * XENPF_settime: at `system_ns` of d's own clock (its counter in ns) the time was secs.nsecs since
 * 1970.  Updates all domains.
 */
void domain_set_wallclock(struct domain *d, uint64_t secs, uint32_t nsecs, uint64_t system_ns);
/* shared_ipa was just set: updates the page's content and marks it dirty */
void domain_map_shared_info(struct domain *d);
void domain_dump_all(void);
extern spinlock_t domctl_lock;

/*
 * May tools of domain `by` write HVM parameter `index` of `d`?  0, -XEN_EPERM, -XEN_EINVAL.
 * hvm_param.c
 */
int hvm_param_may_set(const struct domain *d, const struct domain *by, uint32_t index);

#endif
