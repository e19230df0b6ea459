/* SPDX-License-Identifier: BSD-2-Clause */
/* What the last migration from this host achieved, kept in a file: forecasts start from it. */
#ifndef MIGRATE_RATE_SPEED_H
#define MIGRATE_RATE_SPEED_H

#include "report.h"

struct rate_speed {
    double mib_s;    /* over its rounds while the guest ran */
    double setup_ms; /* its time besides rounds, suspending and downtime */
};

/* From a migration's report; false if it has sent too little to tell. */
bool rate_speed_of(const struct report *r, struct rate_speed *speed);

/* "<state_dir>/last-migration".  0 or a negative errno. */
int rate_speed_write(const char *state_dir, const struct rate_speed *speed);
int rate_speed_read(const char *state_dir, struct rate_speed *speed);

#endif
