/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All that the daemon needs from the hypervisor, from xenstore and from xl.  The implementation is
 * chosen when the program is linked: backend_xen*.c uses Xen's libraries, the host tests link
 * fake_backend.c.
 *
 * Only one thread at a time may use a `struct backend`.  A function returns 0 on success and a
 * negative errno on failure unless its comment differs.  A function with a `struct failure`
 * parameter returns -1 on failure and stores the reason there.
 */
#ifndef MIGRATE_BACKEND_H
#define MIGRATE_BACKEND_H

#include "common.h"

struct backend;

/*
 * Opens a connection to the hypervisor and to xenstore.  `host` is NULL for this machine; tests
 * pass the name of a fake host.  Returns NULL with *f set on failure.
 */
struct backend *backend_open(const char *host, struct failure *f);
void backend_close(struct backend *backend);

struct backend_domain {
    uint32_t domid, vcpu_count;
    uint8_t uuid[16];
    char name[XLM_NAME_MAX]; /* "" if xenstore has none */
    uint64_t max_pages, tot_pages;
    bool paused;    /* paused by the tool stack */
    bool suspended; /* the guest called SCHEDOP_shutdown(SHUTDOWN_suspend) */
    bool shut_down; /* the guest shut down for any reason, suspend included */
    bool dying;
};

/* Look up a domain by name or number, by UUID, or by number.  -ESRCH if there is none.  Dying
 * domains are not found by name or UUID. */
int backend_find(struct backend *backend, const char *guest, struct backend_domain *d);
int backend_find_uuid(struct backend *backend, const uint8_t uuid[16], struct backend_domain *d);
int backend_info(struct backend *backend, uint32_t domid, struct backend_domain *d);

/* The number of pages that are free for new domains. */
int backend_free_pages(struct backend *backend, uint64_t *pages);

/*
 * Reads the context of an empty domain, which this function creates and destroys.  It shows which
 * CPU features this host offers to a guest.  Returns the number of bytes, or a negative errno.
 */
int backend_host_context(struct backend *backend, void *buffer, size_t capacity);

/*
 * The banks of guest frames for a domain of this maximum size, in ascending order, as xl lays them
 * out.  Returns the number of banks, at most 4.
 */
int backend_layout(struct backend *backend, uint64_t max_pages, struct xlm_run bank[4]);

/*
 * The dirty log.  Bit N of the bitmap is guest frame N; the bitmap has `bits` bits.  A harvest
 * clears the log while it reads it, so the guest's next write to each page faults.  A peek leaves
 * the log unchanged, so it costs the guest nothing.
 */
int backend_log_enable(struct backend *backend, uint32_t domid);
int backend_log_disable(struct backend *backend, uint32_t domid);
int backend_log_harvest(struct backend *backend, uint32_t domid, uint64_t *bitmap, uint64_t bits);
int backend_log_peek(struct backend *backend, uint32_t domid, uint64_t *bitmap, uint64_t bits);

/*
 * Reads and writes a domain's context: the sequence of state records (xen-lite/include/records.h)
 * that XEN_DOMCTL_gethvmcontext returns.  backend_get_context() returns the number of bytes, or a
 * negative errno.
 */
int backend_get_context(struct backend *backend, uint32_t domid, void *buffer, size_t capacity);
int backend_set_context(struct backend *backend, uint32_t domid, const void *context, size_t bytes);

/*
 * Asks the guest to suspend and waits until it has suspended.  *stopped_ns is the time
 * (CLOCK_MONOTONIC) at which this function saw that.  Fails after `timeout_ms` without a reaction
 * of the guest, or when `cancel_fd` becomes readable.  On failure the request is withdrawn and the
 * guest runs on.
 */
int backend_suspend(struct backend *backend, uint32_t domid, uint32_t timeout_ms, int cancel_fd,
                    uint64_t *stopped_ns, struct failure *f);

/* Resumes a suspended guest where it stopped.  The guest sees "suspend cancelled". */
int backend_resume(struct backend *backend, uint32_t domid);

int backend_unpause(struct backend *backend, uint32_t domid);

/* Destroys the domain by way of xl, so that nothing of it stays in xl's files or in xenstore.
 * Returns when the domain is gone, or is dying and waits only for mappings of its pages. */
int backend_destroy(struct backend *backend, uint32_t domid);

/*
 * Reads the kind of each of `count` consecutive frames (at most BACKEND_FRAMES_MAX) from `gfn` on.
 * The hypervisor looks for pages of zeroes only if `zero` is set, because that costs time.
 */
#define BACKEND_FRAMES_MAX 128u
enum backend_frame {
    BACKEND_HOLE,
    BACKEND_MEMORY,
    BACKEND_ZERO /* memory that contains only zeroes at this moment */
};
int backend_frames(struct backend *backend, uint32_t domid, uint64_t gfn, size_t count, bool zero,
                   enum backend_frame *frame);

/*
 * For a domain that has been made and has never run: bit N is set if the domain builder wrote
 * frame N.  All other frames still contain only zeroes.
 */
int backend_written(struct backend *backend, uint32_t domid, uint64_t *bitmap, uint64_t bits);

/*
 * Maps `count` frames (at most BACKEND_MAP_MAX) at consecutive addresses.  error[i] is 0, or the
 * errno of frame i, which is then a hole and must not be accessed.  Returns NULL with errno set if
 * nothing could be mapped.
 */
#define BACKEND_MAP_MAX 1024u
void *backend_map(struct backend *backend, uint32_t domid, bool writable, const uint64_t *gfn,
                  size_t count, int *error);
void backend_unmap(struct backend *backend, void *va, size_t count);

/* Gives memory to a hole; makes a hole of a frame with memory. */
int backend_populate(struct backend *backend, uint32_t domid, uint64_t gfn);
int backend_depopulate(struct backend *backend, uint32_t domid, uint64_t gfn);
int backend_set_max_pages(struct backend *backend, uint32_t domid, uint64_t pages);

/*
 * backend_store_save() reads the xenstore nodes that the guest itself wrote, in the format of
 * STATE's node bytes (codec_next_node()), with paths relative to the domain's home.  *bytes is
 * malloc'ed.  A second call returns the nodes of the first, and reads them again only if one has
 * changed.  backend_store_load() writes such nodes for another domain.
 */
int backend_store_save(struct backend *backend, uint32_t domid, uint8_t **bytes, size_t *length,
                       uint32_t *count);
int backend_store_load(struct backend *backend, uint32_t domid, const uint8_t *bytes,
                       size_t length);

/* The balloon target of the guest: the xenstore node memory/target, in KiB. */
int backend_get_target(struct backend *backend, uint32_t domid, uint64_t *kib);
int backend_set_target(struct backend *backend, uint32_t domid, uint64_t kib);

/* The configuration that the tool stack stored for the domain: libxl's JSON or xl's text.
 * malloc'ed; NULL with *f set on failure. */
char *backend_stored_config(struct backend *backend, const struct backend_domain *d,
                            struct failure *f);

/*
 * backend_create_start() starts `xl create -p` with a configuration file, and returns at once.
 * backend_create_wait() returns 0 when the paused domain exists, -EAGAIN if xl has not ended after
 * `timeout_ms`, or -1 with *f set.  backend_create_abandon() kills an xl that still runs, and may
 * be called at any time.
 */
int backend_create_start(struct backend *backend, const char *config_path, struct failure *f);
int backend_create_wait(struct backend *backend, int timeout_ms, struct failure *f);
void backend_create_abandon(struct backend *backend);

#endif
