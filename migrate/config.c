/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_parse.h"

/* The keys that may move. A number may be written as a string ("512"), because xl accepts that. */
static const struct {
    const char *key;
    enum config_kind kind;
    uint64_t max;      /* of a NUMBER: the greatest value */
    const char *words; /* of a STRING: the allowed words between blanks; NULL: any printable text */
} allowed[] = {
    { "name", CONFIG_STRING, 0, NULL },
    { "uuid", CONFIG_STRING, 0, NULL },
    { "type", CONFIG_STRING, 0, " pv pvh " },
    { "kernel", CONFIG_STRING, 0, NULL },
    { "ramdisk", CONFIG_STRING, 0, NULL },
    { "cmdline", CONFIG_STRING, 0, NULL },
    { "extra", CONFIG_STRING, 0, NULL },
    { "root", CONFIG_STRING, 0, NULL },
    { "memory", CONFIG_NUMBER, 16384, NULL },
    { "maxmem", CONFIG_NUMBER, 16384, NULL },
    { "vcpus", CONFIG_NUMBER, XLM_VCPUS_MAX, NULL },
    { "maxvcpus", CONFIG_NUMBER, XLM_VCPUS_MAX, NULL },
    { "cpu_weight", CONFIG_NUMBER, 65535, NULL },
    { "cap", CONFIG_NUMBER, 1000, NULL },
    { "max_grant_frames", CONFIG_NUMBER, 64, NULL },
    { "max_event_channels", CONFIG_NUMBER, 131071, NULL },
    { "vuart", CONFIG_STRING, 0, " sbsa_uart " },
    { "gic_version", CONFIG_STRING, 0, " default v2 v3 " },
    { "on_poweroff", CONFIG_STRING, 0, " destroy restart rename-restart preserve " },
    { "on_reboot", CONFIG_STRING, 0, " destroy restart rename-restart preserve " },
    { "on_crash", CONFIG_STRING, 0, " destroy restart rename-restart preserve " },
    { "on_watchdog", CONFIG_STRING, 0, " destroy restart rename-restart preserve " },
    { "vif", CONFIG_LIST, 0, NULL },
};

static bool is_word(const char *words, const char *value)
{
    char padded[40];
    int n = snprintf(padded, sizeof(padded), " %s ", value);
    return n > 2 && n < (int)sizeof(padded) && !strchr(value, ' ') && strstr(words, padded);
}

/* The text must be printable, and writable as a string of xl: such a string cannot contain its
 * own quote, and treats a backslash as an escape. */
static int check_text(const char *key, const char *value, struct failure *f)
{
    if (strchr(value, '\\') || (strchr(value, '"') && strchr(value, '\'')))
        return fail(
            f, XLM_E_CONFIG,
            "configuration: %s has characters that cannot move (a backslash, or both quotes)", key);
    for (const char *c = value; *c; c++)
        if ((unsigned char)*c < 32 || (unsigned char)*c > 126)
            return fail(f, XLM_E_CONFIG, "configuration: %s has a character that is not printable",
                        key);
    return 0;
}

static int check_path(const char *key, const char *value, struct failure *f)
{
    if (*value != '/' || strlen(value) >= XLM_PATH_MAX)
        return fail(f, XLM_E_CONFIG, "configuration: %s must be an absolute path", key);
    return 0;
}

/* Checks one network interface: only mac=, bridge= and type=vif (paravirtual) may move. */
static int check_vif(const char *value, struct failure *f)
{
    char copy[256], *save = NULL;
    if (!copy_text(copy, sizeof(copy), value))
        return fail(f, XLM_E_CONFIG, "configuration: a vif is too long");
    for (char *item = strtok_r(copy, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
        while (*item == ' ')
            item++;
        char *end = strchr(item, '=');
        const char *v = end ? end + 1 : "";
        size_t n = end ? (size_t)(end - item) : strlen(item);
        if (n == 3 && !strncmp(item, "mac", n) && strlen(v) == 17 &&
            strspn(v, "0123456789abcdefABCDEF:") == 17)
            continue;
        if (n == 6 && !strncmp(item, "bridge", n) && *v && strlen(v) < 16 &&
            strspn(v, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
                strlen(v) &&
            *v != '-')
            continue;
        if (n == 4 && !strncmp(item, "type", n) && !strcmp(v, "vif"))
            continue;
        return fail(f, XLM_E_CONFIG, "configuration: vif key %.*s cannot move", (int)n, item);
    }
    return 0;
}

static int coerce_number(struct config_entry *e, struct failure *f)
{
    char *end;
    if (e->kind == CONFIG_STRING && isdigit((unsigned char)e->string[0][0])) {
        e->number = strtoull(e->string[0], &end, 0);
        if (!*end) {
            free(e->string[0]);
            e->string[0] = NULL;
            e->list_count = 0;
            e->kind = CONFIG_NUMBER;
        }
    }
    return e->kind == CONFIG_NUMBER
               ? 0
               : fail(f, XLM_E_CONFIG, "configuration: %s is not a number", e->key);
}

static int check_entry(struct config_entry *e, struct failure *f)
{
    for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++) {
        if (strcmp(e->key, allowed[i].key))
            continue;
        if (allowed[i].kind == CONFIG_NUMBER) {
            if (coerce_number(e, f) < 0)
                return -1;
            if (e->number > allowed[i].max)
                return fail(f, XLM_E_CONFIG,
                            "configuration: %s = %llu is more than the maximum %llu", e->key,
                            (unsigned long long)e->number, (unsigned long long)allowed[i].max);
            return 0;
        }
        if (e->kind != allowed[i].kind)
            return fail(f, XLM_E_CONFIG, "configuration: %s has a value of the wrong type", e->key);
        for (int n = 0; n < e->list_count; n++)
            if (check_text(e->key, e->string[n], f) < 0 ||
                (e->kind == CONFIG_LIST && check_vif(e->string[n], f) < 0))
                return -1;
        if (e->kind == CONFIG_STRING && allowed[i].words &&
            !is_word(allowed[i].words, e->string[0]))
            return fail(f, XLM_E_CONFIG, "configuration: %s = \"%s\" cannot move", e->key,
                        e->string[0]);
        if (!strcmp(e->key, "kernel") || !strcmp(e->key, "ramdisk"))
            return check_path(e->key, e->string[0], f);
        return 0;
    }
    if (e->kind == CONFIG_LIST && e->list_count == 0)
        return 1; /* an empty list, such as disk = [], needs nothing to move */
    return fail(f, XLM_E_CONFIG, "configuration: key %s cannot move to another host", e->key);
}

static void free_entry(struct config_entry *e)
{
    for (int i = 0; i < e->list_count; i++)
        free(e->string[i]);
    memset(e, 0, sizeof(*e));
}

static struct config_entry *find(const struct config *config, const char *key)
{
    for (int i = 0; i < config->count; i++)
        if (!strcmp(config->entry[i].key, key))
            return (struct config_entry *)(uintptr_t)&config->entry[i];
    return NULL;
}

static void remove_entry(struct config *config, struct config_entry *e)
{
    free_entry(e);
    struct config_entry *last = &config->entry[--config->count];
    if (e != last) {
        *e = *last;
        memset(last, 0, sizeof(*last));
    }
}

/* Takes over the entry's strings, also on failure. A later entry replaces an earlier one, as in
 * xl. */
static int add_entry(struct config *config, struct config_entry *e, struct failure *f)
{
    int verdict = check_entry(e, f);
    struct config_entry *old = verdict == 0 ? find(config, e->key) : NULL;
    if (old)
        remove_entry(config, old);
    if (verdict == 0 && config->count == CONFIG_KEYS_MAX)
        verdict = fail(f, XLM_E_CONFIG, "configuration: it has too many keys");
    if (verdict) {
        free_entry(e);
        return verdict < 0 ? -1 : 0;
    }
    config->entry[config->count++] = *e;
    return 0;
}

int config_parse(struct config *config, const char *text, struct failure *f)
{
    struct config_text at = { text, 1 };
    memset(config, 0, sizeof(*config));
    for (;;) {
        struct config_entry e = { 0 };
        int got = config_next_entry(&at, &e, f);
        if (got == 0)
            return 0;
        if (got < 0)
            free_entry(&e);
        if (got < 0 || add_entry(config, &e, f) < 0) {
            config_free(config);
            return -1;
        }
    }
}

void config_free(struct config *config)
{
    for (int i = 0; i < config->count; i++)
        free_entry(&config->entry[i]);
    config->count = 0;
}

const char *config_string(const struct config *config, const char *key)
{
    const struct config_entry *e = find(config, key);
    return e && e->kind == CONFIG_STRING ? e->string[0] : NULL;
}

static int new_entry(struct config_entry *e, const char *key, enum config_kind kind,
                     struct failure *f)
{
    memset(e, 0, sizeof(*e));
    e->kind = kind;
    return copy_text(e->key, sizeof(e->key), key) ? 0 : fail(f, XLM_E_INTERNAL, "key %s", key);
}

int config_set_string(struct config *config, const char *key, const char *value, struct failure *f)
{
    struct config_entry e, *old = find(config, key);
    if (!value) {
        if (old)
            remove_entry(config, old);
        return 0;
    }
    if (new_entry(&e, key, CONFIG_STRING, f) < 0)
        return -1;
    e.string[0] = strdup(value);
    if (!e.string[0])
        return fail(f, XLM_E_MEMORY, "no memory");
    e.list_count = 1;
    return add_entry(config, &e, f);
}

int config_set_number(struct config *config, const char *key, uint64_t value, struct failure *f)
{
    struct config_entry e;
    if (new_entry(&e, key, CONFIG_NUMBER, f) < 0)
        return -1;
    e.number = value;
    return add_entry(config, &e, f);
}

int config_add_to_list(struct config *config, const char *key, const char *value, struct failure *f)
{
    struct config_entry e, *old = find(config, key);
    if (new_entry(&e, key, CONFIG_LIST, f) < 0)
        return -1;
    if (old && old->list_count == CONFIG_LIST_MAX)
        return fail(f, XLM_E_CONFIG, "configuration: the list %s has too many items", key);
    e.string[0] = strdup(value);
    if (!e.string[0])
        return fail(f, XLM_E_MEMORY, "no memory");
    e.list_count = 1;
    if (!old)
        return add_entry(config, &e, f);
    if (check_entry(&e, f)) {
        free_entry(&e);
        return -1;
    }
    old->string[old->list_count++] = e.string[0];
    return 0;
}

static void write_string(FILE *out, const char *s)
{
    char quote = strchr(s, '"') ? '\'' : '"';
    fprintf(out, "%c%s%c", quote, s, quote);
}

char *config_write(const struct config *config, struct failure *f)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) {
        fail(f, XLM_E_MEMORY, "no memory");
        return NULL;
    }
    for (int i = 0; i < config->count; i++) {
        const struct config_entry *e = &config->entry[i];
        fprintf(out, "%s = ", e->key);
        if (e->kind == CONFIG_NUMBER)
            fprintf(out, "%llu", (unsigned long long)e->number);
        else if (e->kind == CONFIG_STRING)
            write_string(out, e->string[0]);
        else {
            fprintf(out, "[");
            for (int n = 0; n < e->list_count; n++) {
                fprintf(out, n ? ", " : " ");
                write_string(out, e->string[n]);
            }
            fprintf(out, " ]");
        }
        fprintf(out, "\n");
    }
    if (fclose(out) || !text)
        fail(f, XLM_E_MEMORY, "no memory");
    return text;
}
