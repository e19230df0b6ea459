/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event channels, the 2-level ABI.  public/event_channel.h
 *   evtchn.c         ports: allocate, bind, close
 *   evtchn_send.c    events and VIRQs
 *   evtchn_2l.c      the bits that the guest sees
 *   evtchn_op.c      the hypercall
 *   evtchn_record.c  state records
 *
 * A domain's ports, and the vcpu_info pointers of its vCPUs (v->info), change under its
 * evtchn.lock.  An interdomain channel holds a reference on the domain at its other end, so a peer
 * never vanishes under a port that names it. None of the functions below may be called with a p2m
 * or an evtchn lock held: they mark pages dirty afterwards.
 */
#ifndef XL_EVTCHN_H
#define XL_EVTCHN_H
#include "types.h"
#include <xen/xen.h>
#include <xen/event_channel.h>
#include "evtchn_types.h"
struct domain;
struct vcpu;
int evtchn_init(struct domain *d);     /* port 0 taken. 0, -XEN_ENOMEM */
void evtchn_destroy(struct domain *d); /* closes all ports; peers see them unbound. Domain dying: no
                                          new ones. Again: no-op */
long do_event_channel_op(int cmd, uint64_t arg);

/* A port in `d` that waits for `remote` to bind. 0; -XEN_ENOSPC, -XEN_ENOMEM, -XEN_EINVAL when d is
 * dying. */
int evtchn_alloc_unbound(struct domain *d, domid_t remote, uint32_t *port);
/* Likewise, with the hypervisor as its user: the guest cannot send, bind or close it. */
int evtchn_alloc_consumer(struct domain *d, domid_t remote, uint8_t consumer, uint32_t *port);
int evtchn_bind_interdomain(struct domain *d, domid_t remote, uint32_t remote_port, uint32_t *port);
int evtchn_bind_virq(struct domain *d, uint32_t virq, uint32_t vcpu, uint32_t *port);
int evtchn_bind_ipi(struct domain *d, uint32_t vcpu, uint32_t *port);
int evtchn_bind_vcpu(struct domain *d, uint32_t port, uint32_t vcpu);
int evtchn_status(struct domain *d, uint32_t port, struct evtchn_status *status);
int evtchn_send(struct domain *d, uint32_t port);
int evtchn_close(struct domain *d, uint32_t port, bool guest); /* guest: not consumer ports */
int evtchn_unmask(struct domain *d, uint32_t port);
int evtchn_reset(
    struct domain *d); /* close every port but the hypervisor's. Preemptible: -XEN_ERESTART */
int evtchn_relinquish(
    struct domain *d); /* close all, before evtchn_destroy. Preemptible: -XEN_ERESTART */

void evtchn_notify_port(
    struct domain *d, uint32_t port); /* hypervisor's end of a consumer channel sends to the peer */
void evtchn_send_virq(struct vcpu *v, uint32_t virq); /* per-vCPU VIRQ */
void evtchn_send_global_virq(uint32_t virq);          /* to dom0 */
void evtchn_set_pending(struct domain *d,
                        uint32_t port); /* sets bits in shared_info, marks dirty, injects the PPI */
bool evtchn_vcpu_pending(const struct vcpu *v); /* upcall pending; no lock needed */
void evtchn_upcall(struct vcpu *v); /* (re)raise the event interrupt if upcall_pending: after
                                       vcpu_info moves, restore */
void evtchn_dump(struct domain *d);

/* Among evtchn*.c, with d->evtchn.lock held. */
struct evtchn *evtchn_port(struct domain *d, uint32_t port); /* NULL: no such port */
static inline bool evtchn_in_use(const struct evtchn *c) { return c->state != EVTCHNSTAT_closed; }
static inline bool evtchn_virq_is_global(uint32_t virq)
{
    return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF && virq != VIRQ_XENPMU;
}
/* Each says what it wrote: EVTCHN_WROTE_* for evtchn_mark() once the lock is free. */
enum { EVTCHN_WROTE_SHARED = 1, EVTCHN_WROTE_INFO = 2 };
unsigned evtchn_2l_set_pending(struct domain *d, uint32_t port, unsigned vcpu);
unsigned evtchn_2l_clear_pending(struct domain *d, uint32_t port);
unsigned evtchn_2l_unmask(struct domain *d, uint32_t port, unsigned vcpu);
/* Without the lock: enter what was written in the dirty log. */
void evtchn_mark(struct domain *d, unsigned vcpu, unsigned wrote);

/*
 * State records.  The ports that survive a move are the store's and the console's
 * (HVM_PARAM_*_EVTCHN): whoever builds the domain on the new host makes them at the same numbers;
 * the guest binds all others anew.
 */
struct xlr_evtchn;
struct xlr_evtchn_port;
unsigned evtchn_get(struct domain *d, struct xlr_evtchn_port *out, unsigned max);
int evtchn_check(struct domain *d, const struct xlr_evtchn_port *p,
                 unsigned n); /* -XEN_EINVAL: a kept port is not here */
/* Binds the kept ports to their vCPUs and sets them pending; drops pending bits of ports that are
 * gone. After memory and places. */
void evtchn_set(struct domain *d, const struct xlr_evtchn_port *p, unsigned n);
#endif
