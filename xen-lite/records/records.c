/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes a domain's state as records.  records.h has the format and its rules; records_load.c reads
 * them.
 */
#include "abi.h"
#include "arch.h"
#include "state_records.h"
#include "records_internal.h"
#include "domain.h"
#include "domain_types.h"
#include "evtchn.h"
#include "grant.h"
#include "lib.h"
#include "vgic.h"
#include "vtimer.h"
#include <xen/xen.h>
#include <xen/hvm/params.h>
#include <xen/hvm/save.h>

_Static_assert(sizeof(struct hvm_save_descriptor) == 8, "record header");
_Static_assert(sizeof(struct xlr_fpsimd) % 8 == 0 && sizeof(struct xlr_vcpu) % 8 == 0,
               "payloads are padded to 8");

struct writer {
    uint8_t *buf;
    uint32_t at, room;
    bool full;
};

/* Room for a record of up to `bytes`, zeroed.  NULL, and `full` is set, if there is none. */
static void *record_begin(struct writer *w, uint32_t bytes)
{
    uint32_t padded = ROUND_UP(bytes, 8u);

    if (w->full || w->room - w->at < sizeof(struct hvm_save_descriptor) + padded) {
        w->full = true;
        return NULL;
    }
    memset(w->buf + w->at, 0, sizeof(struct hvm_save_descriptor) + padded);
    return w->buf + w->at + sizeof(struct hvm_save_descriptor);
}

static void record_end(struct writer *w, uint16_t type, uint16_t instance, uint32_t bytes)
{
    struct hvm_save_descriptor *head = (struct hvm_save_descriptor *)(void *)(w->buf + w->at);

    head->typecode = type;
    head->instance = instance;
    head->length = bytes;
    w->at += (uint32_t)sizeof(*head) + ROUND_UP(bytes, 8u);
}

static void put(struct writer *w, uint16_t type, unsigned instance, const void *payload,
                uint32_t bytes)
{
    void *to = record_begin(w, bytes);

    if (!to)
        return;
    if (bytes)
        memcpy(to, payload, bytes);
    record_end(w, type, (uint16_t)instance, bytes);
}

static unsigned vcpu_count(const struct domain *d)
{
    unsigned n = 0;
    while (n < MIN(d->max_vcpus, MAX_VCPUS) && d->vcpu[n])
        n++;
    return n;
}

static void put_header(struct writer *w, const struct domain *d)
{
    struct xlr_header h = {
        .magic = XLR_MAGIC,
        .version = XLR_VERSION,
        .gic = d->vgic.version == 2 ? XLR_GIC_V2 : XLR_GIC_V3,
        .width = d->aarch32 ? XLR_WIDTH_32 : XLR_WIDTH_64,
        .vcpu_count = vcpu_count(d),
        .ipa_bits = IPA_BITS,
        .counter_hz = counter_hz,
    };
    struct xlr_cpu_features f;
    struct xlr_time t = { .counter = guest_counter(d), .counter_hz = counter_hz };

    put(w, XLR_HEADER, 0, &h, sizeof(h));
    memset(&f, 0, sizeof(f));
    arch_get_features(d, &f);
    f.count = XLR_ID_REG_COUNT;
    put(w, XLR_CPU_FEATURES, 0, &f, sizeof(f));
    put(w, XLR_TIME, 0, &t, sizeof(t));
}

static void put_vcpu(struct writer *w, struct vcpu *v)
{
    struct xlr_vcpu *r = record_begin(w, sizeof(*r));
    struct xlr_fpsimd f;

    if (!r)
        return;
    memset(&f, 0, sizeof(f));
    arch_get_record(v, r, &f);
    r->sysreg_count = XLR_SYS_COUNT;
    r->flags = (v->online ? XLR_VCPU_ONLINE : 0) | (v->blocked ? XLR_VCPU_WAITING : 0);
    record_end(w, XLR_VCPU, (uint16_t)v->id, sizeof(*r));
    put(w, XLR_FPSIMD, v->id, &f, sizeof(f));

    struct xlr_vgic_cpu g;
    memset(&g, 0, sizeof(g));
    vgic_get_cpu(v, &g);
    put(w, XLR_VGIC_CPU, v->id, &g, sizeof(g));

    struct xlr_vtimer t;
    memset(&t, 0, sizeof(t));
    vtimer_get(v, &t);
    put(w, XLR_VTIMER, v->id, &t, sizeof(t));
}

static void put_dist(struct writer *w, struct domain *d)
{
    uint32_t bytes = (uint32_t)(sizeof(struct xlr_vgic_dist) +
                                d->vgic.spi_count * sizeof(struct xlr_irq));
    struct xlr_vgic_dist *r = record_begin(w, bytes);

    if (!r)
        return;
    vgic_get_dist(d, r, (struct xlr_irq *)(void *)(r + 1));
    record_end(w, XLR_VGIC_DIST, 0, bytes);
}

static void put_places(struct writer *w, const struct domain *d)
{
    struct xlr_places p;

    memset(&p, 0, sizeof(p));
    p.shared_info_gfn = d->shared_ipa.v == ~0ull ? XLR_NOWHERE : ipa_gfn(d->shared_ipa);
    p.vcpu_count = vcpu_count(d);
    for (unsigned i = 0; i < XLR_MAX_VCPUS; i++) {
        const struct vcpu *v = i < p.vcpu_count ? d->vcpu[i] : NULL;
        p.vcpu[i].vcpu_info_gpa = v && v->info_page ? v->info_ipa.v : XLR_NOWHERE;
        p.vcpu[i].runstate_gva = v ? v->runstate_va.v : 0;
        p.vcpu[i].runstate_gpa = v && v->runstate_va.v ? v->runstate_ipa.v : XLR_NOWHERE;
    }
    put(w, XLR_PLACES, 0, &p, sizeof(p));
}

static void put_evtchn(struct writer *w, struct domain *d)
{
    struct xlr_evtchn *r = record_begin(w, sizeof(*r));

    if (!r)
        return;
    uint32_t room = w->room - w->at - (uint32_t)(sizeof(struct hvm_save_descriptor) + sizeof(*r));
    unsigned max = (unsigned)MIN(room / sizeof(struct xlr_evtchn_port), (size_t)XLR_EVTCHN_MAX);
    r->count = evtchn_get(d, (struct xlr_evtchn_port *)(void *)(r + 1), max);
    if (r->count == max && max < XLR_EVTCHN_MAX)
        w->full = true; /* there may be more ranges than fit */
    else
        record_end(w, XLR_EVTCHN, 0,
                   (uint32_t)(sizeof(*r) + r->count * sizeof(struct xlr_evtchn_port)));
}

static void put_grant(struct writer *w, struct domain *d)
{
    struct xlr_grant g;

    memset(&g, 0, sizeof(g));
    grant_get(d, &g);
    put(w, XLR_GRANT, 0, &g, sizeof(g));
}

static void put_params(struct writer *w, const struct domain *d)
{
    struct {
        struct xlr_hvm_params head;
        struct hvm_param_pair pair[HVM_NR_PARAMS];
    } p;
    uint32_t n = 0;

    memset(&p, 0, sizeof(p));
    for (uint32_t i = 0; i < HVM_NR_PARAMS; i++)
        if (d->hvm_param[i] && !hvm_param_may_set(d, NULL, i))
            p.pair[n++] = (struct hvm_param_pair){ i, d->hvm_param[i] };
    p.head.count = n;
    put(w, XLR_HVM_PARAMS, 0, &p, (uint32_t)(sizeof(p.head) + n * sizeof(p.pair[0])));
}

int records_save(struct domain *d, uint8_t *buf, uint32_t *bytes)
{
    struct writer w = { .buf = buf, .room = *bytes };

    put_header(&w, d);
    for (unsigned i = 0; i < vcpu_count(d); i++)
        put_vcpu(&w, d->vcpu[i]);
    put_dist(&w, d);
    put_places(&w, d);
    put_evtchn(&w, d);
    put_grant(&w, d);
    put_params(&w, d);
    put(&w, XLR_END, 0, NULL, 0);
    *bytes = w.full ? XLR_MAX_BYTES : w.at;
    return w.full ? -XEN_ENOSPC : 0;
}
