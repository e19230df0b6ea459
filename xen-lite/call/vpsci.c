/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Firmware calls of guests: PSCI 1.1 (DEN 0022) and the discovery calls of SMCCC 1.1 (DEN 0028), by
 * HVC #0 or SMC #0.  Both conduits behave alike: the entry code has advanced the PC past the
 * instruction for either.
 */
#include "hypercall.h"
#include "domain.h"
#include <xen/sched.h>
#include <xen/xen.h>

enum { /* SMC32 function identifiers; the SMC64 form has bit 30 set, too */
       PSCI_VERSION = 0x84000000,
       PSCI_CPU_SUSPEND,
       PSCI_CPU_OFF,
       PSCI_CPU_ON,
       PSCI_AFFINITY_INFO,
       PSCI_MIGRATE,
       PSCI_MIGRATE_INFO_TYPE,
       PSCI_MIGRATE_INFO_UP_CPU,
       PSCI_SYSTEM_OFF,
       PSCI_SYSTEM_RESET,
       PSCI_FEATURES,
       SMCCC_VERSION = 0x80000000,
       SMCCC_ARCH_FEATURES,
       SMCCC_WORKAROUND_1 = 0x80008000,
       SMCCC_WORKAROUND_2 = 0x80007fff,
       SMCCC_WORKAROUND_3 = 0x80003fff,
       STANDARD_CALL_COUNT = 0x8400ff00,
       STANDARD_UID,
       STANDARD_REVISION = 0x8400ff03,
       VENDOR_CALL_COUNT = 0x8600ff00,
       VENDOR_UID,
       VENDOR_REVISION = 0x8600ff03,
};
#define SMC64_BIT (1u << 30)
enum {
    RET_SUCCESS = 0,
    RET_NOT_SUPPORTED = -1,
    RET_INVALID_PARAMETERS = -2,
    RET_ALREADY_ON = -4,
    RET_INTERNAL_FAILURE = -6,
    RET_INVALID_ADDRESS = -9
};
enum { AFFINITY_ON = 0, AFFINITY_OFF = 1, MIGRATE_NOT_NEEDED = 2 };
enum { PSCI_CALL_COUNT = 14, PSCI_1_1 = 0x10001 };

/*
 * UIDs of the services, bytes in the order of RFC 4122: XEN_SMCCC_UID and SSSC_SMCCC_UID of
 * public/arch-arm/smccc.h.  That header includes "public/xen.h" and so cannot be included where it
 * is installed.
 */
static const uint8_t vendor_uid[16] = { 0xa7, 0x18, 0x12, 0xdc, 0xc6, 0x98, 0x43, 0x69,
                                        0x9a, 0xcf, 0x79, 0xd1, 0x8d, 0xde, 0xe6, 0x67 };
static const uint8_t standard_uid[16] = { 0xf8, 0x63, 0x38, 0x6f, 0x4b, 0x39, 0x4c, 0xbd,
                                          0x92, 0x20, 0xce, 0x16, 0x41, 0xe5, 0x9f, 0x6f };

static void answer_uid(struct vcpu *v, const uint8_t uid[16])
{
    for (unsigned i = 0; i < 4; i++, uid += 4)
        arch_reg_set(
            v, i, uid[0] | (uint32_t)uid[1] << 8 | (uint32_t)uid[2] << 16 | (uint32_t)uid[3] << 24);
}

/* Affinity 0.0.0.n is vCPU n. */
static struct vcpu *by_mpidr(struct domain *d, uint64_t mpidr)
{
    return mpidr < MIN(d->max_vcpus, MAX_VCPUS) ? d->vcpu[mpidr] : NULL;
}

/*
 * Off, and off its CPU with all its state in memory.  A vCPU that has just called CPU_OFF may still
 * be on its CPU.
 */
static bool is_off(const struct vcpu *t)
{
    return !__atomic_load_n(&t->online, __ATOMIC_ACQUIRE) &&
           !__atomic_load_n(&t->sched.running, __ATOMIC_ACQUIRE);
}

/*
 * d->lock: two callers must not both start it.  `online` is set last, and no CPU runs the vCPU
 * before.
 */
static int64_t cpu_on(struct vcpu *v, uint64_t mpidr, uint64_t entry, uint64_t context_id)
{
    struct domain *d = v->domain;
    struct vcpu *t = by_mpidr(d, mpidr);

    if (!t)
        return RET_INVALID_PARAMETERS;
    if (!d->aarch32 && (entry & 3))
        return RET_INVALID_ADDRESS;
    spin_lock(&d->lock);
    bool off = is_off(t);
    if (off) {
        vgic_vcpu_reset(t);
        vtimer_vcpu_reset(t);
        arch_vcpu_reset(t, entry, context_id, d->aarch32);
        sched_vcpu_invalidate(t); /* a CPU may still have its old registers loaded */
        t->initialised = true;
        t->blocked = false;
        evtchn_upcall(t); /* events that were sent while it was off */
        __atomic_store_n(&t->online, true, __ATOMIC_RELEASE);
    }
    spin_unlock(&d->lock);
    if (!off)
        return RET_ALREADY_ON;
    vcpu_wake(t);
    return RET_SUCCESS;
}

static void cpu_off(struct vcpu *v)
{
    __atomic_store_n(&v->online, false, __ATOMIC_RELEASE);
    vcpu_sleep(v);
}

static int64_t affinity_info(struct domain *d, uint64_t target, uint64_t level)
{
    if (level > 3)
        return RET_INVALID_PARAMETERS;
    /* Above level 0 there is one affinity instance at each level, and the caller is in it. */
    if (level > 0)
        return target >> 8 ? RET_INVALID_PARAMETERS : AFFINITY_ON;
    const struct vcpu *t = by_mpidr(d, target);
    return !t ? RET_INVALID_PARAMETERS : is_off(t) ? AFFINITY_OFF : AFFINITY_ON;
}

static bool has_smc64(uint32_t fn)
{
    return fn == PSCI_CPU_SUSPEND || fn == PSCI_CPU_ON || fn == PSCI_AFFINITY_INFO;
}

static int64_t features(const struct domain *d, uint32_t fn)
{
    if (fn & SMC64_BIT)
        return !d->aarch32 && has_smc64(fn & ~SMC64_BIT) ? RET_SUCCESS : RET_NOT_SUPPORTED;
    switch (fn) {
    case PSCI_VERSION:
    case PSCI_CPU_SUSPEND:
    case PSCI_CPU_OFF:
    case PSCI_CPU_ON:
    case PSCI_AFFINITY_INFO:
    case PSCI_MIGRATE_INFO_TYPE:
    case PSCI_SYSTEM_OFF:
    case PSCI_SYSTEM_RESET:
    case PSCI_FEATURES:
    case SMCCC_VERSION: return RET_SUCCESS;
    default: return RET_NOT_SUPPORTED;
    }
}

/* No firmware workaround is offered: EL2 does not invalidate branch predictors on exit. */
static int64_t arch_features(uint32_t fn)
{
    return fn == SMCCC_VERSION || fn == SMCCC_ARCH_FEATURES ? RET_SUCCESS : RET_NOT_SUPPORTED;
}

/* Returns the value for x0. */
static int64_t call(struct vcpu *v, uint32_t fn, const uint64_t arg[3])
{
    struct domain *d = v->domain;

    switch (fn) {
    case PSCI_VERSION: return PSCI_1_1;
    case PSCI_CPU_SUSPEND:
        vcpu_wait_for_interrupt(v);
        return RET_SUCCESS; /* power-down states are treated as standby */
    case PSCI_cpu_off:
    case PSCI_CPU_OFF: cpu_off(v); return RET_SUCCESS;
    case PSCI_cpu_on:
    case PSCI_CPU_ON: return cpu_on(v, arg[0], arg[1], arg[2]);
    case PSCI_AFFINITY_INFO: return affinity_info(d, arg[0], arg[1]);
    case PSCI_MIGRATE_INFO_TYPE: return MIGRATE_NOT_NEEDED;
    case PSCI_SYSTEM_OFF: domain_shutdown(d, SHUTDOWN_poweroff); return RET_INTERNAL_FAILURE;
    case PSCI_SYSTEM_RESET: domain_shutdown(d, SHUTDOWN_reboot); return RET_INTERNAL_FAILURE;
    case PSCI_FEATURES: return features(d, (uint32_t)arg[0]);
    case SMCCC_VERSION: return 0x10001;
    case SMCCC_ARCH_FEATURES: return arch_features((uint32_t)arg[0]);
    case STANDARD_CALL_COUNT: return PSCI_CALL_COUNT + 3;
    case VENDOR_CALL_COUNT: return 3;
    default: return RET_NOT_SUPPORTED; /* MIGRATE, workarounds, and all unknown functions */
    }
}

static __attribute__((noinline)) void dispatch(struct vcpu *v, uint32_t fn)
{
    bool wide = fn & SMC64_BIT;
    uint64_t arg[3];

    for (unsigned i = 0; i < ARRAY_SIZE(arg); i++) {
        arg[i] = arch_reg_get(v, i + 1);
        if (!wide && !(fn == PSCI_cpu_on && !v->domain->aarch32))
            arg[i] = (uint32_t)arg[i];
    }
    switch (fn) {
    case STANDARD_UID: answer_uid(v, standard_uid); return;
    case VENDOR_UID: answer_uid(v, vendor_uid); return;
    case STANDARD_REVISION:
    case VENDOR_REVISION:
        arch_reg_set(v, 0, 0);
        arch_reg_set(v, 1, 1);
        return;
    default: break;
    }
    if (wide && (v->domain->aarch32 || !has_smc64(fn & ~SMC64_BIT))) {
        arch_reg_set(v, 0, (uint64_t)(int64_t)RET_NOT_SUPPORTED);
        return;
    }
    int64_t ret = call(v, wide ? fn & ~SMC64_BIT : fn, arg);
    arch_reg_set(v, 0, (uint64_t)ret);
}

/* PSCI_VERSION comes first: guests make no other call often enough for its cost to matter. */
void vpsci_dispatch(struct vcpu *v)
{
    uint32_t fn = (uint32_t)arch_reg_get(v, 0);

    if (fn == PSCI_VERSION)
        arch_reg_set(v, 0, PSCI_1_1);
    else
        dispatch(v, fn);
}
