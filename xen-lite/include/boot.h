/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the boot loader left: memory, modules and CPUs, read from the flattened device tree
 * (boot_fdt.c), and the builder of the control domain that uses it (dom0.c, dom0_fdt.c).  The
 * protocol is Xen's: docs/misc/arm/device-tree/booting.txt of Xen describes the nodes; docs/boot.md
 * lists what is supported here.
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
struct boot_extent {
    uint64_t start, end;
    const char *what;
}; /* exact to the byte; `what` is for messages */
struct boot_info {
    struct mem_region ram[BOOT_REGIONS_MAX]; /* page-aligned, sorted */
    unsigned ram_count;
    /* Must not be allocated: firmware, modules, the image, the device tree. */
    struct mem_region reserved[BOOT_REGIONS_MAX];
    struct boot_extent extent[BOOT_REGIONS_MAX]; /* purpose of each */
    unsigned reserved_count;
    struct boot_module kernel, ramdisk;
    char cmdline[BOOT_STRING_MAX];
    uint64_t cpu_mpidr[MAX_CPUS];
    unsigned cpu_count; /* CPUs in the device tree, at most MAX_CPUS */
    uint64_t ram_bytes;
};
extern struct boot_info boot;

/*
 * Fills `boot`.  `image` is the range of the hypervisor itself.  0; -XEN_EINVAL: the log names the
 * node or property that is wrong.
 */
int boot_scan(const void *fdt, paddr_t fdt_pa, struct mem_region image);

/* Keeps [start, end) from being allocated. */
void boot_reserve(uint64_t start, uint64_t end, const char *what);
extern const char boot_what_reserved[]; /* `what` for reservations in the device tree */
/*
 * Enters a module whose name, start and size are known.  0; -XEN_EINVAL: the log says why it cannot
 * be there.
 */
int boot_module_enter(struct boot_module *m);
/*
 * Checks the modules' content once RAM is mapped.  0; -XEN_EINVAL: the log names the module that is
 * incomplete or of an unknown kind.
 */
int boot_modules_check(void);
/*
 * Ends a boot that cannot go on; the log has the reason.  Powers off, or halts (`noreboot`, or no
 * firmware to call).
 */
_Noreturn void boot_stop(void);

/*
 * A kernel, as its header describes it (dom0_image.c).  `room`: bytes that it needs from the start
 * of its memory bank, including itself.
 */
#define KERNEL_HEADER_BYTES 64u
struct kernel_image {
    bool aarch32;
    uint64_t bytes, room, offset, fixed;
};
/*
 * 0; -XEN_EINVAL: neither an arm64 Image nor a zImage, or incomplete; -XEN_EOPNOTSUPP: EL1 cannot
 * have its width, which is in k->aarch32.
 */
int dom0_image_probe(const uint8_t start[KERNEL_HEADER_BYTES], uint64_t bytes,
                     struct kernel_image *k);
/*
 * Finds the kernel's address in free memory [start, end) at the start of a bank.  False: it does
 * not fit, or needs another address.
 */
bool dom0_image_place(const struct kernel_image *k, uint64_t start, uint64_t end, uint64_t *entry);
/* End of the part of a bank in which the kernel can find a ramdisk and a device tree. */
uint64_t dom0_image_data_end(const struct kernel_image *k, const struct mem_region *bank);

/* Builds and starts the control domain.  Panics with a message that names what is missing. */
void dom0_build(const void *fdt);
/*
 * Its memory layout, from which dom0_fdt_make() edits the machine's device tree into a new buffer.
 */
struct dom0_layout {
    struct mem_region bank[BOOT_REGIONS_MAX];
    unsigned bank_count;
    uint64_t ramdisk_start, ramdisk_end; /* 0: none */
    uint64_t grant_start, grant_bytes;   /* `reg` entry 0 of the hypervisor node */
    uint64_t extended_start,
        extended_bytes; /* unused guest-physical space for foreign mappings, or 0 */
    unsigned vcpu_count;
    unsigned evtchn_ppi;
    bool aarch32;
};
/* Returns the bytes used, or -XEN_E*; the log then names the node that failed. */
int dom0_fdt_make(const void *host, void *out, unsigned room, const struct dom0_layout *l);
/*
 * Calls fn for every MMIO range [start, end) of the machine that the control domain may have.
 * Stops at the first error.
 */
int dom0_for_each_device(const void *fdt, int (*fn)(void *arg, uint64_t start, uint64_t end),
                         void *arg);

#endif
