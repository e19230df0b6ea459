/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who owns the guest, on disk.  One small text file a migration; PROTOCOL.md has the table of
 * states.  A change is on the disk before the function returns.
 */
#ifndef MIGRATE_JOURNAL_H
#define MIGRATE_JOURNAL_H

#include "common.h"

enum journal_state {
    JOURNAL_NONE,
    JOURNAL_SENDING,
    JOURNAL_COMMITTING,
    JOURNAL_RELEASED,
    JOURNAL_TAKEN_BACK,
    JOURNAL_GIVEN_UP,  /* A */
    JOURNAL_MEASURING, /* no migration: the guest's dirty log is on for rate.c */
    JOURNAL_RECEIVING,
    JOURNAL_VERIFIED,
    JOURNAL_OWNER, /* B */
    JOURNAL_STATES
};

struct journal {
    uint8_t migration[16], uuid[16];
    enum journal_state state;
    char name[XLM_NAME_MAX];
    char peer[256]; /* A: where B is */
    uint16_t port;
    uint32_t domid; /* of this host's copy; with the uuid, so that a guest that came back is not
                       mistaken for it */
    char note[128]; /* for a person: not written */
};

const char *journal_state_name(enum journal_state state);
bool journal_is_source(enum journal_state state);

/* May `from` be followed by `to`?  (JOURNAL_NONE: the file goes.)  The state machine of the
 * hand-over. */
bool journal_allowed(enum journal_state from, enum journal_state to);

/* `dir` is made if need be.  0 or a negative errno. */
int journal_write(const char *dir, const struct journal *j);
int journal_read(const char *dir, const uint8_t migration[16], struct journal *j);
int journal_remove(const char *dir, const uint8_t migration[16]);

/* All of them, malloc'ed; what does not parse is logged and left out.  The count or a negative
 * errno. */
int journal_list(const char *dir, struct journal **list);

#endif
