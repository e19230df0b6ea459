/* SPDX-License-Identifier: BSD-2-Clause */
/* Host B's daemon on a TCP port, for cases in which a connection comes after the first. */
#ifndef TESTS_KNOWN_SERVER_H
#define TESTS_KNOWN_SERVER_H

#include "migrate_bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>

static int server_fd;
static pthread_t server_thread;
static volatile bool serving;

static void *server_main(void *unused)
{
    while (serving) {
        struct pollfd set = { server_fd, POLLIN, 0 };
        if (poll(&set, 1, 20) <= 0)
            continue;
        int fd = accept(server_fd, NULL, NULL);
        if (fd >= 0)
            target_serve(&bench_host[1], fd, "a");
    }
    return unused;
}

static void server_start(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    server_fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server_fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(server_fd, 4), 0);
    getsockname(server_fd, (struct sockaddr *)&address, &size);
    snprintf(bench_request.peer, sizeof bench_request.peer, "127.0.0.1");
    bench_request.port = ntohs(address.sin_port);
    serving = true;
    pthread_create(&server_thread, NULL, server_main, NULL);
}

static void server_stop(void)
{
    serving = false;
    pthread_join(server_thread, NULL);
    close(server_fd);
}

#endif
