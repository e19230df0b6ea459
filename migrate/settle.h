/* SPDX-License-Identifier: BSD-2-Clause */
/* Settling what a loss left open, and recovery after the daemon's own death.  PROTOCOL.md, "Who
 * owns the guest". */
#ifndef MIGRATE_SETTLE_H
#define MIGRATE_SETTLE_H

#include "host.h"
#include "backend.h"

/*
 * Once, before anything else: whatever the journal says was under way when the daemon died is
 * undone or finished as far as this host alone can.
 */
void settle_recover(struct host *host);

/*
 * One attempt at everything that is open and has no session: what A can ask B, and what is left to
 * destroy.  True if something is still open. Called every host->resolve_interval_ms by the daemon's
 * settling thread.
 */
bool settle_once(struct host *host);

/* A person decides.  `keep`: this host keeps the guest; else it gives it up.  0 or -1 with *f set.
 */
int settle_decide(struct host *host, const char *guest, bool keep, struct failure *f);

#endif
