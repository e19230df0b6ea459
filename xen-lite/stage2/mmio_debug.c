/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For tests of the device map's generations: dummy devices come and go at run time.  They lie below
 * the last region of the control domain, whose number changes with each of them.  In debug builds
 * only.
 */
#include "cpu.h"
#include "domain_ref.h"
#include "log.h"
#include "mmio.h"
#include "panic.h"

#define SCRATCH_DEVICES 3u
#define SCRATCH_ID      0x5c000000u /* device n reads as this + n */

static bool scratch_access(struct vcpu *v, void *arg, struct mmio_access *a)
{
    (void)v;
    a->value = SCRATCH_ID + (uintptr_t)arg;
    return true;
}

/*
 * Adds the devices one after the other in the pages below the last region, then removes them in the
 * opposite order, and so on.
 */
static void change(struct domain *d)
{
    static uint64_t top;
    static unsigned present;
    static bool leaving;

    if (!present)
        top = d->mmio.region[d->mmio.count - 1].start;
    leaving = present == SCRATCH_DEVICES || (leaving && present);
    if (leaving)
        BUG_ON(mmio_unregister(d, IPA(top - present-- * PAGE_SIZE)));
    else if (mmio_register(d, IPA(top - (present + 1) * PAGE_SIZE), PAGE_SIZE, scratch_access,
                           (void *)(uintptr_t)present))
        log_warn("the control domain's device map is full\n");
    else
        present++;
    log_info("d%u device map: %u regions, generation %u of %u\n", d->id, d->mmio.count,
             d->mmio.generation, MMIO_GENERATION_MAX);
}

void mmio_debug_change(void)
{
    if (!XL_DEBUG)
        log_warn("the device map changes in a debug build only (make debug)\n");
    else if (!dom0 || dom0->max_vcpus != 1 || current_vcpu() != dom0->vcpu[0])
        log_warn(
            "a device map changes while its domain does not run: needs a control domain of one "
            "vCPU, that asks itself\n");
    else
        change(dom0);
}
