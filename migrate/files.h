/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's kernel and ramdisk, which xl on B needs again when the guest reboots.  They live in
 * <state_dir>/<guest's uuid>/ there, or are linked from there to an equal file that B has.  xl
 * builds the domain on stand-ins, since its memory is replaced anyway.
 */
#ifndef MIGRATE_FILES_H
#define MIGRATE_FILES_H

#include <limits.h>

#include "config.h"

extern const char *const file_key[XLM_FILE_KINDS]; /* the configuration's keys */

/* A: describes a file; `path` gets its true path (links followed).  No such key: size 0. -1 with *f
 * set. */
int files_offer(const struct config *config, int kind, struct xlm_file_offer *offer,
                char path[PATH_MAX], struct failure *f);

/* B's side of one migration. */
struct files {
    char dir[PATH_MAX - 64];
    struct xlm_file_offer offer[XLM_FILE_KINDS];
    bool wanted[XLM_FILE_KINDS];
    int fd[XLM_FILE_KINDS]; /* of what is being received, or -1 */
    uint64_t have[XLM_FILE_KINDS];
    char same[XLM_FILE_KINDS][XLM_PATH_MAX];
};

void files_init(struct files *files);

/*
 * Makes the directory and the stand-ins, and points the configuration to them.  xl sees by the
 * kernel whether the domain is to be of `guest_bits` 32 or 64 (enum xlr_width).  -1 with *f set.
 */
int files_prepare(struct files *files, const char *state_dir, const uint8_t uuid[16],
                  struct config *config, uint32_t guest_bits,
                  const struct xlm_file_offer offer[XLM_FILE_KINDS], struct failure *f);

/* Looks for equal files at the offered paths: sets wanted[]; the mask of WANT. */
uint32_t files_wanted(struct files *files, const char *const path[XLM_FILE_KINDS]);

/* A piece that came. */
int files_write(struct files *files, const struct xlm_file *piece, size_t bytes, struct failure *f);

/* All pieces there and right: checks and puts the true files in place of the stand-ins.  -1 with *f
 * set. */
int files_check(struct files *files, struct failure *f);
int files_finish(struct files *files, struct failure *f);

/* Closes; `keep` false: removes the directory, too. */
void files_close(struct files *files, bool keep);

/* Removes the directory of a guest that has left or never came. */
void files_remove(const char *state_dir, const uint8_t uuid[16]);

#endif
