/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a context, first step: find each record and check that it is as long as the code reads
 * from it.  The block comes from another machine over a network, so nothing in it is trusted.
 */
#include "abi.h"
#include "records_internal.h"
#include "domain_types.h"
#include "lib.h"
#include "log.h"
#include "mm.h"
#include <xen/xen.h>
#include <xen/hvm/save.h>

struct reader {
    const struct domain *d;
    const uint8_t *buf;
    uint32_t at, bytes;
    unsigned n;
    struct hvm_save_descriptor head;
};

static int bad(const struct reader *r, const char *why)
{
    log_warn("d%u: context: record %u (type %u, instance %u) at offset %u: %s\n",
             (unsigned)r->d->id, r->n, r->head.typecode, r->head.instance, r->at, why);
    return -XEN_EINVAL;
}

/* Minimum length per record type: its fixed part.  counts_fit checks the rest. */
static const struct {
    uint32_t bytes;
    bool per_vcpu;
} kinds[] = {
    [XLR_HEADER] = { sizeof(struct xlr_header), false },
    [XLR_CPU_FEATURES] = { offsetof(struct xlr_cpu_features, reg[XLR_ID_REG_COUNT_1]), false },
    [XLR_TIME] = { sizeof(struct xlr_time), false },
    [XLR_VCPU] = { sizeof(struct xlr_vcpu), true },
    [XLR_FPSIMD] = { sizeof(struct xlr_fpsimd), true },
    [XLR_VGIC_DIST] = { sizeof(struct xlr_vgic_dist), false },
    [XLR_VGIC_CPU] = { sizeof(struct xlr_vgic_cpu), true },
    [XLR_VTIMER] = { sizeof(struct xlr_vtimer), true },
    [XLR_PLACES] = { sizeof(struct xlr_places), false },
    [XLR_EVTCHN] = { sizeof(struct xlr_evtchn), false },
    [XLR_GRANT] = { sizeof(struct xlr_grant), false },
    [XLR_HVM_PARAMS] = { sizeof(struct xlr_hvm_params), false },
};

/* Check the counts inside the record against its length. */
static bool counts_fit(uint16_t type, const void *payload, uint32_t length)
{
    switch (type) {
    case XLR_CPU_FEATURES: {
        uint32_t n = ((const struct xlr_cpu_features *)payload)->count;
        return n >= XLR_ID_REG_COUNT_1 &&
               n <= (length - offsetof(struct xlr_cpu_features, reg)) / sizeof(uint64_t);
    }
    case XLR_VCPU: return ((const struct xlr_vcpu *)payload)->sysreg_count >= XLR_SYS_COUNT;
    case XLR_VGIC_DIST:
        return ((const struct xlr_vgic_dist *)payload)->spi_count <=
               (length - sizeof(struct xlr_vgic_dist)) / sizeof(struct xlr_irq);
    case XLR_EVTCHN: {
        uint32_t n = ((const struct xlr_evtchn *)payload)->count;
        return n <= XLR_EVTCHN_MAX &&
               n <= (length - sizeof(struct xlr_evtchn)) / sizeof(struct xlr_evtchn_port);
    }
    case XLR_GRANT: return ((const struct xlr_grant *)payload)->frame_count <= XLR_GRANT_MAX_FRAMES;
    case XLR_HVM_PARAMS:
        return ((const struct xlr_hvm_params *)payload)->count <=
               (length - sizeof(struct xlr_hvm_params)) / sizeof(struct hvm_param_pair);
    default: return true;
    }
}

/* Where the pointer to this record is kept. */
static const void **payload_of(struct parsed_records *c, uint16_t type, uint16_t i)
{
    switch (type) {
    case XLR_HEADER: return (const void **)&c->header;
    case XLR_CPU_FEATURES: return (const void **)&c->features;
    case XLR_TIME: return (const void **)&c->time;
    case XLR_VCPU: return (const void **)&c->vcpu[i];
    case XLR_FPSIMD: return (const void **)&c->fpsimd[i];
    case XLR_VGIC_DIST: return (const void **)&c->dist;
    case XLR_VGIC_CPU: return (const void **)&c->vgic_cpu[i];
    case XLR_VTIMER: return (const void **)&c->vtimer[i];
    case XLR_PLACES: return (const void **)&c->places;
    case XLR_EVTCHN: return (const void **)&c->evtchn;
    case XLR_GRANT: return (const void **)&c->grant;
    default: return (const void **)&c->params;
    }
}

static int take(struct reader *r, struct parsed_records *c, const void *payload)
{
    uint16_t type = r->head.typecode;

    if (r->n == 0 && type != XLR_HEADER)
        return bad(r, "the header must be first");
    if (type & XLR_OPTIONAL)
        return 0;
    if (type >= ARRAY_SIZE(kinds) || !kinds[type].bytes)
        return bad(r, "unknown type");
    if (r->head.instance >= (kinds[type].per_vcpu ? XLR_MAX_VCPUS : 1))
        return bad(r, "no such instance");
    if (r->head.length < kinds[type].bytes)
        return bad(r, "too short");
    if (!counts_fit(type, payload, r->head.length))
        return bad(r, "a count is beyond the record");
    const void **to = payload_of(c, type, r->head.instance);
    if (*to)
        return bad(r, "a second record of this type and instance");
    *to = payload;
    return 0;
}

static int complete(const struct reader *r, const struct parsed_records *c)
{
    if (!c->features || !c->time || !c->dist || !c->places || !c->evtchn || !c->grant || !c->params)
        return bad(r, "a record is missing before the end");
    for (unsigned i = 0; i < XLR_MAX_VCPUS; i++) {
        bool want = i < c->header->vcpu_count;
        if (!c->vcpu[i] != !want || !c->fpsimd[i] != !want || !c->vgic_cpu[i] != !want ||
            !c->vtimer[i] != !want)
            return bad(r, "records of a vCPU are missing, or of too many vCPUs");
    }
    return 0;
}

int records_parse(const struct domain *d, const uint8_t *buf, uint32_t bytes,
                  struct parsed_records *c)
{
    struct reader r = { .d = d, .buf = buf, .bytes = bytes };

    memset(c, 0, sizeof(*c));
    for (;; r.n++) {
        uint32_t left = bytes - r.at;
        if (left < sizeof(r.head))
            return bad(&r, "the context ends inside the descriptor");
        memcpy(&r.head, buf + r.at, sizeof(r.head));
        left -= (uint32_t)sizeof(r.head);
        if (r.head.length > left || ROUND_UP(r.head.length, 8u) > left)
            return bad(&r, "longer than the rest of the context");
        if (r.head.typecode == XLR_END)
            break;
        int result = take(&r, c, buf + r.at + sizeof(r.head));
        if (result)
            return result;
        r.at += (uint32_t)sizeof(r.head) + ROUND_UP(r.head.length, 8u);
    }
    if (r.head.length || r.at + sizeof(r.head) != bytes)
        return bad(&r, "data after the end record");
    return c->header ? complete(&r, c) : bad(&r, "no header");
}
