/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fake hypervisor for the migration tests: two hosts, "A" and "B", in one process, behind
 * migrate/hyp.h.  A guest is memory that a test's thread writes through fake_guest_write(), which
 * keeps the dirty log as hardware would.
 */
#ifndef TESTS_FAKE_HYP_H
#define TESTS_FAKE_HYP_H

#include <stdbool.h>
#include <stdint.h>

/* As xl lays a guest out, with less in each bank: the second is above 8 GiB, where a byte's address
 * has more than 32 bits. */
#define FAKE_MAGIC_GFN 0x39000ull
#define FAKE_RAM_GFN   0x40000ull
#define FAKE_LOW_PAGES 1024u
#define FAKE_HIGH_GFN  0x200000ull
#define FAKE_PAGES_MAX 16384u

/* The frame of RAM's page n. */
static inline uint64_t fake_gfn(uint64_t n)
{
    return n < FAKE_LOW_PAGES ? FAKE_RAM_GFN + n : FAKE_HIGH_GFN + (n - FAKE_LOW_PAGES);
}

struct fake_options {
    uint32_t create_ms; /* how long xl takes */
    bool create_fails, ignores_suspend, set_context_fails, log_fails, harvest_fails;
    uint32_t stall_ms; /* how long the next harvest takes, and only that */
    uint64_t free_pages;
    uint32_t gic;   /* what the host has */
    uint64_t isar0; /* ID_AA64ISAR0 of the host */
    uint64_t midr;
    unsigned el1_widths; /* ID_AA64PFR0.EL1 of the host: 0 32 bits, 1 64 bits, 2 both */
};
extern struct fake_options fake_options[2]; /* A, B */

/* No domain anywhere, default options. */
void fake_reset(void);

/* A running guest on host 0 or 1, its pages zero. */
void fake_make_guest(int host, const char *name, uint32_t pages, const char *kernel_path);

/* The guest's kernel is of 32 or 64 bits; a new domain is what its kernel file is. */
void fake_set_width(int host, uint32_t width);
uint32_t fake_width(int host);

/* The running guest writes the page `n` of its RAM (a pattern of page and sequence number); false
 * if it does not run on this host. */
bool fake_guest_write(int host, uint32_t n, uint64_t sequence);

/* True if the page holds that pattern (sequence 0: zero). */
bool fake_guest_check(int host, uint32_t n, uint64_t sequence);

/* Balloon: frame becomes a hole, or memory again. */
void fake_balloon(int host, uint32_t n, bool hole);
bool fake_is_hole(int host, uint32_t n);

bool fake_exists(int host);
bool fake_runs(int host);
void fake_pause(int host, bool pause);
void fake_suspend(int host, bool suspend);
void fake_destroy(int host);
bool fake_logging(int host);
const char *fake_name(int host);
uint64_t fake_counter(int host);
const char *fake_node(int host);   /* the guest's only xenstore node's value */
const char *fake_config(int host); /* the text of the last xl create */

int fake_mappings(void);      /* pages that are mapped now, over all */
bool fake_ran_twice(void);    /* the guest has been running on both hosts at once at some time */
bool fake_log_clash(void);    /* the log has been switched on while it was on */
uint32_t fake_harvests(void); /* how often a log was read and cleared; and read only */
uint32_t fake_peeks(void);

#endif
