/* SPDX-License-Identifier: BSD-2-Clause */
/* Domains: look-up, contexts, unpausing, suspending, resuming. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend_xen.h"

struct backend *backend_open(const char *host, struct failure *f)
{
    struct backend *backend = calloc(1, sizeof(*backend));
    (void)host;
    if (!backend) {
        fail(f, XLM_E_MEMORY, "no memory");
        return NULL;
    }
    backend->create_pidfd = backend->create_output = -1;
    backend->saved_domid = UINT32_MAX;
    backend->xc = xc_interface_open(NULL, NULL, 0);
    backend->memory = xenforeignmemory_open(NULL, 0);
    backend->store = xs_open(0);
    if (backend->xc && backend->memory && backend->store)
        return backend;
    fail(f, XLM_E_INTERNAL, "cannot reach %s: %s",
         !backend->xc       ? "the hypervisor"
         : !backend->memory ? "/dev/xen/privcmd (guests' memory)"
                            : "xenstore",
         strerror(errno));
    backend_close(backend);
    return NULL;
}

void backend_close(struct backend *backend)
{
    backend_create_abandon(backend);
    free(backend->saved);
    if (backend->store)
        xs_close(backend->store);
    if (backend->memory)
        xenforeignmemory_close(backend->memory);
    if (backend->xc)
        xc_interface_close(backend->xc);
    free(backend);
}

static void describe(struct backend *backend, const xc_dominfo_t *info, struct backend_domain *d)
{
    char path[64];
    *d = (struct backend_domain){
        .domid = info->domid,
        .vcpu_count = info->max_vcpu_id + 1,
        .max_pages = info->max_memkb / 4,
        .tot_pages = info->nr_pages,
        .paused = info->paused,
        .dying = info->dying,
        .shut_down = info->shutdown,
        .suspended = info->shutdown && info->shutdown_reason == SHUTDOWN_suspend,
    };
    memcpy(d->uuid, info->handle, 16);
    snprintf(path, sizeof(path), "/local/domain/%u/name", info->domid);
    if (store_read(backend, path, d->name, sizeof(d->name)) < 0)
        d->name[0] = 0;
}

/* The domain with the lowest number from `domid` on. -ESRCH if there is none. */
static int next_domain(struct backend *backend, uint32_t domid, xc_dominfo_t *info)
{
    int n = xc_domain_getinfo(backend->xc, domid, 1, info);
    return n == 1 ? 0 : n == 0 || errno == ESRCH ? -ESRCH : -errno;
}

int backend_info(struct backend *backend, uint32_t domid, struct backend_domain *d)
{
    xc_dominfo_t info;
    int error = next_domain(backend, domid, &info);
    if (error || info.domid != domid)
        return error ? error : -ESRCH;
    describe(backend, &info, d);
    return 0;
}

int backend_find(struct backend *backend, const char *guest, struct backend_domain *d)
{
    xc_dominfo_t info;
    char *end;
    unsigned long number = strtoul(guest, &end, 10);
    if (*guest >= '0' && *guest <= '9' && !*end && number < 32752)
        return backend_info(backend, (uint32_t)number, d);
    int error;
    for (uint32_t id = 0; !(error = next_domain(backend, id, &info)); id = info.domid + 1) {
        describe(backend, &info, d);
        if (!d->dying && !strcmp(d->name, guest))
            return 0;
    }
    return error;
}

int backend_find_uuid(struct backend *backend, const uint8_t uuid[16], struct backend_domain *d)
{
    xc_dominfo_t info;
    int error;
    for (uint32_t id = 1; !(error = next_domain(backend, id, &info)); id = info.domid + 1) {
        if (info.dying || memcmp(info.handle, uuid, 16))
            continue;
        describe(backend, &info, d);
        return 0;
    }
    return error;
}

int backend_free_pages(struct backend *backend, uint64_t *pages)
{
    xc_physinfo_t info = { 0 };
    if (xc_physinfo(backend->xc, &info) < 0)
        return -errno;
    *pages = info.free_pages;
    return 0;
}

int backend_get_context(struct backend *backend, uint32_t domid, void *buffer, size_t capacity)
{
    int n = xc_domain_hvm_getcontext(backend->xc, domid, buffer, (uint32_t)capacity);
    return n < 0 ? -errno : n;
}

int backend_set_context(struct backend *backend, uint32_t domid, const void *context, size_t bytes)
{
    return xc_domain_hvm_setcontext(backend->xc, domid, (uint8_t *)(uintptr_t)context,
                                    (uint32_t)bytes) < 0
               ? -errno
               : 0;
}

/* Makes an empty domain, reads its context, which shows what this host offers, and destroys it. */
static int probe_context(struct backend *backend, void *buffer, size_t capacity)
{
    struct xen_domctl_createdomain config = {
        .flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
        .max_vcpus = 1,
        .max_evtchn_port = 1023,
        .max_grant_frames = 1,
        .max_maptrack_frames = 0,
        .grant_opts = XEN_DOMCTL_GRANT_version(1),
    };
    uint32_t domid = 0;
    if (xc_domain_create(backend->xc, &domid, &config) < 0)
        return -errno;
    int n = xc_domain_max_vcpus(backend->xc, domid, 1) < 0
                ? -errno
                : backend_get_context(backend, domid, buffer, capacity);
    xc_domain_destroy(backend->xc, domid);
    return n;
}

int backend_host_context(struct backend *backend, void *buffer, size_t capacity)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static uint8_t *cache;
    static int cached;
    pthread_mutex_lock(&lock);
    if (!cache) {
        int n = probe_context(backend, buffer, capacity);
        if (n < 0)
            log_line(
                "cannot make an empty domain to read this host's CPU features (%s): reading the "
                "control domain's",
                strerror(-n));
        if (n < 0)
            n = backend_get_context(backend, 0, buffer, capacity);
        cached = n;
        cache = n > 0 ? malloc((size_t)n) : NULL;
        if (cache)
            memcpy(cache, buffer, (size_t)n);
    } else if ((size_t)cached <= capacity) {
        memcpy(buffer, cache, (size_t)cached);
    }
    int result = cached;
    pthread_mutex_unlock(&lock);
    return result;
}

/* ---- suspend and resume ---- */

/* A guest that has taken the request still freezes its tasks and its devices. */
#define AFTER_ACK_MS 30000u
/* Most guests suspend within a second: until then the store is not read, which saves messages. */
#define ASK_NODE_AFTER_NS 1000000000u

static int ask_to_suspend(struct backend *backend, const char *node)
{
    return xs_write(backend->store, XBT_NULL, node, "suspend", 7) ? 0 : -errno;
}

/* Withdraws the request unless the guest has taken it. False if the guest has taken it. */
static bool withdraw(struct backend *backend, const char *node)
{
    for (;;) {
        xs_transaction_t t = xs_transaction_start(backend->store);
        unsigned length;
        char *value = t == XBT_NULL ? NULL : xs_read(backend->store, t, node, &length);
        bool pending = value && !strcmp(value, "suspend");
        free(value);
        bool written = !pending || xs_write(backend->store, t, node, "", 0);
        if (t == XBT_NULL || xs_transaction_end(backend->store, t, !written))
            return pending && written;
        if (errno != EAGAIN)
            return false;
    }
}

static bool acknowledged(struct backend *backend, const char *node)
{
    char value[32];
    return store_read(backend, node, value, sizeof(value)) < 0 || strcmp(value, "suspend") != 0;
}

/* Waits until a watch fires, as it does when xenstore sees the shutdown, or until 3 ms have
 * passed. True if `cancel_fd` is readable. */
static bool pause_briefly(struct backend *backend, int cancel_fd)
{
    struct pollfd set[2] = { { xs_fileno(backend->store), POLLIN, 0 }, { cancel_fd, POLLIN, 0 } };
    bool cancelled = poll(set, 2, 3) > 0 && set[1].revents;
    store_drain(backend);
    return cancelled;
}

/* One wait for a guest to suspend. */
struct suspend_wait {
    struct backend *backend;
    uint32_t domid;
    const char *node; /* the guest's control/shutdown */
    uint64_t start_ns, end_ns;
    bool taken; /* the guest has taken the request: it can be neither withdrawn nor cancelled */
};

static void note_taken(struct suspend_wait *w)
{
    w->taken = true;
    w->end_ns = now_ns() + AFTER_ACK_MS * 1000000ull;
}

/* 0: suspended, 1: not yet, -1 with *f set: the guest will never suspend. */
static int look_suspended(const struct suspend_wait *w, struct failure *f)
{
    xc_dominfo_t info;
    int error = next_domain(w->backend, w->domid, &info);
    if (error || info.domid != w->domid)
        return fail(f, XLM_E_STATE, "the guest has been destroyed");
    if (info.shutdown && info.shutdown_reason == SHUTDOWN_suspend)
        return 0;
    if (info.shutdown || info.dying)
        return fail(f, XLM_E_STATE, "the guest shut down by itself");
    return 1;
}

/* The wait is over without a suspended guest.  1: the guest had just taken the request, so wait on.
 */
static int give_up_waiting(struct suspend_wait *w, bool cancelled, uint32_t timeout_ms,
                           struct failure *f)
{
    if (w->taken)
        return fail(f, XLM_E_STATE,
                    "the guest took the request to suspend, but has not stopped in %u s",
                    AFTER_ACK_MS / 1000);
    if (!withdraw(w->backend, w->node)) {
        note_taken(w);
        return 1;
    }
    return cancelled ? fail(f, XLM_E_CANCELLED, "cancelled")
                     : fail(f, XLM_E_STATE,
                            "the guest did not react to control/shutdown within %u ms "
                            "(does it have Xen's suspend support?)",
                            timeout_ms);
}

static int wait_suspended(struct suspend_wait *w, uint32_t timeout_ms, int cancel_fd,
                          uint64_t *stopped_ns, struct failure *f)
{
    int waiting;
    w->start_ns = now_ns();
    w->end_ns = w->start_ns + timeout_ms * 1000000ull;
    while ((waiting = look_suspended(w, f)) > 0) {
        bool cancelled = pause_briefly(w->backend, cancel_fd) && !w->taken;
        if ((cancelled || now_ns() > w->end_ns) && give_up_waiting(w, cancelled, timeout_ms, f) < 0)
            return -1;
        if (!w->taken && now_ns() - w->start_ns > ASK_NODE_AFTER_NS &&
            acknowledged(w->backend, w->node))
            note_taken(w);
    }
    *stopped_ns = now_ns();
    return waiting;
}

int backend_suspend(struct backend *backend, uint32_t domid, uint32_t timeout_ms, int cancel_fd,
                    uint64_t *stopped_ns, struct failure *f)
{
    char node[64];
    snprintf(node, sizeof(node), "/local/domain/%u/control/shutdown", domid);
    xs_watch(backend->store, "@releaseDomain", "shutdown");
    int error = ask_to_suspend(backend, node);
    if (error < 0)
        return fail(f, XLM_E_INTERNAL, "cannot write %s: %s", node, strerror(-error));
    struct suspend_wait wait = { .backend = backend, .domid = domid, .node = node };
    return wait_suspended(&wait, timeout_ms, cancel_fd, stopped_ns, f);
}

int backend_resume(struct backend *backend, uint32_t domid)
{
    struct xen_domctl resume = { .cmd = XEN_DOMCTL_resumedomain,
                                 .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
                                 .domain = (domid_t)domid };
    vcpu_guest_context_any_t registers;
    /* Linux suspends in stop_machine() on vCPU 0. There the hypercall returns, and its result 1
     * means "suspend cancelled". */
    if (xc_vcpu_getcontext(backend->xc, domid, 0, &registers) < 0)
        return -errno;
    registers.c.user_regs.x0 = 1; /* r0 of a 32-bit guest */
    if (xc_vcpu_setcontext(backend->xc, domid, 0, &registers) < 0 ||
        xc_domctl(backend->xc, &resume) < 0)
        return -errno;
    xs_resume_domain(backend->store, domid); /* so that xenstore reports the next shutdown, too */
    return 0;
}

int backend_unpause(struct backend *backend, uint32_t domid)
{
    return xc_domain_unpause(backend->xc, domid) < 0 ? -errno : 0;
}
