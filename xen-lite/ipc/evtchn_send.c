/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending events, by guests and by the hypervisor.  Locks and references: see evtchn.h. */
#include "abi.h"
#include "domain_ref.h"
#include "evtchn.h"
#include "hooks.h"
#include "panic.h"

/* Raise the event at the receiving end, unless the channel was closed in the meantime. */
static void deliver(struct domain *rd, uint32_t rport, const struct domain *from,
                    uint32_t from_port)
{
    unsigned wrote = 0, vcpu = 0;
    uint8_t consumer = 0;

    spin_lock(&rd->evtchn.lock);
    const struct evtchn *c = evtchn_port(rd, rport);
    if (c && c->state == EVTCHNSTAT_interdomain && c->remote == from &&
        c->remote_port == from_port) {
        consumer = c->consumer;
        vcpu = c->vcpu;
        if (!consumer)
            wrote = evtchn_2l_set_pending(rd, rport, vcpu);
    }
    spin_unlock(&rd->evtchn.lock);
    if (consumer == EVTCHN_CONSUMER_VUART)
        vuart_event(rd);
    evtchn_mark(rd, vcpu, wrote);
}

static int send(struct domain *d, uint32_t port, bool guest)
{
    struct domain *rd = NULL;
    uint32_t rport = 0;
    unsigned wrote = 0, vcpu = 0;
    int rc = 0;

    spin_lock(&d->evtchn.lock);
    const struct evtchn *c = evtchn_port(d, port);
    if (!c || (guest && c->consumer)) {
        rc = -XEN_EINVAL;
    } else if (c->state == EVTCHNSTAT_interdomain) {
        rd = c->remote;
        rport = c->remote_port;
        BUG_ON(!domain_ref(rd)); /* the port's own reference keeps the domain */
    } else if (c->state == EVTCHNSTAT_ipi) {
        vcpu = c->vcpu;
        wrote = evtchn_2l_set_pending(d, port, vcpu);
    } else if (c->state != EVTCHNSTAT_unbound) { /* no peer yet: the event is dropped */
        rc = -XEN_EINVAL;
    }
    spin_unlock(&d->evtchn.lock);
    evtchn_mark(d, vcpu, wrote);
    if (rd) {
        deliver(rd, rport, d, port);
        domain_put(rd);
    }
    return rc;
}

int evtchn_send(struct domain *d, uint32_t port) { return send(d, port, true); }

void evtchn_notify_port(struct domain *d, uint32_t port) { send(d, port, false); }

void evtchn_set_pending(struct domain *d, uint32_t port)
{
    unsigned wrote = 0, vcpu = 0;

    spin_lock(&d->evtchn.lock);
    const struct evtchn *c = evtchn_port(d, port);
    if (c && evtchn_in_use(c)) {
        vcpu = c->vcpu;
        wrote = evtchn_2l_set_pending(d, port, vcpu);
    }
    spin_unlock(&d->evtchn.lock);
    evtchn_mark(d, vcpu, wrote);
}

static void send_virq(struct domain *d, unsigned of_vcpu, uint32_t virq)
{
    unsigned wrote = 0, vcpu = 0;

    spin_lock(&d->evtchn.lock);
    uint32_t port = d->evtchn.virq_port[of_vcpu][virq];
    const struct evtchn *c = port ? evtchn_port(d, port) : NULL;
    if (c) {
        vcpu = c->vcpu;
        wrote = evtchn_2l_set_pending(d, port, vcpu);
    }
    spin_unlock(&d->evtchn.lock);
    evtchn_mark(d, vcpu, wrote);
}

void evtchn_send_virq(struct vcpu *v, uint32_t virq)
{
    BUG_ON(virq >= NR_VIRQS || evtchn_virq_is_global(virq));
    send_virq(v->domain, v->id, virq);
}

void evtchn_send_global_virq(uint32_t virq)
{
    BUG_ON(virq >= NR_VIRQS || !evtchn_virq_is_global(virq));
    if (dom0)
        send_virq(dom0, 0, virq);
}

int evtchn_unmask(struct domain *d, uint32_t port)
{
    unsigned wrote = 0, vcpu = 0;

    spin_lock(&d->evtchn.lock);
    const struct evtchn *c = evtchn_port(d, port);
    if (c) {
        vcpu = c->vcpu;
        wrote = evtchn_2l_unmask(d, port, vcpu);
    }
    spin_unlock(&d->evtchn.lock);
    evtchn_mark(d, vcpu, wrote);
    return c ? 0 : -XEN_EINVAL;
}
