/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The records of the migration protocol: PROTOCOL.md.  Both sides, the tests and the fuzzer use
 * this file.  All numbers are little-endian.  The daemon runs on little-endian machines only
 * (asserted in codec.c), so a structure in memory has the bytes of the wire.
 *
 * A is the source host, B the target host.
 */
#ifndef MIGRATE_WIRE_H
#define MIGRATE_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define XLM_PORT         8002
#define XLM_RECORD_MAGIC 0x524d4c58u           /* "XLMR" */
#define XLM_HELLO_MAGIC  0x6574617267694d58ull /* "XMigrate", low byte first */
#define XLM_VERSION      1u

#define XLM_PAGE_BYTES      4096u
#define XLM_PAGES_MAX       1024u /* pages of data per record */
#define XLM_RUNS_MAX        4096u /* runs per record */
#define XLM_CONTEXT_MAX     (256u * 1024)
#define XLM_CONFIG_MAX      (64u * 1024)
#define XLM_NODES_MAX       1024u
#define XLM_NODE_BYTES_MAX  (1024u * 1024)
#define XLM_FILE_MAX        (128u * 1024 * 1024)
#define XLM_FILE_CHUNK      (256u * 1024)
#define XLM_PATH_MAX        1024u
#define XLM_TEXT_MAX        512u
#define XLM_NAME_MAX        64u
#define XLM_VCPUS_MAX       8u
#define XLM_GUEST_PAGES_MAX (1ull << 22) /* 16 GiB */

enum xlm_type {
    XLM_HELLO = 1,
    XLM_ERROR = 2,
    XLM_PING = 3,
    XLM_PONG = 4,
    XLM_DOMAIN = 5,
    XLM_ACCEPT = 6,
    XLM_FILE = 7,
    XLM_PAGES = 8,
    XLM_ZERO = 9,
    XLM_ROUND = 10,
    XLM_ROUND_ACK = 11,
    XLM_STATE = 12,
    XLM_END = 13,
    XLM_VERIFIED = 14,
    XLM_COMMIT = 15,
    XLM_RUNNING = 16,
    XLM_DONE = 17,
    XLM_RESOLVE = 18,
    XLM_RESOLVED = 19,
    XLM_WANT = 20,
    XLM_TYPE_COUNT,
    XLM_OPTIONAL = 0x8000,
};

struct xlm_header {
    uint32_t magic;
    uint16_t type, stream;
    uint32_t length;
    uint32_t header_sum; /* checked before `length` is used */
    uint64_t index;
    uint64_t checksum;
};
_Static_assert(sizeof(struct xlm_header) == 32, "xlm_header");

enum xlm_purpose { XLM_MIGRATE = 1, XLM_RESOLVING = 2 };
#define XLM_CAP_STREAMS  1ull
#define XLM_CAP_ZSTD     2ull
#define XLM_CAP_POSTCOPY 4ull
#define XLM_CAPS         0ull /* those that this daemon offers */

struct xlm_hello {
    uint64_t magic;
    uint32_t version_min, version_max; /* in B's answer both are the chosen version */
    uint64_t capabilities;
    uint8_t migration[16];
    uint32_t purpose, pad;
};
_Static_assert(sizeof(struct xlm_hello) == 48, "xlm_hello");

enum xlm_error_code {
    XLM_E_INTERNAL = 1,
    XLM_E_STREAM,
    XLM_E_VERSION,
    XLM_E_NAME,
    XLM_E_UUID,
    XLM_E_MEMORY,
    XLM_E_GIC,
    XLM_E_CPU,
    XLM_E_CONFIG,
    XLM_E_STATE,
    XLM_E_CANCELLED,
    XLM_E_BUSY,
    XLM_E_CREATE,
    XLM_E_DAMAGED,
};
struct xlm_error {
    uint32_t code, record_type;
    uint64_t record_index, record_offset; /* only if record_type is not 0 */
    /* a text follows, to the end of the payload */
};
_Static_assert(sizeof(struct xlm_error) == 24, "xlm_error");

struct xlm_ping {
    uint64_t sent_ns;
};
struct xlm_pong {
    uint64_t sent_ns, here_ns; /* from PING; B's clock */
};

enum xlm_file_kind { XLM_KERNEL = 0, XLM_RAMDISK = 1, XLM_FILE_KINDS = 2 };
struct xlm_file_offer {
    uint64_t size;    /* 0: the guest has no such file */
    uint64_t hash[2]; /* XXH3-128, low half first */
    uint32_t path_length, pad;
};
_Static_assert(sizeof(struct xlm_file_offer) == 32, "xlm_file_offer");

struct xlm_domain {
    uint8_t uuid[16];
    char name[XLM_NAME_MAX]; /* NUL-terminated */
    uint32_t vcpu_count, config_length;
    uint64_t max_pages, tot_pages;
    uint32_t context_length, pad;
    struct xlm_file_offer file[XLM_FILE_KINDS];
    /* these follow, each padded to 8 bytes: configuration text, context, path of each file */
};
_Static_assert(sizeof(struct xlm_domain) == 176, "xlm_domain");

struct xlm_accept {
    uint32_t version, pad;
}; /* a warning for the operator may follow */
struct xlm_want {
    uint32_t files, pad;
}; /* one bit per enum xlm_file_kind */

struct xlm_file {
    uint32_t kind, pad;
    uint64_t offset; /* data follows */
};
_Static_assert(sizeof(struct xlm_file) == 16, "xlm_file");

enum xlm_codec { XLM_RAW = 0 };
struct xlm_pages { /* of PAGES, and of ZERO (codec 0) */
    uint32_t round, codec;
    uint32_t run_count, page_count;
    /* these follow: struct xlm_run[run_count]; in PAGES also uint64_t sum[page_count], the pages */
};
struct xlm_run {
    uint64_t gfn, count;
};
_Static_assert(sizeof(struct xlm_pages) == 16 && sizeof(struct xlm_run) == 16, "xlm_pages");

#define XLM_ROUND_FINAL 1u
struct xlm_round {
    uint32_t round, flags;
    uint64_t pages, zero_pages;
};
_Static_assert(sizeof(struct xlm_round) == 24, "xlm_round");
struct xlm_round_ack {
    uint32_t round, pad;
};

struct xlm_state {
    uint64_t stopped_ns, context_ns; /* on B's clock */
    uint64_t max_pages, target_kib;
    uint32_t context_length, range_count, node_count, node_bytes;
    /* these follow, each padded to 8 bytes: context, struct xlm_run[range_count], node bytes.  The
     * node bytes of a node are its path, a NUL, a uint32_t length and the value, without alignment
     */
};
_Static_assert(sizeof(struct xlm_state) == 48, "xlm_state");

struct xlm_end {
    uint64_t pages, zero_pages, populated;
};
struct xlm_running {
    uint64_t running_ns, verified_ns;
};

/* States of the journals in RESOLVE (A's) and RESOLVED (B's). */
enum xlm_holds {
    XLM_NOTHING = 0,
    XLM_HOLDS_VERIFIED = 1,
    XLM_HOLDS_OWNER = 2,
    XLM_HOLDS_CONFLICT = 3,
    XLM_A_COMMITTING = 16,
    XLM_A_TAKEN_BACK = 17,
    XLM_A_RELEASED = 18
};
struct xlm_resolve {
    uint8_t uuid[16];
    uint32_t holds, pad;
};
struct xlm_resolved {
    uint32_t holds, pad;
    uint64_t running_ns;
};

static inline size_t xlm_pad(size_t n) { return (n + 7) & ~(size_t)7; }

#endif
