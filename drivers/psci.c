/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The firmware's power control (PSCI, Arm DEN 0022), through the conduit that the device tree
 * names.
 */
#include "dt.h"
#include "abi.h"
#include "hw.h"
#include "lib.h"
#include "arch.h"
#include <asm/smccc.h>
#include <xen/errno.h>

#define SMCCC_VERSION       0x80000000u
#define SMCCC_ARCH_FEATURES 0x80000001u
#define PSCI_VERSION        0x84000000u
#define PSCI_FEATURES       0x8400000au
#define PSCI_SYSTEM_OFF     0x84000008u
#define PSCI_SYSTEM_RESET   0x84000009u
enum {
    PSCI_NOT_SUPPORTED = -1,
    PSCI_INVALID_PARAMETERS = -2,
    PSCI_DENIED = -3,
    PSCI_ALREADY_ON = -4,
    PSCI_ON_PENDING = -5
};

static int64_t (*conduit)(uint64_t fn, uint64_t a, uint64_t b, uint64_t c);
static uint64_t cpu_on_function = PSCI_CPU_ON;

int psci_probe(const void *fdt)
{
    static const char *const known[] = { "arm,psci-1.0", "arm,psci-0.2", "arm,psci" };
    int node = -1, len;

    for (unsigned i = 0; i < ARRAY_SIZE(known) && node < 0; i++)
        node = fdt_node_offset_by_compatible(fdt, -1, known[i]);
    if (node < 0)
        return -XEN_ENODEV;
    const char *method = fdt_getprop(fdt, node, "method", &len);
    if (method && !strcmp(method, "smc"))
        conduit = smccc_smc;
    else if (method && !strcmp(method, "hvc"))
        conduit = smccc_hvc;
    else
        return -XEN_EINVAL;
    /* Version 0.1 has its function numbers in the device tree only. */
    if (fdt_node_check_compatible(fdt, node, "arm,psci-1.0") &&
        fdt_node_check_compatible(fdt, node, "arm,psci-0.2"))
        cpu_on_function = dt_u32(fdt, node, "cpu_on", PSCI_CPU_ON);
    return 0;
}

int psci_cpu_on(uint64_t mpidr, paddr_t entry, uint64_t context_id)
{
    if (!conduit)
        return -XEN_ENODEV;
    switch ((int32_t)conduit(cpu_on_function, mpidr, entry.v, context_id)) {
    case 0: return 0;
    case PSCI_NOT_SUPPORTED: return -XEN_EOPNOTSUPP;
    case PSCI_ALREADY_ON:
    case PSCI_ON_PENDING: return -XEN_EEXIST;
    case PSCI_DENIED: return -XEN_EPERM;
    default: return -XEN_EINVAL;
    }
}

/*
 * SMCCC 1.1 is discovered through PSCI 1.0's features call.  Each step calls only what the step
 * before has declared available.
 */
bool smccc_required(uint32_t function)
{
    if (conduit != smccc_smc || (conduit(PSCI_VERSION, 0, 0, 0) & 0xffffffff) < 0x10000)
        return false;
    if ((int32_t)conduit(PSCI_FEATURES, SMCCC_VERSION, 0, 0) < 0 ||
        (int32_t)conduit(SMCCC_VERSION, 0, 0, 0) < 0x10001)
        return false;
    return (int32_t)conduit(SMCCC_ARCH_FEATURES, function, 0, 0) == 0;
}

/* These calls do not return.  Without firmware the CPU can only stop. */
_Noreturn void psci_system_off(void)
{
    if (conduit)
        conduit(PSCI_SYSTEM_OFF, 0, 0, 0);
    arch_halt();
}

_Noreturn void psci_system_reset(void)
{
    if (conduit)
        conduit(PSCI_SYSTEM_RESET, 0, 0, 0);
    arch_halt();
}
