/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake xen-lite/boot/dom0_image.c
// libs: -lcmocka
/* The control domain's kernel: how its format is recognised, what is refused, and where each format
 * is placed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "boot.h"
#include "fake.h"
#include <xen/errno.h>

#define MIB (1ull << 20)
static uint8_t header[KERNEL_HEADER_BYTES];
static struct kernel_image k;

static void put(unsigned at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        header[at + i] = (uint8_t)(value >> (8 * i));
}

static void arm64_image(uint64_t offset, uint64_t size)
{
    memset(header, 0xee, sizeof(header));
    put(8, offset, 8);
    put(16, size, 8);
    put(56, 0x644d5241, 4);
}

static void zimage(uint32_t start, uint32_t end)
{
    memset(header, 0xee, sizeof(header));
    put(0x24, 0x016f2818, 4);
    put(0x28, start, 4);
    put(0x2c, end, 4);
}

static int set_up(void **state)
{
    (void)state;
    fake_el1_64 = fake_el1_32 = true;
    return 0;
}

static void formats_recognised(void **state)
{
    (void)state;
    arm64_image(0, 40 * MIB);
    assert_int_equal(dom0_image_probe(header, 30 * MIB, &k), 0);
    assert_false(k.aarch32);
    assert_int_equal(k.bytes, 40 * MIB); /* includes the zeroes after the file */
    zimage(0, 7 * MIB);
    /* bytes after the image are allowed */
    assert_int_equal(dom0_image_probe(header, 7 * MIB + 4096, &k), 0);
    assert_true(k.aarch32);
    assert_int_equal(dom0_image_probe(header, 7 * MIB - 1, &k), -XEN_EINVAL); /* truncated */
    zimage(8 * MIB, 8 * MIB);
    assert_int_equal(dom0_image_probe(header, 7 * MIB, &k), -XEN_EINVAL);
    memset(header, 0, sizeof(header));
    assert_int_equal(dom0_image_probe(header, 7 * MIB, &k), -XEN_EINVAL);
    arm64_image(0, 40 * MIB);
    assert_int_equal(dom0_image_probe(header, 63, &k), -XEN_EINVAL);
}

static void width_of_the_cpu_checked(void **state)
{
    (void)state;
    fake_el1_64 = false;
    arm64_image(0, 40 * MIB);
    assert_int_equal(dom0_image_probe(header, 30 * MIB, &k), -XEN_EOPNOTSUPP);
    assert_false(k.aarch32);
    zimage(0, 7 * MIB);
    assert_int_equal(dom0_image_probe(header, 7 * MIB, &k), 0);
    fake_el1_64 = true;
    fake_el1_32 = false;
    assert_int_equal(dom0_image_probe(header, 7 * MIB, &k), -XEN_EOPNOTSUPP);
    assert_true(k.aarch32);
}

static bool place(uint64_t start, uint64_t end, uint64_t *entry)
{
    return dom0_image_place(&k, start * MIB, end * MIB, entry);
}

static void places_chosen(void **state)
{
    (void)state;
    uint64_t at;
    arm64_image(0x80000, 20 * MIB);
    assert_int_equal(dom0_image_probe(header, 16 * MIB, &k), 0);
    assert_true(place(1025, 1100, &at));
    assert_int_equal(at, 1026 * MIB + 0x80000);
    assert_false(place(1024, 1044, &at));
    arm64_image(0x123, 0); /* an old header without the size */
    assert_int_equal(dom0_image_probe(header, 16 * MIB, &k), 0);
    assert_true(place(1024, 1100, &at));
    assert_int_equal(at, 1024 * MIB + 0x80000);

    zimage(0, 7 * MIB + 5);
    assert_int_equal(dom0_image_probe(header, 7 * MIB + 5, &k), 0);
    assert_true(place(1024, 2048, &at));
    assert_int_equal(at, (1024 + 128 - 8) * MIB); /* the end of the first 128 MiB, from 2 MiB on */
    assert_true(place(1024, 1024 + 64, &at));
    assert_int_equal(at, (1024 + 64 - 8) * MIB);
    assert_false(place(1024, 1024 + 39, &at)); /* decompression would overwrite the image */
    const struct mem_region large = { 1024 * MIB, 4096 * MIB }, small = { 1024 * MIB, 1280 * MIB };
    assert_int_equal(dom0_image_data_end(&k, &large), 1536 * MIB);
    assert_int_equal(dom0_image_data_end(&k, &small), 1280 * MIB);

    zimage(1060 * MIB, 1067 * MIB); /* linked for a fixed address */
    assert_int_equal(dom0_image_probe(header, 7 * MIB, &k), 0);
    assert_true(place(1024, 2048, &at));
    assert_int_equal(at, 1060 * MIB);
    assert_false(place(1064, 2048, &at));
    assert_false(place(1024, 1066, &at));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test_setup(formats_recognised, set_up),
                                        cmocka_unit_test_setup(width_of_the_cpu_checked, set_up),
                                        cmocka_unit_test_setup(places_chosen, set_up) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
