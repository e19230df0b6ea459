/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's kernel and ramdisk.  xl on B needs them when the guest reboots.  B stores them in
 * <state_dir>/<UUID of the guest>/, or makes a symbolic link there to an equal file that B has
 * already.  xl makes the domain from stand-ins: small files that never run, because the migration
 * replaces all memory of the domain.
 */
#ifndef MIGRATE_FILES_H
#define MIGRATE_FILES_H

#include <limits.h>

#include "config.h"

extern const char *const file_key[XLM_FILE_KINDS]; /* the configuration's keys */

/* A: sets size and hash of one file of the configuration; `path` gets its path with links resolved.
 * The size is 0 if the configuration has no such file.  -1 with *f set on failure. */
int files_offer(const struct config *config, int kind, struct xlm_file_offer *offer,
                char path[PATH_MAX], struct failure *f);

/* B's side of one migration. */
struct files {
    char dir[PATH_MAX - 64];
    struct xlm_file_offer offer[XLM_FILE_KINDS];
    bool wanted[XLM_FILE_KINDS];
    int fd[XLM_FILE_KINDS]; /* of the file that is being received, or -1 */
    uint64_t have[XLM_FILE_KINDS];
    char same[XLM_FILE_KINDS][XLM_PATH_MAX];
};

void files_init(struct files *files);

/*
 * Makes the directory and the stand-ins, and sets the configuration's paths to them.  xl chooses
 * the width of the domain by the format of the kernel, so the stand-in is an image of `guest_bits`
 * (enum xlr_width).  -1 with *f set on failure.
 */
int files_prepare(struct files *files, const char *state_dir, const uint8_t uuid[16],
                  struct config *config, uint32_t guest_bits,
                  const struct xlm_file_offer offer[XLM_FILE_KINDS], struct failure *f);

/* Looks for equal files at the offered paths, sets wanted[], and returns the bits for WANT. */
uint32_t files_wanted(struct files *files, const char *const path[XLM_FILE_KINDS]);

/* Takes a piece of a file from a FILE record.  -1 with *f set on failure. */
int files_write(struct files *files, const struct xlm_file *piece, size_t bytes, struct failure *f);

/* files_check() fails if a file is incomplete or has another hash than the offer.  files_finish()
 * then replaces the stand-ins by the true files.  -1 with *f set on failure. */
int files_check(struct files *files, struct failure *f);
int files_finish(struct files *files, struct failure *f);

/* Closes the files.  Removes the directory, too, unless `keep` is set. */
void files_close(struct files *files, bool keep);

/* Removes the directory of a guest that is not on this host any more, or never was. */
void files_remove(const char *state_dir, const uint8_t uuid[16]);

#endif
