/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fake implementation of migrate/backend.h for the tests: two hosts, "A" and "B", in one process.
 * A guest is memory that a thread of the test writes with fake_guest_write(), which also updates
 * the dirty log.
 */
#ifndef TESTS_FAKE_HYP_H
#define TESTS_FAKE_HYP_H

#include <stdbool.h>
#include <stdint.h>

/* The layout of xl with smaller banks. The second bank is above 8 GiB, where addresses have more
 * than 32 bits. */
#define FAKE_MAGIC_GFN 0x39000ull
#define FAKE_RAM_GFN   0x40000ull
#define FAKE_LOW_PAGES 1024u
#define FAKE_HIGH_GFN  0x200000ull
#define FAKE_PAGES_MAX 16384u

/* The frame number of page n of the RAM. */
static inline uint64_t fake_gfn(uint64_t n)
{
    return n < FAKE_LOW_PAGES ? FAKE_RAM_GFN + n : FAKE_HIGH_GFN + (n - FAKE_LOW_PAGES);
}

struct fake_options {
    uint32_t create_ms; /* duration of xl create */
    bool create_fails, ignores_suspend, set_context_fails, log_fails, harvest_fails;
    uint32_t stall_ms; /* duration of the next harvest only */
    uint64_t free_pages;
    uint32_t gic;   /* version of the host's GIC */
    uint64_t isar0; /* ID_AA64ISAR0 of the host */
    uint64_t midr;
    unsigned el1_widths; /* ID_AA64PFR0.EL1 of the host: 0: 32 bits, 1: 64 bits, 2: both */
};
extern struct fake_options fake_options[2]; /* A, B */

/* Removes all domains and sets default options. */
void fake_reset(void);

/* Makes a running guest on host 0 or 1, whose pages contain zeroes. */
void fake_make_guest(int host, const char *name, uint32_t pages, const char *kernel_path);

/* Sets the width of the guest's kernel. A new domain has the width of its kernel file. */
void fake_set_width(int host, uint32_t width);
uint32_t fake_width(int host);

/* The guest writes page `n` of its RAM with a pattern of page and sequence number. False if the
 * guest does not run on this host. */
bool fake_guest_write(int host, uint32_t n, uint64_t sequence);

/* True if the page contains that pattern (sequence number 0: zeroes). */
bool fake_guest_check(int host, uint32_t n, uint64_t sequence);

/* Balloon: a frame becomes a hole, or is populated again. */
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
const char *fake_node(int host);   /* the value of the guest's only xenstore node */
const char *fake_config(int host); /* the configuration of the last xl create */

int fake_mappings(void);      /* number of pages that are mapped now, of all domains */
bool fake_ran_twice(void);    /* true if the guest ever ran on both hosts at once */
bool fake_log_clash(void);    /* true if the log was switched on while it was on */
uint32_t fake_harvests(void); /* number of harvests, and of peeks */
uint32_t fake_peeks(void);

#endif
