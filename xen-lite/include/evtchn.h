/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event channels, the 2-level ABI.  public/event_channel.h
 *   evtchn.c         ports: allocate, bind, close
 *   evtchn_send.c    events and VIRQs
 *   evtchn_2l.c      the bits that the guest sees
 *   evtchn_op.c      the hypercall
 *   evtchn_record.c  state records
 *
 * A domain's evtchn.lock guards its ports and the vcpu_info pointers of its vCPUs (v->info).  An
 * interdomain channel holds a reference to the domain at its other end, so a domain exists as long
 * as a port names it.  No function below may be called with a p2m or an evtchn lock held, because
 * they mark pages dirty after they drop the lock.
 */
#ifndef XL_EVTCHN_H
#define XL_EVTCHN_H
#include "types.h"
#include <xen/xen.h>
#include <xen/event_channel.h>
#include "evtchn_types.h"
struct domain;
struct vcpu;
int evtchn_init(struct domain *d); /* reserves port 0; 0, -XEN_ENOMEM */
/*
 * Closes all ports; peers see theirs unbound.  The domain is dying, so no port is bound meanwhile.
 * A second call has no effect.
 */
void evtchn_destroy(struct domain *d);
long do_event_channel_op(int cmd, uint64_t arg);

/*
 * Allocates a port in `d` that waits for `remote` to bind.  0; -XEN_ENOSPC, -XEN_ENOMEM,
 * -XEN_EINVAL if d is dying.
 */
int evtchn_alloc_unbound(struct domain *d, domid_t remote, uint32_t *port);
/*
 * The same with the hypervisor as the user of the port: the guest cannot send on it, bind it or
 * close it.
 */
int evtchn_alloc_consumer(struct domain *d, domid_t remote, uint8_t consumer, uint32_t *port);
int evtchn_bind_interdomain(struct domain *d, domid_t remote, uint32_t remote_port, uint32_t *port);
int evtchn_bind_virq(struct domain *d, uint32_t virq, uint32_t vcpu, uint32_t *port);
int evtchn_bind_ipi(struct domain *d, uint32_t vcpu, uint32_t *port);
int evtchn_bind_vcpu(struct domain *d, uint32_t port, uint32_t vcpu);
int evtchn_status(struct domain *d, uint32_t port, struct evtchn_status *status);
int evtchn_send(struct domain *d, uint32_t port);
/* `guest`: refuse ports of the hypervisor (consumer ports). */
int evtchn_close(struct domain *d, uint32_t port, bool guest);
int evtchn_unmask(struct domain *d, uint32_t port);
/* Closes every port but those of the hypervisor.  Preemptible: -XEN_ERESTART. */
int evtchn_reset(struct domain *d);
/* Closes all ports, before evtchn_destroy.  Preemptible: -XEN_ERESTART. */
int evtchn_relinquish(struct domain *d);

/* The hypervisor's end of a consumer channel sends to the peer. */
void evtchn_notify_port(struct domain *d, uint32_t port);
void evtchn_send_virq(struct vcpu *v, uint32_t virq); /* per-vCPU VIRQ */
void evtchn_send_global_virq(uint32_t virq);          /* to the control domain */
/* Sets bits in shared_info, marks them dirty, injects the PPI. */
void evtchn_set_pending(struct domain *d, uint32_t port);
bool evtchn_vcpu_pending(const struct vcpu *v); /* Upcall pending?  No lock needed. */
/*
 * Raises the event interrupt (again) if upcall_pending is set: after vcpu_info has moved, or was
 * restored.
 */
void evtchn_upcall(struct vcpu *v);
void evtchn_dump(struct domain *d);

/* Among evtchn*.c.  The caller holds d->evtchn.lock. */
struct evtchn *evtchn_port(struct domain *d, uint32_t port); /* NULL: no such port */
static inline bool evtchn_in_use(const struct evtchn *c) { return c->state != EVTCHNSTAT_closed; }
static inline bool evtchn_virq_is_global(uint32_t virq)
{
    return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF && virq != VIRQ_XENPMU;
}
/* Each returns what it wrote: EVTCHN_WROTE_*, for evtchn_mark() after the lock is dropped. */
enum { EVTCHN_WROTE_SHARED = 1, EVTCHN_WROTE_INFO = 2 };
unsigned evtchn_2l_set_pending(struct domain *d, uint32_t port, unsigned vcpu);
unsigned evtchn_2l_clear_pending(struct domain *d, uint32_t port);
unsigned evtchn_2l_unmask(struct domain *d, uint32_t port, unsigned vcpu);
/* Enter what was written in the dirty log.  The caller holds no evtchn lock. */
void evtchn_mark(struct domain *d, unsigned vcpu, unsigned wrote);

/*
 * State records.  The ports that survive a move are those of the store and the console
 * (HVM_PARAM_*_EVTCHN).  Whoever builds the domain on the new host makes them with the same
 * numbers.  The guest binds all others anew.
 */
struct xlr_evtchn;
struct xlr_evtchn_port;
unsigned evtchn_get(struct domain *d, struct xlr_evtchn_port *out, unsigned max);
/* 0; -XEN_EINVAL: the domain here lacks a port that is to be kept. */
int evtchn_check(struct domain *d, const struct xlr_evtchn_port *p, unsigned n);
/*
 * Binds the kept ports to their vCPUs and sets them pending; drops pending bits of ports that do
 * not exist any more.  Call after memory and places are set.
 */
void evtchn_set(struct domain *d, const struct xlr_evtchn_port *p, unsigned n);
#endif
