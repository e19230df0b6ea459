/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory and string functions for a freestanding image, and what libfdt and the compiler need at
 * link time.
 *
 * The compiler may turn a copying loop into a call of memcpy, which here would recurse without end.
 * An empty asm in each loop's body (STEP) prevents that.
 */
#include "lib.h"
#include "types.h"

#define STEP() __asm__ volatile("" ::: "memory")

/* A word as wide as a register that may alias any object. */
typedef uintptr_t __attribute__((may_alias)) word_t;
#define WORD sizeof(word_t)

static inline bool word_aligned(const void *a, const void *b)
{
    return (((uintptr_t)a | (uintptr_t)b) & (WORD - 1)) == 0;
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    uint8_t *d = dst;
    const uint8_t *s = src;
    if (word_aligned(d, s)) {
        for (; n >= 8 * WORD; n -= 8 * WORD, d += 8 * WORD, s += 8 * WORD) {
            const word_t *from = (const word_t *)(const void *)s;
            word_t *to = (word_t *)(void *)d;
            word_t w0 = from[0], w1 = from[1], w2 = from[2], w3 = from[3], w4 = from[4],
                   w5 = from[5], w6 = from[6], w7 = from[7];
            /*
             * All loads first: source and target may compete for one entry of a TLB or a cache set.
             */
            __asm__ volatile(""
                             : "+r"(w0), "+r"(w1), "+r"(w2), "+r"(w3), "+r"(w4), "+r"(w5), "+r"(w6),
                               "+r"(w7));
            to[0] = w0, to[1] = w1, to[2] = w2, to[3] = w3, to[4] = w4, to[5] = w5, to[6] = w6,
            to[7] = w7;
            STEP();
        }
        for (; n >= 4 * WORD; n -= 4 * WORD, d += 4 * WORD, s += 4 * WORD) {
            const word_t *from = (const word_t *)(const void *)s;
            word_t *to = (word_t *)(void *)d;
            word_t w0 = from[0], w1 = from[1], w2 = from[2], w3 = from[3];
            to[0] = w0, to[1] = w1, to[2] = w2, to[3] = w3;
            STEP();
        }
        for (; n >= WORD; n -= WORD, d += WORD, s += WORD) {
            *(word_t *)(void *)d = *(const word_t *)(const void *)s;
            STEP();
        }
    }
    for (; n; n--) {
        *d++ = *s++;
        STEP();
    }
    return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
    uint8_t *d = dst;
    const uint8_t *s = src;
    if ((uintptr_t)d - (uintptr_t)s >= n && (uintptr_t)s - (uintptr_t)d >= n)
        return memcpy(dst, src, n);         /* no overlap: by words */
    if ((uintptr_t)d - (uintptr_t)s >= n) { /* dst is not inside src: forwards is right */
        for (; n; n--) {
            *d++ = *s++;
            STEP();
        }
    } else {
        while (n) {
            n--;
            d[n] = s[n];
            STEP();
        }
    }
    return dst;
}

void *memset(void *dst, int c, size_t n)
{
    uint8_t *d = dst;
    word_t w = (uint8_t)c * ((word_t)~0ull / 0xff);
    for (; n && ((uintptr_t)d & (WORD - 1)); n--) {
        *d++ = (uint8_t)c;
        STEP();
    }
    for (; n >= 16 * WORD; n -= 16 * WORD, d += 16 * WORD) {
        word_t *to = (word_t *)(void *)d;
        to[0] = w, to[1] = w, to[2] = w, to[3] = w, to[4] = w, to[5] = w, to[6] = w, to[7] = w;
        to[8] = w, to[9] = w, to[10] = w, to[11] = w, to[12] = w, to[13] = w, to[14] = w,
        to[15] = w;
        STEP();
    }
    for (; n >= WORD; n -= WORD, d += WORD) {
        *(word_t *)(void *)d = w;
        STEP();
    }
    for (; n; n--) {
        *d++ = (uint8_t)c;
        STEP();
    }
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;
    for (; n; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

void *memchr(const void *s, int c, size_t n)
{
    for (const uint8_t *p = s; n; n--, p++)
        if (*p == (uint8_t)c)
            return (void *)(uintptr_t)p;
    return NULL;
}

size_t strnlen(const char *s, size_t max)
{
    size_t n = 0;
    while (n < max && s[n]) {
        n++;
        STEP();
    }
    return n;
}

size_t strlen(const char *s) { return strnlen(s, SIZE_MAX); }

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n; n--, a++, b++) {
        if (*a != *b)
            return (uint8_t)*a - (uint8_t)*b;
        if (!*a)
            break;
    }
    return 0;
}

int strcmp(const char *a, const char *b) { return strncmp(a, b, SIZE_MAX); }

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)(uintptr_t)s;
        if (!*s)
            return NULL;
    }
}

char *strrchr(const char *s, int c)
{
    const char *found = NULL;
    for (;; s++) {
        if (*s == (char)c)
            found = s;
        if (!*s)
            return (char *)(uintptr_t)found;
    }
}

size_t strlcpy(char *dst, const char *src, size_t size)
{
    size_t n = strlen(src);
    if (size) {
        size_t copied = MIN(n, size - 1);
        memcpy(dst, src, copied);
        dst[copied] = '\0';
    }
    return n;
}

static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'z' ? (unsigned)(c - 'a') + 10 : 255;
}

/*
 * "0x" is a prefix only if a hexadecimal digit follows: "0xz" is the number 0, and the rest is
 * "xz".
 */
static bool has_hex_prefix(const char *s)
{
    return s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && digit_value(s[2]) < 16;
}

unsigned long strtoul(const char *s, char **end, int base)
{
    const char *start = s;
    unsigned long value = 0;
    bool negative = false, any = false, overflow = false;
    while (*s == ' ' || (*s >= '\t' && *s <= '\r'))
        s++;
    if (*s == '+' || *s == '-')
        negative = *s++ == '-';
    if ((base == 0 || base == 16) && has_hex_prefix(s)) {
        base = 16;
        s += 2;
    } else if (base == 0) {
        base = *s == '0' ? 8 : 10;
    }
    for (; digit_value(*s) < (unsigned)base; s++) {
        any = true;
        overflow |= __builtin_mul_overflow(value, (unsigned long)base, &value);
        overflow |= __builtin_add_overflow(value, (unsigned long)digit_value(*s), &value);
    }
    if (end)
        *end = (char *)(uintptr_t)(any ? s : start);
    if (overflow)
        return ~0ul;
    return negative ? 0 - value : value;
}
