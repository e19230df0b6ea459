/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of one xlmd: its running migrations, its journals, its settings.  Each session is a
 * thread.  `lock` protects all that the threads share.
 *
 * Lock order: host->lock is the only lock.  It is never held during I/O with the other host.  It is
 * held while a journal is written, because the journals decide who owns a guest.
 */
#ifndef MIGRATE_HOST_H
#define MIGRATE_HOST_H

#include <pthread.h>

#include "fault_inject.h"
#include "journal.h"

/* A running migration, or a running measurement of a dirty rate.  A guest has at most one, because
 * each uses the guest's dirty log. */
struct migration {
    struct migration *next;
    bool source;
    bool measures; /* a measurement: it ends when a migration out of this host begins */
    bool ousted;   /* a measurement that has been told to end for a migration */
    bool ousts;    /* a migration that has ended a measurement */
    uint8_t id[16], uuid[16];
    char name[XLM_NAME_MAX];
    char peer[256];
    int cancel_fd;     /* an eventfd that host_add() makes */
    const char *stage; /* a string literal, for `xlm status` */
    uint32_t round;
    uint64_t bytes, dirty_pages;
    uint64_t start_ns;
};

struct host {
    pthread_mutex_t lock;
    pthread_cond_t left;      /* signalled when a migration leaves the list */
    const char *backend_name; /* passed to backend_open() */
    const char *state_dir; /* has migrations/ with the journals, and a directory per guest's UUID */
    uint64_t buffer_bytes; /* for pages that arrive before the domain exists; 0: none may */
    uint32_t resolve_interval_ms; /* time between two attempts to resolve what is open */
    struct fault_inject fault;
    struct migration *list;
    bool stopping;
};

void host_init(struct host *host, const char *backend_name, const char *state_dir);

/* Writes "<state_dir>/migrations" to `path`. */
void host_journal_dir(const struct host *host, char *path, size_t size);

/*
 * Registers a migration whose id, uuid, name and peer are set, and gives it a cancel_fd.  Returns
 * -1 with *f set if a migration of the guest is running or unresolved on this host, or if the
 * daemon is shutting down.  If the migration leaves this host and the guest is being measured, this
 * function ends the measurement and waits for its end.
 */
int host_add(struct host *host, struct migration *m, struct failure *f);
void host_remove(struct host *host, struct migration *m);
void host_stage(struct host *host, struct migration *m, const char *stage);

/* Cancel the migration or measurement of this guest (name, or UUID as text), or with this id. False
 * if none is running. */
bool host_cancel(struct host *host, const char *guest);
bool host_cancel_id(struct host *host, const uint8_t id[16]);

/*
 * Moves the journal of migration j->migration to the state `to`, on disk, if journal_allowed()
 * permits that.  JOURNAL_NONE removes the journal.  Returns 0; -EALREADY if the journal already has
 * that state; -ENOENT if there is no journal and `to` cannot be a first state; -EPERM if the
 * transition is not allowed; or another negative errno.
 */
int host_move(struct host *host, const struct journal *j, enum journal_state to);
int host_journal(struct host *host, const uint8_t migration[16], struct journal *j);

/*
 * Shuts the daemon down: host_add() fails from now on, and all migrations are cancelled, so that no
 * guest keeps its dirty log on.  A hand-over cannot be cancelled; this function waits for its end,
 * at most 5 s.
 */
void host_stop(struct host *host);

/* True if a session of this host is working on this migration. */
bool host_active(struct host *host, const uint8_t id[16]);

#endif
