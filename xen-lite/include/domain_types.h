/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types: a domain and a vCPU, with the state that each layer keeps in them.  There are no functions
 * here, so every layer may include this file.
 *
 * Lock order, outermost first: domctl_lock (domain.c), domain list, d->lock, d->grant.lock,
 * d->p2m.lock, d->evtchn.lock, vGIC (distributor, then vCPU), scheduler, timers, page allocator,
 * log.  Of two p2m (grant, event channel) locks of different domains, the one of the lower domid is
 * taken first.
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
    struct arch_vcpu arch; /* first: assembly has fixed offsets of the registers */
    struct domain *domain;
    unsigned id;
    struct sched_vcpu sched;
    struct vgic_vcpu vgic;
    struct vtimer vtimer;
    bool online; /* powered on (PSCI, VCPUOP_up) */
    bool initialised;
    /* In WFI, SCHEDOP_block or SCHEDOP_poll.  vcpu_unblock clears it. */
    bool blocked;
    bool poll_mask; /* in SCHEDOP_poll */
    uint32_t poll_port;
    int32_t pause_count;
    struct timer poll_timer; /* timeout of SCHEDOP_poll */
    struct timer singleshot_timer;
    /*
     * vcpu_info, as a hypervisor address: in shared_info's array, or in the page that the guest
     * registered.  NULL only while the domain is built.
     */
    struct vcpu_info *info;
    /* Used by a vCPU beyond shared_info's array until it registers its own vcpu_info. */
    struct vcpu_info private_info;
    struct page *info_page; /* with a reference, mapped lasting; NULL: in shared_info */
    ipa_t info_ipa;         /* ~0: not registered */
    gva_t runstate_va;      /* registered by VCPUOP_register_runstate_memory_area; 0: none */
    struct page *runstate_page[2];
    /* Translation of runstate_va when it was registered.  The area may cross a page boundary. */
    ipa_t runstate_ipa;
    uint8_t *runstate_at[2];            /* mappings (lasting) of the two pages */
    struct vcpu_runstate_info runstate; /* updated by the scheduler */
    uint64_t periodic_ns;
    uint64_t exits[EXIT_COUNT]; /* exits by reason, written by the CPU that runs it */
    bool set_way_seen;
    /* Operand that the guest's present loop over sets and ways began with (vreg.c). */
    uint64_t set_way_first;
};

enum domain_state { DOM_BUILDING, DOM_ALIVE, DOM_DYING, DOM_DEAD };
struct domain {
    domid_t id;
    bool privileged;  /* dom0 */
    bool aarch32;     /* EL1 is 32-bit */
    bool direct_map;  /* IPA == PA (dom0) */
    uint8_t state;    /* enum domain_state */
    uint32_t refs;    /* number of references; the domain is freed after the last is dropped */
    struct list link; /* in the list of domains, sorted by id */
    spinlock_t lock;
    xen_domain_handle_t handle;
    uint32_t ssidref, flags; /* flags: XEN_DOMCTL_CDF_* */
    unsigned max_vcpus;
    struct vcpu *vcpu[MAX_VCPUS];
    int32_t pause_count;
    /* Pause counts held by XEN_DOMCTL_pausedomain, and by creation until the first unpause. */
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
    /*
     * Memory accounting.  tot_pages: pages with this owner.  max_pages: limit. outstanding: claimed
     * and not yet allocated.
     */
    uint32_t tot_pages, max_pages, outstanding;
    struct {
        struct page *page;
        uint16_t cleared;
        uint8_t order;
    } populating; /* memory_reserve.c: a block that is partly cleared and not mapped yet */
    struct page *shared_page;
    struct shared_info *shared_info;
    ipa_t shared_ipa;
    uint64_t hvm_param[64];
    int64_t time_offset_s;   /* XEN_DOMCTL_settimeoffset */
    uint64_t counter_offset; /* CNTVOFF: guest counter = counter() - counter_offset */
    uint32_t vmid;
    uint64_t vmid_generation, vttbr, vttbr_leaving;
    unsigned evtchn_ppi;      /* INTID of the event-channel interrupt */
    uint64_t irq_granted[16]; /* bit map of physical INTIDs that it may use (dom0: almost all) */
    uint64_t next_relinquish; /* stage of the preemptible teardown (domain_kill) */
    /*
     * Cursor of the teardown stage that searches for pages with references by others
     * (page_forget_some).
     */
    uint64_t forget_next;
    bool being_killed; /* a CPU is in domain_kill for it */
    struct timer watchdog[2];
    uint32_t watchdog_inuse;
    struct {
        char buf[256];
        unsigned len;
    } console; /* an incomplete line of console_io */
    uint32_t vm_assist;
    uint32_t suspend_port;
};

#endif
