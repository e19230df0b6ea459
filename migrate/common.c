/* SPDX-License-Identifier: BSD-2-Clause */
#include "common.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

int fail(struct failure *f, uint32_t code, const char *format, ...)
{
    if (f->code)
        return -1;
    va_list args;
    va_start(args, format);
    f->code = code;
    vsnprintf(f->text, sizeof(f->text), format, args);
    va_end(args);
    return -1;
}

bool log_silent;

void log_line(const char *format, ...)
{
    if (log_silent)
        return;
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    uint64_t ms = now_ns() / 1000000;
    fprintf(stderr, "xlmd [%llu.%03u] %s\n", (unsigned long long)(ms / 1000), (unsigned)(ms % 1000),
            line);
}

void *calloc_many(uint64_t count, size_t bytes_each)
{
    return count > SIZE_MAX ? NULL : calloc((size_t)count, bytes_each);
}

uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

bool copy_text(char *to, size_t size, const char *from)
{
    size_t n = strnlen(from, size);
    bool whole = n < size;
    if (!whole)
        n = size - 1;
    memcpy(to, from, n);
    to[n] = 0;
    return whole;
}

void uuid_format(const uint8_t uuid[16], char text[37])
{
    static const char digit[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *text++ = '-';
        *text++ = digit[uuid[i] >> 4];
        *text++ = digit[uuid[i] & 15];
    }
    *text = 0;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int uuid_parse(const char *text, uint8_t uuid[16])
{
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            if (*text++ != '-')
                return -1;
        int high = digit_value(text[0]), low = high < 0 ? -1 : digit_value(text[1]);
        if (low < 0)
            return -1;
        uuid[i] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    return *text ? -1 : 0;
}

int make_dirs(const char *dir)
{
    char path[PATH_MAX];
    if (!copy_text(path, sizeof(path), dir))
        return -ENAMETOOLONG;
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}
