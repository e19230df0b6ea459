/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks and checksums of records.  The functions do no I/O.  Every number that the other host
 * sends is checked here before any other code uses it.
 */
#ifndef MIGRATE_CODEC_H
#define MIGRATE_CODEC_H

#include <sys/uio.h>

#include "common.h"

/* The name of a record type, for messages.  Never NULL. */
const char *codec_type_name(uint32_t type);

/*
 * As fail(), for a failure that concerns one record of the stream.  `index` and `offset` are the
 * record's; the text begins with "record INDEX (TYPE) at offset OFFSET: ".
 */
int codec_fail(struct failure *f, uint32_t code, uint32_t type, uint64_t index, uint64_t offset,
               const char *format, ...) __attribute__((format(printf, 6, 7)));

/* The checksum of one guest page. */
uint64_t codec_page_sum(const void *page);

/* True if the page (4 KiB, 8-byte-aligned) contains only zeroes. */
bool codec_page_is_zero(const void *page);

/* Sets the magic number and both checksums of a header whose type, length and index are set.
 * `checked` is the checked part, in `count` pieces. */
void codec_seal(struct xlm_header *header, const struct iovec *checked, int count);

/*
 * Checks all of a header that can be checked without the payload.  `index` is the index that it
 * must have; `offset` is its position in the stream, for the message.  0, or -1 with *f set.
 */
int codec_check_header(const struct xlm_header *header, uint64_t index, uint64_t offset,
                       struct failure *f);

/*
 * *length is the number of payload bytes in the checked part.  For PAGES, `fixed` must be the first
 * 16 bytes of the payload, and this function checks its counts against the length.  For all other
 * types `fixed` is not read.  0, or -1 with *f set.
 */
int codec_checked_length(const struct xlm_header *header, const struct xlm_pages *fixed,
                         uint64_t offset, size_t *length, struct failure *f);

/* True if the header's checksum matches the header and the `length` bytes of the checked part. */
bool codec_sum_ok(const struct xlm_header *header, const void *checked, size_t length);

/*
 * Checks the contents of the checked part: counts against the length, reserved fields, padding, the
 * ends of texts, the sizes of runs.  The caller must still check what depends on the guest, such as
 * whether a frame lies in its RAM.  0, or -1 with *f set.
 */
int codec_check_payload(const struct xlm_header *header, const void *checked, size_t length,
                        uint64_t offset, struct failure *f);

/* The variable parts of DOMAIN and STATE.  Call these only after codec_check_payload() has accepted
 * the record. */
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

/* The next xenstore node in the node bytes of a STATE record.  *at must be 0 for the first call.
 * False at the end, or if the bytes are malformed. */
bool codec_next_node(const uint8_t *bytes, size_t length, size_t *at, const char **path,
                     const uint8_t **value, uint32_t *value_length);

#endif
