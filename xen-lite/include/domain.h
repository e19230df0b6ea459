/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Domains and vCPUs.  domain.c
 *
 * Lock order (outer first): domctl lock (domain.c) > domain list > d->lock > d->grant lock >
 * d->p2m.lock > d->evtchn.lock > vgic locks (dist, then vcpu irq lists) > scheduler lock > timer
 * locks > page allocator > log. Two p2m (grant, event) locks of different domains: lower domid
 * first.
 */
#ifndef XL_DOMAIN_H
#define XL_DOMAIN_H

#include "types.h"
#include <xen/xen.h>
#include <xen/vcpu.h>
#include "arch.h"
#include "lib.h"
#include "spinlock.h"
#include "sched.h"
#include "mm.h"
#include "p2m.h"
#include "vgic.h"
#include "vtimer.h"
#include "vuart.h"
#include "evtchn.h"
#include "grant.h"
#include "mmio.h"

#define DOMID_DOM0 0
struct vcpu {
    struct arch_vcpu arch; /* first: assembly finds the registers at fixed offsets */
    struct domain *domain;
    unsigned id;
    struct sched_vcpu sched;
    struct vgic_vcpu vgic;
    struct vtimer vtimer;
    bool online; /* PSCI / VCPUOP_up */
    bool initialised;
    bool blocked;   /* in WFI, SCHEDOP_block or poll: cleared by vcpu_unblock */
    bool poll_mask; /* in SCHEDOP_poll with all events of interest unset */
    uint32_t poll_port;
    int32_t pause_count;
    struct timer poll_timer; /* SCHEDOP_poll timeout, singleshot timer */
    struct timer singleshot_timer;
    /* vcpu_info: in shared_info's array, or where registered.  NULL only while building. Kernel VA
     * of the live page. */
    struct vcpu_info *info;
    struct vcpu_info
        private_info;       /* for a vCPU beyond shared_info's array until it registers its own */
    struct page *info_page; /* referenced and mapped lasting; NULL while in shared_info */
    ipa_t info_ipa;         /* XLR_NOWHERE-like ~0 when not registered */
    gva_t runstate_va;      /* 0: none. Registered by VCPUOP_register_runstate_memory_area */
    struct page *runstate_page[2];
    ipa_t runstate_ipa;                 /* resolved when registered; area may straddle two pages */
    uint8_t *runstate_at[2];            /* where these are mapped, lasting */
    struct vcpu_runstate_info runstate; /* kept by the scheduler */
    uint64_t periodic_ns;
    uint64_t exits[EXIT_COUNT]; /* from the guest, by reason: written by the CPU that runs it */
    bool set_way_seen;
    uint64_t set_way_first; /* vreg.c: the operand that its loop over sets and ways began with */
};

enum domain_state { DOM_BUILDING, DOM_ALIVE, DOM_DYING, DOM_DEAD };
struct domain {
    domid_t id;
    bool privileged;  /* dom0 */
    bool aarch32;     /* EL1 is 32-bit */
    bool direct_map;  /* IPA == PA (dom0) */
    uint8_t dying;    /* enum domain_state */
    uint32_t refs;    /* domain_get/put; the last put frees */
    struct list link; /* domain list, by id */
    spinlock_t lock;
    xen_domain_handle_t handle;
    uint32_t ssidref, flags; /* XEN_DOMCTL_CDF_* */
    unsigned max_vcpus;
    struct vcpu *vcpu[MAX_VCPUS];
    int32_t pause_count;
    uint8_t controller_paused; /* counts held by XEN_DOMCTL_pausedomain, and by creation until the
                                  first unpause */
    bool shutting_down, shut_down;
    uint32_t shutdown_code;
    struct sched_domain sched;
    struct p2m p2m;
    struct vgic_dist vgic;
    struct evtchn_table evtchn;
    struct grant_table grant;
    struct mmio_map mmio;
    struct vuart vuart;
    /* memory accounting: pages with this owner, under page allocator's per-domain counts */
    uint32_t tot_pages, max_pages, outstanding, xenheap_pages;
    struct {
        struct page *page;
        uint16_t cleared;
        uint8_t order;
    } populating; /* memory_reserve.c: a block, not mapped yet */
    struct page *shared_page;
    struct shared_info *shared_info;
    ipa_t shared_ipa;
    uint64_t hvm_param[64];
    int64_t time_offset_s;   /* XEN_DOMCTL_settimeoffset */
    uint64_t counter_offset; /* CNTVOFF: guest counter = counter() - counter_offset */
    uint32_t vmid;
    uint64_t vmid_generation, vttbr, vttbr_leaving;
    unsigned evtchn_ppi;      /* INTID of the event-channel interrupt */
    uint64_t irq_granted[16]; /* bitmap of physical INTIDs it may use (dom0: nearly all) */
    uint64_t next_relinquish; /* stage of the preemptible teardown (domain_kill) */
    uint64_t forget_next;     /* its cursor, when that looks for pages that others hold */
    bool being_killed;        /* a CPU is in domain_kill */
    struct timer watchdog[2];
    uint32_t watchdog_inuse;
    struct {
        char buf[256];
        unsigned len;
    } console; /* a partial line of console_io / debug console */
    uint32_t vm_assist;
    uint32_t suspend_port;
};

extern struct domain *dom0;
extern struct domain *hypervisor_domain; /* DOMID_XEN-like owner of its own pages; never runs */

static inline struct vcpu *current_vcpu(void) { return this_cpu()->current; }

/* All return 0/pointer or -errno/NULL. */
struct xen_domctl_createdomain;
int domain_create(domid_t id, const struct xen_domctl_createdomain *cfg, bool privileged,
                  struct domain **out);             /* referenced, in the list */
int domain_max_vcpus(struct domain *d, unsigned n); /* from createdomain's max_vcpus */
int vcpu_create(struct domain *d, unsigned id);
struct domain *domain_get(domid_t id); /* by id, DOMID_SELF allowed; takes a reference; NULL: none,
                                          or killed to the end */
struct domain *domain_get_next(
    domid_t first); /* lowest id >= first, referenced, or NULL; for lists, dying ones included */
bool domain_ref(struct domain *d); /* another reference to a known live struct */
void domain_put(
    struct domain *d); /* any lock may be held: the last reference only queues it for domain_reap */
void domain_reap(void);       /* frees what is queued; guest_prepare calls it. No locks held */
domid_t domain_free_id(void); /* a free id, or DOMID_INVALID */
int domain_insert(struct domain *d);   /* into the list.  0, -XEN_EEXIST, -XEN_ENOMEM */
struct domain *domain_take_dead(void); /* one that nobody refers to, to be freed; NULL: none */
int domain_kill(
    struct domain *d); /* preemptible: -ERESTART; then 0, domain dies with its last reference */
void domain_shutdown(struct domain *d,
                     uint32_t reason); /* pauses its vCPUs, tells dom0 by VIRQ_DOM_EXC */
void domain_resume(struct domain *d);  /* after SHUTDOWN_suspend: clears and lets it run */
void domain_crash(struct domain *d, const char *why); /* logs, dumps, shutdown(SHUTDOWN_crash) */
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
int vcpu_place_info(struct vcpu *v, ipa_t where);
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

/* Is `d` allowed to act on `target`? Xen without XSM: dom0 on all, a guest on itself. */
static inline bool domain_is_control(const struct domain *d) { return d->privileged; }

/* VMIDs. vmid.c: makes d->vttbr current for entry; may flush when a generation opens. */
void vmid_init(void);
uint64_t vmid_enter(
    struct domain *d); /* called with the domain about to run on this CPU; returns VTTBR */
/*
 * Drop all stage-2 TLB state, by a fresh VMID; returns when no CPU can use an old entry.  One
 * renewal of a domain at a time, no lock held but domctl_lock: it waits for CPUs that are in the
 * guest.
 */
void vmid_renew(struct domain *d);
void vmid_idle(void); /* this CPU, which runs nothing and has an empty map loaded, may not use the
                         last domain's number again */
/* Entries for a page or block, or all of the domain's, after a change of its map; any lock may be
 * held. */
void vmid_flush_ipa(struct domain *d, ipa_t ipa);
void vmid_flush(struct domain *d);
void vmid_dump(void);

#endif
