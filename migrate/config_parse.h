/* SPDX-License-Identifier: BSD-2-Clause */
/* The syntax of xl.cfg(5): `key = value` lines; a value is a number, a quoted string or a list of
 * strings. */
#ifndef MIGRATE_CONFIG_PARSE_H
#define MIGRATE_CONFIG_PARSE_H

#include "config.h"

struct config_text {
    const char *at;
    int line;
};

/* Parses the next entry.  Returns 1, 0 at the end, or -1 with *f set.  The caller must free the
 * strings of *entry, also after a failure. */
int config_next_entry(struct config_text *text, struct config_entry *entry, struct failure *f);

#endif
