/* SPDX-License-Identifier: BSD-2-Clause */
/* The hypervisor's options.  options.c */
#ifndef XL_OPTIONS_H
#define XL_OPTIONS_H

#include "types.h"

enum { DIRTY_AUTO, DIRTY_SW, DIRTY_HW };
struct cmdline {
    uint64_t dom0_mem_bytes; /* 0: not given */
    unsigned dom0_max_vcpus; /* 0: not given */
    char dtuart[64];         /* empty: the device tree's stdout-path */
    bool vlpt;
    int dirty_mode; /* DIRTY_* */
    /* Blocks of logged domains are split in the background, not by the first write. */
    bool split_eager;
    bool noreboot;
    enum { LOGLVL_ERR, LOGLVL_WARN, LOGLVL_INFO, LOGLVL_ALL } loglvl, guest_loglvl;
    bool sync_console;
    char text[1024]; /* the command line as given, for XENVER_commandline */
};
extern struct cmdline cmdline;
/* An unknown option or a bad value causes a warning, and the default stays. */
void cmdline_parse(const char *s);
/*
 * dirty=: may change while domains run (hypfs.c).  A log that is on keeps the mode it was enabled
 * with.
 */
bool cmdline_set_dirty(const char *s); /* false: none of auto, sw, hw */
const char *cmdline_dirty(void);

#endif
