/* SPDX-License-Identifier: BSD-2-Clause */
/* What the last migration from this host achieved, kept in a file: forecasts start from it. */
#ifndef MIGRATE_SPEED_H
#define MIGRATE_SPEED_H

#include "report.h"

struct speed {
    double mib_s;    /* over its rounds while the guest ran */
    double setup_ms; /* its time besides rounds, suspending and downtime */
};

/* From a migration's report; false if it has sent too little to tell. */
bool speed_of(const struct report *r, struct speed *speed);

/* "<state_dir>/last-migration".  0 or a negative errno. */
int speed_write(const char *state_dir, const struct speed *speed);
int speed_read(const char *state_dir, struct speed *speed);

#endif
