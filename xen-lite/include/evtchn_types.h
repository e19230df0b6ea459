/* SPDX-License-Identifier: BSD-2-Clause */
/* Types: a domain's event channels.  evtchn.h explains them. */
#ifndef XL_EVTCHN_TYPES_H
#define XL_EVTCHN_TYPES_H

#include "types.h"
#include <xen/xen.h>
#include <xen/event_channel.h>
#include "spinlock.h"
struct domain;

#define EVTCHN_PORTS          4096u /* 2-level: 64 words of 64 bits, on both widths (xen_ulong_t) */
#define EVTCHN_PAGE_PORTS     128u
#define EVTCHN_RESERVED       6 /* a state of our own: port 0; reported as closed */
#define EVTCHN_CONSUMER_VUART 1u
struct evtchn {
    uint8_t state;    /* EVTCHNSTAT_*, EVTCHN_RESERVED */
    uint8_t consumer; /* 0: the guest; 1: vuart */
    uint16_t vcpu;    /* notified */
    uint16_t remote_dom;
    uint16_t virq;
    uint32_t remote_port;
    struct domain *remote; /* interdomain: referenced */
};
struct evtchn_table {
    spinlock_t lock;
    uint32_t max_port;  /* inclusive; set before evtchn_init, 0: as many as there are */
    uint32_t next_free; /* no port below it is free */
    uint32_t reset_next, relinquish_next; /* where to go on when that was sent back */
    uint32_t valid; /* ports that have a struct: multiples of EVTCHN_PAGE_PORTS */
    struct evtchn
        *page[EVTCHN_PORTS / EVTCHN_PAGE_PORTS]; /* allocated when first used, lowest first */
    uint16_t virq_port[MAX_VCPUS][NR_VIRQS];     /* 0: not bound; global VIRQs under vCPU 0 */
};

#endif
