/* SPDX-License-Identifier: BSD-2-Clause */
/* The migration daemon. The main thread accepts connections, and each connection has a thread of
 * its own. One more thread resolves what lost connections have left open. See PROTOCOL.md. */
#define _GNU_SOURCE 1

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "local_socket.h"
#include "settle.h"
#include "target.h"
#include "version.h"

#define SESSIONS_MAX 16

struct options {
    uint16_t port;
    const char *socket_path, *state_dir;
};

struct session {
    struct host *host;
    int fd;
    bool local;
    char peer[INET6_ADDRSTRLEN];
};

static int sessions;

static void usage(FILE *out)
{
    fputs("usage: xlmd [--foreground] [--port N] [--socket PATH] [--state-dir DIR]\n"
          "       xlmd --version | --help\n"
          "The daemon that migrates guests to and from this host.  It stays in the foreground, "
          "logs to\n"
          "standard error, and ends on SIGTERM or SIGINT after it has cancelled what can be "
          "cancelled.\n"
          "  -p, --port N         listen for other hosts on TCP port N (default 8002)\n"
          "  -s, --socket PATH    listen for xlm on this socket (default " XLMD_SOCKET ")\n"
          "  -d, --state-dir DIR  keep journals and guests' files in DIR (default "
          "/var/lib/xen-lite)\n"
          "  --foreground         accepted and ignored: xlmd always stays in the foreground\n"
          "  --version            print the version\n"
          "  -h, --help           print this text\n",
          out);
}

static int parse_options(int argc, char **argv, struct options *o)
{
    static const struct option option[] = {
        { "port", required_argument, NULL, 'p' },
        { "socket", required_argument, NULL, 's' },
        { "state-dir", required_argument, NULL, 'd' },
        { "foreground", no_argument, NULL, 'f' },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        { 0 },
    };
    *o = (struct options){ XLM_PORT, XLMD_SOCKET, "/var/lib/xen-lite" };
    for (int c; (c = getopt_long(argc, argv, "p:s:d:h", option, NULL)) != -1;) {
        char *end;
        unsigned long port;
        switch (c) {
        case 'p':
            port = strtoul(optarg, &end, 10);
            if (*end || !port || port > 65535) {
                fprintf(stderr, "xlmd: --port needs a number from 1 to 65535, not %s\n", optarg);
                return -1;
            }
            o->port = (uint16_t)port;
            break;
        case 's': o->socket_path = optarg; break;
        case 'd': o->state_dir = optarg; break;
        case 'f': /* xlmd always stays in the foreground */ break;
        case 'h': usage(stdout); exit(0);
        case 'V': puts("xen-lite " XL_VERSION); exit(0);
        default: usage(stderr); return -1;
        }
    }
    return 0;
}

static int listen_tcp(uint16_t port)
{
    struct sockaddr_in6 any6 = { .sin6_family = AF_INET6,
                                 .sin6_port = htons(port),
                                 .sin6_addr = in6addr_any };
    struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, zero = 0;
    bool six = fd >= 0;
    if (!six)
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (six)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
    int error = six ? bind(fd, (struct sockaddr *)&any6, sizeof(any6))
                    : bind(fd, (struct sockaddr *)&any4, sizeof(any4));
    if (error < 0 || listen(fd, 8) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int listen_local(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (!copy_text(address.sun_path, sizeof(address.sun_path), path))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    /* If a running daemon answers on this socket, do not replace the socket. */
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
        close(fd);
        errno = EADDRINUSE;
        return -1;
    }
    close(fd);
    unlink(path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    mode_t old = umask(0177);
    int error = bind(fd, (struct sockaddr *)&address, sizeof(address));
    umask(old);
    if (error < 0 || listen(fd, 8) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void *session_main(void *argument)
{
    struct session *s = argument;
    if (s->local)
        local_socket_serve(s->host, s->fd);
    else
        target_serve(s->host, s->fd, s->peer);
    __atomic_fetch_sub(&sessions, 1, __ATOMIC_SEQ_CST);
    free(s);
    return NULL;
}

static void *settle_main(void *argument)
{
    struct host *host = argument;
    while (!__atomic_load_n(&host->stopping, __ATOMIC_RELAXED)) {
        settle_once(host);
        usleep(host->resolve_interval_ms * 1000);
    }
    return NULL;
}

static int start_thread(void *(*entry)(void *), void *argument)
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 512 * 1024);
    int error = pthread_create(&thread, &attributes, entry, argument);
    pthread_attr_destroy(&attributes);
    return error;
}

static void accept_session(struct host *host, int listener, bool local)
{
    struct sockaddr_storage from = { 0 };
    socklen_t size = sizeof(from);
    int fd = accept4(listener, (struct sockaddr *)&from, &size, SOCK_CLOEXEC);
    struct session *s = fd < 0 ? NULL : calloc(1, sizeof(*s));
    if (!s || __atomic_load_n(&sessions, __ATOMIC_SEQ_CST) >= SESSIONS_MAX) {
        if (fd >= 0)
            close(fd);
        free(s);
        return;
    }
    *s = (struct session){ .host = host, .fd = fd, .local = local };
    if (from.ss_family == AF_INET6)
        inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&from)->sin6_addr, s->peer, sizeof(s->peer));
    else if (from.ss_family == AF_INET)
        inet_ntop(AF_INET, &((struct sockaddr_in *)&from)->sin_addr, s->peer, sizeof(s->peer));
    if (!strncmp(s->peer, "::ffff:", 7)) /* an IPv4 address on the IPv6 socket */
        memmove(s->peer, s->peer + 7, strlen(s->peer + 7) + 1);
    __atomic_fetch_add(&sessions, 1, __ATOMIC_SEQ_CST);
    if (start_thread(session_main, s)) {
        __atomic_fetch_sub(&sessions, 1, __ATOMIC_SEQ_CST);
        close(fd);
        free(s);
    }
}

static int signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

int main(int argc, char **argv)
{
    static struct host host;
    struct options options;
    if (parse_options(argc, argv, &options) < 0)
        return 2;
    host_init(&host, NULL, options.state_dir);
    const char *fault = getenv("XLMD_FAULT");
    if (fault && *fault && fault_inject_parse(fault, &host.fault) < 0) {
        fprintf(stderr, "xlmd: XLMD_FAULT does not parse: %s\n", fault);
        return 2;
    }
    int signal_fd = signals(), local = listen_local(options.socket_path),
        tcp = local < 0 ? -1 : listen_tcp(options.port);
    if (local < 0 || tcp < 0) {
        fprintf(stderr, "xlmd: cannot listen on %s%s: %s\n",
                local < 0 ? options.socket_path : "the TCP port",
                errno == EADDRINUSE ? " (is another xlmd running?)" : "", strerror(errno));
        return 1;
    }
    settle_recover(&host);
    if (start_thread(settle_main, &host)) {
        fprintf(stderr, "xlmd: cannot start a thread\n");
        return 1;
    }
    log_line("xen-lite %s: xlmd, protocol version %u, TCP port %u", XL_VERSION, XLM_VERSION,
             options.port);
    for (;;) {
        struct pollfd set[3] = { { signal_fd, POLLIN, 0 },
                                 { local, POLLIN, 0 },
                                 { tcp, POLLIN, 0 } };
        if (poll(set, 3, -1) < 0 && errno != EINTR)
            break;
        if (set[0].revents)
            break;
        if (set[1].revents)
            accept_session(&host, local, true);
        if (set[2].revents)
            accept_session(&host, tcp, false);
    }
    unlink(options.socket_path);
    host_stop(&host);
    return 0;
}
