/* SPDX-License-Identifier: BSD-2-Clause */
#include "state.h"

#include <string.h>
#include <xen/xen.h>
#include <xen/hvm/save.h>

#include "features.h"

struct cursor {
    const uint8_t *at, *end;
};

/* The next state record. False at the end of the bytes, or if the record does not fit into them. */
static bool next(struct cursor *c, struct hvm_save_descriptor *d, const uint8_t **payload)
{
    if ((size_t)(c->end - c->at) < sizeof(*d))
        return false;
    memcpy(d, c->at, sizeof(*d));
    *payload = c->at + sizeof(*d);
    if (d->length > XLR_MAX_BYTES || xlm_pad(d->length) > (size_t)(c->end - *payload))
        return false;
    c->at = *payload + xlm_pad(d->length);
    return true;
}

const void *state_find(const void *context, size_t bytes, uint16_t type, size_t *length)
{
    struct cursor c = { context, (const uint8_t *)context + bytes };
    struct hvm_save_descriptor d;
    const uint8_t *payload;
    while (next(&c, &d, &payload) && (d.typecode != XLR_END || type == XLR_END)) {
        if (d.typecode == type) {
            *length = d.length;
            return payload;
        }
    }
    return NULL;
}

static int check_header(const struct xlr_header *h, struct failure *f)
{
    if (h->magic != XLR_MAGIC)
        return fail(f, XLM_E_STATE, "state records have the wrong magic number %08x", h->magic);
    if (h->version != XLR_VERSION)
        return fail(f, XLM_E_VERSION,
                    "state records have version %u, the target host knows version %u", h->version,
                    XLR_VERSION);
    return 0;
}

int state_check(const void *context, size_t bytes, struct failure *f)
{
    struct cursor c = { context, (const uint8_t *)context + bytes };
    struct hvm_save_descriptor d = { 0 };
    const uint8_t *payload;
    bool ended = false;
    if (!next(&c, &d, &payload) || d.typecode != XLR_HEADER || d.length < sizeof(struct xlr_header))
        return fail(f, XLM_E_STATE, "state records do not begin with a header");
    struct xlr_header header;
    memcpy(&header, payload, sizeof(header));
    if (check_header(&header, f) < 0)
        return -1;
    while (!ended && next(&c, &d, &payload))
        ended = d.typecode == XLR_END;
    if (!ended)
        return fail(f, XLM_E_STATE, "state records are cut short at byte %zu",
                    (size_t)(c.at - (const uint8_t *)context));
    size_t length;
    if (!state_find(context, bytes, XLR_CPU_FEATURES, &length) || length < 8)
        return fail(f, XLM_E_STATE, "state records lack the CPU features");
    if (!state_find(context, bytes, XLR_TIME, &length) || length < sizeof(struct xlr_time))
        return fail(f, XLM_E_STATE, "state records lack the time");
    return 0;
}

uint32_t state_width(const void *context, size_t bytes)
{
    struct xlr_header header;
    size_t length;
    memcpy(&header, state_find(context, bytes, XLR_HEADER, &length), sizeof(header));
    return header.width;
}

static const char *gic_name(uint32_t gic)
{
    return gic == XLR_GIC_V2 ? "GICv2" : gic == XLR_GIC_V3 ? "GICv3" : "an unknown GIC";
}

/*
 * ID_AA64PFR0.EL1 gives the widths of the host's CPUs at EL1. 0: AArch32 only, 1: AArch64 only, 2:
 * both. The width of the empty domain does not matter: xl chooses the width of the guest's domain
 * when it makes it.
 */
static int check_width(uint32_t width, const void *features, size_t bytes, struct failure *f)
{
    struct xlr_cpu_features host = { 0 };
    memcpy(&host, features, bytes < sizeof(host) ? bytes : sizeof(host));
    unsigned el1 = host.reg[XLR_ID_PFR0] >> 4 & 0xf;
    if (width != XLR_WIDTH_32 && width != XLR_WIDTH_64)
        return fail(f, XLM_E_STATE, "state records have the unknown width of %u bits", width);
    if (width == XLR_WIDTH_32 ? el1 != 1 : el1 != 0)
        return 0;
    return fail(
        f, XLM_E_CPU,
        "the guest's kernel is of %u bits (%s), which the target host's CPUs do not support at EL1",
        width, width == XLR_WIDTH_32 ? "AArch32" : "AArch64");
}

int state_compatible(const void *guest, size_t guest_bytes, const void *host, size_t host_bytes,
                     uint32_t vcpus, struct failure *f, char *warning, size_t warning_size)
{
    size_t length, host_length;
    struct xlr_header g, h;
    warning[0] = 0;
    if (state_check(guest, guest_bytes, f) < 0 || state_check(host, host_bytes, f) < 0)
        return -1;
    memcpy(&g, state_find(guest, guest_bytes, XLR_HEADER, &length), sizeof(g));
    memcpy(&h, state_find(host, host_bytes, XLR_HEADER, &length), sizeof(h));
    if (g.gic != h.gic)
        return fail(f, XLM_E_GIC, "the guest has %s, the target host has %s", gic_name(g.gic),
                    gic_name(h.gic));
    const void *gf = state_find(guest, guest_bytes, XLR_CPU_FEATURES, &length);
    const void *hf = state_find(host, host_bytes, XLR_CPU_FEATURES, &host_length);
    if (check_width(g.width, hf, host_length, f) < 0)
        return -1;
    if (g.vcpu_count != vcpus)
        return fail(f, XLM_E_STATE,
                    "the guest's state records have %u vCPUs, its configuration has %u",
                    g.vcpu_count, vcpus);
    if (g.ipa_bits > h.ipa_bits)
        return fail(f, XLM_E_CPU,
                    "the guest has %u bits of guest-physical address, the target host offers %u",
                    g.ipa_bits, h.ipa_bits);
    if (g.counter_hz != h.counter_hz)
        return fail(f, XLM_E_CPU,
                    "the guest's counter runs at %llu Hz, the target host's at %llu Hz",
                    (unsigned long long)g.counter_hz, (unsigned long long)h.counter_hz);
    return features_compare(gf, length, hf, host_length, f, warning, warning_size);
}

#define NS_PER_S 1000000000u

/* elapsed_ns * hz / 10^9, rounded down. Seconds and rest are multiplied separately, so that no
 * product exceeds 64 bits. */
static uint64_t ticks_in(uint64_t elapsed_ns, uint64_t hz)
{
    uint64_t seconds = elapsed_ns / NS_PER_S, rest = elapsed_ns % NS_PER_S;
    return seconds * hz + rest * (hz / NS_PER_S) + rest * (hz % NS_PER_S) / NS_PER_S;
}

int state_add_time(void *context, size_t bytes, uint64_t elapsed_ns, struct failure *f)
{
    size_t length;
    const uint8_t *payload = state_find(context, bytes, XLR_TIME, &length);
    if (!payload || length < sizeof(struct xlr_time))
        return fail(f, XLM_E_STATE, "state records lack the time");
    struct xlr_time time;
    memcpy(&time, payload, sizeof(time));
    if (time.counter_hz == 0 || time.counter_hz > 100000000000ull ||
        elapsed_ns > 86400ull * NS_PER_S)
        return fail(f, XLM_E_STATE,
                    "state records have a counter of %llu Hz, read %llu ns ago: out of range",
                    (unsigned long long)time.counter_hz, (unsigned long long)elapsed_ns);
    time.counter += ticks_in(elapsed_ns, time.counter_hz);
    memcpy((uint8_t *)context + (payload - (const uint8_t *)context), &time, sizeof(time));
    return 0;
}
