/* SPDX-License-Identifier: BSD-2-Clause */
/* One-line JSON objects: just what the local socket's lines need. */
#ifndef MIGRATE_JSON_H
#define MIGRATE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Writes text as a JSON string with its quotes. */
void json_string(FILE *out, const char *text);

/* The value of a top-level key of the object in `line`: the text is unescaped (escapes beyond ASCII
 * become '?'); false if it is not there, no string, or too long. */
bool json_get_string(const char *line, const char *key, char *value, size_t size);

/* Likewise a number that is not negative; a fraction is cut. */
bool json_get_number(const char *line, const char *key, uint64_t *value);
bool json_get_double(const char *line, const char *key, double *value);

/* The text of a value (of any kind), malloc'ed; NULL if it is not there. */
char *json_get_raw(const char *object, const char *key);

/*
 * Goes through an object's keys, or a list's items: *at is 0 for the first.  *raw is the value's
 * text, malloc'ed.  `key` is NULL for a list.  False at the end.
 */
bool json_next(const char *group, size_t *at, char *key, size_t key_size, char **raw);

/* True if the line is one well-formed object. */
bool json_is_object(const char *line);

#endif
