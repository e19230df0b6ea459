/* SPDX-License-Identifier: BSD-2-Clause */
/* The log.  log.c */
#ifndef XL_LOG_H
#define XL_LOG_H

#include "types.h"

/*
 * The log is kept in a ring (xl dmesg).  Messages at or above `loglvl=` are also printed on the
 * UART.  One line per call, with its '\n'.
 */
enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };
void log_printf(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_err(...)   log_printf(LOG_ERR, __VA_ARGS__)
#define log_warn(...)  log_printf(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_printf(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_printf(LOG_DEBUG, __VA_ARGS__)

/*
 * Copies from the log ring to dst.  `incremental`: from *index on, if that is newer than the oldest
 * character kept.  *index becomes the position after what was read.  `clear`: empties the ring.
 * Returns the number of bytes copied.
 */
uint32_t log_read_ring(char *dst, uint32_t max, uint32_t *index, bool incremental, bool clear);
/*
 * To the UART only, unchanged except that '\n' becomes "\r\n".  Output of one call is not
 * interleaved.
 */
void log_write_raw(const char *s, size_t n);
void log_force(void); /* For panic: from now on output ignores a lock that another CPU holds. */

#endif
