/* SPDX-License-Identifier: BSD-2-Clause */
/* What every file of the daemon uses: the reason of a failure, the log, the clock, UUIDs. */
#ifndef MIGRATE_COMMON_H
#define MIGRATE_COMMON_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

/* Why a migration failed.  The first reason is kept, because later failures follow from it. */
struct failure {
    uint32_t code;        /* enum xlm_error_code; 0: no failure so far */
    bool from_peer;       /* the other host sent it, so it is not sent back */
    bool link_lost;       /* the connection is lost */
    uint32_t record_type; /* the record that is wrong, or 0 */
    uint64_t record_index, record_offset;
    char text[XLM_TEXT_MAX];
};

/* Stores a reason, unless *f has one already.  Always returns -1, for `return fail(...)`. */
int fail(struct failure *f, uint32_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Prints one line with a time stamp to stderr.  Prints nothing if log_silent is set, as the fuzzer
 * does. */
extern bool log_silent;
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* calloc() with a 64-bit count.  NULL if the count does not fit size_t, or if memory runs out. */
void *calloc_many(uint64_t count, size_t bytes_each);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t now_ns(void);

/* Copies at most size-1 bytes and a NUL.  False if `from` did not fit. */
bool copy_text(char *to, size_t size, const char *from);

/* Makes a directory and its parents, with mode 0700.  0 or a negative errno. */
int make_dirs(const char *dir);

/* Converts a UUID to xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, and back.  uuid_parse() returns -1 if
 * the text is not a UUID. */
void uuid_format(const uint8_t uuid[16], char text[37]);
int uuid_parse(const char *text, uint8_t uuid[16]);

#endif
