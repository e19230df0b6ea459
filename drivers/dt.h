/* SPDX-License-Identifier: BSD-2-Clause */
/* The little that the drivers ask of a device tree.  Private to this folder. */
#ifndef DRIVERS_DT_H
#define DRIVERS_DT_H

#include "types.h"
#include <libfdt.h>

/* The n-th address and size of a node's `reg`, translated through its parents' `ranges`. False: it
 * has none. */
bool dt_reg(const void *fdt, int node, unsigned n, paddr_t *base, uint64_t *bytes);
/* INTID and trigger of the n-th interrupt of a node, by the GIC binding (three cells). False: none.
 */
bool dt_interrupt(const void *fdt, int node, unsigned n, uint32_t *intid, bool *edge);
/* A property that is one cell, or `otherwise`. */
uint32_t dt_u32(const void *fdt, int node, const char *name, uint32_t otherwise);

#endif
