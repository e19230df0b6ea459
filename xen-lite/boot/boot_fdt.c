/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the machine's device tree: memory, reserved memory, modules, CPUs, command line. */
#include <xen/errno.h>
#include "abi.h"
#include "log.h"
#include "panic.h"
#include "boot.h"
#include "dt.h"
#include "lib.h"

struct boot_info boot;

const char boot_what_reserved[] = "reserved memory";

void boot_reserve(uint64_t start, uint64_t end, const char *what)
{
    if (start == end)
        return;
    if (boot.reserved_count == BOOT_REGIONS_MAX)
        panic("boot: more than %u reserved regions in the device tree", BOOT_REGIONS_MAX);
    boot.extent[boot.reserved_count] = (struct boot_extent){ start, end, what };
    boot.reserved[boot.reserved_count++] = (struct mem_region){ ROUND_DOWN(start, PAGE_SIZE),
                                                                ROUND_UP(end, PAGE_SIZE) };
}

static void scan_memory(const void *fdt, int node)
{
    paddr_t start;
    uint64_t bytes;
    for (unsigned i = 0; !dt_reg(fdt, node, i, &start, &bytes); i++) {
        uint64_t first = ROUND_UP(start.v, PAGE_SIZE), end = ROUND_DOWN(start.v + bytes, PAGE_SIZE);
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
            boot_reserve(start, start + bytes, boot_what_reserved);
    }
    int parent = fdt_path_offset(fdt, "/reserved-memory"), node;
    if (parent < 0)
        return;
    fdt_for_each_subnode(node, fdt, parent)
    {
        paddr_t start;
        uint64_t bytes;
        for (unsigned i = 0; !dt_reg(fdt, node, i, &start, &bytes); i++)
            boot_reserve(start.v, start.v + bytes, boot_what_reserved);
    }
}

static void copy_string(char *dst, const void *fdt, int node, const char *property)
{
    int len;
    const char *s = fdt_getprop(fdt, node, property, &len);
    if (s && len > 0 && s[len - 1] == '\0' && strlcpy(dst, s, BOOT_STRING_MAX) >= BOOT_STRING_MAX)
        log_warn("boot: %s of node %s is longer than %u characters: cut\n", property,
                 fdt_get_name(fdt, node, NULL), BOOT_STRING_MAX - 1);
}

static const char *const kernel_names[] = { "multiboot,kernel", "xen,linux-zimage" };
static const char *const ramdisk_names[] = { "multiboot,ramdisk", "xen,linux-initrd" };
static const char *const module_names[] = { "multiboot,module", "xen,multiboot-module",
                                            "xen,linux-zimage", "xen,linux-initrd" };

/* Modules without a kind are a kernel first, then a ramdisk, as in Xen. */
static struct boot_module *module_for(const void *fdt, int node)
{
    bool kernel = dt_compatible(fdt, node, kernel_names, ARRAY_SIZE(kernel_names));
    bool ramdisk = dt_compatible(fdt, node, ramdisk_names, ARRAY_SIZE(ramdisk_names));
    return kernel || (!ramdisk && !boot.kernel.present) ? &boot.kernel : &boot.ramdisk;
}

static int scan_module(const void *fdt, int node)
{
    struct boot_module *m = module_for(fdt, node);
    const char *name = fdt_get_name(fdt, node, NULL);
    if (m->present) {
        log_err("boot: %s: a second %s, beside %s: leave one of them out\n", name,
                m == &boot.kernel ? "kernel" : "ramdisk", m->name);
        return -XEN_EINVAL;
    }
    strlcpy(m->name, name, sizeof(m->name));
    /* /chosen is no bus and has no ranges: its children's addresses are the CPU's. */
    if (dt_reg_raw(fdt, node, fdt_parent_offset(fdt, node), 0, &m->start, &m->bytes)) {
        log_err("boot: %s: its reg property is missing, or too short for #address-cells and "
                "#size-cells\n",
                name);
        return -XEN_EINVAL;
    }
    copy_string(m->bootargs, fdt, node, "bootargs");
    return boot_module_enter(m);
}

static bool read_address(const void *fdt, int node, const char *property, uint64_t *address)
{
    int len;
    const uint32_t *p = fdt_getprop(fdt, node, property, &len);
    if (!p || (len != 4 && len != 8))
        return false;
    *address = dt_read_cells(&p, (unsigned)len / 4);
    return true;
}

/* A ramdisk given to U-Boot's own booti or bootz has no node. */
static int scan_linux_initrd(const void *fdt, int chosen)
{
    uint64_t start, end;
    if (boot.ramdisk.present || !read_address(fdt, chosen, "linux,initrd-start", &start) ||
        !read_address(fdt, chosen, "linux,initrd-end", &end))
        return 0;
    strlcpy(boot.ramdisk.name, "linux,initrd-start", sizeof(boot.ramdisk.name));
    boot.ramdisk.start = start;
    boot.ramdisk.bytes = end - start;
    return boot_module_enter(&boot.ramdisk);
}

static int scan_modules(const void *fdt, int chosen)
{
    int node;
    fdt_for_each_subnode(node, fdt, chosen)
    {
        int rc = dt_compatible(fdt, node, module_names, ARRAY_SIZE(module_names))
                     ? scan_module(fdt, node)
                     : 0;
        if (rc)
            return rc;
    }
    if (!boot.kernel.present) {
        log_err("boot: no kernel for the control domain: /chosen has no node with compatible "
                "\"multiboot,kernel\", "
                "\"multiboot,module\"\n");
        return -XEN_EINVAL;
    }
    return scan_linux_initrd(fdt, chosen);
}

static int scan_chosen(const void *fdt)
{
    int chosen = fdt_path_offset(fdt, "/chosen");
    if (chosen < 0) {
        log_err("boot: the device tree has no /chosen node: no kernel for the control domain\n");
        return -XEN_EINVAL;
    }
    copy_string(boot.cmdline, fdt, chosen,
                fdt_getprop(fdt, chosen, "xen,xen-bootargs", NULL) ? "xen,xen-bootargs"
                                                                   : "bootargs");
    int rc = scan_modules(fdt, chosen);
    /* /chosen's own dom0 arguments serve a kernel module that brings none. */
    if (!boot.kernel.bootargs[0])
        copy_string(boot.kernel.bootargs, fdt, chosen,
                    fdt_getprop(fdt, chosen, "xen,xen-bootargs", NULL) ? "bootargs"
                                                                       : "xen,dom0-bootargs");
    return rc;
}

static void scan_cpus(const void *fdt)
{
    int parent = fdt_path_offset(fdt, "/cpus"), node;
    if (parent < 0)
        return;
    unsigned ac = dt_u32(fdt, parent, "#address-cells", 1);
    fdt_for_each_subnode(node, fdt, parent)
    {
        int len;
        const char *type = fdt_getprop(fdt, node, "device_type", NULL);
        const uint32_t *reg = fdt_getprop(fdt, node, "reg", &len);
        if (!type || strcmp(type, "cpu") || !reg || len < (int)ac * 4 || !dt_enabled(fdt, node))
            continue;
        if (boot.cpu_count == MAX_CPUS) {
            log_warn("boot: more than %u CPUs: the rest stays off\n", MAX_CPUS);
            return;
        }
        boot.cpu_mpidr[boot.cpu_count++] = dt_read_cells(&reg, ac);
    }
}

int boot_scan(const void *fdt, paddr_t fdt_pa, struct mem_region image)
{
    int node = -1, rc = fdt_check_header(fdt);
    if (rc) {
        log_err("boot: no device tree at 0x%llx: %s\n", (unsigned long long)fdt_pa.v,
                fdt_strerror(rc));
        return -XEN_EINVAL;
    }
    while ((node = fdt_node_offset_by_prop_value(fdt, node, "device_type", "memory", 7)) >= 0)
        if (dt_enabled(fdt, node))
            scan_memory(fdt, node);
    if (!boot.ram_count) {
        log_err("boot: the device tree has no memory node\n");
        return -XEN_EINVAL;
    }
    boot_reserve(image.start, image.end, "the hypervisor");
    boot_reserve(fdt_pa.v, fdt_pa.v + fdt_totalsize(fdt), "the device tree");
    scan_reserved_memory(fdt);
    scan_cpus(fdt);
    return scan_chosen(fdt);
}
