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

/* All return 0/pointer or -errno/NULL. */
struct xen_domctl_createdomain;
int domain_create(domid_t id, const struct xen_domctl_createdomain *cfg, bool privileged,
                  struct domain **out);             /* referenced, in the list */
int domain_max_vcpus(struct domain *d, unsigned n); /* from createdomain's max_vcpus */
int vcpu_create(struct domain *d, unsigned id);
void domain_reap(void); /* frees what is queued; guest_prepare calls it. No locks held */
int domain_kill(
    struct domain *d); /* preemptible: -ERESTART; then 0, domain dies with its last reference */
void domain_shutdown(struct domain *d,
                     uint32_t reason);        /* pauses its vCPUs, tells dom0 by VIRQ_DOM_EXC */
void domain_resume(struct domain *d);         /* after SHUTDOWN_suspend: clears and lets it run */
void domain_check_shutdown(struct domain *d); /* scheduler: a vCPU of a domain that shuts down has
                                                 left its CPU; no locks held */
int vcpu_reset(
    struct vcpu *v); /* off, zeroed registers; not running. 0 or -errno of arch_vcpu_init */
void domain_unpause_by_controller(struct domain *d);
int domain_pause_by_controller(struct domain *d);
int vcpu_register_info(struct vcpu *v, uint64_t gfn, uint32_t offset);
int vcpu_register_runstate(struct vcpu *v, gva_t where); /* 0: none any more. -EINVAL, -EFAULT */
/* State records: where these were on the old host. Contents are left as they came with memory. v is
 * not running. 0 or -EINVAL */
int vcpu_restore_info(struct vcpu *v, ipa_t where);
int vcpu_place_runstate(struct vcpu *v, gva_t where, ipa_t ipa);
void vcpu_release_areas(
    struct vcpu *v); /* drop both; vcpu_info moves back into the hypervisor's memory */
void vcpu_runstate_publish(struct vcpu *v); /* writes it to the guest's area, marks that dirty; v is
                                               running here; no locks held */
/* shared_info's wall clock from the platform's and the domain's offsets: after counter_offset or
 * time_offset_s changed, too. */
void domain_update_wallclock(struct domain *d);
/* XENPF_settime: at `system_ns` of d's own clock (its counter in ns) it was secs.nsecs since 1970.
 * Updates all domains. */
void domain_set_wallclock(struct domain *d, uint64_t secs, uint32_t nsecs, uint64_t system_ns);
void domain_map_shared_info(struct domain *d); /* shared_ipa was just set: brings the contents up to
                                                  date, marks them dirty */
void domain_dump_all(void);
extern spinlock_t domctl_lock;

/* May domain `d` (tools of `by`) have HVM parameter `index` written? 0, -XEN_EPERM, -XEN_EINVAL.
 * hvm_param.c */
int hvm_param_may_set(const struct domain *d, const struct domain *by, uint32_t index);

#endif
