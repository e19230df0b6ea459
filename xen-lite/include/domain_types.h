/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types: a domain and a vCPU, with the state of each of their objects.  No functions, so every
 * layer may include this.
 *
 * Lock order, outer first: domctl lock (domain.c) > domain list > d->lock > d->grant.lock >
 * d->p2m.lock > d->evtchn.lock > vGIC locks (distributor, then vCPU) > scheduler lock > timer locks
 * > page allocator > log.  Of two p2m (grant, event) locks, that of the lower domain id comes
 * first.
 */
#ifndef XL_DOMAIN_TYPES_H
#define XL_DOMAIN_TYPES_H

#include "types.h"
#include <xen/xen.h>
#include <xen/vcpu.h>
#include <asm/vcpu.h>
#include "cpu_types.h"
#include "evtchn_types.h"
#include "grant_types.h"
#include "mmio_types.h"
#include "p2m_types.h"
#include "sched_types.h"
#include "spinlock.h"
#include "vgic_types.h"
#include "vtimer_types.h"
#include "vuart_types.h"

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
    bool blocked;   /* in WFI, SCHEDOP_block or poll; vcpu_unblock clears it */
    bool poll_mask; /* in SCHEDOP_poll, and no event that it waits for is pending */
    uint32_t poll_port;
    int32_t pause_count;
    struct timer poll_timer; /* timeout of SCHEDOP_poll */
    struct timer singleshot_timer;
    /*
     * vcpu_info: hypervisor address of the page in use, in shared_info's array or where the guest
     * registered it.  NULL only while the domain is being built.
     */
    struct vcpu_info *info;
    /* Used by a vCPU beyond shared_info's array, until it registers its own. */
    struct vcpu_info private_info;
    struct page *info_page; /* a reference is held, mapped lasting; NULL while in shared_info */
    ipa_t info_ipa;         /* ~0: not registered */
    gva_t runstate_va;      /* 0: none; registered by VCPUOP_register_runstate_memory_area */
    struct page *runstate_page[2];
    ipa_t runstate_ipa;      /* translated when registered; the area may straddle two pages */
    uint8_t *runstate_at[2]; /* lasting mappings of these pages */
    struct vcpu_runstate_info runstate; /* the scheduler updates it */
    uint64_t periodic_ns;
    /* Exits of the guest by reason; the CPU that runs the vCPU writes them. */
    uint64_t exits[EXIT_COUNT];
    bool set_way_seen;
    uint64_t set_way_first; /* vreg.c: first operand of the guest's loop over sets and ways */
};

enum domain_state { DOM_BUILDING, DOM_ALIVE, DOM_DYING, DOM_DEAD };
struct domain {
    domid_t id;
    bool privileged;  /* dom0 */
    bool aarch32;     /* EL1 is 32-bit */
    bool direct_map;  /* IPA == PA (dom0) */
    uint8_t state;    /* enum domain_state */
    uint32_t refs;    /* domain_get/put; the last put frees */
    struct list link; /* domain list, by id */
    spinlock_t lock;
    xen_domain_handle_t handle;
    uint32_t ssidref, flags; /* XEN_DOMCTL_CDF_* */
    unsigned max_vcpus;
    struct vcpu *vcpu[MAX_VCPUS];
    int32_t pause_count;
    /* Number of pauses by XEN_DOMCTL_pausedomain, and one from creation to the first unpause */
    uint8_t controller_paused;
    bool shutting_down, shut_down;
    uint32_t shutdown_code;
    struct sched_domain sched;
    struct p2m p2m;
    struct vgic_dist vgic;
    struct evtchn_table evtchn;
    struct grant_table grant;
    struct mmio_map mmio;
    struct vuart vuart;
    /* Memory accounting: pages that this domain owns, its limit, and claimed pages */
    uint32_t tot_pages, max_pages, outstanding;
    struct {
        struct page *page;
        uint16_t cleared;
        uint8_t order;
    } populating; /* memory_reserve.c: a block that is not mapped yet */
    struct page *shared_page;
    struct shared_info *shared_info;
    ipa_t shared_ipa;
    uint64_t hvm_param[64];
    int64_t time_offset_s;   /* XEN_DOMCTL_settimeoffset */
    uint64_t counter_offset; /* CNTVOFF: guest counter = counter() - counter_offset */
    uint32_t vmid;
    uint64_t vmid_generation, vttbr, vttbr_leaving;
    unsigned evtchn_ppi;      /* INTID of the event-channel interrupt */
    uint64_t irq_granted[16]; /* physical INTIDs that it may use, one bit each (dom0: nearly all) */
    uint64_t next_relinquish; /* current stage of the preemptible teardown (domain_kill) */
    uint64_t forget_next;     /* cursor of the teardown's search for pages that others hold */
    bool being_killed;        /* a CPU is in domain_kill */
    struct timer watchdog[2];
    uint32_t watchdog_inuse;
    struct {
        char buf[256];
        unsigned len;
    } console; /* an incomplete line of the guest's console output */
    uint32_t vm_assist;
    uint32_t suspend_port;
};

#endif
