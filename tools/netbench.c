/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measures plain TCP between two hosts, to compare the migration with.
 * usage: netbench serve [PORT]               reads and discards, one connection at a time
 *        netbench send ADDRESS MIB [PORT]    writes MIB MiB, 64 KiB at a time, and prints the rate
 *        netbench clock                      prints CNTVCT and its frequency
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WRITE_BYTES  65536
#define DEFAULT_PORT 8003

static uint8_t buffer[WRITE_BYTES];

static int fail(const char *what)
{
    perror(what);
    return 1;
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int serve(uint16_t tcp_port)
{
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(tcp_port) };
    int one = 1;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
        bind(listener, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(listener, 4) < 0)
        return fail("netbench: listen");
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        uint64_t total = 0;
        ssize_t n;

        if (fd < 0)
            return fail("netbench: accept");
        while ((n = read(fd, buffer, sizeof(buffer))) > 0)
            total += (uint64_t)n;
        /* The receiver answers with the count of bytes: the sender's clock stops when all bytes
         * have arrived. */
        if (write(fd, &total, sizeof(total)) != sizeof(total))
            perror("netbench: receipt");
        close(fd);
    }
}

static int send_all(const char *address, unsigned long mib, uint16_t tcp_port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(tcp_port) };
    uint64_t total = 0, want = (uint64_t)mib << 20, receipt = 0;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    double began, took;

    if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1) {
        fprintf(stderr, "netbench: not an IPv4 address: %s\n", address);
        return 1;
    }
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        return fail("netbench: connect");
    memset(buffer, 0x5a, sizeof(buffer));
    began = seconds();
    while (total < want) {
        ssize_t n = write(fd, buffer, sizeof(buffer));

        if (n < 0)
            return fail("netbench: write");
        total += (uint64_t)n;
    }
    shutdown(fd, SHUT_WR);
    if (read(fd, &receipt, sizeof(receipt)) != sizeof(receipt) || receipt != total) {
        fprintf(stderr, "netbench: the other end did not get everything\n");
        return 1;
    }
    took = seconds() - began;
    printf("{\"mib\":%lu,\"ms\":%.1f,\"mib_s\":%.2f}\n", mib, took * 1e3, (double)mib / took);
    return 0;
}

static uint16_t port_number(const char *text) { return (uint16_t)strtoul(text, NULL, 10); }

int main(int argc, char **argv)
{
    if (argc >= 2 && argc <= 3 && !strcmp(argv[1], "serve"))
        return serve(argc == 3 ? port_number(argv[2]) : DEFAULT_PORT);
    if (argc >= 4 && argc <= 5 && !strcmp(argv[1], "send"))
        return send_all(argv[2], strtoul(argv[3], NULL, 10),
                        argc == 5 ? port_number(argv[4]) : DEFAULT_PORT);
#ifdef __aarch64__
    if (argc == 2 && !strcmp(argv[1], "clock")) {
        uint64_t count, frequency;

        __asm__ volatile("isb; mrs %0, cntvct_el0; mrs %1, cntfrq_el0"
                         : "=r"(count), "=r"(frequency)
                         :
                         : "memory");
        printf("%llu %llu\n", (unsigned long long)count, (unsigned long long)frequency);
        return 0;
    }
#endif
    fprintf(stderr, "usage: netbench serve [PORT] | send ADDRESS MIB [PORT] | clock\n");
    return 2;
}
