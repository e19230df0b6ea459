/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XEN_SYSCTL_perfc_op, for Xen's own tool `xenperf`: how often guests left for the hypervisor, by reason, and the longest time that
 * a call of each number kept its CPU.  What there is never changes, so that a caller's buffers fit.
 */
#include "control.h"

/* Of a counter of exits. Domains that are gone are not counted any more. */
enum { BY_CONTROL_DOMAIN, BY_GUESTS, EXIT_VALUES };

const char *const exit_names[EXIT_COUNT] = {
    [EXIT_IRQ] = "irq", [EXIT_HYPERCALL] = "hypercall", [EXIT_PSCI] = "psci", [EXIT_MMIO] = "mmio",
    [EXIT_WRITE_FAULT] = "write-fault", [EXIT_WFI] = "wfi", [EXIT_SYSREG] = "sysreg", [EXIT_SGI] = "sgi",
    [EXIT_OTHER] = "other",
};

static void each_vcpu(void (*fn)(struct vcpu *v, uint64_t (*sum)[EXIT_VALUES]), uint64_t (*sum)[EXIT_VALUES])
{
    for (struct domain *d = domain_get_next(0); d;) {
        domid_t next = (domid_t)(d->id + 1u);
        for (unsigned i = 0; i < d->max_vcpus; i++)
            if (d->vcpu[i])
                fn(d->vcpu[i], sum);
        domain_put(d);
        d = domain_get_next(next);
    }
}

static void add_exits(struct vcpu *v, uint64_t (*sum)[EXIT_VALUES])
{
    for (unsigned n = 0; n < EXIT_COUNT; n++)
        sum[n][v->domain->privileged ? BY_CONTROL_DOMAIN : BY_GUESTS] += v->exits[n];
}

/* One that runs elsewhere may put its old count back. */
static void clear_exits(struct vcpu *v, uint64_t (*sum)[EXIT_VALUES])
{
    (void)sum;
    memset(v->exits, 0, sizeof v->exits);
}

/* Counter n, of `count` values, which go to place `at` of all values. */
static long tell(const struct xen_sysctl_perfc_op *p, unsigned n, const char *kind, const char *what, unsigned at,
                 const uint64_t *value, unsigned count)
{
    struct xen_sysctl_perfc_desc desc = { .nr_vals = count };
    xen_sysctl_perfc_val_t v;

    snprintf(desc.name, sizeof desc.name, "%s%s", kind, what);
    if (p->desc.q && copy_to_guest(p->desc.q + n * sizeof desc, &desc, sizeof desc))
        return -XEN_EFAULT;
    for (unsigned i = 0; p->val.q && i < count; i++) {
        v = (xen_sysctl_perfc_val_t)MIN(value[i], (uint64_t)UINT32_MAX);
        if (copy_to_guest(p->val.q + (at + i) * sizeof v, &v, sizeof v))
            return -XEN_EFAULT;
    }
    return 0;
}

static long query(struct xen_sysctl_perfc_op *p)
{
    uint64_t exits[EXIT_COUNT][EXIT_VALUES] = { { 0 } }, longest[HYPERCALL_COUNT];
    long result = 0;

    each_vcpu(add_exits, exits);
    for (unsigned n = 0; !result && n < EXIT_COUNT; n++)
        result = tell(p, n, "exits, [0] control domain, [1] guests: ", exit_names[n], n * EXIT_VALUES, exits[n], EXIT_VALUES);
    for (unsigned nr = 0; nr < HYPERCALL_COUNT; nr++)
        longest[nr] = hypercall_longest_ns(nr);
    if (!result)
        result = tell(p, EXIT_COUNT, "longest hypercall, ns, by number", "", EXIT_COUNT * EXIT_VALUES, longest, HYPERCALL_COUNT);
    p->nr_counters = EXIT_COUNT + 1;
    p->nr_vals = EXIT_COUNT * EXIT_VALUES + HYPERCALL_COUNT;
    return result;
}

long sysctl_perfc_op(struct xen_sysctl *op, bool *reply)
{
    struct xen_sysctl_perfc_op *p = &op->u.perfc_op;
    long result = 0;

    switch (p->cmd) {
    case XEN_SYSCTL_PERFCOP_reset:
        each_vcpu(clear_exits, NULL);
        hypercall_forget_longest();
        break;
    case XEN_SYSCTL_PERFCOP_query:
        result = query(p);
        break;
    default:
        return -XEN_EINVAL;
    }
    *reply = !result;
    return result;
}
