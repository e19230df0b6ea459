/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON objects on one line, as far as the local socket and libxl's files need them. */
#ifndef MIGRATE_JSON_H
#define MIGRATE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Writes text as a JSON string, with quotes and escapes. */
void json_string(FILE *out, const char *text);

/* The string value of a top-level key of the object in `line`.  Escapes are resolved; characters
 * outside ASCII become '?'.  False if the key is missing, or its value is not a string or too long.
 */
bool json_get_string(const char *line, const char *key, char *value, size_t size);

/* The value of a key whose value is a number, and not negative.  json_get_number() drops a
 * fraction. */
bool json_get_number(const char *line, const char *key, uint64_t *value);
bool json_get_double(const char *line, const char *key, double *value);

/* The text of a value of any type, malloc'ed.  NULL if the key is missing. */
char *json_get_raw(const char *object, const char *key);

/*
 * Iterates over the keys of an object, or over the items of a list (with `key` NULL).  *at must be
 * 0 for the first call.  *raw is the text of the value, malloc'ed.  False at the end.
 */
bool json_next(const char *group, size_t *at, char *key, size_t key_size, char **raw);

/* True if the line is one well-formed object. */
bool json_is_object(const char *line);

#endif
