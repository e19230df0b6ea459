/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain's configuration in xl's syntax.  It is parsed, checked against a list of allowed keys,
 * and written again.  xl never reads text of the other host, because xl.cfg can name scripts,
 * device back ends, files and devices of the host.
 */
#ifndef MIGRATE_CONFIG_H
#define MIGRATE_CONFIG_H

#include "common.h"

#define CONFIG_KEYS_MAX 48
#define CONFIG_LIST_MAX 8

enum config_kind { CONFIG_STRING, CONFIG_NUMBER, CONFIG_LIST };
struct config_entry {
    char key[32];
    enum config_kind kind;
    uint64_t number;
    int list_count;
    char *string[CONFIG_LIST_MAX]; /* STRING: one, with list_count 1 */
};
struct config {
    int count;
    struct config_entry entry[CONFIG_KEYS_MAX];
};

/* Parses NUL-terminated text.  -1 with *f set, for a syntax error (with its line), or for a key or
 * value that cannot move (with its name). */
int config_parse(struct config *config, const char *text, struct failure *f);
/*
 * Converts the JSON that libxl stores for a running domain.  A device or a setting that cannot move
 * is refused by name.  Settings that have no meaning on Arm, or for a guest that already runs, are
 * ignored.
 */
int config_from_libxl(struct config *config, const char *json, struct failure *f);

/* Appends a string to a list; makes the list if it is missing.  -1 with *f set on failure. */
int config_add_to_list(struct config *config, const char *key, const char *value,
                       struct failure *f);
void config_free(struct config *config);

/* The value of a key that has a string, or NULL. */
const char *config_string(const struct config *config, const char *key);

/* Set or replace the value of a key; a NULL string removes the key.  -1 with *f set on failure. */
int config_set_string(struct config *config, const char *key, const char *value, struct failure *f);
int config_set_number(struct config *config, const char *key, uint64_t value, struct failure *f);

/* The configuration as text for xl, malloc'ed.  NULL with *f set on failure. */
char *config_write(const struct config *config, struct failure *f);

#endif
