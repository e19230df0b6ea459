/* SPDX-License-Identifier: BSD-2-Clause */
#include "config_parse.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int syntax(const struct config_text *t, struct failure *f, const char *what)
{
    return fail(f, XLM_E_CONFIG, "configuration, line %d: %s", t->line, what);
}

/* Skips blanks and comments, and ends of lines if `lines` is set. */
static void skip(struct config_text *t, bool lines)
{
    for (;;) {
        if (*t->at == '#')
            while (*t->at && *t->at != '\n')
                t->at++;
        if (*t->at == ' ' || *t->at == '\t' || *t->at == '\r' || (lines && *t->at == ';'))
            t->at++;
        else if (lines && *t->at == '\n')
            t->at++, t->line++;
        else
            return;
    }
}

static int take_string(struct config_text *t, struct config_entry *e, struct failure *f)
{
    char quote = *t->at++;
    const char *start = t->at;
    while (*t->at && *t->at != quote && *t->at != '\n') {
        if (*t->at == '\\')
            return syntax(t, f, "a string with a backslash cannot move");
        t->at++;
    }
    if (*t->at != quote)
        return syntax(t, f, "a string does not end");
    if (e->list_count == CONFIG_LIST_MAX)
        return syntax(t, f, "a list is too long");
    char *copy = strndup(start, (size_t)(t->at++ - start));
    if (!copy)
        return fail(f, XLM_E_MEMORY, "no memory");
    e->string[e->list_count++] = copy;
    return 0;
}

static int take_list(struct config_text *t, struct config_entry *e, struct failure *f)
{
    e->kind = CONFIG_LIST;
    t->at++;
    for (;;) {
        skip(t, true);
        if (*t->at == ']') {
            t->at++;
            return 0;
        }
        if (*t->at != '"' && *t->at != '\'')
            return syntax(t, f, "a list has an item that is not a string");
        if (take_string(t, e, f) < 0)
            return -1;
        skip(t, true);
        if (*t->at == ',')
            t->at++;
        else if (*t->at != ']')
            return syntax(t, f, "a list does not end");
    }
}

static int take_value(struct config_text *t, struct config_entry *e, struct failure *f)
{
    if (*t->at == '"' || *t->at == '\'') {
        e->kind = CONFIG_STRING;
        return take_string(t, e, f);
    }
    if (*t->at == '[')
        return take_list(t, e, f);
    if (!isdigit((unsigned char)*t->at))
        return syntax(t, f, "the value is not a number, a string or a list");
    char *end;
    e->kind = CONFIG_NUMBER;
    e->number = strtoull(t->at, &end, 0);
    t->at = end;
    return 0;
}

int config_next_entry(struct config_text *t, struct config_entry *e, struct failure *f)
{
    skip(t, true);
    if (!*t->at)
        return 0;
    const char *start = t->at;
    while (isalnum((unsigned char)*t->at) || *t->at == '_')
        t->at++;
    size_t n = (size_t)(t->at - start);
    if (n == 0 || n >= sizeof(e->key))
        return syntax(t, f, "there is no key, or it is too long");
    memcpy(e->key, start, n);
    skip(t, false);
    if (*t->at != '=')
        return syntax(t, f, "there is no \"=\" after the key");
    t->at++;
    skip(t, false);
    if (take_value(t, e, f) < 0)
        return -1;
    skip(t, false);
    if (*t->at && *t->at != '\n' && *t->at != ';')
        return syntax(t, f, "something follows the value");
    return 1;
}
