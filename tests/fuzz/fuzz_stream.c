// link: @migrate
// libs: -lpthread -lm
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Feeds arbitrary streams to the whole receiving side of B, with a fake host: decoder, order of
 * records, memory, files.
 *
 * Checksums would stop nearly every mutation at the first record. So the fuzzer repairs the record
 * headers before it feeds the input: magic numbers, indices, lengths that reach beyond the input,
 * checksums. It changes nothing else. If the first byte is odd, the input is fed unchanged.
 *
 * With the argument `-seeds DIR` (before libFuzzer's own arguments) nothing is fuzzed: the stream
 * of a real migration is recorded to DIR.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../migrate/codec.h"
#include "../../migrate/source.h"
#include "../../migrate/target.h"
#include "../host/fake_backend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct host host[2];
static char dir[2][64];

static void start_hosts(void)
{
    for (int i = 0; i < 2; i++) {
        snprintf(dir[i], sizeof(dir[i]), "/tmp/fuzz-stream-XXXXXX");
        if (!mkdtemp(dir[i]))
            abort();
        host_init(&host[i], i ? "B" : "A", dir[i]);
    }
}

static void remove_dirs(void)
{
    for (int i = 0; i < 2; i++) {
        char command[128];
        snprintf(command, sizeof(command), "rm -rf %s", dir[i]);
        if (system(command))
            abort();
    }
}

/* Repairs the headers of all records in the input. */
static void repair(uint8_t *stream, size_t size)
{
    uint64_t index = 0;
    for (size_t at = 0; size - at >= sizeof(struct xlm_header);) {
        struct xlm_header h;
        memcpy(&h, stream + at, sizeof(h));
        size_t room = size - at - sizeof(h);
        if (h.length > room)
            h.length = (uint32_t)room;
        h.index = index++;
        h.stream = 0;
        uint8_t *payload = stream + at + sizeof(h);
        size_t checked = h.length;
        if (h.type == XLM_PAGES && h.length >= sizeof(struct xlm_pages)) {
            struct xlm_pages p;
            memcpy(&p, payload, sizeof(p));
            size_t want = sizeof(p) + (size_t)p.run_count * sizeof(struct xlm_run) +
                          (size_t)p.page_count * 8;
            checked = p.run_count <= XLM_PAGES_MAX && p.page_count <= XLM_PAGES_MAX &&
                              want <= h.length
                          ? want
                          : h.length;
        }
        struct iovec part = { payload, checked };
        codec_seal(&h, &part, 1);
        memcpy(stream + at, &h, sizeof(h));
        at += sizeof(h) + (h.length == room            ? room
                           : xlm_pad(h.length) <= room ? xlm_pad(h.length)
                                                       : room);
    }
}

static int fd[2];
static const uint8_t *served;
static size_t served_size;

static void *serve(void *unused)
{
    char sink[4096];
    for (size_t at = 0; at < served_size;) {
        ssize_t n = send(fd[0], served + at, served_size - at, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    shutdown(fd[0], SHUT_WR);
    while (read(fd[0], sink, sizeof(sink)) > 0)
        ;
    close(fd[0]);
    return unused;
}

static void drop_journals(void)
{
    char path[128];
    struct journal *list;
    host_journal_dir(&host[1], path, sizeof(path));
    int count = journal_list(path, &list);
    for (int i = 0; i < count; i++)
        journal_remove(path, list[i].migration);
    free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pthread_t thread;
    if (size < 2 || size > (1 << 20))
        return 0;
    uint8_t *stream = malloc(size - 1);
    memcpy(stream, data + 1, size - 1);
    if (!(data[0] & 1))
        repair(stream, size - 1);
    fake_reset();
    served = stream;
    served_size = size - 1;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
        abort();
    pthread_create(&thread, NULL, serve, NULL);
    target_serve(&host[1], fd[1], "fuzzer");
    pthread_join(thread, NULL);
    /* Everything must be freed. A guest may stay only if B was told to run it, or waits for
     * COMMIT. */
    if (fake_mappings() != 0 || host[1].list)
        abort();
    drop_journals();
    free(stream);
    return 0;
}

/* ---- seeds ---- */

static void *target_main(void *unused)
{
    target_serve(&host[1], fd[1], "a");
    return unused;
}

/* Runs a migration through a proxy that records the bytes of A. */
static int record_seed(const char *to)
{
    int a[2];
    char path[256], kernel[128];
    pthread_t target;
    snprintf(path, sizeof(path), "%s/migration", to);
    snprintf(kernel, sizeof(kernel), "%s/image", dir[0]);
    FILE *image = fopen(kernel, "w");
    fputs("kernel", image);
    fclose(image);
    fake_reset();
    fake_make_guest(0, "guest", 256, kernel);
    for (uint32_t i = 0; i < 3; i++)
        fake_guest_write(0, i, i + 1);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, a) || socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
        abort();
    pthread_create(&target, NULL, target_main, NULL);
    if (fork() == 0) {
        static uint8_t buffer[65536];
        FILE *out = fopen(path, "w");
        fputc(0, out);
        if (fork() == 0) {
            for (ssize_t n; (n = read(fd[0], buffer, sizeof(buffer))) > 0;)
                if (send(a[1], buffer, (size_t)n, MSG_NOSIGNAL) != n)
                    break;
            _exit(0);
        }
        close(a[0]);
        for (ssize_t n; (n = read(a[1], buffer, sizeof(buffer))) > 0;) {
            fwrite(buffer, 1, (size_t)n, out);
            if (send(fd[0], buffer, (size_t)n, MSG_NOSIGNAL) != n)
                break;
        }
        fclose(out);
        _exit(0);
    }
    close(a[1]);
    struct source_request request = { .guest = "guest",
                                      .peer = "b",
                                      .port = 1,
                                      .downtime_ms = 300,
                                      .suspend_timeout_ms = 100,
                                      .fd = a[0] };
    struct report report = { 0 };
    enum source_result result = source_run(&host[0], &request, &report);
    shutdown(fd[0], SHUT_RDWR);
    pthread_join(target, NULL);
    printf("recorded to %s, result %d\n", path, result);
    return (int)result;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    start_hosts();
    atexit(remove_dirs);
    log_silent = true;
    if (*argc == 3 && !strcmp((*argv)[1], "-seeds"))
        exit(record_seed((*argv)[2]));
    return 0;
}
