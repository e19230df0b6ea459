/* SPDX-License-Identifier: BSD-2-Clause */
#include "dt.h"

static uint64_t cells(const fdt32_t *p, int count)
{
    uint64_t v = 0;
    for (int i = 0; i < count; i++)
        v = v << 32 | fdt32_to_cpu(p[i]);
    return v;
}

/* From the address space of `bus`'s children to that of its parent. An empty `ranges` is the
 * identity; none: no way. */
static bool translate_one(const void *fdt, int bus, int parent, uint64_t *address)
{
    int len, child_cells = fdt_address_cells(fdt, bus), size_cells = fdt_size_cells(fdt, bus);
    int parent_cells = fdt_address_cells(fdt, parent),
        row = child_cells + parent_cells + size_cells;
    const fdt32_t *p = fdt_getprop(fdt, bus, "ranges", &len);

    if (!p || child_cells < 1 || parent_cells < 1 || size_cells < 1)
        return false;
    if (!len)
        return true;
    for (int n = len / 4; n >= row; n -= row, p += row) {
        uint64_t child = cells(p, child_cells),
                 size = cells(p + child_cells + parent_cells, size_cells);
        if (*address - child < size) {
            *address += cells(p + child_cells, parent_cells) - child;
            return true;
        }
    }
    return false;
}

bool dt_reg(const void *fdt, int node, unsigned n, paddr_t *base, uint64_t *bytes)
{
    int len, bus = fdt_parent_offset(fdt, node);
    const fdt32_t *p = fdt_getprop(fdt, node, "reg", &len);

    if (!p || bus < 0)
        return false;
    int address_cells = fdt_address_cells(fdt, bus), size_cells = fdt_size_cells(fdt, bus),
        row = address_cells + size_cells;
    if (address_cells < 1 || size_cells < 1 ||
        (uint64_t)len / 4 < (uint64_t)(n + 1) * (unsigned)row)
        return false;
    p += n * (unsigned)row;
    uint64_t address = cells(p, address_cells);
    *bytes = cells(p + address_cells, size_cells);
    for (int parent; bus > 0; bus = parent) {
        parent = fdt_parent_offset(fdt, bus);
        if (parent < 0 || !translate_one(fdt, bus, parent, &address))
            return false;
    }
    *base = PA(address);
    return true;
}

bool dt_interrupt(const void *fdt, int node, unsigned n, uint32_t *intid, bool *edge)
{
    int len;
    const fdt32_t *p = fdt_getprop(fdt, node, "interrupts", &len);

    if (!p || (uint64_t)len < 12ull * (n + 1))
        return false;
    p += 3 * n;
    uint32_t type = fdt32_to_cpu(p[0]), number = fdt32_to_cpu(p[1]);
    if (type > 1 || number > (type ? 15u : 987u))
        return false;
    *intid = number + (type ? 16 : 32);
    *edge = (fdt32_to_cpu(p[2]) & 3) != 0;
    return true;
}

uint32_t dt_u32(const void *fdt, int node, const char *name, uint32_t otherwise)
{
    int len;
    const fdt32_t *p = fdt_getprop(fdt, node, name, &len);
    return p && len >= 4 ? fdt32_to_cpu(*p) : otherwise;
}
