/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs xl as a program for create and destroy, so that its own records of domains are complete.
 * No shell is involved. */
#define _GNU_SOURCE 1

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend_xen.h"

/* Starts a program whose output goes to `output`. The program is killed when the thread that
 * started it ends. */
static pid_t start(char *const argv[], int output)
{
    pid_t parent = getpid(), pid = fork();
    if (pid)
        return pid;
    /* The child of a process with threads may use system calls only. */
    int null = open("/dev/null", O_RDONLY);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || null < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 ||
        dup2(output, 2) < 0)
        _exit(126);
    syscall(SYS_close_range, 3u, ~0u, 0u);
    execvp(argv[0], argv);
    _exit(127);
}

/* The last line of the output that is not empty. */
static void last_words(int output, char *text, size_t size)
{
    char all[4096];
    off_t end = lseek(output, 0, SEEK_END),
          from = end > (off_t)sizeof(all) - 1 ? end - (off_t)sizeof(all) + 1 : 0;
    ssize_t n = pread(output, all, sizeof(all) - 1, from);
    all[n > 0 ? n : 0] = 0;
    text[0] = 0;
    char *save = NULL;
    for (char *line = strtok_r(all, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        if (*line)
            copy_text(text, size, line);
}

int backend_create_start(struct backend *backend, const char *config_path, struct failure *f)
{
    char *argv[] = { "xl", "create", "-p", (char *)(uintptr_t)config_path, NULL };
    backend->create_output = memfd_create("xl", MFD_CLOEXEC);
    backend->create_pid = backend->create_output < 0 ? -1 : start(argv, backend->create_output);
    if (backend->create_pid < 0) {
        backend->create_pid = 0;
        return fail(f, XLM_E_CREATE, "cannot start xl: %s", strerror(errno));
    }
    backend->create_pidfd = (int)syscall(SYS_pidfd_open, backend->create_pid, 0);
    return 0;
}

static void end_create(struct backend *backend)
{
    if (backend->create_pidfd >= 0)
        close(backend->create_pidfd);
    if (backend->create_output >= 0)
        close(backend->create_output);
    backend->create_pidfd = backend->create_output = -1;
    backend->create_pid = 0;
}

int backend_create_wait(struct backend *backend, int timeout_ms, struct failure *f)
{
    char words[256];
    int status;
    struct pollfd set = { backend->create_pidfd, POLLIN, 0 };
    if (!backend->create_pid)
        return fail(f, XLM_E_CREATE, "internal error: no xl create is running");
    if (timeout_ms)
        poll(&set, 1, timeout_ms);
    pid_t pid = waitpid(backend->create_pid, &status, WNOHANG);
    if (pid == 0)
        return -EAGAIN;
    last_words(backend->create_output, words, sizeof(words));
    end_create(backend);
    if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    return fail(f, XLM_E_CREATE, "xl create on the target host failed: %s",
                words[0] ? words : "it printed no reason");
}

void backend_create_abandon(struct backend *backend)
{
    if (backend->create_pid) {
        kill(backend->create_pid, SIGKILL);
        waitpid(backend->create_pid, NULL, 0);
    }
    end_create(backend);
}

static int run(char *const argv[])
{
    int status, output = open("/dev/null", O_WRONLY | O_CLOEXEC);
    pid_t pid = output < 0 ? -1 : start(argv, output);
    if (output >= 0)
        close(output);
    if (pid < 0)
        return -errno;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

int backend_destroy(struct backend *backend, uint32_t domid)
{
    char number[16];
    struct backend_domain d;
    char *argv[] = { "xl", "destroy", number, NULL };
    snprintf(number, sizeof(number), "%u", domid);
    int error = run(argv);
    for (int i = 0; i < 100 && backend_info(backend, domid, &d) == 0; i++) {
        /* xl does not know a domain that it did not finish making, so destroy it directly. */
        if (!d.dying && i % 20 == 0)
            xc_domain_destroy(backend->xc, domid);
        if (d.dying && i > 10)
            return 0; /* it disappears with the last mapping of its pages */
        usleep(10000);
    }
    return backend_info(backend, domid, &d) == 0 && !d.dying ? (error ? error : -EBUSY) : 0;
}

char *backend_stored_config(struct backend *backend, const struct backend_domain *d,
                            struct failure *f)
{
    char path[256], uuid[37], *text = calloc(1, XLM_CONFIG_MAX + 2);
    (void)backend;
    uuid_format(d->uuid, uuid);
    snprintf(path, sizeof(path), "/var/lib/xen/userdata-d.%u.%s.libxl-json", d->domid, uuid);
    FILE *in = fopen(path, "re");
    size_t n = text && in ? fread(text, 1, XLM_CONFIG_MAX + 1, in) : 0;
    if (in)
        fclose(in);
    if (n > 0 && n <= XLM_CONFIG_MAX)
        return text;
    free(text);
    fail(f, XLM_E_CONFIG,
         "libxl has no stored configuration of this guest (%s): create the guest with xl", path);
    return NULL;
}
