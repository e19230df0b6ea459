/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All that the daemon asks of the hypervisor, of xenstore and of xl.  Chosen at link time:
 * backend_xen*.c speaks to Xen's libraries, the tests have a fake.  A `struct backend` is used by
 * one thread at a time.  Functions return 0 or a negative errno unless they say otherwise; those
 * with a `struct failure` return -1 with the reason in it.
 */
#ifndef MIGRATE_BACKEND_H
#define MIGRATE_BACKEND_H

#include "common.h"

struct backend;

/* `host` is NULL for this machine; tests name their fake hosts by it.  NULL with *f set. */
struct backend *backend_open(const char *host, struct failure *f);
void backend_close(struct backend *backend);

struct backend_domain {
    uint32_t domid, vcpu_count;
    uint8_t uuid[16];
    char name[XLM_NAME_MAX];
    uint64_t max_pages, tot_pages;
    bool paused;    /* by the toolstack */
    bool suspended; /* SCHEDOP_shutdown(SHUTDOWN_suspend) */
    bool shut_down; /* by any reason, suspend included */
    bool dying;
};

/* By name or number; by uuid; by number.  -ESRCH: none. */
int backend_find(struct backend *backend, const char *guest, struct backend_domain *d);
int backend_find_uuid(struct backend *backend, const uint8_t uuid[16], struct backend_domain *d);
int backend_info(struct backend *backend, uint32_t domid, struct backend_domain *d);

/* Pages that a new domain can have. */
int backend_free_pages(struct backend *backend, uint64_t *pages);

/* The state records of an empty domain on this host (made and destroyed here): bytes, or a negative
 * errno. */
int backend_host_context(struct backend *backend, void *buffer, size_t capacity);

/* The banks of guest frames as xl lays them out for a domain of this size, ascending; at most 4. */
int backend_layout(struct backend *backend, uint64_t max_pages, struct xlm_run bank[4]);

/*
 * Log-dirty.  The bitmap has `bits` bits, bit N for guest frame N.  Harvest clears the log as it
 * reads it; peek leaves it as it is, so it costs the guest nothing.
 */
int backend_log_enable(struct backend *backend, uint32_t domid);
int backend_log_disable(struct backend *backend, uint32_t domid);
int backend_log_harvest(struct backend *backend, uint32_t domid, uint64_t *bitmap, uint64_t bits);
int backend_log_peek(struct backend *backend, uint32_t domid, uint64_t *bitmap, uint64_t bits);

/* State records of a domain: bytes or a negative errno. */
int backend_get_context(struct backend *backend, uint32_t domid, void *buffer, size_t capacity);
int backend_set_context(struct backend *backend, uint32_t domid, const void *context, size_t bytes);

/*
 * Asks the guest to suspend and waits until it has: *stopped_ns is when that was seen.  On failure
 * the request is withdrawn and the guest goes on.  `cancel_fd` ends the wait as a time-out does.
 */
int backend_suspend(struct backend *backend, uint32_t domid, uint32_t timeout_ms, int cancel_fd,
                    uint64_t *stopped_ns, struct failure *f);

/* Lets a suspended guest go on where it was ("suspend cancelled"). */
int backend_resume(struct backend *backend, uint32_t domid);

int backend_unpause(struct backend *backend, uint32_t domid);

/* With all that xl knows of it.  Returns when it is gone. */
int backend_destroy(struct backend *backend, uint32_t domid);

/* What is at each of `count` frames from `gfn` on (BACKEND_FRAMES_MAX at most); BACKEND_ZERO only
 * if asked for by `zero`. */
#define BACKEND_FRAMES_MAX 128u
enum backend_frame { BACKEND_HOLE, BACKEND_MEMORY, BACKEND_ZERO /* memory, all zero now */ };
int backend_frames(struct backend *backend, uint32_t domid, uint64_t gfn, size_t count, bool zero,
                   enum backend_frame *frame);

/*
 * Of a domain that has been made and has never run: bit N is set if frame N may hold something else
 * than zeroes, which its builder wrote.
 */
int backend_written(struct backend *backend, uint32_t domid, uint64_t *bitmap, uint64_t bits);

/*
 * Maps `count` frames one behind the other (BACKEND_MAP_MAX at most); error[i] is 0 or the errno of
 * a frame that could not be mapped (a hole).  NULL with errno set if nothing could be mapped at
 * all.
 */
#define BACKEND_MAP_MAX 1024u
void *backend_map(struct backend *backend, uint32_t domid, bool writable, const uint64_t *gfn,
                  size_t count, int *error);
void backend_unmap(struct backend *backend, void *va, size_t count);

/* Gives memory to a frame without, takes it from a frame with. */
int backend_populate(struct backend *backend, uint32_t domid, uint64_t gfn);
int backend_depopulate(struct backend *backend, uint32_t domid, uint64_t gfn);
int backend_set_max_pages(struct backend *backend, uint32_t domid, uint64_t pages);

/*
 * The nodes that the guest wrote itself, in STATE's form (codec_next_node()), paths relative to the
 * domain's home: malloc'ed bytes, *count nodes.  A second call costs little if none of them has
 * changed since the first.
 */
int backend_store_save(struct backend *backend, uint32_t domid, uint8_t **bytes, size_t *length,
                       uint32_t *count);
int backend_store_load(struct backend *backend, uint32_t domid, const uint8_t *bytes,
                       size_t length);

/* memory/target in KiB. */
int backend_get_target(struct backend *backend, uint32_t domid, uint64_t *kib);
int backend_set_target(struct backend *backend, uint32_t domid, uint64_t kib);

/* What the toolstack keeps of the domain's configuration: libxl's JSON or xl's text; malloc'ed;
 * NULL with *f set. */
char *backend_stored_config(struct backend *backend, const struct backend_domain *d,
                            struct failure *f);

/*
 * Starts `xl create -p` on a configuration file.  backend_create_wait() returns 0 when the domain
 * is there (paused), -EAGAIN after `timeout_ms` without news, or -1 with *f set.
 * backend_create_abandon() stops what is still under way; harmless at any time.
 */
int backend_create_start(struct backend *backend, const char *config_path, struct failure *f);
int backend_create_wait(struct backend *backend, int timeout_ms, struct failure *f);
void backend_create_abandon(struct backend *backend);

#endif
