/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All that the daemon asks of the hypervisor, of xenstore and of xl.  Chosen at link time:
 * hyp_xen*.c speaks to Xen's libraries, the tests have a fake.  A `struct hyp` is used by one
 * thread at a time.  Functions return 0 or a negative errno unless they say otherwise; those with a
 * `struct failure` return -1 with the reason in it.
 */
#ifndef MIGRATE_HYP_H
#define MIGRATE_HYP_H

#include "common.h"

struct hyp;

/* `host` is NULL for this machine; tests name their fake hosts by it.  NULL with *f set. */
struct hyp *hyp_open(const char *host, struct failure *f);
void hyp_close(struct hyp *h);

struct hyp_domain {
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
int hyp_find(struct hyp *h, const char *guest, struct hyp_domain *d);
int hyp_find_uuid(struct hyp *h, const uint8_t uuid[16], struct hyp_domain *d);
int hyp_info(struct hyp *h, uint32_t domid, struct hyp_domain *d);

/* Pages that a new domain can have. */
int hyp_free_pages(struct hyp *h, uint64_t *pages);

/* The state records of an empty domain on this host (made and destroyed here): bytes, or a negative
 * errno. */
int hyp_host_context(struct hyp *h, void *buffer, size_t capacity);

/* The banks of guest frames as xl lays them out for a domain of this size, ascending; at most 4. */
int hyp_layout(struct hyp *h, uint64_t max_pages, struct xlm_run bank[4]);

/*
 * Log-dirty.  The bitmap has `bits` bits, bit N for guest frame N.  Harvest clears the log as it
 * reads it; peek leaves it as it is, so it costs the guest nothing.
 */
int hyp_log_enable(struct hyp *h, uint32_t domid);
int hyp_log_disable(struct hyp *h, uint32_t domid);
int hyp_log_harvest(struct hyp *h, uint32_t domid, uint64_t *bitmap, uint64_t bits);
int hyp_log_peek(struct hyp *h, uint32_t domid, uint64_t *bitmap, uint64_t bits);

/* State records of a domain: bytes or a negative errno. */
int hyp_get_context(struct hyp *h, uint32_t domid, void *buffer, size_t capacity);
int hyp_set_context(struct hyp *h, uint32_t domid, const void *context, size_t bytes);

/*
 * Asks the guest to suspend and waits until it has: *stopped_ns is when that was seen.  On failure
 * the request is withdrawn and the guest goes on.  `cancel_fd` ends the wait as a time-out does.
 */
int hyp_suspend(struct hyp *h, uint32_t domid, uint32_t timeout_ms, int cancel_fd,
                uint64_t *stopped_ns, struct failure *f);

/* Lets a suspended guest go on where it was ("suspend cancelled"). */
int hyp_resume(struct hyp *h, uint32_t domid);

int hyp_unpause(struct hyp *h, uint32_t domid);

/* With all that xl knows of it.  Returns when it is gone. */
int hyp_destroy(struct hyp *h, uint32_t domid);

/* What is at each of `count` frames from `gfn` on (HYP_FRAMES_MAX at most); HYP_ZERO only if asked
 * for by `zero`. */
#define HYP_FRAMES_MAX 128u
enum hyp_frame { HYP_HOLE, HYP_MEMORY, HYP_ZERO /* memory, all zero now */ };
int hyp_frames(struct hyp *h, uint32_t domid, uint64_t gfn, size_t count, bool zero,
               enum hyp_frame *frame);

/*
 * Of a domain that has been made and has never run: bit N is set if frame N may hold something else
 * than zeroes, which its builder wrote.
 */
int hyp_written(struct hyp *h, uint32_t domid, uint64_t *bitmap, uint64_t bits);

/*
 * Maps `count` frames one behind the other (HYP_MAP_MAX at most); error[i] is 0 or the errno of a
 * frame that could not be mapped (a hole).  NULL with errno set if nothing could be mapped at all.
 */
#define HYP_MAP_MAX 1024u
void *hyp_map(struct hyp *h, uint32_t domid, bool writable, const uint64_t *gfn, size_t count,
              int *error);
void hyp_unmap(struct hyp *h, void *va, size_t count);

/* Gives memory to a frame without, takes it from a frame with. */
int hyp_populate(struct hyp *h, uint32_t domid, uint64_t gfn);
int hyp_depopulate(struct hyp *h, uint32_t domid, uint64_t gfn);
int hyp_set_max_pages(struct hyp *h, uint32_t domid, uint64_t pages);

/*
 * The nodes that the guest wrote itself, in STATE's form (codec_next_node()), paths relative to the
 * domain's home: malloc'ed bytes, *count nodes.  A second call costs little if none of them has
 * changed since the first.
 */
int hyp_store_save(struct hyp *h, uint32_t domid, uint8_t **bytes, size_t *length, uint32_t *count);
int hyp_store_load(struct hyp *h, uint32_t domid, const uint8_t *bytes, size_t length);

/* memory/target in KiB. */
int hyp_get_target(struct hyp *h, uint32_t domid, uint64_t *kib);
int hyp_set_target(struct hyp *h, uint32_t domid, uint64_t kib);

/* What the toolstack keeps of the domain's configuration: libxl's JSON or xl's text; malloc'ed;
 * NULL with *f set. */
char *hyp_stored_config(struct hyp *h, const struct hyp_domain *d, struct failure *f);

/*
 * Starts `xl create -p` on a configuration file.  hyp_create_wait() returns 0 when the domain is
 * there (paused), -EAGAIN after `timeout_ms` without news, or -1 with *f set.  hyp_create_abandon()
 * stops what is still under way; harmless at any time.
 */
int hyp_create_start(struct hyp *h, const char *config_path, struct failure *f);
int hyp_create_wait(struct hyp *h, int timeout_ms, struct failure *f);
void hyp_create_abandon(struct hyp *h);

#endif
