/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads this payload's command line (/chosen/bootargs, the only property of that name in the tree)
 * and the GIC's version from the device tree. */
#include "bm.h"

enum { FDT_BEGIN_NODE = 1, FDT_END_NODE, FDT_PROP, FDT_NOP };

static const char *bootargs; /* NULL: the tree has none */
unsigned gic_version = 2;
size_t strlen(const char *s);

static uint32_t big_endian(const uint32_t *p) { return __builtin_bswap32(*p); }

static bool text_equal(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

void bm_read_tree(const void *fdt)
{
    const uint32_t *header = fdt;
    const char *base = fdt, *strings = base + big_endian(&header[3]);
    const uint32_t *at = (const void *)(base + big_endian(&header[2]));
    for (;;) {
        uint32_t token = big_endian(at++);
        if (token == FDT_BEGIN_NODE) {
            at += (strlen((const char *)at) + 4) / 4;
        } else if (token == FDT_PROP) {
            if (text_equal(strings + big_endian(&at[1]), "bootargs"))
                bootargs = (const char *)&at[2];
            if (text_equal(strings + big_endian(&at[1]), "compatible") &&
                text_equal((const char *)&at[2], "arm,gic-v3"))
                gic_version = 3;
            at += 2 + (big_endian(at) + 3) / 4;
        } else if (token != FDT_END_NODE && token != FDT_NOP) {
            return;
        }
    }
}

static int64_t number(const char *s)
{
    int64_t n = 0;
    while (*s >= '0' && *s <= '9')
        n = n * 10 + (*s++ - '0');
    return n;
}

int64_t bm_option(const char *name)
{
    for (const char *s = bootargs; s && *s; s++) {
        if (s != bootargs && s[-1] != ' ')
            continue;
        const char *n = name;
        const char *t = s;
        while (*n && *t == *n)
            t++, n++;
        if (!*n && *t == '=')
            return number(t + 1);
    }
    return -1;
}
