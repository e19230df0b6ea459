/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain's configuration in xl's syntax, read by a list of allowed keys and written anew. Neither
 * side hands text of the other to xl: xl.cfg can name hook scripts, device back ends, host files
 * and host devices.
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

/* Reads text (NUL-terminated).  -1 with *f: a syntax error with its line, or a key or value that
 * cannot move, by name. */
int config_parse(struct config *config, const char *text, struct failure *f);
/*
 * Likewise from what libxl keeps of a running domain (JSON).  A device or a setting that is not on
 * the list is refused by name, except settings that mean nothing on Arm or to a guest that runs
 * already.
 */
int config_from_libxl(struct config *config, const char *json, struct failure *f);

/* Sets or replaces a list of one string more. */
int config_add_to_list(struct config *config, const char *key, const char *value,
                       struct failure *f);
void config_free(struct config *config);

/* The value of a string key, or NULL. */
const char *config_string(const struct config *config, const char *key);

/* Sets or replaces a string; a NULL value removes the key. -1 with *f set. */
int config_set_string(struct config *config, const char *key, const char *value, struct failure *f);

/* Sets or replaces a number. */
int config_set_number(struct config *config, const char *key, uint64_t value, struct failure *f);

/* The text for xl; malloc'ed; NULL with *f set. */
char *config_write(const struct config *config, struct failure *f);

#endif
