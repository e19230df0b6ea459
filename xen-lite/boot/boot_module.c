/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The modules that the boot loader left: the control domain's kernel and ramdisk.  Checks that each
 * lies where nothing else does and, once RAM can be read, that it is complete.  A loader's mistake
 * then shows as a named error, not as a kernel that dies silently.  How much can be checked depends
 * on the format.  A zImage and an Image with EFI stub contain their size, and a newc archive has an
 * end mark.  An Image without EFI stub and compressed ramdisks cannot be checked without unpacking
 * them; they pass.
 */
#include <xen/errno.h>
#include "abi.h"
#include "log.h"
#include "arch.h"
#include "boot.h"
#include "lib.h"

static const uint8_t arm64_magic[] = { 'A', 'R', 'M', 0x64 },
                     zimage_magic[] = { 0x18, 0x28, 0x6f, 0x01 };
static const uint8_t pe_magic[] = { 'P', 'E', 0, 0 }, gzip_magic[] = { 0x1f, 0x8b };

enum {
    IMAGE_PE_AT = 60,
    IMAGE_MAGIC_AT = 56,
    IMAGE_HEADER_BYTES = 64, /* arm64: Documentation/arch/arm64/booting.rst of Linux */
    ZIMAGE_MAGIC_AT = 36,
    ZIMAGE_START_AT = 40,
    ZIMAGE_END_AT = 44,
    ZIMAGE_HEADER_BYTES = 48,
    PE_SECTIONS_AT = 6,
    PE_OPTIONAL_AT = 20,
    PE_HEADER_BYTES = 24, /* from "PE\0\0" on */
    SECTION_SIZE_AT = 16,
    SECTION_PLACE_AT = 20,
    SECTION_BYTES = 40,
    CPIO_MAGIC_BYTES = 6,
    CPIO_FILE_SIZE_AT = 54,
    CPIO_NAME_SIZE_AT = 94,
    CPIO_HEADER_BYTES = 110,
};

static const char *kind_of(const struct boot_module *m)
{
    return m == &boot.kernel ? "kernel" : "ramdisk";
}

static int refuse(const struct boot_module *m, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static int refuse(const struct boot_module *m, const char *fmt, ...)
{
    char why[160];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    log_err("boot: %s (%s, 0x%llx bytes at 0x%llx): %s\n", m->name, kind_of(m),
            (unsigned long long)m->bytes, (unsigned long long)m->start, why);
    return -XEN_EINVAL;
}

/* ---- where it lies ---- */
static bool in_ram(uint64_t start, uint64_t bytes)
{
    for (unsigned i = 0; i < boot.ram_count; i++)
        if (start >= boot.ram[i].start && start < boot.ram[i].end &&
            bytes <= boot.ram[i].end - start)
            return true;
    return false;
}

/* A reservation of exactly the module's range is meant for the module. */
static bool is_own_reservation(const struct boot_module *m, const struct boot_extent *e)
{
    return e->what == boot_what_reserved && e->start == m->start &&
           ROUND_UP(e->end, (uint64_t)PAGE_SIZE) ==
               ROUND_UP(m->start + m->bytes, (uint64_t)PAGE_SIZE);
}

int boot_module_enter(struct boot_module *m)
{
    if (!m->bytes)
        return refuse(m, "is empty: the boot loader did not load it");
    if (!in_ram(m->start, m->bytes))
        return refuse(m, "is not in RAM: load it elsewhere, in one piece");
    for (unsigned i = 0; i < boot.reserved_count; i++) {
        const struct boot_extent *e = &boot.extent[i];
        if (m->start < e->end && e->start < m->start + m->bytes && !is_own_reservation(m, e))
            return refuse(m, "overlaps %s at 0x%llx-0x%llx: load one of them elsewhere", e->what,
                          (unsigned long long)e->start, (unsigned long long)e->end);
    }
    boot_reserve(m->start, m->start + m->bytes, m->name);
    m->present = true;
    return 0;
}

/* ---- what is in it ---- */
static uint64_t le(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;
    while (bytes--)
        v = v << 8 | p[bytes];
    return v;
}

/* File size of an Image, from the section table of its EFI stub.  `bytes` of it are readable. */
static uint64_t image_file_bytes(const uint8_t *p, uint64_t bytes)
{
    uint64_t pe = le(p + IMAGE_PE_AT, 4), need = IMAGE_HEADER_BYTES;
    if (!pe || pe > bytes || bytes - pe < PE_HEADER_BYTES)
        return pe ? pe + PE_HEADER_BYTES : need;
    if (memcmp(p + pe, pe_magic, sizeof(pe_magic)))
        return need; /* no EFI stub follows: the size is unknown */
    unsigned count = (unsigned)le(p + pe + PE_SECTIONS_AT, 2);
    uint64_t table = pe + PE_HEADER_BYTES + le(p + pe + PE_OPTIONAL_AT, 2),
             end = table + (uint64_t)count * SECTION_BYTES;
    if (end > bytes)
        return end;
    for (; table < end; table += SECTION_BYTES)
        need = MAX(need, le(p + table + SECTION_PLACE_AT, 4) + le(p + table + SECTION_SIZE_AT, 4));
    return need;
}

/* File size by the kernel's own header; 0 if the format is unknown. */
static uint64_t kernel_file_bytes(const uint8_t *p, uint64_t bytes)
{
    if (bytes >= IMAGE_HEADER_BYTES &&
        !memcmp(p + IMAGE_MAGIC_AT, arm64_magic, sizeof(arm64_magic)))
        return image_file_bytes(p, bytes);
    if (bytes >= ZIMAGE_HEADER_BYTES &&
        !memcmp(p + ZIMAGE_MAGIC_AT, zimage_magic, sizeof(zimage_magic)))
        return (uint32_t)(le(p + ZIMAGE_END_AT, 4) - le(p + ZIMAGE_START_AT, 4));
    return 0;
}

static int check_kernel(const struct boot_module *m)
{
    const uint8_t *p = pa_to_va(PA(m->start));
    if (m->bytes >= sizeof(gzip_magic) && !memcmp(p, gzip_magic, sizeof(gzip_magic)))
        return refuse(m, "is compressed by gzip: unpack it first");
    uint64_t need = kernel_file_bytes(p, m->bytes);
    if (!need)
        return refuse(m, "is no kernel: neither an arm64 Image nor an arm zImage");
    if (need > m->bytes)
        return refuse(m, "is truncated: by its own header it has 0x%llx bytes; load all of it",
                      (unsigned long long)need);
    return 0;
}

static uint64_t hex8(const uint8_t *p)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++) {
        unsigned c = p[i], letter = (c | 0x20) - 'a';
        v = v << 4 | (c - '0' < 10 ? c - '0' : letter < 6 ? letter + 10 : 0);
    }
    return v;
}

struct cpio_entry {
    uint64_t name_bytes, bytes;
    bool last;
}; /* bytes: the whole entry without the padding behind it */

/*
 * True if the `left` bytes at p begin with the header of an entry.  The entry may be longer than
 * `left`.
 */
static bool cpio_read(const uint8_t *p, uint64_t left, struct cpio_entry *e)
{
    static const char trailer[] = "TRAILER!!!";
    if (left < CPIO_MAGIC_BYTES ||
        (memcmp(p, "070701", CPIO_MAGIC_BYTES) && memcmp(p, "070702", CPIO_MAGIC_BYTES)))
        return false;
    e->last = false;
    e->bytes = CPIO_HEADER_BYTES;
    if (left < CPIO_HEADER_BYTES)
        return true;
    uint64_t name_bytes = hex8(p + CPIO_NAME_SIZE_AT), file = hex8(p + CPIO_FILE_SIZE_AT);
    e->bytes = CPIO_HEADER_BYTES + name_bytes;
    if (file)
        e->bytes = ROUND_UP(e->bytes, 4ull) + file;
    e->last = name_bytes == sizeof(trailer) && left >= CPIO_HEADER_BYTES + name_bytes &&
              !memcmp(p + CPIO_HEADER_BYTES, trailer, sizeof(trailer));
    return true;
}

/*
 * Archives follow one another, with zeroes in between.  Data behind them that is no archive (a
 * compressed one) is not checked.
 */
static int check_ramdisk(const struct boot_module *m)
{
    const uint8_t *p = pa_to_va(PA(m->start));
    struct cpio_entry e;
    bool open = false; /* true inside an archive whose last entry has not been seen */
    for (uint64_t at = 0; at < m->bytes;) {
        uint64_t left = m->bytes - at;
        if (!p[at]) {
            at++;
            continue;
        }
        if (!cpio_read(p + at, left, &e)) {
            if (open && left >= CPIO_MAGIC_BYTES)
                return refuse(m, "is damaged: no cpio header at its byte 0x%llx; build it again",
                              (unsigned long long)at);
            break;
        }
        open = !e.last;
        at += ROUND_UP(e.bytes, 4ull);
    }
    return open ? refuse(m, "is truncated: its cpio archive has no end; load all of it") : 0;
}

static int check(const struct boot_module *m, int (*look)(const struct boot_module *m))
{
    if (!pa_in_direct_map(PA(m->start)) || !pa_in_direct_map(PA(m->start + m->bytes - 1)))
        return refuse(m, "is outside the direct map: load it at a lower address");
    return look(m);
}

int boot_modules_check(void)
{
    int rc = check(&boot.kernel, check_kernel);
    return !rc && boot.ramdisk.present ? check(&boot.ramdisk, check_ramdisk) : rc;
}
