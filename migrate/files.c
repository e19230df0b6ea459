/* SPDX-License-Identifier: BSD-2-Clause */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The scalar code gives the same hashes as the vector code. It is fast enough on all machines,
 * and many times faster in an emulator. */
#define XXH_VECTOR 0
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "../xen-lite/include/records.h"

#define STAND_IN_WORDS 1024u

const char *const file_key[XLM_FILE_KINDS] = { [XLM_KERNEL] = "kernel", [XLM_RAMDISK] = "ramdisk" };

static int hash_fd(int fd, uint64_t hash[2])
{
    static const size_t chunk = 256 * 1024;
    XXH3_state_t *state = XXH3_createState();
    void *buffer = malloc(chunk);
    ssize_t n = -1;
    if (state && buffer && XXH3_128bits_reset(state) == XXH_OK)
        while ((n = read(fd, buffer, chunk)) > 0)
            XXH3_128bits_update(state, buffer, (size_t)n);
    if (n == 0) {
        XXH128_hash_t h = XXH3_128bits_digest(state);
        hash[0] = h.low64;
        hash[1] = h.high64;
    }
    free(buffer);
    XXH3_freeState(state);
    return n == 0 ? 0 : -EIO;
}

int files_offer(const struct config *config, int kind, struct xlm_file_offer *offer,
                char path[PATH_MAX], struct failure *f)
{
    const char *given = config_string(config, file_key[kind]);
    struct stat st;
    memset(offer, 0, sizeof(*offer));
    path[0] = 0;
    if (!given)
        return 0;
    if (!realpath(given, path) || strlen(path) >= XLM_PATH_MAX)
        return fail(f, XLM_E_CONFIG, "the guest's %s %s: %s", file_key[kind], given,
                    strerror(errno));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0 ||
        st.st_size > (off_t)XLM_FILE_MAX || hash_fd(fd, offer->hash) < 0) {
        if (fd >= 0)
            close(fd);
        return fail(f, XLM_E_CONFIG, "the guest's %s %s cannot be read, or is larger than %u MiB",
                    file_key[kind], path, XLM_FILE_MAX >> 20);
    }
    close(fd);
    offer->size = (uint64_t)st.st_size;
    offer->path_length = (uint32_t)strlen(path);
    return 0;
}

void files_init(struct files *files)
{
    memset(files, 0, sizeof(*files));
    for (int i = 0; i < XLM_FILE_KINDS; i++)
        files->fd[i] = -1;
}

static void guest_dir(char *path, size_t size, const char *state_dir, const uint8_t uuid[16])
{
    char text[37];
    uuid_format(uuid, text);
    snprintf(path, size, "%s/%s", state_dir, text);
}

static int failed(struct failure *f, const char *path)
{
    return fail(f, XLM_E_INTERNAL, "%s: %s", path, strerror(errno));
}

/* Writes one page with the header of an arm64 Image or of an arm32 zImage. xl's domain builder
 * accepts it, and makes a domain of that width. Its only instruction is an endless loop. */
static int write_stand_in(const char *path, uint32_t guest_bits, struct failure *f)
{
    static const uint32_t image[STAND_IN_WORDS] = {
        [0] = 0x14000000,    /* b . */
        [4] = sizeof(image), /* image_size */
        [14] = 0x644d5241,   /* "ARM\x64" */
    };
    static const uint32_t zimage[STAND_IN_WORDS] = {
        [0] = 0xeafffffe,      /* b . */
        [9] = 0x016f2818,      /* magic */
        [11] = sizeof(zimage), /* end; the word before it, the start, is 0: the image may be loaded
                                 anywhere */
    };
    const uint32_t *page = guest_bits == XLR_WIDTH_32 ? zimage : image;
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return failed(f, path);
    bool whole = write(fd, page, sizeof(image)) == (ssize_t)sizeof(image);
    close(fd);
    return whole ? 0 : failed(f, path);
}

static void file_path(const struct files *files, int kind, const char *suffix, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s%s", files->dir, file_key[kind], suffix);
}

int files_prepare(struct files *files, const char *state_dir, const uint8_t uuid[16],
                  struct config *config, uint32_t guest_bits,
                  const struct xlm_file_offer offer[XLM_FILE_KINDS], struct failure *f)
{
    char path[PATH_MAX];
    guest_dir(files->dir, sizeof(files->dir), state_dir, uuid);
    int error = make_dirs(files->dir);
    if (error < 0)
        return fail(f, XLM_E_INTERNAL, "%s: %s", files->dir, strerror(-error));
    if (!offer[XLM_KERNEL].size)
        return fail(f, XLM_E_CONFIG, "the guest's configuration names no kernel file");
    for (int i = 0; i < XLM_FILE_KINDS; i++) {
        files->offer[i] = offer[i];
        file_path(files, i, "", path);
        if (config_set_string(config, file_key[i], offer[i].size ? path : NULL, f) < 0 ||
            (offer[i].size && write_stand_in(path, guest_bits, f) < 0))
            return -1;
    }
    return 0;
}

/* True if there is a regular file with the offered content at this path. A learns nothing new
 * from that, because it has the content itself. */
static bool is_equal(const char *path, const struct xlm_file_offer *offer)
{
    struct stat st;
    uint64_t hash[2];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return false;
    bool same = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == offer->size &&
                hash_fd(fd, hash) == 0 && hash[0] == offer->hash[0] && hash[1] == offer->hash[1];
    close(fd);
    return same;
}

uint32_t files_wanted(struct files *files, const char *const path[XLM_FILE_KINDS])
{
    uint32_t mask = 0;
    for (int i = 0; i < XLM_FILE_KINDS; i++) {
        const struct xlm_file_offer *offer = &files->offer[i];
        if (!offer->size)
            continue;
        snprintf(files->same[i], sizeof(files->same[i]), "%.*s", (int)offer->path_length, path[i]);
        if (files->same[i][0] == '/' && !strstr(files->same[i], "/../") &&
            is_equal(files->same[i], offer))
            continue;
        files->same[i][0] = 0;
        files->wanted[i] = true;
        mask |= 1u << i;
    }
    return mask;
}

int files_write(struct files *files, const struct xlm_file *piece, size_t bytes, struct failure *f)
{
    int i = (int)piece->kind;
    char path[PATH_MAX];
    if (!files->wanted[i] || piece->offset != files->have[i] ||
        bytes > files->offer[i].size - files->have[i])
        return fail(f, XLM_E_STREAM,
                    "a piece of the %s arrived that was not requested (%zu bytes at offset %llu)",
                    file_key[i], bytes, (unsigned long long)piece->offset);
    file_path(files, i, ".new", path);
    if (files->fd[i] < 0) {
        unlink(path);
        files->fd[i] = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    }
    if (files->fd[i] < 0 || write(files->fd[i], piece + 1, bytes) != (ssize_t)bytes)
        return failed(f, path);
    files->have[i] += bytes;
    if (files->have[i] == files->offer[i].size && fsync(files->fd[i]) < 0)
        return failed(f, path);
    return 0;
}

int files_check(struct files *files, struct failure *f)
{
    for (int i = 0; i < XLM_FILE_KINDS; i++) {
        uint64_t hash[2];
        if (!files->wanted[i] || files->fd[i] < 0) {
            if (files->wanted[i])
                return fail(f, XLM_E_STREAM, "the %s file did not arrive", file_key[i]);
            continue;
        }
        if (files->have[i] != files->offer[i].size || lseek(files->fd[i], 0, SEEK_SET) < 0 ||
            hash_fd(files->fd[i], hash) < 0 || memcmp(hash, files->offer[i].hash, sizeof(hash)))
            return fail(f, XLM_E_DAMAGED,
                        "the %s file that arrived differs from the one that was offered",
                        file_key[i]);
    }
    return 0;
}

int files_finish(struct files *files, struct failure *f)
{
    char path[PATH_MAX], fresh[PATH_MAX];
    for (int i = 0; i < XLM_FILE_KINDS; i++) {
        if (!files->offer[i].size)
            continue;
        file_path(files, i, "", path);
        file_path(files, i, ".new", fresh);
        if (!files->wanted[i]) {
            unlink(fresh);
            if (symlink(files->same[i], fresh) < 0)
                return failed(f, fresh);
        }
        if (rename(fresh, path) < 0)
            return failed(f, path);
    }
    return 0;
}

static void remove_dir(const char *dir)
{
    static const char *const name[] = { "kernel", "kernel.new", "ramdisk", "ramdisk.new",
                                        "config" };
    char path[PATH_MAX + 16];
    for (size_t i = 0; i < sizeof(name) / sizeof(*name); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, name[i]);
        unlink(path);
    }
    rmdir(dir);
}

void files_close(struct files *files, bool keep)
{
    for (int i = 0; i < XLM_FILE_KINDS; i++)
        if (files->fd[i] >= 0)
            close(files->fd[i]);
    if (!keep && files->dir[0])
        remove_dir(files->dir);
    files_init(files);
}

void files_remove(const char *state_dir, const uint8_t uuid[16])
{
    char dir[PATH_MAX - 64];
    guest_dir(dir, sizeof(dir), state_dir, uuid);
    remove_dir(dir);
}
