/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the machine's device tree: memory, reserved memory, modules, CPUs, command line. */
#include <libfdt.h>
#include <xen/errno.h>
#include "boot.h"
#include "lib.h"

struct boot_info boot;

unsigned fdt_cells(const void *fdt, int node, const char *property, unsigned fallback)
{
    int len;
    const uint32_t *p = fdt_getprop(fdt, node, property, &len);
    return p && len == 4 ? fdt32_to_cpu(*p) : fallback;
}

uint64_t fdt_read_cells(const uint32_t **p, unsigned cells)
{
    uint64_t v = 0;
    while (cells--)
        v = v << 32 | fdt32_to_cpu(*(*p)++);
    return v;
}

bool fdt_node_enabled(const void *fdt, int node)
{
    int len;
    const char *s = fdt_getprop(fdt, node, "status", &len);
    return !s || len <= 0 || !strcmp(s, "okay") || !strcmp(s, "ok");
}

bool fdt_has_compatible(const void *fdt, int node, const char *const *names, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!fdt_node_check_compatible(fdt, node, names[i]))
            return true;
    return false;
}

/* Through the `ranges` of each bus above `node` (whose own cells already read `address`). */
static int translate(const void *fdt, int bus, uint64_t *address, uint64_t bytes)
{
    while (bus > 0) {
        int parent = fdt_parent_offset(fdt, bus), len;
        const uint32_t *p = fdt_getprop(fdt, bus, "ranges", &len);
        if (!p)
            return -XEN_EINVAL;         /* a bus that is not mapped: its children have no CPU address */
        unsigned child = fdt_cells(fdt, bus, "#address-cells", 2), size = fdt_cells(fdt, bus, "#size-cells", 1);
        unsigned up = fdt_cells(fdt, parent, "#address-cells", 2);
        if (child > 2 || size > 2 || up > 2 || child == 0)
            return -XEN_EINVAL;
        bool found = len == 0;          /* empty: one to one */
        unsigned entry = (child + size + up) * 4;
        for (; !found && len >= (int)entry; len -= (int)entry) {
            uint64_t c = fdt_read_cells(&p, child), u = fdt_read_cells(&p, up), n = fdt_read_cells(&p, size);
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

/* Of the bus or the nearest node above it that says: boot loaders leave the properties out in /chosen. */
static unsigned bus_cells(const void *fdt, int bus, const char *property, unsigned fallback)
{
    for (; bus > 0; bus = fdt_parent_offset(fdt, bus))
        if (fdt_getprop(fdt, bus, property, NULL))
            break;
    return fdt_cells(fdt, MAX(bus, 0), property, fallback);
}

/* As the node's own bus numbers it. */
static int read_reg(const void *fdt, int node, int bus, unsigned index, uint64_t *address, uint64_t *bytes)
{
    int len;
    if (bus < 0)
        return -XEN_EINVAL;
    unsigned ac = bus_cells(fdt, bus, "#address-cells", 2), sc = bus_cells(fdt, bus, "#size-cells", 1);
    const uint32_t *p = fdt_getprop(fdt, node, "reg", &len);
    if (!p || ac == 0 || ac > 2 || sc > 2)
        return -XEN_ENOENT;
    if ((unsigned)len < (index + 1) * (ac + sc) * 4)
        return -XEN_ENOENT;
    p += index * (ac + sc);
    *address = fdt_read_cells(&p, ac);
    *bytes = fdt_read_cells(&p, sc);
    return 0;
}

int fdt_reg(const void *fdt, int node, unsigned index, uint64_t *address, uint64_t *bytes)
{
    return fdt_reg_on(fdt, node, fdt_parent_offset(fdt, node), index, address, bytes);
}

int fdt_reg_on(const void *fdt, int node, int bus, unsigned index, uint64_t *address, uint64_t *bytes)
{
    int rc = read_reg(fdt, node, bus, index, address, bytes);
    return rc ? rc : translate(fdt, bus, address, *bytes);
}

static void add_reserved(uint64_t start, uint64_t end)
{
    if (start == end)
        return;
    if (boot.reserved_count == BOOT_REGIONS_MAX)
        panic("boot: more than %u reserved regions in the device tree", BOOT_REGIONS_MAX);
    boot.reserved[boot.reserved_count++] =
        (struct mem_region){ ROUND_DOWN(start, PAGE_SIZE), ROUND_UP(end, PAGE_SIZE) };
}

static void scan_memory(const void *fdt, int node)
{
    uint64_t start, bytes;
    for (unsigned i = 0; !fdt_reg(fdt, node, i, &start, &bytes); i++) {
        uint64_t first = ROUND_UP(start, PAGE_SIZE), end = ROUND_DOWN(start + bytes, PAGE_SIZE);
        if (first >= end || boot.ram_count == BOOT_REGIONS_MAX)
            continue;
        unsigned at = boot.ram_count++;
        for (; at && boot.ram[at - 1].start > first; at--)
            boot.ram[at] = boot.ram[at - 1];
        boot.ram[at] = (struct mem_region){ first, end };
        boot.ram_bytes += end - first;
    }
}

static void scan_reserved_memory(const void *fdt)
{
    for (int i = 0; i < fdt_num_mem_rsv(fdt); i++) {
        uint64_t start, bytes;
        if (!fdt_get_mem_rsv(fdt, i, &start, &bytes))
            add_reserved(start, start + bytes);
    }
    int parent = fdt_path_offset(fdt, "/reserved-memory"), node;
    if (parent < 0)
        return;
    fdt_for_each_subnode(node, fdt, parent) {
        uint64_t start, bytes;
        for (unsigned i = 0; !fdt_reg(fdt, node, i, &start, &bytes); i++)
            add_reserved(start, start + bytes);
    }
}

static void copy_string(char *dst, const void *fdt, int node, const char *property)
{
    int len;
    const char *s = fdt_getprop(fdt, node, property, &len);
    if (s && len > 0 && s[len - 1] == '\0' && strlcpy(dst, s, BOOT_STRING_MAX) >= BOOT_STRING_MAX)
        log_warn("boot: %s of node %s is longer than %u characters: cut\n", property, fdt_get_name(fdt, node, NULL),
                 BOOT_STRING_MAX - 1);
}

static int scan_module(const void *fdt, int node)
{
    const char *name = fdt_get_name(fdt, node, NULL);
    bool kernel = !fdt_node_check_compatible(fdt, node, "multiboot,kernel") ||
                  !fdt_node_check_compatible(fdt, node, "xen,linux-zimage");
    bool ramdisk = !fdt_node_check_compatible(fdt, node, "multiboot,ramdisk") ||
                   !fdt_node_check_compatible(fdt, node, "xen,linux-initrd");
    uint64_t start, bytes;
    /* /chosen is no bus and has no ranges: its children's addresses are the CPU's. */
    if (read_reg(fdt, node, fdt_parent_offset(fdt, node), 0, &start, &bytes) || !bytes) {
        log_err("boot: module %s: no usable reg property\n", name);
        return -XEN_EINVAL;
    }
    bool in_ram = false;
    for (unsigned i = 0; i < boot.ram_count; i++)
        in_ram |= start >= boot.ram[i].start && bytes <= boot.ram[i].end - start && start < boot.ram[i].end;
    if (!in_ram) {
        log_err("boot: module %s: 0x%llx bytes at 0x%llx are not in RAM\n", name, (unsigned long long)bytes,
                (unsigned long long)start);
        return -XEN_EINVAL;
    }
    for (unsigned i = 0; i < boot.reserved_count; i++)
        if (start < boot.reserved[i].end && boot.reserved[i].start < start + bytes) {
            log_err("boot: module %s at 0x%llx-0x%llx overlaps what is at 0x%llx-0x%llx\n", name, (unsigned long long)start,
                    (unsigned long long)(start + bytes), (unsigned long long)boot.reserved[i].start,
                    (unsigned long long)boot.reserved[i].end);
            return -XEN_EINVAL;
        }
    add_reserved(start, start + bytes);
    /* Modules without a kind are a kernel first, then a ramdisk, as in Xen. */
    if (!kernel && !ramdisk)
        kernel = !boot.kernel.present;
    struct boot_module *m = kernel ? &boot.kernel : &boot.ramdisk;
    if (m->present) {
        log_err("boot: module %s: a second %s\n", name, kernel ? "kernel" : "ramdisk");
        return -XEN_EINVAL;
    }
    m->start = start, m->bytes = bytes, m->present = true;
    copy_string(m->bootargs, fdt, node, "bootargs");
    return 0;
}

static int scan_chosen(const void *fdt)
{
    int chosen = fdt_path_offset(fdt, "/chosen"), node, rc = 0;
    if (chosen < 0) {
        log_err("boot: the device tree has no /chosen node: no kernel for the control domain\n");
        return -XEN_EINVAL;
    }
    copy_string(boot.cmdline, fdt, chosen, fdt_getprop(fdt, chosen, "xen,xen-bootargs", NULL) ? "xen,xen-bootargs" : "bootargs");
    fdt_for_each_subnode(node, fdt, chosen)
        if (!fdt_node_check_compatible(fdt, node, "multiboot,module") ||
            !fdt_node_check_compatible(fdt, node, "xen,multiboot-module") ||
            !fdt_node_check_compatible(fdt, node, "xen,linux-zimage") || !fdt_node_check_compatible(fdt, node, "xen,linux-initrd"))
            rc = rc ? rc : scan_module(fdt, node);
    /* /chosen's own dom0 arguments serve a kernel module that brings none. */
    if (!boot.kernel.bootargs[0])
        copy_string(boot.kernel.bootargs, fdt, chosen,
                    fdt_getprop(fdt, chosen, "xen,xen-bootargs", NULL) ? "bootargs" : "xen,dom0-bootargs");
    return rc;
}

static void scan_cpus(const void *fdt)
{
    int parent = fdt_path_offset(fdt, "/cpus"), node;
    if (parent < 0)
        return;
    unsigned ac = fdt_cells(fdt, parent, "#address-cells", 1);
    fdt_for_each_subnode(node, fdt, parent) {
        int len;
        const char *type = fdt_getprop(fdt, node, "device_type", NULL);
        const uint32_t *reg = fdt_getprop(fdt, node, "reg", &len);
        if (!type || strcmp(type, "cpu") || !reg || len < (int)ac * 4 || !fdt_node_enabled(fdt, node))
            continue;
        if (boot.cpu_count == MAX_CPUS) {
            log_warn("boot: more than %u CPUs: the rest stays off\n", MAX_CPUS);
            return;
        }
        boot.cpu_mpidr[boot.cpu_count++] = fdt_read_cells(&reg, ac);
    }
}

int boot_scan(const void *fdt, paddr_t fdt_pa, struct mem_region image)
{
    int node = -1, rc = fdt_check_header(fdt);
    if (rc) {
        log_err("boot: no device tree at 0x%llx: %s\n", (unsigned long long)fdt_pa.v, fdt_strerror(rc));
        return -XEN_EINVAL;
    }
    while ((node = fdt_node_offset_by_prop_value(fdt, node, "device_type", "memory", 7)) >= 0)
        if (fdt_node_enabled(fdt, node))
            scan_memory(fdt, node);
    if (!boot.ram_count) {
        log_err("boot: the device tree has no memory node\n");
        return -XEN_EINVAL;
    }
    add_reserved(image.start, image.end);
    add_reserved(fdt_pa.v, fdt_pa.v + fdt_totalsize(fdt));
    scan_reserved_memory(fdt);
    scan_cpus(fdt);
    return scan_chosen(fdt);
}
