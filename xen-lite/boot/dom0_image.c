/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control domain's kernel: its kind by its header, and where this kind must be placed.  By
 * Linux's documentation, arch/arm64/booting.rst and arch/arm/booting.rst.  An arm64 Image starts in
 * AArch64 state, a zImage in AArch32.  The header decides, not the width of the hypervisor, if the
 * CPUs can run both.
 */
#include <xen/errno.h>
#include "abi.h"
#include "boot.h"
#include "arch.h"
#include "lib.h"

/* All fields are little-endian. */
struct image_header {
    uint32_t code[2];
    uint64_t text_offset, image_size, flags, reserved[3];
    uint32_t magic, pe;
};
#define IMAGE_MAGIC 0x644d5241u /* "ARM\x64" */
_Static_assert(sizeof(struct image_header) == KERNEL_HEADER_BYTES, "arm64 Image header");

struct zimage_header {
    uint32_t code[9], magic, start, end;
};
#define ZIMAGE_MAGIC 0x016f2818u
_Static_assert(offsetof(struct zimage_header, magic) == 0x24 &&
                   offsetof(struct zimage_header, end) == 0x2c,
               "zImage header");

/*
 * A zImage without a fixed address goes into the first 128 MiB of RAM, but not into the first 32,
 * where it unpacks itself.
 */
#define ZIMAGE_WITHIN (128ull << 20)
#define ZIMAGE_ABOVE  (32ull << 20)
/*
 * What a 32-bit kernel reads early must be in lowmem, which it always has mapped: 760 MiB, or less
 * with other user/kernel splits.
 */
#define LOWMEM_BYTES (512ull << 20)

static void read_image(const struct image_header *h, uint64_t bytes, struct kernel_image *k)
{
    k->bytes = MAX(h->image_size, bytes);
    /* Before Linux 3.17 there was no image_size. */
    k->offset = h->image_size ? h->text_offset : 0x80000;
    k->room = k->offset + k->bytes;
}

static int read_zimage(const struct zimage_header *h, uint64_t bytes, struct kernel_image *k)
{
    k->aarch32 = true;
    k->bytes = bytes;
    k->fixed = h->start;
    k->room = h->start ? bytes : ZIMAGE_ABOVE + bytes;
    return h->start < h->end && h->end - h->start <= bytes ? 0 : -XEN_EINVAL;
}

int dom0_image_probe(const uint8_t start[KERNEL_HEADER_BYTES], uint64_t bytes,
                     struct kernel_image *k)
{
    struct image_header image;
    struct zimage_header zimage;
    int rc = 0;

    *k = (struct kernel_image){ 0 };
    if (bytes < sizeof(image))
        return -XEN_EINVAL;
    memcpy(&image, start, sizeof(image));
    memcpy(&zimage, start, sizeof(zimage));
    if (image.magic == IMAGE_MAGIC)
        read_image(&image, bytes, k);
    else if (zimage.magic == ZIMAGE_MAGIC)
        rc = read_zimage(&zimage, bytes, k);
    else
        return -XEN_EINVAL;
    return rc ? rc : arch_el1_width_ok(k->aarch32) ? 0 : -XEN_EOPNOTSUPP;
}

bool dom0_image_place(const struct kernel_image *k, uint64_t start, uint64_t end, uint64_t *entry)
{
    if (!k->aarch32)
        *entry = ROUND_UP(start, (uint64_t)BLOCK_SIZE) + k->offset;
    else if (k->fixed)
        *entry = k->fixed;
    else /* as high as allowed: the unpacked kernel goes to the start */
        *entry = ROUND_DOWN(MIN(end, start + ZIMAGE_WITHIN) - k->bytes, (uint64_t)BLOCK_SIZE);
    return end - start >= k->room && *entry >= start && *entry <= end - k->bytes;
}

uint64_t dom0_image_data_end(const struct kernel_image *k, const struct mem_region *bank)
{
    return k->aarch32 ? MIN(bank->end, bank->start + LOWMEM_BYTES) : bank->end;
}
