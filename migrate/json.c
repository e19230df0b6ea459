/* SPDX-License-Identifier: BSD-2-Clause */
#include "json.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 8

void json_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 32)
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static const char *skip_blanks(const char *at) { return at + strspn(at, " \t\r\n"); }

/* Past a string that begins at its quote; NULL if it does not end. */
static const char *skip_string(const char *at)
{
    for (at++; *at && *at != '"'; at++)
        if (*at == '\\' && !*++at)
            return NULL;
    return *at ? at + 1 : NULL;
}

static const char *skip_value(const char *at, int depth);

/* Past an object or a list that begins at its bracket. */
static const char *skip_group(const char *at, int depth)
{
    char end = *at == '{' ? '}' : ']';
    if (depth == DEPTH_MAX)
        return NULL;
    at = skip_blanks(at + 1);
    if (*at == end)
        return at + 1;
    for (;;) {
        if (end == '}') {
            if (*at != '"' || !(at = skip_string(at)))
                return NULL;
            at = skip_blanks(at);
            if (*at++ != ':')
                return NULL;
        }
        at = skip_value(skip_blanks(at), depth + 1);
        if (!at)
            return NULL;
        at = skip_blanks(at);
        if (*at == end)
            return at + 1;
        if (*at++ != ',')
            return NULL;
        at = skip_blanks(at);
    }
}

static const char *skip_value(const char *at, int depth)
{
    if (*at == '"')
        return skip_string(at);
    if (*at == '{' || *at == '[')
        return skip_group(at, depth);
    size_t n = strspn(at, "+-.0123456789abcdefghijklmnopqrstuvwxyzE");
    return n ? at + n : NULL;
}

bool json_is_object(const char *line)
{
    line = skip_blanks(line);
    const char *end = *line == '{' ? skip_group(line, 0) : NULL;
    return end && !*skip_blanks(end);
}

static const char *find(const char *line, const char *key)
{
    size_t n = strlen(key);
    if (!json_is_object(line))
        return NULL;
    const char *at = skip_blanks(skip_blanks(line) + 1);
    while (*at == '"') {
        const char *name = at + 1;
        at = skip_string(at);
        bool same = (size_t)(at - name) == n + 1 && !memcmp(name, key, n);
        at = skip_blanks(skip_blanks(at) + 1);
        if (same)
            return at;
        at = skip_blanks(skip_value(at, 1));
        if (*at == ',')
            at = skip_blanks(at + 1);
    }
    return NULL;
}

static char *copy_value(const char *at, const char **end)
{
    *end = skip_value(at, 1);
    return *end ? strndup(at, (size_t)(*end - at)) : NULL;
}

char *json_get_raw(const char *object, const char *key)
{
    const char *at = find(object, key), *end;
    return at ? copy_value(at, &end) : NULL;
}

bool json_next(const char *group, size_t *at, char *key, size_t key_size, char **raw)
{
    const char *start = skip_blanks(group), *here = *at ? group + *at : skip_blanks(start + 1),
               *end;
    if (!*at && (*start != (key ? '{' : '[') || !skip_group(start, 0)))
        return false;
    if (*here == '}' || *here == ']')
        return false;
    if (key) {
        const char *name = here + 1;
        here = skip_string(here);
        size_t n = (size_t)(here - 1 - name);
        if (n >= key_size)
            n = key_size - 1;
        memcpy(key, name, n);
        key[n] = 0;
        here = skip_blanks(skip_blanks(here) + 1);
    }
    *raw = copy_value(here, &end);
    end = skip_blanks(end);
    *at = (size_t)(skip_blanks(*end == ',' ? end + 1 : end) - group);
    return *raw;
}

bool json_get_string(const char *line, const char *key, char *value, size_t size)
{
    const char *at = find(line, key);
    if (!at || *at != '"')
        return false;
    for (at++; *at != '"'; at++) {
        char c = *at;
        if (c == '\\') {
            c = *++at;
            if (c == 'n')
                c = '\n';
            else if (c == 't')
                c = '\t';
            else if (c == 'u') {
                unsigned code = 0;
                for (int i = 0; i < 4 && at[1] && strchr("0123456789abcdefABCDEF", at[1]); i++) {
                    char digit[2] = { *++at, 0 };
                    code = code * 16 + (unsigned)strtoul(digit, NULL, 16);
                }
                c = code && code < 128 ? (char)code : '?';
            }
        }
        if (size <= 1)
            return false;
        *value++ = c;
        size--;
    }
    *value = 0;
    return true;
}

bool json_get_double(const char *line, const char *key, double *value)
{
    const char *at = find(line, key);
    char *end;
    if (!at || *at < '0' || *at > '9')
        return false;
    *value = strtod(at, &end);
    return end != at;
}

bool json_get_number(const char *line, const char *key, uint64_t *value)
{
    const char *at = find(line, key);
    char *end;
    if (!at || *at < '0' || *at > '9')
        return false;
    *value = strtoull(at, &end, 10);
    return end != at;
}
