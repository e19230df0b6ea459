/* SPDX-License-Identifier: BSD-2-Clause */
#include "conn.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "codec.h"
#include "fault_inject.h"

#define PARTS_MAX 1024 /* IOV_MAX */

static void set_option(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value,
                     sizeof(value)); /* errors are ignored: a UNIX socket, as in tests, has none of
                                       these options */
}

void conn_init(struct conn *conn, int fd, int cancel_fd, struct fault_inject *fault,
               struct failure *failure)
{
    memset(conn, 0, sizeof(*conn));
    conn->fd = fd;
    conn->cancel_fd = cancel_fd;
    conn->timeout_ms = 30000;
    conn->fault = fault;
    conn->failure = failure;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 10000);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 3);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 2);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
}

void conn_close(struct conn *conn)
{
    if (conn->fd >= 0)
        close(conn->fd);
    conn->fd = -1;
}

static int lost(struct conn *conn, const char *what, const char *why)
{
    conn->failure->link_lost = true;
    return fail(
        conn->failure, XLM_E_INTERNAL,
        "connection to the other host lost while %s (%s), after %llu bytes sent and %llu received",
        what, why, (unsigned long long)conn->tx_bytes, (unsigned long long)conn->rx_bytes);
}

/* Waits for `events`. 0, or -1 if the migration is cancelled or the time-out expires. */
static int wait_ready(struct conn *conn, short events)
{
    struct pollfd set[2] = { { conn->fd, events, 0 }, { conn->cancel_fd, POLLIN, 0 } };
    for (;;) {
        int n = poll(set, 2, conn->timeout_ms);
        if (n < 0 && errno == EINTR)
            continue;
        if (n > 0 && set[1].revents)
            return fail(conn->failure, XLM_E_CANCELLED, "cancelled");
        if (n > 0)
            return 0;
        return lost(conn, events == POLLIN ? "receiving" : "sending",
                    "no data within the time-out");
    }
}

bool conn_cancelled(const struct conn *conn)
{
    struct pollfd set = { conn->cancel_fd, POLLIN, 0 };
    return conn->cancel_fd >= 0 && poll(&set, 1, 0) > 0;
}

bool conn_readable(const struct conn *conn)
{
    struct pollfd set = { conn->fd, POLLIN, 0 };
    return poll(&set, 1, 0) > 0;
}

/* Removes the first `n` bytes from an array of parts. */
static void advance(struct iovec **part, int *count, size_t n)
{
    while (*count && n >= (*part)->iov_len) {
        n -= (*part)->iov_len;
        (*part)++, (*count)--;
    }
    if (*count) {
        (*part)->iov_base = (char *)(*part)->iov_base + n;
        (*part)->iov_len -= n;
    }
}

/* Fault injection: the number of bytes that may be sent before the faulty byte. SIZE_MAX if no
 * fault is to come. At 0, send_some() breaks the connection or sends a wrong byte. */
static size_t fault_room(struct conn *conn)
{
    struct fault_inject *f = conn->fault;
    if (!f || !(f->cut || f->corrupt) || f->at < conn->tx_bytes)
        return SIZE_MAX;
    return (size_t)(f->at - conn->tx_bytes);
}

static ssize_t send_some(struct conn *conn, const struct iovec *part, int count)
{
    size_t room = fault_room(conn);
    if (room == SIZE_MAX || count == 0) {
        struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)part,
                                  .msg_iovlen = (size_t)count };
        return sendmsg(conn->fd, &message, MSG_NOSIGNAL);
    }
    if (room) {
        size_t n = part->iov_len < room ? part->iov_len : room;
        return send(conn->fd, part->iov_base, n, MSG_NOSIGNAL);
    }
    if (conn->fault->cut) {
        conn->fault->cut = false;
        shutdown(conn->fd, SHUT_RDWR);
        errno = EPIPE;
        return -1;
    }
    char byte = (char)(*(const char *)part->iov_base ^ 1);
    ssize_t n = send(conn->fd, &byte, 1, MSG_NOSIGNAL);
    if (n == 1)
        conn->fault->corrupt = false;
    return n;
}

/* The peer has closed the connection. If it sent ERROR before, that is the reason of the
 * failure. */
static int broken_pipe(struct conn *conn)
{
    struct record record = { 0 };
    int saved = errno;
    conn->timeout_ms = 1000;
    for (int i = 0; i < 64 && conn_receive(conn, &record) == 0; i++)
        ;
    record_free(&record);
    return lost(conn, "sending", strerror(saved));
}

static int send_all(struct conn *conn, struct iovec *part, int count)
{
    while (count && part->iov_len == 0)
        part++, count--;
    while (count) {
        ssize_t n = send_some(conn, part, count < PARTS_MAX ? count : PARTS_MAX);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            if (errno != EAGAIN)
                return broken_pipe(conn);
            if (wait_ready(conn, POLLOUT) < 0)
                return -1;
            continue;
        }
        conn->tx_bytes += (uint64_t)n;
        advance(&part, &count, (size_t)n);
    }
    return 0;
}

/* Sleeps as long as the limit on the send rate requires. After a pause in sending, at most 100
 * ms count as credit, so that no burst follows. */
static int pace(struct conn *conn, size_t bytes)
{
    if (!conn->max_bytes_per_s)
        return 0;
    uint64_t now = now_ns();
    if (conn->pace_ns + 100000000u < now)
        conn->pace_ns = now - 100000000u;
    conn->pace_ns += (uint64_t)((double)bytes * 1e9 / (double)conn->max_bytes_per_s);
    if (conn->pace_ns <= now)
        return 0;
    struct pollfd set = { conn->cancel_fd, POLLIN, 0 };
    if (poll(&set, 1, (int)((conn->pace_ns - now) / 1000000)) > 0)
        return fail(conn->failure, XLM_E_CANCELLED, "cancelled");
    return 0;
}

int conn_send(struct conn *conn, uint32_t type, const struct iovec *part, int count, int checked)
{
    static const uint64_t zero;
    struct iovec all[PARTS_MAX + 2];
    if (count > PARTS_MAX)
        return fail(conn->failure, XLM_E_INTERNAL, "internal error: a record of %d parts", count);
    struct xlm_header header = { .type = (uint16_t)type, .index = conn->tx_index };
    size_t length = 0;
    for (int i = 0; i < count; i++) {
        all[i + 1] = part[i];
        length += part[i].iov_len;
    }
    header.length = (uint32_t)length;
    codec_seal(&header, part, checked);
    all[0] = (struct iovec){ &header, sizeof(header) };
    all[count + 1] = (struct iovec){ (void *)(uintptr_t)&zero, xlm_pad(length) - length };
    conn->in_record = true;
    if (send_all(conn, all, count + 2) < 0)
        return -1;
    conn->in_record = false;
    conn->tx_index++;
    return pace(conn, length + sizeof(header));
}

int conn_send_struct(struct conn *conn, uint32_t type, const void *payload, size_t size)
{
    struct iovec part = { (void *)(uintptr_t)payload, size };
    return conn_send(conn, type, &part, 1, 1);
}

static int read_all(struct conn *conn, struct iovec *part, int count)
{
    while (count && part->iov_len == 0)
        part++, count--;
    while (count) {
        ssize_t n = readv(conn->fd, part, count < PARTS_MAX ? count : PARTS_MAX);
        if (n == 0)
            return lost(conn, "receiving", "closed by the other side");
        if (n < 0) {
            if (errno == EINTR)
                continue;
            if (errno != EAGAIN)
                return lost(conn, "receiving", strerror(errno));
            if (wait_ready(conn, POLLIN) < 0)
                return -1;
            continue;
        }
        conn->rx_bytes += (uint64_t)n;
        advance(&part, &count, (size_t)n);
    }
    return 0;
}

static int read_bytes(struct conn *conn, void *to, size_t n)
{
    struct iovec part = { to, n };
    return read_all(conn, &part, 1);
}

int conn_read_data(struct conn *conn, const struct iovec *part, int count)
{
    struct iovec copy[PARTS_MAX];
    if (count > PARTS_MAX)
        return fail(conn->failure, XLM_E_INTERNAL, "internal error: %d parts to read", count);
    memcpy(copy, part, (size_t)count * sizeof(*part));
    return read_all(conn, copy, count);
}

static int make_room(struct conn *conn, struct record *record, size_t n)
{
    if (n <= record->capacity)
        return 0;
    void *bigger = realloc(record->payload, n);
    if (!bigger)
        return fail(conn->failure, XLM_E_MEMORY, "no memory for a record of %zu bytes", n);
    record->payload = bigger;
    record->capacity = n;
    return 0;
}

static int peer_error(struct conn *conn, const struct record *record)
{
    const struct xlm_error *error = (const struct xlm_error *)record->payload;
    size_t n = record->header.length - sizeof(*error);
    struct failure *f = conn->failure;
    fail(f, error->code ? error->code : XLM_E_INTERNAL, "%.*s", (int)n, (const char *)(error + 1));
    for (char *c = f->text; *c; c++) /* the peer's text may be shown on a terminal */
        if ((unsigned char)*c < 32 || (unsigned char)*c > 126)
            *c = '?';
    f->from_peer = true;
    return -1;
}

/* Reads the checked part and, except for PAGES, the padding. Page data is a multiple of 8 bytes
 * and has no padding. */
static int receive_payload(struct conn *conn, struct record *record)
{
    struct xlm_header *h = &record->header;
    size_t fixed = h->type == XLM_PAGES ? sizeof(struct xlm_pages) : 0, length = h->length;
    uint64_t offset = record->offset;
    if (make_room(conn, record, fixed + 8) < 0 || read_bytes(conn, record->payload, fixed) < 0 ||
        codec_checked_length(h, (struct xlm_pages *)record->payload, offset, &length,
                             conn->failure) < 0)
        return -1;
    size_t padded = xlm_pad(length);
    if (make_room(conn, record, padded + 8) < 0 ||
        read_bytes(conn, record->payload + fixed, padded - fixed) < 0)
        return -1;
    record->checked_length = length;
    record->data_length = h->length - length;
    if (!codec_sum_ok(h, record->payload, length))
        return codec_fail(conn->failure, XLM_E_DAMAGED, h->type, h->index, offset,
                          "its checksum is wrong");
    for (size_t i = length; i < padded; i++)
        if (record->payload[i])
            return codec_fail(conn->failure, XLM_E_STREAM, h->type, h->index, offset,
                              "its padding is not zero");
    return 0;
}

int conn_receive(struct conn *conn, struct record *record)
{
    for (;;) {
        record->offset = conn->rx_bytes;
        if (read_bytes(conn, &record->header, sizeof(record->header)) < 0 ||
            codec_check_header(&record->header, conn->rx_index, record->offset, conn->failure) <
                0 ||
            receive_payload(conn, record) < 0)
            return -1;
        conn->rx_index++;
        if (record->header.type & XLM_OPTIONAL)
            continue;
        if (codec_check_payload(&record->header, record->payload, record->checked_length,
                                record->offset, conn->failure) < 0)
            return -1;
        return record->header.type == XLM_ERROR ? peer_error(conn, record) : 0;
    }
}

int conn_expect(struct conn *conn, struct record *record, uint32_t type)
{
    if (conn_receive(conn, record) < 0)
        return -1;
    const struct xlm_header *h = &record->header;
    if (h->type != type)
        return codec_fail(conn->failure, XLM_E_STREAM, h->type, h->index, record->offset,
                          "came where %s was expected", codec_type_name(type));
    return 0;
}

int conn_refuse(struct conn *conn, const struct record *record)
{
    return codec_fail(conn->failure, XLM_E_STREAM, record->header.type, record->header.index,
                      record->offset, "this type is not allowed at this point");
}

void record_free(struct record *record)
{
    free(record->payload);
    memset(record, 0, sizeof(*record));
}

void conn_send_error(struct conn *conn, const struct failure *f)
{
    if (f->from_peer || f->link_lost || !f->code || conn->fd < 0 || conn->in_record)
        return;
    struct xlm_error error = { f->code, f->record_type, f->record_index, f->record_offset };
    struct iovec part[2] = { { &error, sizeof(error) },
                             { (void *)(uintptr_t)f->text, strlen(f->text) } };
    struct failure ignored = { 0 }, *saved = conn->failure;
    conn->failure = &ignored;
    conn->cancel_fd = -1;
    conn->timeout_ms = 1000;
    conn->max_bytes_per_s = 0;
    (void)conn_send(conn, XLM_ERROR, part, 2, 2);
    conn->failure = saved;
}

void conn_linger(struct conn *conn)
{
    char sink[65536];
    uint64_t end = now_ns() + 5000000000u;
    if (conn->fd < 0)
        return;
    shutdown(conn->fd, SHUT_WR);
    for (uint64_t now; (now = now_ns()) < end;) {
        struct pollfd set = { conn->fd, POLLIN, 0 };
        if (poll(&set, 1, (int)((end - now) / 1000000) + 1) <= 0)
            return;
        ssize_t n = read(conn->fd, sink, sizeof(sink));
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return;
    }
}
