/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenstore. The nodes that the guest itself wrote below its home move with the guest: those that it
 * owns. xl on B makes the nodes of the tool stack. The nodes below device/ belong to the front-end
 * drivers, which connect again.
 *
 * The rings of xenstore and console are guest memory and move with it. Neither daemon (xenstored,
 * xenconsoled) keeps state of its own for a ring. On B both attach to the rings of the new domain
 * when xl makes it. These are empty then; when the guest next notifies the daemons, they continue
 * from the indices that they find in the ring. The ring of xenstore has no request in it: the guest
 * waits for its last answer before it suspends, and sets its watches again after it resumes.
 *
 * Reading the nodes takes one message per node, which would make the blackout longer. So they are
 * read before the blackout, with a watch, and read again in the blackout only if the watch has
 * fired.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "backend_xen.h"

#define DEPTH_MAX       6
#define PATH_LENGTH_MAX 256u
#define VALUE_MAX       4096u

int store_read(struct backend *backend, const char *path, char *value, size_t size)
{
    unsigned length;
    char *text = xs_read(backend->store, XBT_NULL, path, &length);
    if (!text)
        return -errno;
    bool whole = copy_text(value, size, text);
    free(text);
    return whole ? 0 : -E2BIG;
}

static bool is_excluded(const char *relative)
{
    static const char *const excluded[] = {
        "control/shutdown", "device", "console", "store", "backend", "memory", "vm", "name", "domid"
    };
    for (size_t i = 0; i < sizeof(excluded) / sizeof(*excluded); i++) {
        size_t n = strlen(excluded[i]);
        if (!strncmp(relative, excluded[i], n) && (!relative[n] || relative[n] == '/'))
            return true;
    }
    return false;
}

void store_drain(struct backend *backend)
{
    for (char **event; (event = xs_check_watch(backend->store)); free(event)) {
        size_t n = strlen(backend->saved_home);
        const char *path = event[XS_WATCH_PATH];
        if (n && !strcmp(event[XS_WATCH_TOKEN], "home") && !strncmp(path, backend->saved_home, n) &&
            path[n] == '/' && !is_excluded(path + n + 1))
            backend->saved_stale = true;
    }
}

struct walk {
    struct backend *backend;
    uint32_t domid, count;
    FILE *out;
};

static bool is_guests(struct walk *w, const char *path)
{
    unsigned n = 0;
    struct xs_permissions *p = xs_get_permissions(w->backend->store, XBT_NULL, path, &n);
    bool is = p && n && p[0].id == w->domid;
    free(p);
    return is;
}

static void save_node(struct walk *w, const char *path, const char *relative)
{
    unsigned length = 0;
    void *value = xs_read(w->backend->store, XBT_NULL, path, &length);
    uint32_t n = length;
    if (value && n <= VALUE_MAX && w->count < XLM_NODES_MAX) {
        fwrite(relative, 1, strlen(relative) + 1, w->out);
        fwrite(&n, 1, sizeof(n), w->out);
        fwrite(value, 1, n, w->out);
        w->count++;
    }
    free(value);
}

static void walk_dir(struct walk *w, const char *home, const char *relative, int depth)
{
    char path[PATH_LENGTH_MAX + 64], child[PATH_LENGTH_MAX];
    unsigned n = 0;
    snprintf(path, sizeof(path), "%s%s%s", home, *relative ? "/" : "", relative);
    char **name = xs_directory(w->backend->store, XBT_NULL, path, &n);
    for (unsigned i = 0; name && i < n; i++) {
        if ((size_t)snprintf(child, sizeof(child), "%s%s%s", relative, *relative ? "/" : "",
                             name[i]) >= sizeof(child) ||
            is_excluded(child))
            continue;
        snprintf(path, sizeof(path), "%s/%s", home, child);
        if (is_guests(w, path))
            save_node(w, path, child);
        if (depth < DEPTH_MAX)
            walk_dir(w, home, child, depth + 1);
    }
    free(name);
}

static int read_ahead(struct backend *backend, uint32_t domid)
{
    struct walk w = { .backend = backend, .domid = domid };
    char *bytes = NULL;
    if (backend->saved_domid != domid) {
        snprintf(backend->saved_home, sizeof(backend->saved_home), "/local/domain/%u", domid);
        xs_watch(backend->store, backend->saved_home, "home");
    }
    backend->saved_domid = domid;
    backend->saved_stale = false;
    free(backend->saved);
    backend->saved = NULL;
    w.out = open_memstream(&bytes, &backend->saved_length);
    if (!w.out)
        return -ENOMEM;
    walk_dir(&w, backend->saved_home, "", 0);
    if (fclose(w.out) || !bytes)
        return -ENOMEM;
    backend->saved = (uint8_t *)bytes;
    backend->saved_count = w.count;
    return 0;
}

int backend_store_save(struct backend *backend, uint32_t domid, uint8_t **bytes, size_t *length,
                       uint32_t *count)
{
    store_drain(backend);
    if (backend->saved_domid != domid || backend->saved_stale) {
        int error = read_ahead(backend, domid);
        if (error < 0)
            return error;
    }
    *bytes = malloc(backend->saved_length + 1);
    if (!*bytes)
        return -ENOMEM;
    if (backend->saved_length)
        memcpy(*bytes, backend->saved, backend->saved_length);
    *length = backend->saved_length;
    *count = backend->saved_count;
    return 0;
}

/* The other host sent this path. It may have only characters that xenstore allows, no empty
 * part, and must not be a node of the tool stack. */
static bool is_safe(const char *relative)
{
    size_t n = strlen(relative);
    if (n == 0 || n >= PATH_LENGTH_MAX || relative[0] == '/' || relative[n - 1] == '/' ||
        strstr(relative, "//"))
        return false;
    for (const char *c = relative; *c; c++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-/_@", *c))
            return false;
    return !is_excluded(relative);
}

static int load_node(struct backend *backend, uint32_t domid, const char *relative,
                     const uint8_t *value, uint32_t length)
{
    char path[PATH_LENGTH_MAX + 64];
    struct xs_permissions owner = { .id = domid, .perms = XS_PERM_NONE };
    unsigned n = 0;
    snprintf(path, sizeof(path), "/local/domain/%u/%s", domid, relative);
    void *there = xs_read(backend->store, XBT_NULL, path, &n);
    bool same = there && n == length && !memcmp(there, value, n), exists = there;
    free(there);
    if (same)
        return 0; /* xl has written the same value, as is usual */
    if (!xs_write(backend->store, XBT_NULL, path, value, length))
        return -errno;
    return exists || xs_set_permissions(backend->store, XBT_NULL, path, &owner, 1) ? 0 : -errno;
}

int backend_store_load(struct backend *backend, uint32_t domid, const uint8_t *bytes, size_t length)
{
    size_t at = 0;
    const char *path;
    const uint8_t *value;
    uint32_t value_length;
    int error = 0;
    while (!error && codec_next_node(bytes, length, &at, &path, &value, &value_length))
        error = is_safe(path) && value_length <= VALUE_MAX
                    ? load_node(backend, domid, path, value, value_length)
                    : -EINVAL;
    return error;
}

int backend_get_target(struct backend *backend, uint32_t domid, uint64_t *kib)
{
    char path[64], value[32];
    snprintf(path, sizeof(path), "/local/domain/%u/memory/target", domid);
    int error = store_read(backend, path, value, sizeof(value));
    if (!error)
        *kib = strtoull(value, NULL, 10);
    return error;
}

int backend_set_target(struct backend *backend, uint32_t domid, uint64_t kib)
{
    char path[64], value[32];
    uint64_t now;
    if (backend_get_target(backend, domid, &now) == 0 && now == kib)
        return 0;
    snprintf(path, sizeof(path), "/local/domain/%u/memory/target", domid);
    int n = snprintf(value, sizeof(value), "%llu", (unsigned long long)kib);
    return xs_write(backend->store, XBT_NULL, path, value, (unsigned)n) ? 0 : -errno;
}
