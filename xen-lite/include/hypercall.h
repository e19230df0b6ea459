/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hypercalls.  Each takes its arguments as they are in the guest's registers and returns Xen's
 * result.  -XEN_ERESTART makes the guest execute the HVC again; the progress is then in the domain,
 * in the guest's argument block, or in the registers.
 */
#ifndef XL_HYPERCALL_H
#define XL_HYPERCALL_H
#include "types.h"
#include "abi.h"
#include "console.h"
#include "state_records.h"
#include "hooks.h"
#include "log.h"
#include "options.h"
#include "panic.h"
#include "preempt.h"
#include "run.h"
struct domain;
struct vcpu;

#define HYPERCALL_NUMBER_ARG 5u /* arch_hypercall_arg(v, 5) is the call's number (x16, r12) */

long do_memory_op(uint64_t cmd, uint64_t arg);                     /* memory_op.c */
long do_domctl(uint64_t arg);                                      /* domctl.c */
long do_sysctl(uint64_t arg);                                      /* sysctl.c */
long do_xen_version(int cmd, uint64_t arg);                        /* version.c */
long do_console_io(unsigned cmd, unsigned count, uint64_t buffer); /* console_io.c */
long do_sched_op(int cmd, uint64_t arg);                           /* sched_op.c */
long do_vcpu_op(int cmd, unsigned vcpuid, uint64_t arg);           /* vcpu_op.c */
long do_hvm_op(unsigned long op, uint64_t arg);                    /* hvm_op.c */
long do_physdev_op(int cmd, uint64_t arg);                         /* platform.c */
long do_platform_op(uint64_t arg);
/* hypfs.c */
long do_hypfs_op(unsigned cmd, uint64_t path, uint64_t path_bytes, uint64_t data, uint64_t bytes);
long do_vm_assist(unsigned cmd, unsigned type);
long do_multicall(uint64_t list, unsigned count);        /* hypercall.c */
long hypercall_call(unsigned nr, const uint64_t arg[5]); /* by number, for multicall; -XEN_ENOSYS */
#endif
