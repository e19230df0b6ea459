/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a flattened device tree (dt.c): what boot, the control domain's builder and the drivers
 * need beyond libfdt.  The rules are those of the Devicetree Specification 0.4.  `node` and `bus`
 * are libfdt's offsets.
 */
#ifndef XL_DT_H
#define XL_DT_H

#include "types.h"
#include <libfdt.h>

/*
 * Value of a one-cell property; `otherwise` if the property is missing or has another size.  For
 * #address-cells and #size-cells of a bus, `otherwise` is 2 and 1.
 */
uint32_t dt_u32(const void *fdt, int node, const char *name, uint32_t otherwise);
/* Reads a number of `cells` cells at *p and advances *p behind it. */
uint64_t dt_read_cells(const uint32_t **p, unsigned cells);
/* True if the node has no `status`, or its status is "okay" (or "ok", as in old trees). */
bool dt_enabled(const void *fdt, int node);
/* True if one of the `count` names is in the node's `compatible`. */
bool dt_compatible(const void *fdt, int node, const char *const *names, unsigned count);

/*
 * Entry `index` of a node's `reg` as a CPU address, translated by the `ranges` of each bus above
 * the node.  0; -XEN_ENOENT: no such entry; -XEN_EINVAL: the entry has no CPU address.
 */
int dt_reg(const void *fdt, int node, unsigned index, paddr_t *base, uint64_t *bytes);
/*
 * The same for a caller that knows the node's parent.  It saves a search: libfdt walks from the
 * root to find a parent.
 */
int dt_reg_on(const void *fdt, int node, int bus, unsigned index, paddr_t *base, uint64_t *bytes);
/* The same without translation: an address on the node's own bus. */
int dt_reg_raw(const void *fdt, int node, int bus, unsigned index, uint64_t *address,
               uint64_t *bytes);

/*
 * INTID and trigger of entry `index` of a node's `interrupts`, by the GIC's binding (three cells).
 * False: no such entry, or it is no SPI or PPI.
 */
bool dt_interrupt(const void *fdt, int node, unsigned index, uint32_t *intid, bool *edge);

#endif
