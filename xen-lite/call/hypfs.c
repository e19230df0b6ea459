/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XEN_HYPFS_OP_*: run-time parameters as a tree, for `xenhypfs` in the control domain.
 * public/hypfs.h
 *
 * /params/dirty   string  auto, sw, hw: who marks dirty pages, for logs that are enabled from now
 * on /params/vlpt    bool    whether look-ups use the VLPT window; applies to all domains at once
 */
#include "types.h"
#include <xen/xen.h>
#include <xen/hypfs.h>
#include "domain.h"
#include "hypercall.h"
#include "vlpt.h"

#define VALUE_BYTES 8u  /* longest value with its zero byte */
#define PATH_BYTES  32u /* longer paths name no entry */

static uint32_t read_dirty(char *value)
{
    return (uint32_t)strlcpy(value, cmdline_dirty(), VALUE_BYTES) + 1;
}

static long write_dirty(const char *value, size_t bytes)
{
    if (memchr(value, 0, bytes) != value + bytes - 1 || !cmdline_set_dirty(value))
        return -XEN_EINVAL;
    log_debug("dirty=%s from now on\n", value);
    return 0;
}

static uint32_t read_vlpt(char *value)
{
    value[0] = vlpt_used();
    return 1;
}

static long write_vlpt(const char *value, size_t bytes)
{
    if (bytes != 1)
        return -XEN_EDOM;
    if (value[0] & ~1)
        return -XEN_EINVAL;
    vlpt_use(value[0]);
    log_debug("vlpt=%s from now on\n", value[0] ? "on" : "off");
    return 0;
}

/* Entries of one directory are adjacent. */
static const struct node {
    const char *path, *name;
    uint8_t type;
    uint16_t first, count;         /* of a directory: its entries */
    uint32_t (*read)(char *value); /* writes up to VALUE_BYTES and returns how many */
    long (*write)(const char *value, size_t bytes); /* `bytes`: 1 to VALUE_BYTES */
} nodes[] = {
    { "/", "", XEN_HYPFS_TYPE_DIR, 1, 1, NULL, NULL },
    { "/params", "params", XEN_HYPFS_TYPE_DIR, 2, 2, NULL, NULL },
    { "/params/dirty", "dirty", XEN_HYPFS_TYPE_STRING, 0, 0, read_dirty, write_dirty },
    { "/params/vlpt", "vlpt", XEN_HYPFS_TYPE_BOOL, 0, 0, read_vlpt, write_vlpt },
};

static long find(uint64_t path, uint64_t bytes, const struct node **found)
{
    char text[PATH_BYTES];

    if (bytes == 0 || bytes > XEN_HYPFS_MAX_PATHLEN)
        return -XEN_EINVAL;
    if (bytes > sizeof(text))
        return -XEN_ENOENT;
    size_t length = (size_t)bytes;
    if (copy_from_guest(text, path, length))
        return -XEN_EFAULT;
    if (text[0] != '/' || memchr(text, 0, length) != text + length - 1)
        return -XEN_EINVAL;
    for (unsigned i = 0; i < ARRAY_SIZE(nodes); i++)
        if (strcmp(text, nodes[i].path) == 0) {
            *found = &nodes[i];
            return 0;
        }
    return -XEN_ENOENT;
}

static uint32_t listing_bytes(const struct node *n)
{
    size_t bytes = offsetof(struct xen_hypfs_dirlistentry, name) + strlen(n->name) + 1;
    return (uint32_t)ROUND_UP(bytes, _Alignof(struct xen_hypfs_dirlistentry));
}

/*
 * The header before the contents.  Takes a parameter's value as well, so that both are of the same
 * moment.
 */
static struct xen_hypfs_direntry describe(const struct node *n, char *value)
{
    struct xen_hypfs_direntry e = { .type = n->type, .encoding = XEN_HYPFS_ENC_PLAIN };

    for (unsigned i = 0; i < n->count; i++)
        e.content_len += listing_bytes(&nodes[n->first + i]);
    if (n->read)
        e.content_len = n->read(value);
    if (n->write)
        e.max_write_len = n->type == XEN_HYPFS_TYPE_STRING ? VALUE_BYTES : e.content_len;
    return e;
}

static long give_listing(const struct node *dir, uint64_t to)
{
    for (unsigned i = 0; i < dir->count; i++) {
        const struct node *n = &nodes[dir->first + i];
        union {
            struct xen_hypfs_dirlistentry l;
            char bytes[sizeof(struct xen_hypfs_dirlistentry) + PATH_BYTES];
        } entry;
        uint32_t bytes = listing_bytes(n);
        char value[VALUE_BYTES];

        memset(&entry, 0, sizeof(entry));
        entry.l.e = describe(n, value);
        entry.l.off_next = (uint16_t)(i + 1u < dir->count ? bytes : 0);
        strlcpy(entry.bytes + offsetof(struct xen_hypfs_dirlistentry, name), n->name, PATH_BYTES);
        if (copy_to_guest(to, &entry, bytes))
            return -XEN_EFAULT;
        to += bytes;
    }
    return 0;
}

static long hypfs_read(const struct node *n, uint64_t to, uint64_t room)
{
    char value[VALUE_BYTES];
    struct xen_hypfs_direntry e = describe(n, value);

    if (room < sizeof(e))
        return -XEN_ENOBUFS;
    if (copy_to_guest(to, &e, sizeof(e)))
        return -XEN_EFAULT;
    if (room - sizeof(e) < e.content_len)
        return -XEN_ENOBUFS;
    if (!n->read)
        return give_listing(n, to + sizeof(e));
    return copy_to_guest(to + sizeof(e), value, e.content_len) ? -XEN_EFAULT : 0;
}

static long hypfs_write(const struct node *n, uint64_t from, uint64_t bytes)
{
    char value[VALUE_BYTES];

    if (!n->write)
        return -XEN_EACCES;
    if (bytes == 0 || bytes > sizeof(value))
        return bytes ? -XEN_ENOSPC : -XEN_EINVAL;
    return copy_from_guest(value, from, (size_t)bytes) ? -XEN_EFAULT
                                                       : n->write(value, (size_t)bytes);
}

long do_hypfs_op(unsigned cmd, uint64_t path, uint64_t path_bytes, uint64_t data, uint64_t bytes)
{
    const struct node *n;
    long result;

    if (!domain_is_control(current_vcpu()->domain))
        return -XEN_EPERM;
    if (cmd == XEN_HYPFS_OP_get_version)
        return path || path_bytes || data || bytes ? -XEN_EINVAL : XEN_HYPFS_VERSION;
    result = find(path, path_bytes, &n);
    if (result)
        return result;
    switch (cmd) {
    case XEN_HYPFS_OP_read: return hypfs_read(n, data, bytes);
    case XEN_HYPFS_OP_write_contents: return hypfs_write(n, data, bytes);
    default: return -XEN_EOPNOTSUPP;
    }
}
