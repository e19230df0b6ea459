/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen's public headers as an Arm guest sees them, on a build machine of another kind: their #if's
 * are shown
 * __aarch64__ while they are read, and the compiler's own macros come back afterwards.  Every
 * <xen/...> that depends on the architecture has a wrapper of its name beside this file which
 * includes this one, so that any of them may come first.
 */
#ifndef FAKE_XEN_ARM_H
#define FAKE_XEN_ARM_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#pragma push_macro("__x86_64__")
#undef __x86_64__
#define __aarch64__ 1
#define FAKE_XEN_POP
#endif

#include_next <xen/xen.h>
#include_next <xen/arch-arm.h>
#include_next <xen/hvm/params.h>
#include_next <xen/hvm/hvm_op.h>
#include_next <xen/hvm/save.h>
#include_next <xen/memory.h>
#include_next <xen/grant_table.h>
#include_next <xen/event_channel.h>
#include_next <xen/sched.h>
#include_next <xen/vcpu.h>
#include_next <xen/version.h>
#include_next <xen/physdev.h>
#include_next <xen/platform.h>
#include_next <xen/domctl.h>
#include_next <xen/sysctl.h>

#ifdef FAKE_XEN_POP
#undef FAKE_XEN_POP
#undef __aarch64__
#pragma pop_macro("__x86_64__")
#endif

#endif
