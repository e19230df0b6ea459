/* SPDX-License-Identifier: BSD-2-Clause */
/* The log.  log.c */
#ifndef XL_LOG_H
#define XL_LOG_H

#include "types.h"

/* The log: kept in a ring (xl dmesg), printed on the UART when at or above `loglvl=`. A line each,
 * '\n' included. */
enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };
void log_printf(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_err(...)   log_printf(LOG_ERR, __VA_ARGS__)
#define log_warn(...)  log_printf(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_printf(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_printf(LOG_DEBUG, __VA_ARGS__)

/*
 * Copy from the log ring to dst.  `incremental`: from *index if that is newer than the oldest kept.
 * *index: where the reader stands afterwards.  `clear`: forget what is in the ring.  Returns bytes
 * copied.
 */
uint32_t log_read_ring(char *dst, uint32_t max, uint32_t *index, bool incremental, bool clear);
void log_write_raw(const char *s,
                   size_t n); /* UART only, as is but '\n' made "\r\n"; one call is not torn */
void log_force(void); /* from now on output goes on although somebody holds the lock: panic */

#endif
