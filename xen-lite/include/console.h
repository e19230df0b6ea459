/* SPDX-License-Identifier: BSD-2-Clause */
/* The console: output of guests by lines, and typed characters. console.c */
#ifndef XL_CONSOLE_H
#define XL_CONSOLE_H

#include "types.h"
struct domain;

/* Logs version and command line.  After uart_probe and cmdline_parse. */
void console_init(const char *cmdline);
/* UART receive interrupt: takes all characters from the UART.  On any CPU; no lock is held. */
void console_input(void);
/*
 * Logs d's output by lines, each with the prefix "(dN) ". Keeps an incomplete line until its end
 * comes.
 */
void console_write_guest(struct domain *d, const char *s, size_t n);
/* Moves up to `max` typed characters for the control domain to dst, and returns their number. */
uint32_t console_take_input(char *dst, uint32_t max);

#endif
