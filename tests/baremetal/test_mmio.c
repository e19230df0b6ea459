/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device map that changes while leaves name the device they belong to.  A leaf holds the map's
 * generation, which has only 3 bits in debug builds.  Debug key M adds or removes a device below
 * the redistributors.  After 8 changes the generation repeats while the redistributors have another
 * number, so a leaf that is trusted by its generation alone would lead to another device.
 */
#include "bm.h"

#define SCRATCH_ID  0x5c000000u
#define SCRATCH_MAX 3u
#define CHANGES     50u

static unsigned scratch; /* number of scratch devices now */
static bool leaving;

static uint64_t scratch_device(unsigned n) { return DOM0_GICR - (n + 1) * PAGE; }
static void touch_first_absent(void) { (void)mmio_read(scratch_device(scratch)); }

static void change(void)
{
    bm_debug_key('M');
    leaving = scratch == SCRATCH_MAX || (leaving && scratch);
    scratch += leaving ? -1u : 1u;
}

static bool scratch_devices_right(void)
{
    for (unsigned n = 0; n < scratch; n++)
        if (mmio_read(scratch_device(n)) != SCRATCH_ID + n)
            return false;
    return bm_faults(touch_first_absent);
}

static void changes(unsigned n)
{
    while (n--)
        change();
}

/* Have a leaf written, and read again only after the generation has come round, from each
 * arrangement of the devices. */
static void once_round(uint32_t offset)
{
    uint32_t want = mmio_read(DOM0_GICR + offset);
    unsigned moved = 0;
    for (unsigned start = 0; start < 2 * SCRATCH_MAX; start++) {
        unsigned scratch_before = scratch;
        bool before = mmio_read(DOM0_GICR + offset) == want;
        changes(8);
        moved += scratch != scratch_before;
        uint32_t found = mmio_read(DOM0_GICR + offset);
        bm_check(before && found == want, "device map: a leaf of 8 changes ago is not believed",
                 "0x%x reads as 0x%x, was 0x%x", offset, found, want);
        changes(2 * SCRATCH_MAX - 1);
    }
    CHECK("device map: and the redistributors had another number", moved > SCRATCH_MAX);
}

void test_device_map(void)
{
    uint32_t typer = mmio_read(DOM0_GICD + 4), redist_typer = mmio_read(DOM0_GICR + 8);
    bool right = true;
    for (unsigned i = 0; i < CHANGES; i++) {
        change();
        right = right && mmio_read(DOM0_GICD + 4) == typer &&
                mmio_read(DOM0_GICR + 8) == redist_typer && scratch_devices_right();
    }
    CHECK("device map: each device answers for itself after every change", right);
    once_round(8);
    once_round(0xffe8);
    while (scratch)
        change();
}
