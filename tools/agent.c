/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control domain's side of the command channel: it runs shell commands for tools/host.py.
 *
 * The channel is a virtio-serial port of its own, so that no console output can appear inside an
 * answer.  A frame is a header line and a body whose length the header gives.
 *
 * To the agent:
 *     RUN id command-bytes stdin-bytes\n<command><stdin>
 *     KILL id\n                              sends SIGKILL to the command's process group
 * From the agent:
 *     HELLO\n
 *     OUT id bytes\n<output and errors>
 *     EXIT id status\n                       status: 128 + signal if a signal killed the command
 *
 * Commands run in parallel.  The agent closes the port only when the machine stops.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT_NAME   "xl.agent"
#define JOBS_MAX    32
#define CHUNK_BYTES 16384

struct job {
    unsigned id;
    pid_t pid; /* 0: this entry is free */
    int out;   /* -1 when the command and all processes that inherited its output have closed it */
    int status;
    int exited;
};

static struct job jobs[JOBS_MAX];
static int port = -1;

/* Opens the port named PORT_NAME; -1 if there is none. Ports appear shortly after the driver is
 * loaded. */
static int open_port(void)
{
    DIR *dir = opendir("/sys/class/virtio-ports");
    struct dirent *entry;
    int fd = -1;

    if (!dir)
        return -1;
    while (fd < 0 && (entry = readdir(dir))) {
        char path[320], name[64] = "";
        FILE *f;

        snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", entry->d_name);
        f = fopen(path, "r");
        if (!f)
            continue;
        if (fgets(name, sizeof(name), f) && !strcmp(name, PORT_NAME "\n")) {
            snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
            fd = open(path, O_RDWR | O_CLOEXEC);
        }
        fclose(f);
    }
    closedir(dir);
    return fd;
}

static void port_write(const void *data, size_t bytes)
{
    const char *at = data;

    while (bytes) {
        ssize_t n = write(port, at, bytes);

        if (n > 0) {
            at += n;
            bytes -= (size_t)n;
        } else if (errno != EINTR && errno != EAGAIN) {
            /* Nobody has the other end open: wait, because an answer must not be cut in two. */
            usleep(10000);
        }
    }
}

static void port_printf(const char *format, ...)
{
    char line[128];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    port_write(line, (size_t)n);
}

static void port_read(void *data, size_t bytes)
{
    char *at = data;

    while (bytes) {
        ssize_t n = read(port, at, bytes);

        if (n > 0) {
            at += n;
            bytes -= (size_t)n;
        } else {
            usleep(10000);
        }
    }
}

static char *read_body(size_t bytes)
{
    char *body = malloc(bytes + 1);

    if (!body) {
        perror("agent");
        exit(1);
    }
    port_read(body, bytes);
    body[bytes] = 0;
    return body;
}

static int start(struct job *job, const char *command, const char *in, size_t in_bytes)
{
    int out[2];
    int input = memfd_create("stdin", MFD_CLOEXEC);

    if (input < 0 || write(input, in, in_bytes) != (ssize_t)in_bytes ||
        lseek(input, 0, SEEK_SET) < 0 || pipe2(out, O_CLOEXEC) < 0)
        return -1;
    job->pid = fork();
    if (job->pid == 0) {
        sigset_t none;

        /* A command would inherit the blocked SIGCHLD, and xl needs this signal to wait for its
         * children. */
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        signal(SIGPIPE, SIG_DFL);
        setsid();
        dup2(input, 0);
        dup2(out[1], 1);
        dup2(out[1], 2);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(input);
    close(out[1]);
    if (job->pid < 0) {
        close(out[0]);
        job->pid = 0;
        return -1;
    }
    job->out = out[0];
    job->exited = 0;
    return 0;
}

static void run(unsigned id, const char *command, const char *in, size_t in_bytes)
{
    for (struct job *job = jobs; job < jobs + JOBS_MAX; job++) {
        if (job->pid)
            continue;
        job->id = id;
        if (start(job, command, in, in_bytes) < 0)
            break;
        return;
    }
    port_printf("EXIT %u 126\n", id);
}

static void request(void)
{
    char line[96];
    size_t length = 0, command_bytes, in_bytes;
    unsigned id;

    do {
        port_read(line + length, 1);
    } while (line[length] != '\n' && ++length < sizeof(line) - 1);
    line[length] = 0;
    if (sscanf(line, "RUN %u %zu %zu", &id, &command_bytes, &in_bytes) == 3) {
        char *command = read_body(command_bytes);
        char *in = read_body(in_bytes);

        run(id, command, in, in_bytes);
        free(command);
        free(in);
    } else if (sscanf(line, "KILL %u", &id) == 1) {
        for (struct job *job = jobs; job < jobs + JOBS_MAX; job++)
            if (job->pid && job->id == id)
                kill(-job->pid, SIGKILL);
    }
}

/* A command has ended when it has exited. Output of a daemon that it left behind is not waited
 * for. */
static void finish(struct job *job)
{
    static char chunk[CHUNK_BYTES];
    struct pollfd ready = { .fd = job->out, .events = POLLIN };
    ssize_t n;

    while (job->out >= 0 && poll(&ready, 1, 0) > 0 &&
           (n = read(job->out, chunk, sizeof(chunk))) > 0) {
        port_printf("OUT %u %zd\n", job->id, n);
        port_write(chunk, (size_t)n);
    }
    if (job->out >= 0)
        close(job->out);
    port_printf("EXIT %u %d\n", job->id,
                WIFEXITED(job->status) ? WEXITSTATUS(job->status) : 128 + WTERMSIG(job->status));
    job->pid = 0;
}

static void on_child(int signal_number)
{
    (void)signal_number; /* the signal only interrupts poll() */
}

static void reap(void)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (struct job *job = jobs; job < jobs + JOBS_MAX; job++)
            if (job->pid == pid) {
                job->status = status;
                finish(job);
            }
}

static void serve(void)
{
    static char chunk[CHUNK_BYTES];
    sigset_t blocked, open_mask;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_BLOCK, &blocked, &open_mask);
    for (;;) {
        struct pollfd fds[JOBS_MAX + 1] = { { .fd = port, .events = POLLIN } };
        struct job *owners[JOBS_MAX + 1];
        nfds_t count = 1;

        reap();
        for (struct job *job = jobs; job < jobs + JOBS_MAX; job++)
            if (job->pid && job->out >= 0) {
                owners[count] = job;
                fds[count++] = (struct pollfd){ .fd = job->out, .events = POLLIN };
            }
        if (ppoll(fds, count, NULL, &open_mask) <= 0)
            continue;
        if (fds[0].revents & POLLIN)
            request();
        else if (fds[0].revents & POLLHUP)
            usleep(10000);
        for (nfds_t i = 1; i < count; i++) {
            struct job *job = owners[i];
            ssize_t n;

            if (!fds[i].revents)
                continue;
            n = read(job->out, chunk, sizeof(chunk));
            if (n > 0) {
                port_printf("OUT %u %zd\n", job->id, n);
                port_write(chunk, (size_t)n);
            } else if (n == 0) {
                close(job->out);
                job->out = -1;
            }
        }
    }
}

int main(void)
{
    struct sigaction child = { .sa_handler = on_child };

    sigaction(SIGCHLD, &child, NULL);
    signal(SIGPIPE, SIG_IGN);
    for (int tries = 0; (port = open_port()) < 0; tries++) {
        if (tries == 500)
            return 0; /* a machine without the channel */
        usleep(20000);
    }
    port_printf("HELLO\n");
    serve();
    return 0;
}
