/* SPDX-License-Identifier: BSD-2-Clause */
/* What every file of the daemon needs: the reason of a failure, the log, the clock. */
#ifndef MIGRATE_COMMON_H
#define MIGRATE_COMMON_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

/* Why a migration failed.  The first reason is kept; `code` 0 means none yet. */
struct failure {
    uint32_t code;        /* enum xlm_error_code */
    bool from_peer;       /* the other side said so: do not send it back */
    bool link_lost;       /* the connection is gone */
    uint32_t record_type; /* the record it is about, or 0 */
    uint64_t record_index, record_offset;
    char text[XLM_TEXT_MAX];
};

/* Records the reason unless there is one; always returns -1, so that callers can `return
 * fail(...)`. */
int fail(struct failure *f, uint32_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* One line to stderr, with a time stamp; nothing if log_silent (the fuzzer's). */
extern bool log_silent;
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* calloc() for a count that a 32-bit process may not be able to have: NULL then, as if memory had
 * run out. */
void *calloc_many(uint64_t count, size_t bytes_each);

/* CLOCK_MONOTONIC. */
uint64_t now_ns(void);

/* Copies at most size-1 bytes and terminates; false if it was cut. */
bool copy_text(char *to, size_t size, const char *from);

/* mkdir -p, mode 0700.  0 or a negative errno. */
int make_dirs(const char *dir);

/* 16 bytes as xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, and back (-1 if it is none). */
void uuid_format(const uint8_t uuid[16], char text[37]);
int uuid_parse(const char *text, uint8_t uuid[16]);

#endif
