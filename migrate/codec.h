/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records to bytes and back: pure functions, no I/O.  Every number of a peer passes here before
 * anything else looks at it.
 */
#ifndef MIGRATE_CODEC_H
#define MIGRATE_CODEC_H

#include <sys/uio.h>

#include "common.h"

/* A record's name for messages; never NULL. */
const char *codec_type_name(uint32_t type);

/*
 * As fail(), for a failure that concerns one record of the stream.  `index` and `offset` are the
 * record's; the text begins with "record INDEX (TYPE) at offset OFFSET: ".
 */
int codec_fail(struct failure *f, uint32_t code, uint32_t type, uint64_t index, uint64_t offset,
               const char *format, ...) __attribute__((format(printf, 6, 7)));

/* The checksum of one guest page. */
uint64_t codec_page_sum(const void *page);

/* True if the page (4 KiB, 8-byte-aligned) is all zero. */
bool codec_page_is_zero(const void *page);

/* Completes a header whose type, length and index are set: magic, and the checksum over `checked`.
 */
void codec_seal(struct xlm_header *header, const struct iovec *checked, int count);

/*
 * Checks everything of a header that can be checked alone.  `offset` is where it stood in the
 * stream; `index` what its index must be.  0, or -1 with *f set.
 */
int codec_check_header(const struct xlm_header *header, uint64_t index, uint64_t offset,
                       struct failure *f);

/*
 * How many payload bytes the checksum covers.  For PAGES, `fixed` is the payload's first 16 bytes
 * and counts are checked against the length; for others it is not read.  0, or -1 with *f set.
 */
int codec_checked_length(const struct xlm_header *header, const struct xlm_pages *fixed,
                         uint64_t offset, size_t *length, struct failure *f);

/* True if the checksum is right for the checked part (header as received, then `length` bytes). */
bool codec_sum_ok(const struct xlm_header *header, const void *checked, size_t length);

/*
 * Checks the checked part of a payload: counts against the length, reserved fields, padding, texts
 * terminated, runs within XLM_GUEST_PAGES_MAX.  What depends on the guest (frames in its banks) is
 * for the caller.
 */
int codec_check_payload(const struct xlm_header *header, const void *checked, size_t length,
                        uint64_t offset, struct failure *f);

/* Parts of the records that have more than one; valid only after codec_check_payload(). */
struct domain_parts {
    const char *config, *path[XLM_FILE_KINDS];
    const uint8_t *context;
};
void codec_domain_parts(const struct xlm_domain *d, struct domain_parts *parts);
struct state_parts {
    const uint8_t *context;
    const struct xlm_run *range;
    const uint8_t *nodes;
};
void codec_state_parts(const struct xlm_state *s, struct state_parts *parts);

/* The next node of a STATE record's node bytes: *at is 0 for the first; false at the end (or if
 * malformed). */
bool codec_next_node(const uint8_t *bytes, size_t length, size_t *at, const char **path,
                     const uint8_t **value, uint32_t *value_length);

#endif
