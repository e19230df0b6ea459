/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions and macros of the C library that a freestanding program lacks, lists and bit arrays. */
#ifndef XL_LIB_H
#define XL_LIB_H

#include <stdarg.h>
#include "types.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)     ((a) < (b) ? (a) : (b))
#define MAX(a, b)     ((a) > (b) ? (a) : (b))
/*
 * The type of the mask is that of the sum of both operands.  With a narrower type the complement
 * would clear upper bits of `x`.
 */
#define ROUND_MASK_(x, n)             ((__typeof__((x) + (n)))(n)-1)
#define ROUND_UP(x, n)                (((x) + ROUND_MASK_(x, n)) & ~ROUND_MASK_(x, n))
#define ROUND_DOWN(x, n)              ((x) & ~ROUND_MASK_(x, n))
#define container_of(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))
#define likely(x)                     __builtin_expect(!!(x), 1)
#define unlikely(x)                   __builtin_expect(!!(x), 0)

/* Memory and strings: contracts as in C. */
void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
unsigned long strtoul(const char *s, char **end, int base);
size_t strlcpy(char *dst, const char *src, size_t size);

/* C99's vsnprintf without floating point; %p prints all digits of an address; `%pS` is not
 * supported (see symbol_print). */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));
int snprintf(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Circular doubly-linked lists with a head. */
struct list {
    struct list *next, *prev;
};
#define LIST_INIT(l) \
    {                \
        &(l), &(l)   \
    }
static inline void list_init(struct list *l) { l->next = l->prev = l; }
static inline bool list_empty(const struct list *l) { return l->next == l; }
static inline void list_add_before(struct list *at, struct list *n)
{
    n->prev = at->prev;
    n->next = at;
    at->prev->next = n;
    at->prev = n;
}
static inline void list_add_tail(struct list *head, struct list *n) { list_add_before(head, n); }
static inline void list_del(struct list *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    list_init(n);
}
#define list_entry(l, type, member) container_of(l, type, member)

#define list_for_each(it, head) for (struct list *it = (head)->next; it != (head); it = it->next)
#define list_for_each_safe(it, head)                                          \
    for (struct list *it = (head)->next, *it##_next = it->next; it != (head); \
         it = it##_next, it##_next = it->next)

/* Bits in arrays of 64-bit words. */
static inline bool bit_test(const uint64_t *w, unsigned n) { return (w[n / 64] >> (n % 64)) & 1; }
static inline void bit_set(uint64_t *w, unsigned n) { w[n / 64] |= 1ull << (n % 64); }
static inline void bit_clear(uint64_t *w, unsigned n) { w[n / 64] &= ~(1ull << (n % 64)); }

#endif
