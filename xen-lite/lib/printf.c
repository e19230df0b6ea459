/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * C99's vsnprintf without floating point and wide characters.  Output beyond the buffer is counted,
 * not stored.  The stored text is always terminated.
 */
#include "lib.h"
#include "types.h"

struct out {
    char *buf;
    size_t size, length; /* length: of the whole text so far, stored or not */
};

struct spec {
    bool left, zero, plus, space, alternate;
    int width, precision; /* precision -1: not given */
    enum {
        LEN_CHAR,
        LEN_SHORT,
        LEN_INT,
        LEN_LONG,
        LEN_LLONG,
        LEN_MAX,
        LEN_SIZE,
        LEN_PTRDIFF
    } length;
};

static void put(struct out *o, char c)
{
    if (o->length + 1 < o->size)
        o->buf[o->length] = c;
    o->length++;
}

static void put_repeat(struct out *o, char c, int n)
{
    while (n-- > 0)
        put(o, c);
}

static void put_text(struct out *o, const struct spec *s, const char *text, size_t n)
{
    int fill = s->width - (int)n;
    if (!s->left)
        put_repeat(o, ' ', fill);
    for (size_t i = 0; i < n; i++)
        put(o, text[i]);
    if (s->left)
        put_repeat(o, ' ', fill);
}

/*
 * `prefix` is a sign or 0x.  Zeroes for width or precision come between the prefix and the digits.
 */
static void put_number(struct out *o, const struct spec *s, uint64_t value, unsigned base,
                       bool upper, const char *prefix)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[24]; /* 22 octal digits for 64 bits */
    int n = 0, prefix_length = (int)strlen(prefix);
    for (; value; value /= base)
        text[n++] = digits[value % base];
    int least = s->precision >= 0 ? s->precision : 1;
    if (s->zero && !s->left && s->precision < 0)
        least = MAX(least, s->width - prefix_length);
    if (base == 8 && s->alternate && least <= n)
        least = n + 1; /* '#' with 'o': a leading zero */
    int zeroes = MAX(0, least - n), fill = s->width - prefix_length - zeroes - n;
    if (!s->left)
        put_repeat(o, ' ', fill);
    for (const char *p = prefix; *p; p++)
        put(o, *p);
    put_repeat(o, '0', zeroes);
    while (n)
        put(o, text[--n]);
    if (s->left)
        put_repeat(o, ' ', fill);
}

static int parse_number(const char **fmt)
{
    int n = 0;
    /* Absurd widths are capped, so n does not overflow. */
    for (; **fmt >= '0' && **fmt <= '9'; (*fmt)++)
        n = n < 100000 ? n * 10 + (**fmt - '0') : n;
    return n;
}

static void parse_flags(struct spec *s, const char **fmt)
{
    for (;; (*fmt)++)
        switch (**fmt) {
        case '-': s->left = true; break;
        case '0': s->zero = true; break;
        case '+': s->plus = true; break;
        case ' ': s->space = true; break;
        case '#': s->alternate = true; break;
        default: return;
        }
}

static void parse_length(struct spec *s, const char **fmt)
{
    char c = **fmt;
    s->length = LEN_INT;
    if (c == 'h' || c == 'l') {
        bool twice = *++*fmt == c;
        *fmt += twice;
        s->length = c == 'h' ? (twice ? LEN_CHAR : LEN_SHORT) : (twice ? LEN_LLONG : LEN_LONG);
    } else if (c == 'j' || c == 'z' || c == 't') {
        s->length = c == 'j' ? LEN_MAX : c == 'z' ? LEN_SIZE : LEN_PTRDIFF;
        ++*fmt;
    }
}

/* A va_list in a struct can be passed by pointer, whatever its type is. */
struct args {
    va_list ap;
};

static uint64_t get_unsigned(const struct spec *s, struct args *a)
{
    switch (s->length) {
    case LEN_CHAR: return (uint8_t)va_arg(a->ap, unsigned);
    case LEN_SHORT: return (uint16_t)va_arg(a->ap, unsigned);
    case LEN_LONG: return va_arg(a->ap, unsigned long);
    case LEN_LLONG: return va_arg(a->ap, unsigned long long);
    case LEN_MAX: return va_arg(a->ap, uintmax_t);
    case LEN_SIZE: return va_arg(a->ap, size_t);
    case LEN_PTRDIFF: return (uint64_t)va_arg(a->ap, ptrdiff_t);
    case LEN_INT: break;
    }
    return va_arg(a->ap, unsigned);
}

static int64_t get_signed(const struct spec *s, struct args *a)
{
    switch (s->length) {
    case LEN_CHAR: return (int8_t)va_arg(a->ap, int);
    case LEN_SHORT: return (int16_t)va_arg(a->ap, int);
    case LEN_LONG: return va_arg(a->ap, long);
    case LEN_LLONG: return va_arg(a->ap, long long);
    case LEN_MAX: return va_arg(a->ap, intmax_t);
    case LEN_SIZE:
    case LEN_PTRDIFF: return va_arg(a->ap, ptrdiff_t);
    case LEN_INT: break;
    }
    return va_arg(a->ap, int);
}

static void convert_signed(struct out *o, const struct spec *s, struct args *a)
{
    int64_t value = get_signed(s, a);
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    put_number(o, s, magnitude, 10, false, value < 0 ? "-" : s->plus ? "+" : s->space ? " " : "");
}

static void convert_string(struct out *o, const struct spec *s, struct args *a)
{
    const char *text = va_arg(a->ap, const char *);
    if (!text)
        text = "(null)";
    put_text(o, s, text, s->precision >= 0 ? strnlen(text, (size_t)s->precision) : strlen(text));
}

static void convert(struct out *o, struct spec *s, char conversion, struct args *a)
{
    char c;
    uint64_t value;
    switch (conversion) {
    case 'd':
    case 'i': convert_signed(o, s, a); break;
    case 'u': put_number(o, s, get_unsigned(s, a), 10, false, ""); break;
    case 'o': put_number(o, s, get_unsigned(s, a), 8, false, ""); break;
    case 'x':
    case 'X':
        value = get_unsigned(s, a);
        put_number(o, s, value, 16, conversion == 'X',
                   !s->alternate || !value ? ""
                   : conversion == 'X'     ? "0X"
                                           : "0x");
        break;
    case 'p':
        s->precision = 2 * (int)sizeof(void *);
        put_number(o, s, (uintptr_t)va_arg(a->ap, void *), 16, false, "");
        break;
    case 'c':
        c = (char)va_arg(a->ap, int);
        put_text(o, s, &c, 1);
        break;
    case 's': convert_string(o, s, a); break;
    case '%': put(o, '%'); break;
    default: /* unknown conversions are printed as they are */
        put(o, '%');
        if (conversion)
            put(o, conversion);
        break;
    }
}

static void parse_width_and_precision(struct spec *s, const char **fmt, struct args *a)
{
    if (**fmt == '*') {
        ++*fmt;
        s->width = va_arg(a->ap, int);
        if (s->width < 0) {
            s->left = true;
            s->width = s->width == -__INT_MAX__ - 1 ? 0 : -s->width;
        }
    } else {
        s->width = parse_number(fmt);
    }
    s->precision = -1;
    if (**fmt != '.')
        return;
    if (*++*fmt == '*') {
        ++*fmt;
        s->precision = va_arg(a->ap, int);
    } else {
        s->precision = parse_number(fmt);
    }
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct out o = { buf, size, 0 };
    struct args a;
    va_copy(a.ap, ap);
    while (*fmt) {
        if (*fmt != '%') {
            put(&o, *fmt++);
            continue;
        }
        fmt++;
        struct spec s = { 0 };
        parse_flags(&s, &fmt);
        parse_width_and_precision(&s, &fmt, &a);
        parse_length(&s, &fmt);
        convert(&o, &s, *fmt, &a);
        if (*fmt)
            fmt++;
    }
    va_end(a.ap);
    if (size)
        buf[MIN(o.length, size - 1)] = '\0';
    return (int)o.length;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return n;
}
