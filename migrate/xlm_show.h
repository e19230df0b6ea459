/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon's JSON lines, for people. */
#ifndef MIGRATE_XLM_SHOW_H
#define MIGRATE_XLM_SHOW_H

#include <stdbool.h>

/* Prints one line (errors and warnings to stderr); rounds only with `progress`. */
void show_line(const char *line, bool progress);

#endif
