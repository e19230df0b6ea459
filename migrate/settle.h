/* SPDX-License-Identifier: BSD-2-Clause */
/* Resolves what a lost connection left open, and recovers after the daemon's own death.
 * PROTOCOL.md, "Ownership". */
#ifndef MIGRATE_SETTLE_H
#define MIGRATE_SETTLE_H

#include "host.h"
#include "backend.h"

/*
 * Call once, before the daemon serves connections.  For each journal that an earlier daemon left,
 * undoes or finishes the migration as far as this host can do that alone.
 */
void settle_recover(struct host *host);

/*
 * Makes one attempt to resolve each open journal that no session works on: A asks B, and destroys a
 * copy that it no longer owns.  True if something is still open.  A thread of the daemon calls this
 * every host->resolve_interval_ms.
 */
bool settle_once(struct host *host);

/* The operator's decision (`xlm resolve`): this host keeps the guest, or gives it up.  0, or -1
 * with *f set. */
int settle_decide(struct host *host, const char *guest, bool keep, struct failure *f);

#endif
