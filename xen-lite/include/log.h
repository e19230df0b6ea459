/* SPDX-License-Identifier: BSD-2-Clause */
/* The log.  log.c */
#ifndef XL_LOG_H
#define XL_LOG_H

#include "types.h"

/*
 * All messages go into a ring (xl dmesg).  Those at or above the level of `loglvl=` also go to the
 * UART.  One message is one line and includes the '\n'. Any lock may be held.
 */
enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };
void log_printf(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_err(...)   log_printf(LOG_ERR, __VA_ARGS__)
#define log_warn(...)  log_printf(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_printf(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_printf(LOG_DEBUG, __VA_ARGS__)

/*
 * Copies up to `max` bytes of the ring to dst and returns their number.  `incremental`: begins at
 * *index, if the ring still has that position; otherwise at the oldest byte.  *index becomes the
 * reader's new position.  `clear`: then empties the ring.
 */
uint32_t log_read_ring(char *dst, uint32_t max, uint32_t *index, bool incremental, bool clear);
/* Writes to the UART only, with "\r\n" for '\n'. Output of other CPUs does not come between. */
void log_write_raw(const char *s, size_t n);
/* For panic: from now on the log continues without its lock if the holder does not release it. */
void log_force(void);

#endif
