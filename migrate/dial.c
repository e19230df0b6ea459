/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"

/* Waits until a non-blocking connect() has ended. 0 or an errno. */
static int finish(int fd, int timeout_ms, int cancel_fd)
{
    struct pollfd set[2] = { { fd, POLLOUT, 0 }, { cancel_fd, POLLIN, 0 } };
    int n = poll(set, 2, timeout_ms), error = 0;
    socklen_t size = sizeof(error);
    if (n <= 0)
        return n == 0 ? ETIMEDOUT : errno;
    if (set[1].revents)
        return ECANCELED;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        return errno;
    return error;
}

int conn_dial(const char *host, uint16_t port, int timeout_ms, int cancel_fd, struct failure *f)
{
    char service[8];
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
    snprintf(service, sizeof(service), "%u", port);
    int error = getaddrinfo(host, service, &hints, &list);
    if (error)
        return fail(f, XLM_E_INTERNAL, "cannot resolve the host name %s: %s", host,
                    gai_strerror(error));
    error = EADDRNOTAVAIL;
    for (struct addrinfo *a = list; a; a = a->ai_next) {
        int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0) {
            error = errno;
            continue;
        }
        error = connect(fd, a->ai_addr, a->ai_addrlen) < 0 ? errno : 0;
        if (error == EINPROGRESS)
            error = finish(fd, timeout_ms, cancel_fd);
        if (!error) {
            freeaddrinfo(list);
            return fd;
        }
        close(fd);
    }
    freeaddrinfo(list);
    if (error == ECANCELED)
        return fail(f, XLM_E_CANCELLED, "cancelled");
    f->link_lost = true;
    return fail(f, XLM_E_INTERNAL, "cannot reach xlmd on %s port %u: %s", host, port,
                strerror(error));
}
