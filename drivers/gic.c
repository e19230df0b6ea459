/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds out which interrupt controller the machine has. */
#include "dt.h"
#include "abi.h"
#include "log.h"
#include "hw.h"
#include "lib.h"
#include <xen/errno.h>

const struct gic_driver *gic;
struct gic_info gic_info;

int gic_probe(const void *fdt)
{
    static const struct {
        const char *compatible;
        const struct gic_driver *(*probe)(const void *fdt, int node);
    } known[] = {
        { "arm,gic-v3", gicv3_probe },
        { "arm,cortex-a15-gic", gicv2_probe },
        { "arm,gic-400", gicv2_probe },
        { "arm,cortex-a7-gic", gicv2_probe },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
        int node = fdt_node_offset_by_compatible(fdt, -1, known[i].compatible);
        if (node < 0)
            continue;
        gic = known[i].probe(fdt, node);
        if (!gic)
            return -XEN_EINVAL;
        log_info("%s: %u interrupts, %u list registers\n", gic->name, gic_info.irq_count,
                 gic_info.lr_count);
        return 0;
    }
    log_err("the device tree has no supported interrupt controller (GICv2, GICv3)\n");
    return -XEN_ENODEV;
}
