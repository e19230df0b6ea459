/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading a flattened device tree (dt.h).  Sections are those of the Devicetree Specification 0.4.
 */
#include <xen/errno.h>
#include "dt.h"
#include "lib.h"

uint32_t dt_u32(const void *fdt, int node, const char *name, uint32_t otherwise)
{
    int len;
    const uint32_t *p = fdt_getprop(fdt, node, name, &len);
    return p && len == 4 ? fdt32_to_cpu(*p) : otherwise;
}

uint64_t dt_read_cells(const uint32_t **p, unsigned cells)
{
    uint64_t v = 0;
    while (cells--)
        v = v << 32 | fdt32_to_cpu(*(*p)++);
    return v;
}

bool dt_enabled(const void *fdt, int node)
{
    int len;
    const char *s = fdt_getprop(fdt, node, "status", &len);
    return !s || len <= 0 || !strcmp(s, "okay") || !strcmp(s, "ok");
}

bool dt_compatible(const void *fdt, int node, const char *const *names, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!fdt_node_check_compatible(fdt, node, names[i]))
            return true;
    return false;
}

/* The properties of the root count for these two: boot loaders leave them out in /chosen, and those
 * of /reserved-memory are the root's by definition (3.5). */
static bool counts_as_root(const void *fdt, int bus)
{
    const char *name = fdt_get_name(fdt, bus, NULL);
    return name && (!strcmp(name, "chosen") || !strcmp(name, "reserved-memory"));
}

/* #address-cells or #size-cells for the children of `bus`: not inherited, with a default (2.3.5).
 */
static unsigned bus_cells(const void *fdt, int bus, const char *property, unsigned otherwise)
{
    if (bus > 0 && !fdt_getprop(fdt, bus, property, NULL) && counts_as_root(fdt, bus))
        bus = 0;
    return dt_u32(fdt, bus, property, otherwise);
}

/* Through the `ranges` of `bus` and of each bus above it (2.3.8).  An empty `ranges` means the same
 * addresses on both sides; without one there is no way from a child to the CPU.  All of the region
 * must be in one entry. */
static int translate(const void *fdt, int bus, uint64_t *address, uint64_t bytes)
{
    while (bus > 0) {
        int parent = fdt_parent_offset(fdt, bus), len;
        const uint32_t *p = fdt_getprop(fdt, bus, "ranges", &len);
        if (!p)
            return -XEN_EINVAL;
        unsigned child = bus_cells(fdt, bus, "#address-cells", 2),
                 size = bus_cells(fdt, bus, "#size-cells", 1);
        unsigned up = bus_cells(fdt, parent, "#address-cells", 2);
        if (child > 2 || size > 2 || up > 2 || child == 0)
            return -XEN_EINVAL;
        bool found = len == 0;
        unsigned entry = (child + size + up) * 4;
        for (; !found && len >= (int)entry; len -= (int)entry) {
            uint64_t c = dt_read_cells(&p, child), u = dt_read_cells(&p, up),
                     n = dt_read_cells(&p, size);
            if (*address >= c && bytes <= n && *address - c <= n - bytes) {
                *address = *address - c + u;
                found = true;
            }
        }
        if (!found)
            return -XEN_EINVAL;
        bus = parent;
    }
    return 0;
}

int dt_reg_raw(const void *fdt, int node, int bus, unsigned index, uint64_t *address,
               uint64_t *bytes)
{
    int len;
    if (bus < 0)
        return -XEN_EINVAL;
    unsigned ac = bus_cells(fdt, bus, "#address-cells", 2),
             sc = bus_cells(fdt, bus, "#size-cells", 1);
    const uint32_t *p = fdt_getprop(fdt, node, "reg", &len);
    if (!p || ac == 0 || ac > 2 || sc > 2)
        return -XEN_ENOENT;
    if ((uint64_t)len < (index + 1ull) * (ac + sc) * 4)
        return -XEN_ENOENT;
    p += index * (ac + sc);
    *address = dt_read_cells(&p, ac);
    *bytes = dt_read_cells(&p, sc);
    return 0;
}

int dt_reg_on(const void *fdt, int node, int bus, unsigned index, paddr_t *base, uint64_t *bytes)
{
    uint64_t address;
    int rc = dt_reg_raw(fdt, node, bus, index, &address, bytes);
    rc = rc ? rc : translate(fdt, bus, &address, *bytes);
    if (!rc)
        *base = PA(address);
    return rc;
}

int dt_reg(const void *fdt, int node, unsigned index, paddr_t *base, uint64_t *bytes)
{
    return dt_reg_on(fdt, node, fdt_parent_offset(fdt, node), index, base, bytes);
}

bool dt_interrupt(const void *fdt, int node, unsigned index, uint32_t *intid, bool *edge)
{
    int len;
    const uint32_t *p = fdt_getprop(fdt, node, "interrupts", &len);

    if (!p || (uint64_t)len < 12ull * (index + 1ull))
        return false;
    p += 3 * index;
    uint32_t type = fdt32_to_cpu(p[0]), number = fdt32_to_cpu(p[1]);
    if (type > 1 || number > (type ? 15u : 987u))
        return false;
    *intid = number + (type ? 16 : 32);
    *edge = (fdt32_to_cpu(p[2]) & 3) != 0;
    return true;
}
