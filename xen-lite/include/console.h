/* SPDX-License-Identifier: BSD-2-Clause */
/* The console: guests' lines, typed characters.  console.c */
#ifndef XL_CONSOLE_H
#define XL_CONSOLE_H

#include "types.h"
struct domain;

void console_init(const char *cmdline); /* after uart_probe and cmdline_parse: says who speaks */
void console_input(void); /* UART receive interrupt: takes all that is there; any CPU */
void console_write_guest(struct domain *d, const char *s,
                         size_t n); /* into the log by lines with "(dN) " before */
uint32_t console_take_input(char *dst, uint32_t max); /* typed characters for the control domain */

#endif
