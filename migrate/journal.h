/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Journals: who owns a guest, on disk.  There is one small text file per migration.  PROTOCOL.md,
 * "Ownership", has the table of states.  A change is on the disk before the function returns.
 *
 * A is the source host, B the target host.
 */
#ifndef MIGRATE_JOURNAL_H
#define MIGRATE_JOURNAL_H

#include "common.h"

enum journal_state {
    JOURNAL_NONE,
    /* of A */
    JOURNAL_SENDING,
    JOURNAL_COMMITTING,
    JOURNAL_RELEASED,
    JOURNAL_TAKEN_BACK,
    JOURNAL_GIVEN_UP,
    JOURNAL_MEASURING, /* no migration: rate.c has the guest's dirty log on */
    /* of B */
    JOURNAL_RECEIVING,
    JOURNAL_VERIFIED,
    JOURNAL_OWNER,
    JOURNAL_STATES
};

struct journal {
    uint8_t migration[16], uuid[16];
    enum journal_state state;
    char name[XLM_NAME_MAX];
    char peer[256]; /* A: the host name of B */
    uint16_t port;
    uint32_t domid; /* of this host's copy: tells it from a guest that has since come back,
                       which has the same UUID */
    char note[128]; /* for the operator; not written to disk */
};

const char *journal_state_name(enum journal_state state);
bool journal_is_source(enum journal_state state);

/* The state machine of the hand-over: true if `to` may follow `from`.  JOURNAL_NONE means that
 * there is no file. */
bool journal_allowed(enum journal_state from, enum journal_state to);

/* Write (making `dir` if it is missing), read and remove one journal.  0 or a negative errno. */
int journal_write(const char *dir, const struct journal *j);
int journal_read(const char *dir, const uint8_t migration[16], struct journal *j);
int journal_remove(const char *dir, const uint8_t migration[16]);

/* All journals, as a malloc'ed array.  A file that does not parse is logged and left out.  Returns
 * the count, or a negative errno. */
int journal_list(const char *dir, struct journal **list);

#endif
