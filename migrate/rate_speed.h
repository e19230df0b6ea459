/* SPDX-License-Identifier: BSD-2-Clause */
/* The bandwidth of the last migration from this host, kept in a file for forecasts. */
#ifndef MIGRATE_RATE_SPEED_H
#define MIGRATE_RATE_SPEED_H

#include "report.h"

struct rate_speed {
    double mib_s;    /* bandwidth of the rounds in which the guest ran */
    double setup_ms; /* total time without rounds, suspension and downtime */
};

/* Computes it from the report of a migration.  False if the migration sent too little for that. */
bool rate_speed_of(const struct report *r, struct rate_speed *speed);

/* Write and read the file "<state_dir>/last-migration".  0 or a negative errno. */
int rate_speed_write(const char *state_dir, const struct rate_speed *speed);
int rate_speed_read(const char *state_dir, struct rate_speed *speed);

#endif
