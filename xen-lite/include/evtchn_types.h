/* SPDX-License-Identifier: BSD-2-Clause */
/* Types: a domain's event channels.  evtchn.h explains them. */
#ifndef XL_EVTCHN_TYPES_H
#define XL_EVTCHN_TYPES_H

#include "types.h"
#include <xen/xen.h>
#include <xen/event_channel.h>
#include "spinlock.h"
struct domain;

#define EVTCHN_PORTS      4096u /* 2-level: 64 words of 64 bits, on both widths (xen_ulong_t) */
#define EVTCHN_PAGE_PORTS 128u
/* Port 0, a state that only this hypervisor has; reported as closed. */
#define EVTCHN_RESERVED       6
#define EVTCHN_CONSUMER_VUART 1u
struct evtchn {
    uint8_t state;    /* EVTCHNSTAT_*, EVTCHN_RESERVED */
    uint8_t consumer; /* the hypervisor's own end: 0 none, the guest uses the port; 1 vuart */
    uint16_t vcpu;    /* vCPU that is notified */
    uint16_t remote_dom;
    uint16_t virq;
    uint32_t remote_port;
    struct domain *remote; /* interdomain: a reference is held */
};
struct evtchn_table {
    spinlock_t lock;
    uint32_t max_port;  /* inclusive; set before evtchn_init; 0: no limit but the ABI's */
    uint32_t next_free; /* no lower port is free */
    uint32_t reset_next, relinquish_next; /* cursors of calls that were preempted */
    uint32_t valid; /* ports that have a struct: a multiple of EVTCHN_PAGE_PORTS */
    /* Allocated at first use, lowest first. */
    struct evtchn *page[EVTCHN_PORTS / EVTCHN_PAGE_PORTS];
    uint16_t virq_port[MAX_VCPUS][NR_VIRQS]; /* 0: not bound; global VIRQs are those of vCPU 0 */
};

#endif
