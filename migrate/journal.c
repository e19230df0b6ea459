/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const state_name[JOURNAL_STATES] = {
    "none",     "sending",   "committing", "released", "taken-back",
    "given-up", "measuring", "receiving",  "verified", "owner",
};

const char *journal_state_name(enum journal_state state) { return state_name[state]; }

bool journal_is_source(enum journal_state state)
{
    return state >= JOURNAL_SENDING && state <= JOURNAL_MEASURING;
}

bool journal_allowed(enum journal_state from, enum journal_state to)
{
    static const uint16_t next[JOURNAL_STATES] = {
#define TO(s) (1u << (s))
        [JOURNAL_NONE] = TO(JOURNAL_SENDING) | TO(JOURNAL_RECEIVING) | TO(JOURNAL_MEASURING),
        [JOURNAL_SENDING] = TO(JOURNAL_COMMITTING) | TO(JOURNAL_TAKEN_BACK) | TO(JOURNAL_NONE),
        [JOURNAL_COMMITTING] = TO(JOURNAL_RELEASED) | TO(JOURNAL_TAKEN_BACK) | TO(JOURNAL_GIVEN_UP),
        [JOURNAL_RELEASED] = TO(JOURNAL_NONE),
        [JOURNAL_TAKEN_BACK] = TO(JOURNAL_NONE),
        [JOURNAL_GIVEN_UP] = TO(JOURNAL_NONE) | TO(JOURNAL_RELEASED),
        [JOURNAL_MEASURING] = TO(JOURNAL_NONE),
        [JOURNAL_RECEIVING] = TO(JOURNAL_VERIFIED) | TO(JOURNAL_NONE),
        [JOURNAL_VERIFIED] = TO(JOURNAL_OWNER) | TO(JOURNAL_RECEIVING),
        [JOURNAL_OWNER] = TO(JOURNAL_NONE),
#undef TO
    };
    return next[from] >> to & 1;
}

static void file_name(char *path, size_t size, const char *dir, const uint8_t migration[16],
                      const char *suffix)
{
    char text[37];
    uuid_format(migration, text);
    snprintf(path, size, "%s/%s%s", dir, text, suffix);
}

static int sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
    close(fd);
    return error;
}

int journal_write(const char *dir, const struct journal *j)
{
    char path[PATH_MAX], fresh[PATH_MAX], migration[37], uuid[37], text[1024];
    int error = make_dirs(dir);
    if (error < 0)
        return error;
    file_name(path, sizeof(path), dir, j->migration, "");
    file_name(fresh, sizeof(fresh), dir, j->migration, ".new");
    uuid_format(j->migration, migration);
    uuid_format(j->uuid, uuid);
    int n = snprintf(text, sizeof(text),
                     "migration %s\nuuid %s\nstate %s\nname %s\npeer %s\nport %u\ndomid %u\n",
                     migration, uuid, state_name[j->state], j->name, j->peer[0] ? j->peer : "-",
                     j->port, j->domid);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    error = write(fd, text, (size_t)n) != n ? -EIO : fsync(fd) < 0 ? -errno : 0;
    close(fd);
    if (!error && rename(fresh, path) < 0)
        error = -errno;
    return error ? error : sync_dir(dir);
}

static int parse(FILE *in, struct journal *j)
{
    char migration[40], uuid[40], state[16], name[XLM_NAME_MAX], peer[256];
    unsigned port;
    memset(j, 0, sizeof(*j));
    if (fscanf(in, "migration %39s uuid %39s state %15s name %63s peer %255s port %u domid %u",
               migration, uuid, state, name, peer, &port, &j->domid) != 7 ||
        port > 65535)
        return -EINVAL;
    if (uuid_parse(migration, j->migration) < 0 || uuid_parse(uuid, j->uuid) < 0)
        return -EINVAL;
    for (int s = JOURNAL_SENDING; s < JOURNAL_STATES; s++)
        if (!strcmp(state, state_name[s]))
            j->state = (enum journal_state)s;
    copy_text(j->name, sizeof(j->name), name);
    copy_text(j->peer, sizeof(j->peer), strcmp(peer, "-") ? peer : "");
    j->port = (uint16_t)port;
    return j->state == JOURNAL_NONE ? -EINVAL : 0;
}

static int read_file(const char *path, struct journal *j)
{
    FILE *in = fopen(path, "re");
    if (!in)
        return -errno;
    int error = parse(in, j);
    fclose(in);
    return error;
}

int journal_read(const char *dir, const uint8_t migration[16], struct journal *j)
{
    char path[PATH_MAX];
    file_name(path, sizeof(path), dir, migration, "");
    return read_file(path, j);
}

int journal_remove(const char *dir, const uint8_t migration[16])
{
    char path[PATH_MAX];
    file_name(path, sizeof(path), dir, migration, "");
    if (unlink(path) < 0)
        return errno == ENOENT ? 0 : -errno;
    return sync_dir(dir);
}

int journal_list(const char *dir, struct journal **list)
{
    DIR *d = opendir(dir);
    int count = 0;
    *list = NULL;
    if (!d)
        return errno == ENOENT ? 0 : -errno;
    for (struct dirent *e; (e = readdir(d));) {
        uint8_t id[16];
        char path[PATH_MAX];
        struct journal *more;
        if (uuid_parse(e->d_name, id) < 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        more = realloc(*list, (size_t)(count + 1) * sizeof(**list));
        if (!more)
            break;
        *list = more;
        int error = read_file(path, &more[count]);
        if (error < 0)
            log_line("cannot read the journal %s: %s", path, strerror(-error));
        else
            count++;
    }
    closedir(d);
    if (!count) {
        free(*list);
        *list = NULL;
    }
    return count;
}
