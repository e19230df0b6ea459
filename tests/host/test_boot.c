/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake xen-lite/lib/dt.c xen-lite/boot/boot_fdt.c xen-lite/boot/boot_module.c
// libs: -lcmocka -lfdt
/* Boot modules in device trees as QEMU, U-Boot and Xen's documentation write them, and in trees and
 * files with one error each, which the message must name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <libfdt.h>
#include <xen/errno.h>
#include "boot.h"
#include "domain.h"
#include "fake.h"

#define MIB           (1ull << 20)
#define RAM_BYTES     (16 * MIB)
#define IMAGE_AT      (FAKE_RAM + 1 * MIB)
#define TREE_AT       (FAKE_RAM + 2 * MIB)
#define FIRMWARE_AT   (FAKE_RAM + 3 * MIB)
#define KERNEL_AT     (FAKE_RAM + 4 * MIB)
#define RAMDISK_AT    (FAKE_RAM + 8 * MIB)
#define KERNEL_BYTES  0x3000u
#define RAMDISK_BYTES 0x200u

static char errors[1024];

void log_printf(enum log_level level, const char *fmt, ...)
{
    va_list ap;
    size_t used = strlen(errors);
    if (level != LOG_ERR)
        return;
    va_start(ap, fmt);
    (vsnprintf)(errors + used, sizeof(errors) - used, fmt, ap);
    va_end(ap);
}

size_t strlcpy(char *dst, const char *src, size_t size)
{
    size_t n = strlen(src);
    (snprintf)(dst, size, "%s", src);
    return n;
}

/* ---- a tree ---- */
static union {
    char bytes[8192];
    uint64_t aligned;
} tree;

static void put(int node, const char *property, const char *value, size_t bytes)
{
    assert_int_equal(fdt_setprop(tree.bytes, node, property, value, (int)bytes), 0);
}

static void put_u32s(int node, const char *property, const uint64_t *values, unsigned count)
{
    uint32_t cells[8];
    for (unsigned i = 0; i < count; i++)
        cells[i] = cpu_to_fdt32((uint32_t)values[i]);
    put(node, property, (const char *)cells, count * sizeof(cells[0]));
}
#define PUT_U32S(node, property, ...)                     \
    put_u32s(node, property, (uint64_t[]){ __VA_ARGS__ }, \
             sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static int chosen(void) { return fdt_path_offset(tree.bytes, "/chosen"); }

static int add(int parent, const char *name)
{
    int node = fdt_add_subnode(tree.bytes, parent, name);
    assert_true(node >= 0);
    return node;
}

static int add_module(const char *name, const char *compatible, size_t compatible_bytes,
                      uint64_t start, uint64_t bytes)
{
    int node = add(chosen(), name);
    put(node, "compatible", compatible, compatible_bytes);
    PUT_U32S(node, "reg", start, bytes);
    return node;
}
#define KERNEL  "multiboot,kernel\0multiboot,module"
#define RAMDISK "multiboot,ramdisk\0multiboot,module"
#define ADD_MODULE(name, compatible, start, bytes) \
    add_module(name, compatible, sizeof(compatible), start, bytes)

/* A tree with RAM, a hole in it that firmware reserves, and /chosen without modules. */
static void bare_tree(void)
{
    assert_int_equal(fdt_create_empty_tree(tree.bytes, sizeof(tree.bytes)), 0);
    PUT_U32S(0, "#address-cells", 1);
    PUT_U32S(0, "#size-cells", 1);
    int memory = add(0, "memory@40000000");
    put(memory, "device_type", "memory", sizeof("memory"));
    PUT_U32S(memory, "reg", FAKE_RAM, RAM_BYTES);
    int node = add(add(0, "chosen"), "unrelated");
    put(node, "compatible", "something,else", sizeof("something,else"));
    int parent = add(0, "reserved-memory");
    put(parent, "ranges", "", 0);
    PUT_U32S(add(parent, "firmware@43000000"), "reg", FIRMWARE_AT, 0x1000);
}

static void usual_tree(void)
{
    bare_tree();
    int node = ADD_MODULE("module@kernel", KERNEL, KERNEL_AT, KERNEL_BYTES);
    put(node, "bootargs", "console=hvc0", sizeof("console=hvc0"));
    ADD_MODULE("module@ramdisk", RAMDISK, RAMDISK_AT, RAMDISK_BYTES);
}

static int scan(void)
{
    memset(&boot, 0, sizeof(boot));
    errors[0] = '\0';
    return boot_scan(tree.bytes, PA(TREE_AT), (struct mem_region){ IMAGE_AT, IMAGE_AT + 0x41234 });
}

static void assert_says(int rc, const char *text)
{
    assert_int_equal(rc, -XEN_EINVAL);
    if (!strstr(errors, text))
        fail_msg("\"%s\" is not in: %s", text, errors);
    assert_null(strchr(strchr(errors, '\n') + 1, '\n')); /* the message is one line */
}

/* ---- the modules' addresses ---- */
static void modules_found(void **state)
{
    (void)state;
    usual_tree();
    assert_int_equal(scan(), 0);
    assert_string_equal(errors, "");
    assert_int_equal(boot.kernel.start, KERNEL_AT);
    assert_int_equal(boot.kernel.bytes, KERNEL_BYTES);
    assert_string_equal(boot.kernel.bootargs, "console=hvc0");
    assert_int_equal(boot.ramdisk.start, RAMDISK_AT);
    assert_int_equal(boot.ramdisk.bytes, RAMDISK_BYTES);
    assert_int_equal(boot.reserved_count, 5);
}

/* U-Boot's script sets #address-cells and #size-cells of /chosen: 2 each here. */
static void modules_in_64_bit_cells(void **state)
{
    (void)state;
    bare_tree();
    PUT_U32S(chosen(), "#address-cells", 2);
    PUT_U32S(chosen(), "#size-cells", 2);
    int node = add(chosen(), "module@0");
    put(node, "compatible", KERNEL, sizeof(KERNEL));
    PUT_U32S(node, "reg", 0, KERNEL_AT, 0, KERNEL_BYTES);
    assert_int_equal(scan(), 0);
    assert_int_equal(boot.kernel.start, KERNEL_AT);
    assert_false(boot.ramdisk.present);
    PUT_U32S(fdt_path_offset(tree.bytes, "/chosen/module@0"), "reg", KERNEL_AT, KERNEL_BYTES);
    assert_says(scan(), "module@0: its reg property is missing, or too short");
}

/* RAM and a reserved range above 4 GiB whose sizes are no multiples of a page: rounding to pages
 * must not truncate to 32 bits. */
static void memory_beyond_4g(void **state)
{
    (void)state;
    bare_tree();
    PUT_U32S(chosen(), "#address-cells", 1);
    PUT_U32S(chosen(), "#size-cells", 1);
    int parent = fdt_path_offset(tree.bytes, "/reserved-memory");
    PUT_U32S(parent, "#address-cells", 1);
    PUT_U32S(parent, "#size-cells", 1);
    PUT_U32S(0, "#address-cells", 2);
    PUT_U32S(0, "#size-cells", 2);
    PUT_U32S(fdt_path_offset(tree.bytes, "/memory@40000000"), "reg", 0, FAKE_RAM, 1, 0x80001234);
    ADD_MODULE("module@kernel", KERNEL, KERNEL_AT, KERNEL_BYTES);
    parent = fdt_path_offset(tree.bytes, "/reserved-memory");
    PUT_U32S(parent, "#address-cells", 2);
    PUT_U32S(parent, "#size-cells", 2);
    PUT_U32S(fdt_subnode_offset(tree.bytes, parent, "firmware@43000000"), "reg", 1, 0x10, 0,
             0x1000);
    assert_int_equal(scan(), 0);
    assert_int_equal(boot.ram_count, 1);
    assert_true(boot.ram[0].start == FAKE_RAM && boot.ram[0].end == FAKE_RAM + 0x180001000ull);
    assert_true(boot.ram_bytes == 0x180001000ull);
    bool found = false;
    for (unsigned i = 0; i < boot.reserved_count; i++)
        found |= boot.reserved[i].start == 0x100000000ull && boot.reserved[i].end == 0x100002000ull;
    assert_true(found);
}

static void modules_without_kind_by_order(void **state)
{
    (void)state;
    bare_tree();
    /* libfdt puts the node added last first. */
    ADD_MODULE("module@2", "multiboot,module", RAMDISK_AT, RAMDISK_BYTES);
    ADD_MODULE("module@1", "multiboot,module", KERNEL_AT, KERNEL_BYTES);
    assert_int_equal(scan(), 0);
    assert_int_equal(boot.kernel.start, KERNEL_AT);
    assert_int_equal(boot.ramdisk.start, RAMDISK_AT);
}

static void tree_without_kernel_refused(void **state)
{
    (void)state;
    bare_tree();
    assert_says(scan(), "no kernel for the control domain");
    ADD_MODULE("module@ramdisk", RAMDISK, RAMDISK_AT, RAMDISK_BYTES);
    assert_says(scan(), "no kernel for the control domain");
}

static void module_without_reg_refused(void **state)
{
    (void)state;
    bare_tree();
    int node = add(chosen(), "module@7");
    put(node, "compatible", KERNEL, sizeof(KERNEL));
    assert_says(scan(), "module@7: its reg property is missing");
}

static void two_kernels_refused(void **state)
{
    (void)state;
    usual_tree();
    ADD_MODULE("module@again", KERNEL, RAMDISK_AT + MIB, KERNEL_BYTES);
    assert_says(scan(), "a second kernel, beside module@again");
}

/* Scans a tree with a kernel at [start, start + bytes).  `text` is expected in the error; NULL: no
 * error. */
static void kernel_at(uint64_t start, uint64_t bytes, const char *text)
{
    bare_tree();
    ADD_MODULE("module@ramdisk", RAMDISK, RAMDISK_AT, RAMDISK_BYTES);
    ADD_MODULE("module@kernel", KERNEL, start, bytes);
    int rc = scan();
    if (text)
        assert_says(rc, text);
    else
        assert_int_equal(rc, 0);
}

static void module_outside_ram_refused(void **state)
{
    (void)state;
    kernel_at(KERNEL_AT, 0, "module@kernel (kernel, 0x0 bytes at 0x40400000): is empty");
    kernel_at(FAKE_RAM - MIB, 0x1000, "is not in RAM");
    kernel_at(FAKE_RAM - 1, 0x1000, "is not in RAM");
    kernel_at(FAKE_RAM + RAM_BYTES - 0x1000, 0x1001, "is not in RAM");
    kernel_at(FAKE_RAM + RAM_BYTES - 0x1000, 0x1000, NULL);
    kernel_at(FAKE_RAM + RAM_BYTES, 1, "is not in RAM");
    kernel_at(FAKE_RAM + RAM_BYTES + 0x1000, 1, "is not in RAM");
    kernel_at(KERNEL_AT, 0xffffffff, "is not in RAM");
}

static void overlapping_modules_refused(void **state)
{
    (void)state;
    uint64_t tree_bytes = sizeof(tree.bytes);
    kernel_at(IMAGE_AT - 0x1000, 0x1001,
              "overlaps the hypervisor at 0x40100000-0x40141234: load one of them elsewhere");
    kernel_at(IMAGE_AT - 0x1000, 0x1000, NULL);
    kernel_at(IMAGE_AT + 0x41233, 1, "overlaps the hypervisor");
    kernel_at(IMAGE_AT + 0x41234, 0x1000, NULL); /* right behind, in the same page */
    kernel_at(TREE_AT + tree_bytes - 1, 0x1000, "overlaps the device tree");
    kernel_at(TREE_AT + tree_bytes, 0x1000, NULL);
    kernel_at(FIRMWARE_AT - 1, 2, "overlaps reserved memory at 0x40300000-0x40301000");
    /* The ramdisk's node is second in the tree, so the error names it. */
    kernel_at(RAMDISK_AT - 0x1000, 0x1001,
              "module@ramdisk (ramdisk, 0x200 bytes at 0x40800000): overlaps module@kernel at "
              "0x407ff000-");
    kernel_at(RAMDISK_AT - 0x1000, 0x1000, NULL);
    kernel_at(RAMDISK_AT, RAMDISK_BYTES, "overlaps module@kernel");
}

static void memreserve_over_modules(void **state)
{
    (void)state;
    usual_tree();
    /* U-Boot reserves the ramdisk's memory itself. */
    assert_int_equal(fdt_add_mem_rsv(tree.bytes, RAMDISK_AT, RAMDISK_BYTES), 0);
    assert_int_equal(scan(), 0);
    assert_int_equal(fdt_del_mem_rsv(tree.bytes, 0), 0);
    assert_int_equal(fdt_add_mem_rsv(tree.bytes, RAMDISK_AT + 0x100, 0x1000), 0);
    assert_says(scan(), "overlaps reserved memory at 0x40800100-0x40801100");
}

/* The tree as U-Boot's `booti KERNEL RAMDISK TREE` leaves it. */
static void linux_initrd_properties(void **state)
{
    (void)state;
    bare_tree();
    ADD_MODULE("module@kernel", KERNEL, KERNEL_AT, KERNEL_BYTES);
    PUT_U32S(chosen(), "linux,initrd-start", 0, RAMDISK_AT);
    PUT_U32S(chosen(), "linux,initrd-end", RAMDISK_AT + RAMDISK_BYTES);
    assert_int_equal(scan(), 0);
    assert_true(boot.ramdisk.present);
    assert_int_equal(boot.ramdisk.start, RAMDISK_AT);
    assert_int_equal(boot.ramdisk.bytes, RAMDISK_BYTES);
    PUT_U32S(chosen(), "linux,initrd-end", RAMDISK_AT - 1);
    assert_says(scan(), "is not in RAM");
    PUT_U32S(chosen(), "linux,initrd-end", RAMDISK_AT);
    assert_says(scan(), "linux,initrd-start (ramdisk, 0x0 bytes at 0x40800000): is empty");
    usual_tree(); /* a node must precede */
    PUT_U32S(chosen(), "linux,initrd-start", FAKE_RAM);
    PUT_U32S(chosen(), "linux,initrd-end", FAKE_RAM + 1);
    assert_int_equal(scan(), 0);
    assert_int_equal(boot.ramdisk.start, RAMDISK_AT);
}

/* ---- the modules' contents ---- */
static uint8_t *at(uint64_t pa) { return pa_to_va(PA(pa)); }

static void put_le(uint8_t *p, uint64_t v, unsigned bytes)
{
    for (; bytes--; v >>= 8)
        *p++ = (uint8_t)v;
}

/* An arm64 Image whose stub's second section ends with the file. */
static void make_image(uint8_t *p)
{
    memset(p, 0, KERNEL_BYTES);
    memcpy(p + 56, "ARM\x64", 4);
    put_le(p + 60, 0x40, 4);
    memcpy(p + 0x40, "PE\0\0", 4);
    put_le(p + 0x46, 2, 2);
    put_le(p + 0x54, 0xa0, 2);
    uint8_t *section = p + 0x40 + 24 + 0xa0;
    put_le(section + 16, 0x1000, 4);
    put_le(section + 20, 0x1000, 4);
    put_le(section + 40 + 16, KERNEL_BYTES - 0x2000, 4);
    put_le(section + 40 + 20, 0x2000, 4);
}

static void make_zimage(uint8_t *p)
{
    memset(p, 0, KERNEL_BYTES);
    put_le(p + 36, 0x016f2818, 4);
    put_le(p + 40, 0x8000, 4);
    put_le(p + 44, 0x8000 + KERNEL_BYTES, 4);
}

static unsigned add_entry(uint8_t *p, const char *name, unsigned file_bytes)
{
    char header[128];
    size_t name_bytes = strlen(name) + 1;
    (snprintf)(header, sizeof(header), "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
               1, 0100644, 0, 0, 1, 0, file_bytes, 0, 0, 0, 0, (unsigned)name_bytes, 0);
    memcpy(p, header, 110);
    memcpy(p + 110, name, name_bytes);
    memset(p + 110 + name_bytes, 0xaa, 4 + file_bytes);
    return (unsigned)ROUND_UP(ROUND_UP(110 + name_bytes, 4u) + file_bytes, 4u);
}

static uint64_t make_cpio(uint8_t *p)
{
    uint64_t bytes = add_entry(p, "init", 0x1b);
    bytes += add_entry(p + bytes, "TRAILER", 0); /* a file of nearly that name */
    return bytes + add_entry(p + bytes, "TRAILER!!!", 0);
}

/* Both modules present, with these sizes. */
static int check(uint64_t kernel_bytes, uint64_t ramdisk_bytes)
{
    bare_tree();
    ADD_MODULE("module@kernel", KERNEL, KERNEL_AT, kernel_bytes);
    if (ramdisk_bytes)
        ADD_MODULE("module@ramdisk", RAMDISK, RAMDISK_AT, ramdisk_bytes);
    assert_int_equal(scan(), 0);
    return boot_modules_check();
}

static void kernel_files_checked(void **state)
{
    (void)state;
    fake_init(RAM_BYTES, 1);
    make_image(at(KERNEL_AT));
    assert_int_equal(check(KERNEL_BYTES, 0), 0);
    assert_int_equal(check(KERNEL_BYTES + 0x100, 0), 0);
    assert_says(
        check(KERNEL_BYTES - 1, 0),
        "module@kernel (kernel, 0x2fff bytes at 0x40400000): is truncated: by its own header it "
        "has 0x3000");
    for (unsigned bytes = KERNEL_BYTES - 1; bytes >= 64; bytes -= bytes < 0x400 ? 1 : 0x100) {
        /* Bytes behind the module are not part of it. */
        memset(at(KERNEL_AT) + bytes, 0, KERNEL_BYTES - bytes);
        assert_says(check(bytes, 0), "is truncated");
    }
    assert_says(check(63, 0), "is no kernel");
    put_le(at(KERNEL_AT) + 60, 0, 4); /* without an EFI stub, the size is unknown */
    assert_int_equal(check(64, 0), 0);
    put_le(at(KERNEL_AT) + 60, 0xfffffff0, 4);
    assert_says(check(KERNEL_BYTES, 0), "is truncated");
    make_zimage(at(KERNEL_AT));
    assert_int_equal(check(KERNEL_BYTES, 0), 0);
    assert_says(check(KERNEL_BYTES - 1, 0), "is truncated: by its own header it has 0x3000");
    assert_says(check(47, 0), "is no kernel");
    memset(at(KERNEL_AT), 0, KERNEL_BYTES);
    assert_says(check(KERNEL_BYTES, 0), "is no kernel: neither");
    memcpy(at(KERNEL_AT), "\x1f\x8b\x08", 3);
    assert_says(check(KERNEL_BYTES, 0), "is compressed by gzip");
}

static void ramdisk_files_checked(void **state)
{
    (void)state;
    fake_init(RAM_BYTES, 1);
    make_image(at(KERNEL_AT));
    uint8_t *p = at(RAMDISK_AT);
    uint64_t one = make_cpio(p);
    assert_int_equal(check(KERNEL_BYTES, one), 0);
    assert_int_equal(check(KERNEL_BYTES, one - 3), 0);
    /* The last three bytes are padding. */
    for (uint64_t bytes = 6; bytes < one - 3; bytes++) {
        assert_says(check(KERNEL_BYTES, bytes), "module@ramdisk (ramdisk");
        assert_non_null(strstr(errors, "is truncated"));
    }
    /* A second archive behind zeroes. */
    memset(p + one, 0, 512);
    uint64_t two = one + 512 + make_cpio(p + one + 512);
    assert_int_equal(check(KERNEL_BYTES, one + 512), 0);
    assert_int_equal(check(KERNEL_BYTES, two), 0);
    assert_says(check(KERNEL_BYTES, two - 8), "is truncated");
    /* Compressed data behind the archive, or instead of it, is not inspected. */
    memcpy(p + one, "\x28\xb5\x2f\xfd", 4);
    assert_int_equal(check(KERNEL_BYTES, one + 100), 0);
    memcpy(p, "\x1f\x8b\x08\0", 4);
    assert_int_equal(check(KERNEL_BYTES, 100), 0);
    /* Zeroes between entries are allowed, as in Linux. */
    uint64_t first = add_entry(p, "init", 0x1b);
    memset(p + first, 0, 64);
    uint64_t spread = first + 64 + add_entry(p + first + 64, "TRAILER!!!", 0);
    assert_int_equal(check(KERNEL_BYTES, spread), 0);
    assert_says(check(KERNEL_BYTES, first + 64), "is truncated");
    /* The bytes after an entry are no header. */
    make_cpio(p);
    p[ROUND_UP(110 + 5, 4u) + ROUND_UP(0x1b, 4u)] = 'x';
    assert_says(check(KERNEL_BYTES, one), "is damaged: no cpio header at its byte 0x90");
    /* Impossible sizes. */
    make_cpio(p);
    memset(p + 54, 'f', 8);
    assert_says(check(KERNEL_BYTES, one), "is truncated");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modules_found),
        cmocka_unit_test(modules_in_64_bit_cells),
        cmocka_unit_test(memory_beyond_4g),
        cmocka_unit_test(modules_without_kind_by_order),
        cmocka_unit_test(tree_without_kernel_refused),
        cmocka_unit_test(module_without_reg_refused),
        cmocka_unit_test(two_kernels_refused),
        cmocka_unit_test(module_outside_ram_refused),
        cmocka_unit_test(overlapping_modules_refused),
        cmocka_unit_test(memreserve_over_modules),
        cmocka_unit_test(linux_initrd_properties),
        cmocka_unit_test(kernel_files_checked),
        cmocka_unit_test(ramdisk_files_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
