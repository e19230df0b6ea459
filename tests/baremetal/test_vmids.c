/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMIDs run out while guests run on all CPUs.  Every guest keeps its own values at addresses that
 * all guests use.  It gives pages back, takes others which another guest had just before, and
 * checks that it never sees foreign values.  All guests are logged; each harvest takes a fresh VMID
 * or flushes one, so that 8 bits run out.  (test_vmid.c covers 16 bits, and more domains than
 * VMIDs.)
 */
#include "bm.h"

void *memset(void *p, int c, size_t n);

#define GUESTS     10u
#define HELD_PAGES 2u
#define ROUNDS     40u /* GUESTS harvests per round: together more than 256 */
#define TEXT_BYTES 32768u

static struct guest guest[GUESTS];
static char *text;

/* The number behind the last `word` in the hypervisor's log. */
static uint64_t last_number(const char *word, unsigned bytes)
{
    uint64_t found = 0;
    for (unsigned i = 0; i < bytes; i++) {
        unsigned k = 0;
        while (word[k] && i + k < bytes && text[i + k] == word[k])
            k++;
        if (word[k])
            continue;
        found = 0;
        for (k += i; k < bytes && text[k] >= '0' && text[k] <= '9'; k++)
            found = found * 10 + (uint64_t)(text[k] - '0');
    }
    return found;
}

/* How often VMIDs have wrapped, from the dump of the debug key. */
static uint64_t generation(uint64_t *bits)
{
    static struct xen_sysctl s;
    static char key[1] = { 'V' };
    memset(&s, 0, sizeof(s));
    s.cmd = XEN_SYSCTL_debug_keys, s.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    set_xen_guest_handle(s.u.debug_keys.keys, key);
    s.u.debug_keys.nr_keys = 1;
    CHECK_EQ("vmids: ask for the dump", hypercall(__HYPERVISOR_sysctl, &s), 0);
    memset(&s, 0, sizeof(s));
    s.cmd = XEN_SYSCTL_readconsole, s.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    set_xen_guest_handle(s.u.readconsole.buffer, text);
    s.u.readconsole.count = TEXT_BYTES;
    CHECK_EQ("vmids: read the dump", hypercall(__HYPERVISOR_sysctl, &s), 0);
    *bits = last_number("vmid: ", s.u.readconsole.count);
    return last_number("generation ", s.u.readconsole.count);
}

static bool start_all(void)
{
    for (unsigned i = 0; i < GUESTS; i++)
        if (!guest_make_small(&guest[i], HELD_PAGES)) {
            bm_check(false, "vmids: make guests", "guest %u", i);
            return false;
        }
    for (unsigned i = 0; i < GUESTS; i++) {
        struct mailbox *m = guest[i].mail[0];
        m->count = HELD_PAGES, m->value = 0x1000 * (i + 1);
        guest_order(&guest[i], 0, GUEST_WATCH);
        guest_start(&guest[i]);
    }
    return true;
}

static long shadow_op(struct guest *g, uint32_t op)
{
    memset(&g->op.u, 0, sizeof(g->op.u));
    g->op.u.shadow_op.op = op;
    return domctl(g, XEN_DOMCTL_shadow_op);
}

/* One round of each guest's log.  Mostly the guest is paused, which takes a fresh VMID; else it
 * runs, which flushes its present one. */
static bool log_all(unsigned round)
{
    long rc = 0;
    for (unsigned i = 0; i < GUESTS; i++) {
        struct guest *g = &guest[i];
        bool pause = (i + round) % 4;
        if (pause)
            rc |= domctl(g, XEN_DOMCTL_pausedomain);
        rc |= shadow_op(g, XEN_DOMCTL_SHADOW_OP_CLEAN);
        if (pause)
            rc |= domctl(g, XEN_DOMCTL_unpausedomain);
    }
    return rc == 0;
}

/* Wait until each guest has run with its present VMID. */
static bool all_turn(void)
{
    static uint64_t turns[GUESTS];
    uint64_t end = bm_counter() + 10 * bm_counter_hz();
    for (unsigned i = 0; i < GUESTS; i++)
        turns[i] = guest[i].mail[0]->result[1];
    for (unsigned i = 0; i < GUESTS && bm_counter() < end;) {
        if (guest[i].mail[0]->result[1] != turns[i])
            i++;
        else
            hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
    }
    return bm_counter() < end;
}

static void end_all(void)
{
    uint64_t wrong = 0, late = 0;
    for (unsigned i = 0; i < GUESTS; i++)
        guest[i].mail[0]->seed = guest[i].mail[0]->value;
    for (unsigned i = 0; i < GUESTS; i++) {
        struct mailbox *m = guest[i].mail[0];
        late += !guest_finish(&guest[i], 0);
        wrong += m->result[0];
    }
    CHECK_EQ("vmids: every guest answers", late, 0);
    CHECK_EQ("vmids: no guest has seen another's memory, or its own of before", wrong, 0);
}

void test_vmids(void)
{
    uint64_t bits, before, after;
    bool ok = true;
    text = bm_alloc(TEXT_BYTES / PAGE);
    before = generation(&bits);
    if (!start_all())
        return;
    for (unsigned i = 0; ok && i < GUESTS; i++)
        ok = shadow_op(&guest[i], XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY) == 0;
    for (unsigned round = 0; ok && round < (bits > 8 ? 4 : ROUNDS); round++)
        ok = log_all(round) && all_turn();
    CHECK("vmids: rounds of logging, in each of which every guest runs", ok);
    end_all();
    after = generation(&bits);
    bm_check(bits > 8 || after > before,
             "vmids: numbers have run out, and all were given out again",
             "%ju bits, generation %ju, before %ju", bits, after, before);
    bm_print("# vmids: %ju bits, generations %ju to %ju\n", bits, before, after);
    for (unsigned i = 0; i < GUESTS; i++)
        guest_destroy(&guest[i]);
}
