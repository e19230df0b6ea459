/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One xlmd: its migrations under way, its journal, its settings.  Sessions are threads; what they
 * share is behind `lock`.
 *
 * Lock order: host->lock is the only lock and is never held across I/O with a peer; journal writes
 * happen under it, since they are the hand-over's one point of truth.
 */
#ifndef MIGRATE_HOST_H
#define MIGRATE_HOST_H

#include <pthread.h>

#include "fault_inject.h"
#include "journal.h"

/* A migration, or a measurement of a guest's dirty rate: what has the guest's dirty log to itself.
 */
struct migration {
    struct migration *next;
    bool source;
    bool measures; /* rate.c: makes way for a migration of the guest out of this host */
    bool ousted;   /* and has been told to */
    bool ousts;    /* a migration for which a measurement had to end */
    uint8_t id[16], uuid[16];
    char name[XLM_NAME_MAX];
    char peer[256];
    int cancel_fd;     /* an eventfd */
    const char *stage; /* a literal, for status */
    uint32_t round;
    uint64_t bytes, dirty_pages;
    uint64_t start_ns;
};

struct host {
    pthread_mutex_t lock;
    pthread_cond_t left;      /* somebody has left the list */
    const char *backend_name; /* for backend_open() */
    const char *state_dir;    /* journals in migrations/, guests' files in a directory by uuid */
    uint64_t
        buffer_bytes; /* for pages that come before the domain is there; 0: none may come before */
    uint32_t resolve_interval_ms; /* between two attempts to reach B */
    struct fault_inject fault;
    struct migration *list;
    bool stopping;
};

void host_init(struct host *host, const char *backend_name, const char *state_dir);

/* "<state_dir>/migrations". */
void host_journal_dir(const struct host *host, char *path, size_t size);

/*
 * Registers a migration (id, uuid, name, peer set); -1 with *f if one of this guest is under way or
 * unsettled here, or the daemon ends. Gives it a cancel_fd.  A measurement of the guest is told to
 * end first, and waited for, if the migration is from here.
 */
int host_add(struct host *host, struct migration *m, struct failure *f);
void host_remove(struct host *host, struct migration *m);
void host_stage(struct host *host, struct migration *m, const char *stage);

/* Cancels the migration of this guest (name or uuid text), or with this id; false if none is under
 * way. */
bool host_cancel(struct host *host, const char *guest);
bool host_cancel_id(struct host *host, const uint8_t id[16]);

/*
 * The hand-over's state machine: moves the journal of j->migration to j->state, on disk, if that
 * may follow what is there; 0, -EALREADY if it is there already, -ENOENT if there is no journal
 * (and `to` is not a beginning), -EPERM if it may not.  JOURNAL_NONE removes it.
 */
int host_move(struct host *host, const struct journal *j, enum journal_state to);
int host_journal(struct host *host, const uint8_t migration[16], struct journal *j);

/*
 * The daemon ends: what can be cancelled is, so that no guest is left logging; a hand-over under
 * way is waited for, 5 s at most. Nothing new is let in.
 */
void host_stop(struct host *host);

/* True if a session of this host is at work on this migration. */
bool host_active(struct host *host, const uint8_t id[16]);

#endif
