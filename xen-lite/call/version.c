/* SPDX-License-Identifier: BSD-2-Clause */
/* XENVER_*: version and features of the hypervisor.  public/version.h, features.h */
#include "types.h"
#include <xen/xen.h>
#include <xen/version.h>
#include "domain.h"
#include "hypercall.h"

#ifndef BUILD_CHANGESET
#define BUILD_CHANGESET ""
#endif
#ifndef BUILD_DATE
#define BUILD_DATE \
    "unknown" /* not the time of compilation: the same source must give the same image */
#endif

static long give(uint64_t arg, const void *answer, size_t bytes)
{
    return copy_to_guest(arg, answer, bytes) ? -XEN_EFAULT : 0;
}

static long give_text(uint64_t arg, const char *text, size_t room)
{
    return give(arg, text, MIN(strlen(text) + 1, room));
}

static long compile_info(uint64_t arg)
{
    struct xen_compile_info info;

    memset(&info, 0, sizeof(info));
#ifdef __clang__
    strlcpy(info.compiler, __VERSION__, sizeof(info.compiler));
#else
    strlcpy(info.compiler, "gcc " __VERSION__, sizeof(info.compiler));
#endif
    strlcpy(info.compile_by, "xen-lite", sizeof(info.compile_by));
    strlcpy(info.compile_domain, "", sizeof(info.compile_domain));
    strlcpy(info.compile_date, BUILD_DATE, sizeof(info.compile_date));
    return give(arg, &info, sizeof(info));
}

static long features(uint64_t arg)
{
    const struct domain *d = current_vcpu()->domain;
    struct xen_feature_info info;

    if (copy_from_guest(&info, arg, sizeof(info)))
        return -XEN_EFAULT;
    if (info.submap_idx >= XENFEAT_NR_SUBMAPS)
        return -XEN_EINVAL;
    info.submap = 1u << XENFEAT_writable_page_tables | 1u << XENFEAT_auto_translated_physmap |
                  1u << XENFEAT_memory_op_vnode_supported | 1u << XENFEAT_ARM_SMCCC_supported |
                  1u << (d->direct_map ? XENFEAT_direct_mapped : XENFEAT_not_direct_mapped);
    if (d->privileged)
        info.submap |= 1u << XENFEAT_dom0;
    return give(arg, &info, sizeof(info));
}

static long platform_parameters(uint64_t arg)
{
    /* Start of the hypervisor's image.  Tools print it; nothing depends on it. */
    struct xen_platform_parameters p = { .virt_start = (uintptr_t)&do_xen_version &
                                                       ~(uint64_t)(BLOCK_SIZE - 1) };
    return give(arg, &p, sizeof(p));
}

static long capabilities(uint64_t arg)
{
    xen_capabilities_info_t text = { 0 };

    snprintf(text, sizeof(text), "%s%s", arch_el1_width_ok(false) ? "xen-3.0-aarch64 " : "",
             arch_el1_width_ok(true) ? "xen-3.0-armv7l " : "");
    return give(arg, text, sizeof(text));
}

long do_xen_version(int cmd, uint64_t arg)
{
    struct domain *d = current_vcpu()->domain;

    switch (cmd) {
    case XENVER_version: return (long)(XL_VERSION_MAJOR << 16 | XL_VERSION_MINOR);
    case XENVER_extraversion: return give_text(arg, XL_EXTRAVERSION, sizeof(xen_extraversion_t));
    case XENVER_compile_info: return compile_info(arg);
    case XENVER_capabilities: return capabilities(arg);
    case XENVER_changeset: return give_text(arg, BUILD_CHANGESET, sizeof(xen_changeset_info_t));
    case XENVER_platform_parameters: return platform_parameters(arg);
    case XENVER_get_features: return features(arg);
    case XENVER_pagesize: return arg ? -XEN_EINVAL : (long)PAGE_SIZE;
    case XENVER_guest_handle: return give(arg, d->handle, sizeof(d->handle));
    case XENVER_commandline:
        return give_text(arg, domain_is_control(d) ? cmdline.text : "<denied>",
                         sizeof(xen_commandline_t));
    case XENVER_build_id: return domain_is_control(d) ? -XEN_ENODATA : -XEN_EPERM;
    default: return -XEN_ENOSYS;
    }
}
