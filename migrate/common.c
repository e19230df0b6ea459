/* SPDX-License-Identifier: BSD-2-Clause */
#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "codec.h"

static void set_text(struct failure *f, size_t at, const char *format, va_list args)
{
    vsnprintf(f->text + at, sizeof f->text - at, format, args);
}

int fail(struct failure *f, uint32_t code, const char *format, ...)
{
    if (f->code)
        return -1;
    va_list args;
    va_start(args, format);
    f->code = code;
    set_text(f, 0, format, args);
    va_end(args);
    return -1;
}

int fail_record(struct failure *f, uint32_t code, uint32_t type, uint64_t index, uint64_t offset,
                const char *format, ...)
{
    if (f->code)
        return -1;
    f->code = code;
    f->record_type = type;
    f->record_index = index;
    f->record_offset = offset;
    int n = snprintf(f->text, sizeof f->text,
                     "record %llu (%s) at offset %llu: ", (unsigned long long)index,
                     codec_type_name(type), (unsigned long long)offset);
    va_list args;
    va_start(args, format);
    set_text(f, (size_t)n, format, args);
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
    vsnprintf(line, sizeof line, format, args);
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
