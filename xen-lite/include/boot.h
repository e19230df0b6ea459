/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the boot loader supplied (memory, modules, CPUs), read from the flattened device tree
 * (boot_fdt.c), and the builder of the control domain, which uses it (dom0.c, dom0_fdt.c).  The
 * protocol is Xen's: its docs/misc/arm/device-tree/booting.txt describes the nodes, and
 * docs/boot.md lists the supported ones.
 */
#ifndef XL_BOOT_H
#define XL_BOOT_H

#include "mm.h"

#define BOOT_REGIONS_MAX 32u
#define BOOT_STRING_MAX  1024u

#define BOOT_NAME_MAX 40u

struct boot_module {
    uint64_t start, bytes;
    char name[BOOT_NAME_MAX], bootargs[BOOT_STRING_MAX];
    bool present;
};
/* start and end are exact to the byte.  what: a name for messages. */
struct boot_extent {
    uint64_t start, end;
    const char *what;
};
struct boot_info {
    struct mem_region ram[BOOT_REGIONS_MAX]; /* page-aligned, sorted */
    unsigned ram_count;
    /* Not to be allocated: firmware's memory, modules, the image, the device tree. */
    struct mem_region reserved[BOOT_REGIONS_MAX];
    /* Exact bounds and name of each reserved region. */
    struct boot_extent extent[BOOT_REGIONS_MAX];
    unsigned reserved_count;
    struct boot_module kernel, ramdisk;
    char cmdline[BOOT_STRING_MAX];
    uint64_t cpu_mpidr[MAX_CPUS];
    unsigned cpu_count; /* CPUs of the device tree, at most MAX_CPUS */
    uint64_t ram_bytes;
};
extern struct boot_info boot;

/*
 * Fills `boot`.  `image`: the hypervisor's own memory.  0; -XEN_EINVAL: a node or property is
 * wrong, and the log names it.
 */
int boot_scan(const void *fdt, paddr_t fdt_pa, struct mem_region image);

/* Keeps the bytes [start, end) from being allocated.  Panics if there are too many regions. */
void boot_reserve(uint64_t start, uint64_t end, const char *what);
/* `what` of the device tree's own reservations. */
extern const char boot_what_reserved[];
/*
 * Checks and enters a module whose name, start and bytes are set.  0; -XEN_EINVAL: it cannot be
 * where it is, and the log has the reason.
 */
int boot_module_enter(struct boot_module *m);
/*
 * Checks the modules' contents, after RAM is mapped.  0; -XEN_EINVAL: a module is cut short or has
 * an unknown format, and the log names it.
 */
int boot_modules_check(void);
/*
 * Ends the boot after an error that the log explains: powers off, or halts with `noreboot` or
 * without PSCI.
 */
_Noreturn void boot_stop(void);

/*
 * What a kernel's header contains (dom0_image.c).  `room`: bytes that it needs from the start of
 * its memory bank, itself included.  `offset`: place of an arm64 Image in a 2 MiB block.  `fixed`:
 * address that a zImage must have, or 0.
 */
#define KERNEL_HEADER_BYTES 64u
struct kernel_image {
    bool aarch32;
    uint64_t bytes, room, offset, fixed;
};
/*
 * Reads a kernel's header.  0; -XEN_EINVAL: neither an arm64 Image nor a zImage, or cut short;
 * -XEN_EOPNOTSUPP: EL1 cannot have the kernel's width (k->aarch32).
 */
int dom0_image_probe(const uint8_t start[KERNEL_HEADER_BYTES], uint64_t bytes,
                     struct kernel_image *k);
/*
 * Chooses the kernel's address in the free memory [start, end) at the start of a bank.  False: it
 * does not fit, or its fixed address is outside.
 */
bool dom0_image_place(const struct kernel_image *k, uint64_t start, uint64_t end, uint64_t *entry);
/* End of the part of a bank in which the kernel can find a ramdisk and a device tree. */
uint64_t dom0_image_data_end(const struct kernel_image *k, const struct mem_region *bank);

/* Builds and starts the control domain.  Panics on failure, with the reason. */
void dom0_build(const void *fdt);
/*
 * Input of the control domain's device tree, which dom0_fdt_make writes into a new buffer from the
 * machine's tree.
 */
struct dom0_layout {
    struct mem_region bank[BOOT_REGIONS_MAX];
    unsigned bank_count;
    uint64_t ramdisk_start, ramdisk_end; /* bytes; 0: no ramdisk */
    uint64_t grant_start, grant_bytes;   /* region 0 of the hypervisor node */
    /* Unused guest-physical space for foreign mappings; 0: none. */
    uint64_t extended_start, extended_bytes;
    unsigned vcpu_count;
    unsigned evtchn_ppi;
    bool aarch32;
};
/* Returns the number of bytes used in `out`; -XEN_E*: the log names the node that failed. */
int dom0_fdt_make(const void *host, void *out, unsigned room, const struct dom0_layout *l);
/*
 * Calls fn for each MMIO range [start, end), in bytes, that the control domain may have.  The first
 * non-zero result ends the loop and is returned.
 */
int dom0_for_each_device(const void *fdt, int (*fn)(void *arg, uint64_t start, uint64_t end),
                         void *arg);

#endif
