/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XEN_SYSCTL_perfc_op, for Xen's tool `xenperf`: the number of guests' exits per reason, the number
 * of blocks of logged domains that were split, and the longest time that a call of each number kept
 * its CPU.  The set of counters never changes, so a caller's buffers always fit.
 */
#include "domctl.h"

const char *const exit_names[EXIT_COUNT] = {
    [EXIT_IRQ] = "irq",
    [EXIT_HYPERCALL] = "hypercall",
    [EXIT_PSCI] = "psci",
    [EXIT_MMIO] = "mmio",
    [EXIT_WRITE_FAULT] = "write-fault",
    [EXIT_WFI] = "wfi",
    [EXIT_SYSREG] = "sysreg",
    [EXIT_SGI] = "sgi",
    [EXIT_OTHER] = "other",
};

/* Domains that no longer exist are not counted. */
enum { BY_CONTROL_DOMAIN, BY_GUESTS, EXIT_VALUES };
enum { WHEN_NEEDED, IN_BACKGROUND, SPLIT_VALUES };
struct counts {
    uint64_t exits[EXIT_COUNT][EXIT_VALUES], splits[SPLIT_VALUES], longest_ns[HYPERCALL_COUNT];
};

static void add(struct domain *d, struct counts *c)
{
    for (unsigned i = 0; i < d->max_vcpus; i++)
        for (unsigned n = 0; d->vcpu[i] && n < EXIT_COUNT; n++)
            c->exits[n][d->privileged ? BY_CONTROL_DOMAIN : BY_GUESTS] += d->vcpu[i]->exits[n];
    c->splits[WHEN_NEEDED] += d->p2m.split_count - d->p2m.eager_count;
    c->splits[IN_BACKGROUND] += d->p2m.eager_count;
}

/* A vCPU that runs on another CPU may write its old count back. */
static void clear(struct domain *d, struct counts *c)
{
    (void)c;
    for (unsigned i = 0; i < d->max_vcpus; i++)
        if (d->vcpu[i])
            memset(d->vcpu[i]->exits, 0, sizeof(d->vcpu[i]->exits));
    d->p2m.split_count = d->p2m.eager_count = 0;
}

static void each_domain(void (*fn)(struct domain *d, struct counts *c), struct counts *c)
{
    for (struct domain *d = domain_get_next(0); d;) {
        domid_t next = (domid_t)(d->id + 1u);
        fn(d, c);
        domain_put(d);
        d = domain_get_next(next);
    }
}

/* Writes one counter with `count` values at the position in *p. */
static long tell(struct xen_sysctl_perfc_op *p, const char *kind, const char *what,
                 const uint64_t *value, unsigned count)
{
    struct xen_sysctl_perfc_desc desc = { .nr_vals = count };
    xen_sysctl_perfc_val_t v;

    snprintf(desc.name, sizeof(desc.name), "%s%s", kind, what);
    if (p->desc.q && copy_to_guest(p->desc.q + p->nr_counters * sizeof(desc), &desc, sizeof(desc)))
        return -XEN_EFAULT;
    for (unsigned i = 0; p->val.q && i < count; i++) {
        v = (xen_sysctl_perfc_val_t)MIN(value[i], (uint64_t)UINT32_MAX);
        if (copy_to_guest(p->val.q + (p->nr_vals + i) * sizeof(v), &v, sizeof(v)))
            return -XEN_EFAULT;
    }
    p->nr_counters++;
    p->nr_vals += count;
    return 0;
}

static long query(struct xen_sysctl_perfc_op *p)
{
    struct counts c = { 0 };
    long result = 0;

    each_domain(add, &c);
    for (unsigned nr = 0; nr < HYPERCALL_COUNT; nr++)
        c.longest_ns[nr] = hypercall_longest_ns(nr);
    p->nr_counters = p->nr_vals = 0;
    for (unsigned n = 0; !result && n < EXIT_COUNT; n++)
        result = tell(p, "exits, [0] control domain, [1] guests: ", exit_names[n], c.exits[n],
                      EXIT_VALUES);
    if (!result)
        result = tell(p, "blocks split, [0] when needed, [1] in the background", "", c.splits,
                      SPLIT_VALUES);
    return result ? result
                  : tell(p, "longest hypercall, ns, by number", "", c.longest_ns, HYPERCALL_COUNT);
}

long sysctl_perfc_op(struct xen_sysctl *op, bool *reply)
{
    struct xen_sysctl_perfc_op *p = &op->u.perfc_op;
    long result = 0;

    switch (p->cmd) {
    case XEN_SYSCTL_PERFCOP_reset:
        each_domain(clear, NULL);
        hypercall_forget_longest();
        break;
    case XEN_SYSCTL_PERFCOP_query: result = query(p); break;
    default: return -XEN_EINVAL;
    }
    *reply = !result;
    return result;
}
