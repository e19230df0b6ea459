/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection: records in and out of a stream socket, with a time-out, cancelling, a cap on the
 * rate and faults on purpose. Used by one thread.  Every function returns 0 or -1 with
 * conn->failure set.
 */
#ifndef MIGRATE_CONN_H
#define MIGRATE_CONN_H

#include <sys/uio.h>

#include "common.h"

struct fault_inject;

struct conn {
    int fd;
    int cancel_fd;              /* readable: stop (an eventfd); -1: none */
    int timeout_ms;             /* without a byte going either way */
    struct fault_inject *fault; /* or NULL */
    struct failure *failure;
    uint64_t tx_bytes, rx_bytes;
    uint64_t tx_index, rx_index;
    bool in_record;           /* a record has been sent in part: nothing can follow it */
    uint64_t max_bytes_per_s; /* of what is sent; 0: no cap */
    uint64_t pace_ns, pace_bytes;
};

struct record {
    struct xlm_header header;
    uint64_t offset; /* of the header in the stream */
    size_t checked_length;
    size_t
        data_length;  /* PAGES: bytes of page data that are still to be read, by conn_read_data() */
    uint8_t *payload; /* the checked part; 8-byte-aligned, grows as needed */
    size_t capacity;
};

/* `fd` becomes non-blocking and the connection's own. */
void conn_init(struct conn *conn, int fd, int cancel_fd, struct fault_inject *fault,
               struct failure *failure);
void conn_close(struct conn *conn);

/* Connects to host:port within `timeout_ms`; the socket or -1 with *f set. */
int conn_dial(const char *host, uint16_t port, int timeout_ms, int cancel_fd, struct failure *f);

/* Sends one record.  `part` is the payload; the first `checked` parts are covered by the checksum.
 */
int conn_send(struct conn *conn, uint32_t type, const struct iovec *part, int count, int checked);

/* Sends one record of one fixed structure (or nothing: size 0). */
int conn_send_struct(struct conn *conn, uint32_t type, const void *payload, size_t size);

/* Receives the next record, all checks done, its optional ones skipped.  An ERROR record of the
 * peer fails with its text. */
int conn_receive(struct conn *conn, struct record *record);

/* Receives the next record, which must be of this type. */
int conn_expect(struct conn *conn, struct record *record, uint32_t type);

/* Fails: the record that was received does not belong here. */
int conn_refuse(struct conn *conn, const struct record *record);

/* Reads the data of a PAGES record. */
int conn_read_data(struct conn *conn, const struct iovec *part, int count);

/* True if the session is to stop. */
bool conn_cancelled(const struct conn *conn);

/* True if something (or the end) can be read now. */
bool conn_readable(const struct conn *conn);

/* Tells the peer why, unless it told us or is gone.  Then clean up, and then conn_linger(). */
void conn_send_error(struct conn *conn, const struct failure *f);

/*
 * Waits until the peer closes (or 5 s), reading what still comes: a close with unread data would
 * reset the connection and could take our last words with it; and the peer closes after it has
 * cleaned up.
 */
void conn_linger(struct conn *conn);

void record_free(struct record *record);

#endif
