/* SPDX-License-Identifier: BSD-2-Clause */
#include "host.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define MAKE_WAY_S 10 /* a measurement looks for a cancellation after each of its hypercalls */

void host_init(struct host *host, const char *backend_name, const char *state_dir)
{
    memset(host, 0, sizeof(*host));
    pthread_mutex_init(&host->lock, NULL);
    pthread_cond_init(&host->left, NULL);
    host->backend_name = backend_name;
    host->state_dir = state_dir;
    /* With one CPU, receiving pages early would only delay xl, which makes the domain. */
    host->buffer_bytes = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 64u << 20 : 0;
    host->resolve_interval_ms = 1000;
}

void host_journal_dir(const struct host *host, char *path, size_t size)
{
    snprintf(path, size, "%s/migrations", host->state_dir);
}

/* The state of an unresolved journal of this guest, from any migration. JOURNAL_NONE if there is
 * none. */
static enum journal_state unresolved(const struct host *host, const uint8_t uuid[16])
{
    char dir[PATH_MAX];
    struct journal *list;
    enum journal_state state = JOURNAL_NONE;
    host_journal_dir(host, dir, sizeof(dir));
    int count = journal_list(dir, &list);
    for (int i = 0; i < count; i++)
        if (!memcmp(list[i].uuid, uuid, 16) &&
            (list[i].state == JOURNAL_COMMITTING || list[i].state == JOURNAL_VERIFIED ||
             list[i].state == JOURNAL_GIVEN_UP))
            state = list[i].state;
    free(list);
    return state;
}

static void cancel(struct migration *m)
{
    uint64_t one = 1;
    if (write(m->cancel_fd, &one, sizeof(one)) < 0)
        log_line("cannot signal a cancellation: %s", strerror(errno));
}

static struct migration *rival(const struct host *host, const struct migration *m)
{
    struct migration *other = host->list;
    while (other && memcmp(other->uuid, m->uuid, 16) && memcmp(other->id, m->id, 16))
        other = other->next;
    return other;
}

/* Waits until no other migration or measurement of the guest runs, and ends a measurement for
 * that. -1 with *f set if it cannot. The caller holds the lock; it is released while waiting. */
static int make_way(struct host *host, struct migration *m, struct failure *f)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += MAKE_WAY_S;
    for (struct migration *other; (other = rival(host, m));) {
        if (!other->measures)
            return fail(f, XLM_E_BUSY, "a migration of %s is under way", other->name);
        if (!m->source)
            return fail(f, XLM_E_BUSY, "the dirty rate of %s is being measured already",
                        other->name);
        if (!other->ousted)
            cancel(other);
        other->ousted = m->ousts = true;
        if (pthread_cond_timedwait(&host->left, &host->lock, &end))
            return fail(f, XLM_E_BUSY,
                        "the measurement of the dirty rate of %s did not stop within %d s", m->name,
                        MAKE_WAY_S);
    }
    return 0;
}

int host_add(struct host *host, struct migration *m, struct failure *f)
{
    pthread_mutex_lock(&host->lock);
    int result = make_way(host, m, f);
    if (!result && __atomic_load_n(&host->stopping, __ATOMIC_RELAXED))
        result = fail(f, XLM_E_BUSY, "xlmd is shutting down");
    enum journal_state state = unresolved(host, m->uuid);
    if (!result && state != JOURNAL_NONE)
        result = fail(
            f, XLM_E_BUSY,
            "an earlier migration of %s is unresolved on this host (%s): see `xlm status`", m->name,
            journal_state_name(state));
    if (!result && (m->cancel_fd = eventfd(0, EFD_CLOEXEC)) < 0)
        result = fail(f, XLM_E_INTERNAL, "cannot make an eventfd: %s", strerror(errno));
    if (!result) {
        m->start_ns = now_ns();
        m->stage = "starting";
        m->next = host->list;
        host->list = m;
    }
    pthread_mutex_unlock(&host->lock);
    return result;
}

void host_remove(struct host *host, struct migration *m)
{
    pthread_mutex_lock(&host->lock);
    for (struct migration **at = &host->list; *at; at = &(*at)->next)
        if (*at == m) {
            *at = m->next;
            close(m->cancel_fd);
            break;
        }
    pthread_cond_broadcast(&host->left);
    pthread_mutex_unlock(&host->lock);
}

void host_stage(struct host *host, struct migration *m, const char *stage)
{
    pthread_mutex_lock(&host->lock);
    m->stage = stage;
    pthread_mutex_unlock(&host->lock);
}

bool host_cancel(struct host *host, const char *guest)
{
    bool found = false;
    char uuid[37];
    pthread_mutex_lock(&host->lock);
    for (struct migration *m = host->list; m; m = m->next) {
        uuid_format(m->uuid, uuid);
        if (!strcmp(m->name, guest) || !strcmp(uuid, guest)) {
            cancel(m);
            found = true;
        }
    }
    pthread_mutex_unlock(&host->lock);
    return found;
}

bool host_cancel_id(struct host *host, const uint8_t id[16])
{
    bool found = false;
    pthread_mutex_lock(&host->lock);
    for (struct migration *m = host->list; m; m = m->next)
        if (!memcmp(m->id, id, 16)) {
            cancel(m);
            found = true;
        }
    pthread_mutex_unlock(&host->lock);
    return found;
}

static bool idle(struct host *host)
{
    pthread_mutex_lock(&host->lock);
    bool nobody = !host->list;
    pthread_mutex_unlock(&host->lock);
    return nobody;
}

void host_stop(struct host *host)
{
    __atomic_store_n(&host->stopping, true, __ATOMIC_RELAXED);
    pthread_mutex_lock(&host->lock);
    for (struct migration *m = host->list; m; m = m->next)
        cancel(m);
    pthread_mutex_unlock(&host->lock);
    for (int i = 0; i < 500 && !idle(host); i++)
        usleep(10000);
}

bool host_active(struct host *host, const uint8_t id[16])
{
    bool found = false;
    pthread_mutex_lock(&host->lock);
    for (struct migration *m = host->list; m; m = m->next)
        found |= !memcmp(m->id, id, 16);
    pthread_mutex_unlock(&host->lock);
    return found;
}

int host_journal(struct host *host, const uint8_t migration[16], struct journal *j)
{
    char dir[PATH_MAX];
    host_journal_dir(host, dir, sizeof(dir));
    pthread_mutex_lock(&host->lock);
    int error = journal_read(dir, migration, j);
    pthread_mutex_unlock(&host->lock);
    return error;
}

static int move_locked(const char *dir, const struct journal *j, enum journal_state to)
{
    struct journal old;
    int error = journal_read(dir, j->migration, &old);
    enum journal_state from = error == -ENOENT ? JOURNAL_NONE : old.state;
    if (error && error != -ENOENT)
        return error;
    if (from == to)
        return -EALREADY;
    if (!journal_allowed(from, to))
        return from == JOURNAL_NONE ? -ENOENT : -EPERM;
    if (to == JOURNAL_NONE)
        return journal_remove(dir, j->migration);
    struct journal fresh = from == JOURNAL_NONE ? *j : old;
    fresh.state = to;
    fresh.domid = j->domid ? j->domid : fresh.domid;
    return journal_write(dir, &fresh);
}

int host_move(struct host *host, const struct journal *j, enum journal_state to)
{
    char dir[PATH_MAX];
    host_journal_dir(host, dir, sizeof(dir));
    pthread_mutex_lock(&host->lock);
    int error = move_locked(dir, j, to);
    pthread_mutex_unlock(&host->lock);
    return error;
}
