/* SPDX-License-Identifier: BSD-2-Clause */
/* Shows the daemon's JSON lines as text. */
#ifndef MIGRATE_XLM_SHOW_H
#define MIGRATE_XLM_SHOW_H

#include <stdbool.h>

/* Prints the text for one JSON line.  Errors and warnings go to stderr.  Rounds are printed only if
 * `progress` is set. */
void show_line(const char *line, bool progress);

#endif
