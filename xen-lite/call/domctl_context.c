/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XEN_DOMCTL_gethvmcontext and sethvmcontext: a domain's state as one block of records (records.c).
 */
#include "domctl.h"
#include "records.h"

/* The domain may be running: it is paused while the snapshot is taken. */
static long snapshot(struct domain *d, uint8_t *buf, uint32_t *bytes)
{
    domain_pause(d);
    long result = records_save(d, buf, bytes);
    domain_unpause(d);
    return result;
}

long domctl_gethvmcontext(struct domctl *c)
{
    struct xen_domctl_hvmcontext *h = &c->op->u.hvmcontext;
    uint32_t bytes = XLR_MAX_BYTES;

    if (c->d == current_vcpu()->domain)
        return -XEN_EINVAL;
    uint8_t *buf = mem_alloc_uncleared(XLR_MAX_BYTES);
    if (!buf)
        return -XEN_ENOMEM;
    long result = snapshot(c->d, buf, &bytes);
    if (!result && h->buffer.q) {
        if (h->size < bytes)
            result = -XEN_ENOSPC;
        else if (copy_to_guest(h->buffer.q, buf, bytes))
            result = -XEN_EFAULT;
    }
    if (!result || result == -XEN_ENOSPC) {
        h->size = bytes;
        c->reply = true;
    }
    mem_free(buf, XLR_MAX_BYTES);
    return result;
}

long domctl_sethvmcontext(struct domctl *c)
{
    const struct xen_domctl_hvmcontext *h = &c->op->u.hvmcontext;
    long result;

    if (c->d == current_vcpu()->domain || !h->size || h->size > XLR_MAX_BYTES ||
        c->d->state > DOM_ALIVE)
        return -XEN_EINVAL;
    uint8_t *buf = mem_alloc_uncleared(h->size);
    if (!buf)
        return -XEN_ENOMEM;
    if (copy_from_guest(buf, h->buffer.q, h->size))
        result = -XEN_EFAULT;
    else {
        domain_pause(c->d);
        result = records_load(c->d, buf, h->size);
        domain_unpause(c->d);
    }
    mem_free(buf, h->size);
    if (!result)
        for (unsigned i = 0; i < c->d->max_vcpus; i++)
            if (c->d->vcpu[i] && c->d->vcpu[i]->online)
                vcpu_wake(c->d->vcpu[i]);
    return result;
}
