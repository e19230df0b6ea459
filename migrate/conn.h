/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection to the other host.  It sends and receives records on a stream socket, with a
 * time-out, cancellation, a limit on the send rate, and fault injection.  Only one thread may use a
 * connection.  Unless its comment differs, a function returns 0, or -1 with conn->failure set.
 */
#ifndef MIGRATE_CONN_H
#define MIGRATE_CONN_H

#include <sys/uio.h>

#include "common.h"

struct fault_inject;

struct conn {
    int fd;
    int cancel_fd;  /* an eventfd: readable when the migration is to be cancelled; or -1 */
    int timeout_ms; /* the connection is lost after this time without a byte */
    struct fault_inject *fault; /* or NULL */
    struct failure *failure;
    uint64_t tx_bytes, rx_bytes;
    uint64_t tx_index, rx_index;
    bool in_record;           /* part of a record has been sent, so no other record can follow */
    uint64_t max_bytes_per_s; /* limit on what is sent; 0: no limit */
    uint64_t pace_ns, pace_bytes;
};

struct record {
    struct xlm_header header;
    uint64_t offset; /* position of the header in the stream */
    size_t checked_length;
    size_t data_length; /* PAGES: bytes of page data, which conn_read_data() must still read */
    uint8_t *payload;   /* the checked part; 8-byte-aligned, grows as needed */
    size_t capacity;
};

/* Takes over `fd` and makes it non-blocking.  `fault` may be NULL. */
void conn_init(struct conn *conn, int fd, int cancel_fd, struct fault_inject *fault,
               struct failure *failure);
void conn_close(struct conn *conn);

/* Connects to host:port within `timeout_ms`.  Returns the socket, or -1 with *f set. */
int conn_dial(const char *host, uint16_t port, int timeout_ms, int cancel_fd, struct failure *f);

/* Sends one record.  `part` is the payload in `count` pieces; the first `checked` pieces are the
 * checked part. */
int conn_send(struct conn *conn, uint32_t type, const struct iovec *part, int count, int checked);

/* Sends a record whose payload is one structure, or empty if `size` is 0. */
int conn_send_struct(struct conn *conn, uint32_t type, const void *payload, size_t size);

/* Receives and checks the next record; unknown optional records are skipped.  If the record is
 * ERROR, the function fails with its text. */
int conn_receive(struct conn *conn, struct record *record);

/* Receives the next record, and fails if it has another type. */
int conn_expect(struct conn *conn, struct record *record, uint32_t type);

/* Fails, because the type of the received record is not allowed at this point. */
int conn_refuse(struct conn *conn, const struct record *record);

/* Reads the page data of a PAGES record. */
int conn_read_data(struct conn *conn, const struct iovec *part, int count);

/* True if the migration has been cancelled. */
bool conn_cancelled(const struct conn *conn);

/* True if data, or the end of the stream, can be read without waiting. */
bool conn_readable(const struct conn *conn);

/* Sends ERROR with this reason, unless the reason came from the peer or the connection is lost. The
 * caller then frees what it made for the migration, and calls conn_linger(). */
void conn_send_error(struct conn *conn, const struct failure *f);

/*
 * Waits until the peer closes the connection, at most 5 s, and discards what it still sends.  If we
 * closed the socket with unread data, TCP would reset the connection, and our ERROR could be lost.
 * The peer closes only after it has freed what it made, so the wait also orders the two.
 */
void conn_linger(struct conn *conn);

void record_free(struct record *record);

#endif
