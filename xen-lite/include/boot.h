/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the boot loader left: memory, modules, CPUs, from the flattened device tree (boot_fdt.c),
 * and the control domain's builder on top of it (dom0.c, dom0_fdt.c).  The protocol is Xen's:
 * docs/misc/arm/device-tree/booting.txt of Xen describes the nodes; docs/boot.md here repeats what
 * is supported.
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
}; /* to the byte; what: for messages */
struct boot_info {
    struct mem_region ram[BOOT_REGIONS_MAX]; /* page-aligned, sorted */
    unsigned ram_count;
    struct mem_region reserved[BOOT_REGIONS_MAX]; /* must not be allocated: firmware's, modules, the
                                                     image, the tree */
    struct boot_extent extent[BOOT_REGIONS_MAX];  /* what each of them is for */
    unsigned reserved_count;
    struct boot_module kernel, ramdisk;
    char cmdline[BOOT_STRING_MAX];
    uint64_t cpu_mpidr[MAX_CPUS];
    unsigned cpu_count; /* as the tree lists them, at most MAX_CPUS */
    uint64_t ram_bytes;
};
extern struct boot_info boot;

/* Fills `boot`. 0, or -XEN_EINVAL having logged which node or property is wrong. `image` is where
 * the hypervisor lies. */
int boot_scan(const void *fdt, paddr_t fdt_pa, struct mem_region image);

/* Keeps [start, end) from being allocated. */
void boot_reserve(uint64_t start, uint64_t end, const char *what);
extern const char boot_what_reserved[]; /* `what` of the tree's own reservations */
/* Enters a module whose name, start and bytes are known. 0, or -XEN_EINVAL having logged why it
 * cannot be there. */
int boot_module_enter(struct boot_module *m);
/* Looks into the modules, when RAM is mapped. 0, or -XEN_EINVAL having logged which one is cut
 * short, or none of what it should be. */
int boot_modules_check(void);
/* What the boot loader left cannot be used, and the log says why: powers off, or halts (`noreboot`,
 * or no firmware to ask). */
_Noreturn void boot_stop(void);

/* A kernel by its header (dom0_image.c).  `room`: bytes that it needs from the start of its memory
 * bank, itself included. */
#define KERNEL_HEADER_BYTES 64u
struct kernel_image {
    bool aarch32;
    uint64_t bytes, room, offset, fixed;
};
/* 0; -XEN_EINVAL: neither an arm64 Image nor a zImage, or cut short; -XEN_EOPNOTSUPP: of a width
 * that EL1 cannot have, in k->aarch32. */
int dom0_image_probe(const uint8_t start[KERNEL_HEADER_BYTES], uint64_t bytes,
                     struct kernel_image *k);
/* Where it goes, in free memory [start, end) at the start of a bank.  False: it does not fit, or
 * wants to be elsewhere. */
bool dom0_image_place(const struct kernel_image *k, uint64_t start, uint64_t end, uint64_t *entry);
/* How far up in a bank the kernel finds a ramdisk and a device tree. */
uint64_t dom0_image_data_end(const struct kernel_image *k, const struct mem_region *bank);

/* Builds and starts the control domain: panics with a message that says what is missing. */
void dom0_build(const void *fdt);
/* Its device tree, edited from the machine's into a fresh buffer. */
struct dom0_layout {
    struct mem_region bank[BOOT_REGIONS_MAX];
    unsigned bank_count;
    uint64_t ramdisk_start, ramdisk_end; /* 0: none */
    uint64_t grant_start, grant_bytes;   /* hypervisor node, reg 0 */
    uint64_t extended_start,
        extended_bytes; /* unused guest-physical space for foreign mappings, or 0 */
    unsigned vcpu_count;
    unsigned evtchn_ppi;
    bool aarch32;
};
/* Bytes used, or -XEN_E*: the name of the node that failed is logged. */
int dom0_fdt_make(const void *host, void *out, unsigned room, const struct dom0_layout *l);
/* Calls fn for every MMIO range [start, end) of the machine that the control domain may have. Stops
 * at the first error. */
int dom0_for_each_device(const void *fdt, int (*fn)(void *arg, uint64_t start, uint64_t end),
                         void *arg);

#endif
