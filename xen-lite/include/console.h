/* SPDX-License-Identifier: BSD-2-Clause */
/* The console: lines of guests and typed characters.  console.c */
#ifndef XL_CONSOLE_H
#define XL_CONSOLE_H

#include "types.h"
struct domain;

void console_init(const char *cmdline); /* after uart_probe and cmdline_parse; prints the banner */
/* For the UART's receive interrupt: takes all characters that are there.  Any CPU may call it. */
void console_input(void);
/* Logs d's output line by line, with "(dN) " in front.  An incomplete line is kept. */
void console_write_guest(struct domain *d, const char *s, size_t n);
uint32_t console_take_input(char *dst, uint32_t max); /* typed characters for the control domain */

#endif
