/* SPDX-License-Identifier: BSD-2-Clause */
/* Event channels in state records.  evtchn.h has which ports survive a move. */
#include "abi.h"
#include "domain_types.h"
#include "evtchn.h"
#include "guest_atomic.h"
#include "lib.h"
#include "panic.h"
#include "records.h"
#include <xen/hvm/params.h>

static bool kept_state(unsigned state)
{
    return state == EVTCHNSTAT_unbound || state == EVTCHNSTAT_interdomain;
}

unsigned evtchn_get(struct domain *d, struct xlr_evtchn_port *out, unsigned max)
{
    static const unsigned kept[] = { HVM_PARAM_STORE_EVTCHN, HVM_PARAM_CONSOLE_EVTCHN };
    unsigned n = 0;

    spin_lock(&d->evtchn.lock);
    for (unsigned i = 0; i < ARRAY_SIZE(kept) && n < max; i++) {
        uint64_t port = d->hvm_param[kept[i]];
        const struct evtchn *c = port < EVTCHN_PORTS ? evtchn_port(d, (uint32_t)port) : NULL;

        if (!c || !kept_state(c->state) || c->consumer)
            continue;
        out[n++] = (struct xlr_evtchn_port){
            .port = (uint32_t)port,
            .state = c->state,
            .remote_dom = c->remote_dom,
            .remote_port = c->state == EVTCHNSTAT_interdomain ? c->remote_port : 0,
            .vcpu = c->vcpu,
        };
    }
    spin_unlock(&d->evtchn.lock);
    return n;
}

int evtchn_check(struct domain *d, const struct xlr_evtchn_port *p, unsigned n)
{
    bool ok = n <= EVTCHN_PORTS;

    spin_lock(&d->evtchn.lock);
    for (unsigned i = 0; i < n && ok; i++) {
        const struct evtchn *c = evtchn_port(d, p[i].port);

        ok = c && kept_state(c->state) && !c->consumer && kept_state(p[i].state) &&
             p[i].vcpu < MAX_VCPUS && d->vcpu[p[i].vcpu];
    }
    spin_unlock(&d->evtchn.lock);
    return ok ? 0 : -XEN_EINVAL;
}

static uint64_t ports_in_use(struct domain *d, unsigned word)
{
    ASSERT_LOCKED(&d->evtchn.lock);
    uint64_t mask = 0;

    if (word * 64 >= d->evtchn.valid) /* true for nearly all words: few domains have many ports */
        return 0;
    for (unsigned bit = 0; bit < 64; bit++) {
        const struct evtchn *c = evtchn_port(d, word * 64 + bit);

        if (c && c->state != EVTCHNSTAT_closed && c->state != EVTCHN_RESERVED)
            mask |= 1ull << bit;
    }
    return mask;
}

void evtchn_set(struct domain *d, const struct xlr_evtchn_port *p, unsigned n)
{
    spin_lock(&d->evtchn.lock);
    /*
     * All ports are masked, as a guest expects on a new host.  Linux ignores upcalls of a port
     * until it has bound the port again.  Then it unmasks the port by a hypercall, which raises a
     * pending event only if the mask bit was set.
     */
    for (unsigned word = 0; word < 64 && d->shared_info; word++) {
        guest_or64(d, &d->shared_info->evtchn_mask[word], ~0ull);
        guest_and64(d, &d->shared_info->evtchn_pending[word], ports_in_use(d, word));
    }
    for (unsigned i = 0; i < n; i++) {
        /*
         * vCPU 0, as for a new port.  A guest that knows that it is on a new host takes its ports
         * to be bound to vCPU 0, and does not tell the hypervisor.
         */
        evtchn_port(d, p[i].port)->vcpu = 0;
        evtchn_2l_clear_pending(d,
                                p[i].port); /* so that setting the bit below raises the interrupt */
    }
    spin_unlock(&d->evtchn.lock);
    evtchn_mark(d, 0, EVTCHN_WROTE_SHARED);
    /*
     * Peers may have sent events to the old host while the guest was moving.  A spurious event is
     * allowed, a lost one is not: raise all.
     */
    for (unsigned i = 0; i < n; i++)
        evtchn_set_pending(d, p[i].port);
}
