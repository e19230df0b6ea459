/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's devices in the control domain's map, one to one.  Small ranges are mapped at once,
 * large ones (PCI windows) block by block at the first access.
 */
#include "domain_ref.h"
#include "lib.h"
#include "log.h"
#include "mm.h"
#include "p2m.h"

#define EAGER_BYTES (1ull << 30) /* larger device ranges are mapped at first access */

static struct mem_region device[64];
static unsigned device_count;

int p2m_device_add(struct domain *d, uint64_t start, uint64_t end)
{
    start = ROUND_DOWN(start, (uint64_t)PAGE_SIZE);
    end = MIN(ROUND_UP(end, (uint64_t)PAGE_SIZE), 1ull << IPA_BITS);
    if (start >= end)
        return 0;
    /* Virtio-mmio devices share pages: one range for a series of them. */
    if (device_count && device[device_count - 1].end >= start &&
        device[device_count - 1].start <= start) {
        if (device[device_count - 1].end >= end)
            return 0;
        start = device[device_count - 1].end;
        device[device_count - 1].end = end;
    } else {
        /* A page that a later node or a neighbour has already named. */
        for (unsigned i = 0; i < device_count; i++)
            if (device[i].start <= start && end <= device[i].end)
                return 0;
        if (device_count == ARRAY_SIZE(device)) {
            log_warn("dom0: device at 0x%llx not passed through: more than %zu ranges\n",
                     (unsigned long long)start, ARRAY_SIZE(device));
            return 0;
        }
        device[device_count++] = (struct mem_region){ start, end };
    }
    if (end - start > EAGER_BYTES)
        return 0;
    return p2m_map(d, IPA(start), PA(start), (end - start) >> PAGE_SHIFT, P2M_DEVICE);
}

bool p2m_device_on_demand(struct domain *d, ipa_t ipa)
{
    uint64_t start = ROUND_DOWN(ipa.v, (uint64_t)BLOCK_SIZE);
    if (!d->direct_map)
        return false;
    for (unsigned i = 0; i < device_count; i++) {
        if (device[i].end - device[i].start <= EAGER_BYTES || ipa.v < device[i].start ||
            ipa.v >= device[i].end)
            continue;
        if (start < device[i].start || start + BLOCK_SIZE > device[i].end)
            return !p2m_map(d, IPA(ipa.v & PAGE_MASK), PA(ipa.v & PAGE_MASK), 1, P2M_DEVICE);
        return !p2m_map(d, IPA(start), PA(start), BLOCK_PAGES, P2M_DEVICE);
    }
    return false;
}

bool p2m_device_overlaps(uint64_t start, uint64_t end)
{
    for (unsigned i = 0; i < device_count; i++)
        if (start < device[i].end && device[i].start < end)
            return true;
    return false;
}
