/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control domain's device tree: the machine's tree, without what the hypervisor keeps for
 * itself, with the hypervisor's node added.  It is edited in a copy with libfdt.  A node that
 * cannot be edited stops the boot with the node's name.
 */
#include <xen/errno.h>
#include "abi.h"
#include "log.h"
#include "boot.h"
#include "dt.h"
#include "hw.h"
#include "lib.h"

#define DEPTH_MAX 16

/* fdt_setprop_string is a macro that narrows strlen's size_t. */
static int set_string(void *fdt, int node, const char *property, const char *s)
{
    return fdt_setprop(fdt, node, property, s, (int)strlen(s) + 1);
}

/*
 * Nodes that the control domain must not see, because the hypervisor owns their hardware or does
 * not virtualise it.
 */
static const char *const hidden_compatible[] = {
    "arm,gic-v3-its",      "arm,gic-v2m-frame",  "arm,armv8-pmuv3",
    "arm,cortex-a15-pmu",  "arm,cortex-a57-pmu", "arm,cortex-a72-pmu",
    "arm,armv7-timer-mem", "arm,smmu-v3",        "arm,statistical-profiling-extension-v1",
};
static const char *const uart_compatible[] = { "arm,pl011", "arm,sbsa-uart" };
static const char *const gic_compatible[] = { "arm,gic-v3", "arm,cortex-a15-gic",
                                              "arm,cortex-a7-gic", "arm,gic-400" };

static bool is_hypervisor_uart(const void *fdt, int node)
{
    paddr_t start;
    uint64_t bytes;
    if (!dt_compatible(fdt, node, uart_compatible, ARRAY_SIZE(uart_compatible)))
        return false; /* checked first, because libfdt searches the whole tree for the node's bus */
    return !dt_reg(fdt, node, 0, &start, &bytes) && start.v == uart_base.v && uart_base.v;
}

static bool is_hidden(const void *fdt, int node)
{
    return dt_compatible(fdt, node, hidden_compatible, ARRAY_SIZE(hidden_compatible)) ||
           is_hypervisor_uart(fdt, node);
}

static bool is_gic(const void *fdt, int node)
{
    return dt_compatible(fdt, node, gic_compatible, ARRAY_SIZE(gic_compatible));
}

static bool is_memory(const void *fdt, int node)
{
    const char *type = fdt_getprop(fdt, node, "device_type", NULL);
    return type && !strcmp(type, "memory");
}

static int for_each_pci_range(const void *fdt, int node, int (*fn)(void *, uint64_t, uint64_t),
                              void *arg)
{
    int len, rc = 0;
    const uint32_t *p = fdt_getprop(fdt, node, "ranges", &len);
    unsigned up = dt_u32(fdt, fdt_parent_offset(fdt, node), "#address-cells", 2);
    unsigned size = dt_u32(fdt, node, "#size-cells", 2), entry = (3 + up + size) * 4;
    for (; p && len >= (int)entry && !rc; len -= (int)entry) {
        p += 3;
        uint64_t start = dt_read_cells(&p, up), bytes = dt_read_cells(&p, size);
        rc = fn(arg, start, start + bytes);
    }
    return rc;
}

/* Nodes below these are no devices. */
static bool is_no_bus(const void *fdt, int node)
{
    const char *name = fdt_get_name(fdt, node, NULL);
    return name &&
           (!strcmp(name, "chosen") || !strcmp(name, "cpus") || !strcmp(name, "reserved-memory"));
}

int dom0_for_each_device(const void *fdt, int (*fn)(void *, uint64_t, uint64_t), void *arg)
{
    int above[DEPTH_MAX] = { 0 },
        /* The node's ancestors: libfdt would search for each parent from the start of the tree. */
        depth = 0;
    for (int node = fdt_next_node(fdt, 0, &depth); node >= 0 && depth > 0;
         node = fdt_next_node(fdt, node, &depth)) {
        paddr_t start;
        uint64_t bytes;
        if (depth >= DEPTH_MAX)
            return -XEN_EINVAL;
        above[depth] = node;
        if (is_hidden(fdt, node) || is_gic(fdt, node) || is_memory(fdt, node) ||
            is_no_bus(fdt, above[depth - 1]))
            continue;
        int rc = 0;
        for (unsigned i = 0; !rc && !dt_reg_on(fdt, node, above[depth - 1], i, &start, &bytes); i++)
            if (bytes)
                rc = fn(arg, start.v, start.v + bytes);
        const char *type = fdt_getprop(fdt, node, "device_type", NULL);
        if (!rc && type && !strcmp(type, "pci"))
            rc = for_each_pci_range(fdt, node, fn, arg);
        if (rc)
            return rc;
    }
    return 0;
}

/* Nodes are overwritten with NOPs, not removed, so no offset changes. */
static int delete_hidden(void *fdt)
{
    int before = 0, node;
    while ((node = fdt_next_node(fdt, before, NULL)) >= 0) {
        const char *name = fdt_get_name(fdt, node, NULL);
        bool module = !fdt_node_check_compatible(fdt, node, "multiboot,module") ||
                      !fdt_node_check_compatible(fdt, node, "xen,multiboot-module");
        if (!module && !is_memory(fdt, node) && !is_hidden(fdt, node) && strcmp(name, "cpu-map") &&
            strcmp(name, "hypervisor")) {
            before = node;
            continue;
        }
        int rc = fdt_nop_node(fdt, node);
        if (rc)
            return rc;
    }
    return 0;
}

static int edit_chosen(void *fdt, const struct dom0_layout *l)
{
    int node = fdt_path_offset(fdt, "/chosen");
    if (node < 0)
        return node;
    int len, rc;
    const char *out = fdt_getprop(fdt, node, "stdout-path", &len);
    /* A path to the UART that was removed would send the kernel's early console nowhere. */
    if (out && fdt_path_offset(fdt, out) < 0)
        fdt_delprop(fdt, node, "stdout-path");
    fdt_delprop(fdt, node, "xen,xen-bootargs");
    fdt_delprop(fdt, node, "xen,dom0-bootargs");
    fdt_delprop(fdt, node, "linux,initrd-start");
    fdt_delprop(fdt, node, "linux,initrd-end");
    rc = set_string(fdt, node, "bootargs", boot.kernel.bootargs);
    if (!rc && l->ramdisk_end)
        rc = fdt_setprop_u64(fdt, node, "linux,initrd-start", l->ramdisk_start);
    if (!rc && l->ramdisk_end)
        rc = fdt_setprop_u64(fdt, node, "linux,initrd-end", l->ramdisk_end);
    return rc;
}

static void put_cells(uint32_t **p, uint64_t v, unsigned cells)
{
    if (cells == 2)
        *(*p)++ = cpu_to_fdt32((uint32_t)(v >> 32));
    *(*p)++ = cpu_to_fdt32((uint32_t)v);
}

static int add_memory(void *fdt, const struct dom0_layout *l)
{
    unsigned ac = dt_u32(fdt, 0, "#address-cells", 2), sc = dt_u32(fdt, 0, "#size-cells", 1);
    for (unsigned i = l->bank_count; i--;) {
        char name[32];
        uint32_t reg[4], *p = reg;
        snprintf(name, sizeof(name), "memory@%llx", (unsigned long long)l->bank[i].start);
        int node = fdt_add_subnode(fdt, 0, name);
        if (node < 0)
            return node;
        put_cells(&p, l->bank[i].start, ac);
        put_cells(&p, l->bank[i].end - l->bank[i].start, sc);
        int rc = set_string(fdt, node, "device_type", "memory");
        rc = rc ? rc : fdt_setprop(fdt, node, "reg", reg, (int)((char *)p - (char *)reg));
        if (rc)
            return rc;
    }
    return 0;
}

/*
 * One node per vCPU, numbered like the virtual CPUs, with the properties of the machine's first
 * CPU.
 */
static int edit_cpus(void *fdt, const struct dom0_layout *l)
{
    static const char *const type = "cpu";
    char compatible[64] = "arm,armv8";
    int parent = fdt_path_offset(fdt, "/cpus"), node, rc = 0, len;
    if (parent < 0)
        return parent;
    unsigned ac = dt_u32(fdt, parent, "#address-cells", 1);
    while ((node = fdt_node_offset_by_prop_value(fdt, parent, "device_type", type, 4)) >= 0) {
        const char *s = fdt_getprop(fdt, node, "compatible", &len);
        if (s && len > 0)
            strlcpy(compatible, s, sizeof(compatible));
        if ((rc = fdt_del_node(fdt, node)))
            return rc;
    }
    for (unsigned i = l->vcpu_count; i-- && !rc;) {
        char name[16];
        uint32_t reg[2], *p = reg;
        snprintf(name, sizeof(name), "cpu@%u", i);
        put_cells(&p, i, ac);
        if ((node = fdt_add_subnode(fdt, parent, name)) < 0)
            return node;
        rc = set_string(fdt, node, "device_type", type);
        rc = rc ? rc : set_string(fdt, node, "compatible", compatible);
        rc = rc ? rc : set_string(fdt, node, "enable-method", "psci");
        rc = rc ? rc : fdt_setprop(fdt, node, "reg", reg, (int)ac * 4);
    }
    return rc;
}

static int edit_psci(void *fdt, const struct dom0_layout *l)
{
    static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2\0arm,psci";
    int node = fdt_path_offset(fdt, "/psci");
    if (node >= 0)
        fdt_del_node(fdt, node);
    node = fdt_add_subnode(fdt, 0, "psci");
    if (node < 0)
        return node;
    int rc = fdt_setprop(fdt, node, "compatible", compatible, sizeof(compatible));
    rc = rc ? rc : set_string(fdt, node, "method", "hvc");
    rc = rc ? rc : fdt_setprop_u32(fdt, node, "cpu_off", 0x84000002);
    return rc ? rc : fdt_setprop_u32(fdt, node, "cpu_on", l->aarch32 ? 0x84000003 : 0xc4000003);
}

/* The EL2 timer's interrupt belongs to the hypervisor: keep secure, physical and virtual. */
static int edit_timer(void *fdt)
{
    int node = fdt_node_offset_by_compatible(fdt, -1, "arm,armv8-timer"), len;
    if (node < 0)
        node = fdt_node_offset_by_compatible(fdt, -1, "arm,armv7-timer");
    if (node < 0)
        return node;
    const void *p = fdt_getprop(fdt, node, "interrupts", &len);
    if (!p || len < 36)
        return -FDT_ERR_BADVALUE;
    uint32_t keep[9];
    memcpy(keep, p, sizeof(keep));
    return fdt_setprop(fdt, node, "interrupts", keep, sizeof(keep));
}

/* The hypervisor node names the GIC as its interrupt parent, for which the GIC needs a phandle. */
static int gic_node(const void *fdt)
{
    for (int node = fdt_next_node(fdt, 0, NULL); node >= 0; node = fdt_next_node(fdt, node, NULL))
        if (is_gic(fdt, node))
            return node;
    return -FDT_ERR_NOTFOUND;
}

/*
 * The virtualization frames of a GICv2 belong to the hypervisor: `reg` keeps distributor and CPU
 * interface.
 */
static int edit_gic_frames(void *fdt, int node)
{
    int len, parent = fdt_parent_offset(fdt, node);
    unsigned cells = 2 * (dt_u32(fdt, parent, "#address-cells", 2) +
                          dt_u32(fdt, parent, "#size-cells", 1));
    uint32_t keep[8];
    const void *reg = fdt_getprop(fdt, node, "reg", &len);
    if (!reg || cells > ARRAY_SIZE(keep) || len < (int)(4 * cells))
        return -FDT_ERR_BADVALUE;
    memcpy(keep, reg, 4 * cells);
    return fdt_setprop(fdt, node, "reg", keep, (int)(4 * cells));
}

static int edit_gic(void *fdt)
{
    int node = gic_node(fdt);
    if (node < 0)
        return node;
    if (gic->version == 2) {
        int bad = edit_gic_frames(fdt, node);
        if (bad)
            return bad;
    }
    /* The maintenance interrupt belongs to the hypervisor. */
    int rc = fdt_delprop(fdt, node, "interrupts");
    if (rc && rc != -FDT_ERR_NOTFOUND)
        return rc;
    /* Without ITS and v2m frames, PCI bridges have no MSIs either. */
    while ((node = fdt_node_offset_by_prop_value(fdt, node, "device_type", "pci", 4)) >= 0) {
        fdt_delprop(fdt, node, "msi-map");
        fdt_delprop(fdt, node, "msi-parent");
    }
    return 0;
}

static int add_hypervisor(void *fdt, const struct dom0_layout *l)
{
    static const char compatible[] = "xen,xen-4.17\0xen,xen";
    unsigned ac = dt_u32(fdt, 0, "#address-cells", 2), sc = dt_u32(fdt, 0, "#size-cells", 1);
    uint32_t reg[8], *p = reg;
    uint32_t gic_phandle = fdt_get_phandle(fdt, gic_node(fdt));
    int node = fdt_add_subnode(fdt, 0, "hypervisor");
    if (node < 0)
        return node;
    put_cells(&p, l->grant_start, ac);
    put_cells(&p, l->grant_bytes, sc);
    if (l->extended_bytes) {
        put_cells(&p, l->extended_start, ac);
        put_cells(&p, l->extended_bytes, sc);
    }
    /* PPI, number, level-low to all CPUs: as Xen describes the event channels' interrupt. */
    uint32_t irq[3] = { cpu_to_fdt32(1), cpu_to_fdt32(l->evtchn_ppi - 16), cpu_to_fdt32(0xf08) };
    int rc = fdt_setprop(fdt, node, "compatible", compatible, sizeof(compatible));
    rc = rc ? rc : fdt_setprop(fdt, node, "reg", reg, (int)((char *)p - (char *)reg));
    rc = rc ? rc : fdt_setprop(fdt, node, "interrupts", irq, sizeof(irq));
    return rc ? rc : fdt_setprop_u32(fdt, node, "interrupt-parent", gic_phandle);
}

static int edit(const char *what, int rc)
{
    if (rc < 0)
        log_err("dom0: device tree: %s: %s\n", what, fdt_strerror(rc));
    return rc;
}

int dom0_fdt_make(const void *host, void *out, unsigned room, const struct dom0_layout *l)
{
    int rc = edit("copy", fdt_open_into(host, out, (int)room));
    rc = rc ? rc : edit("remove nodes", delete_hidden(out));
    rc = rc ? rc : edit("/chosen", edit_chosen(out, l));
    rc = rc ? rc : edit("/cpus", edit_cpus(out, l));
    rc = rc ? rc : edit("/psci", edit_psci(out, l));
    rc = rc ? rc : edit("timer", edit_timer(out));
    rc = rc ? rc : edit("interrupt controller", edit_gic(out));
    rc = rc ? rc : edit("/hypervisor", add_hypervisor(out, l));
    rc = rc ? rc : edit("memory", add_memory(out, l));
    rc = rc ? rc : edit("pack", fdt_pack(out));
    return rc ? -XEN_EINVAL : (int)fdt_totalsize(out);
}
