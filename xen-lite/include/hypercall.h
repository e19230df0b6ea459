/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hypercalls.  Each takes its arguments as they stand in registers and returns Xen's result;
 * -XEN_ERESTART makes the guest execute the HVC again: progress is then in the domain, in the
 * guest's argument block, or in the registers.
 */
#ifndef XL_HYPERCALL_H
#define XL_HYPERCALL_H
#include "types.h"
#include "lib.h"
#include <xen/errno.h>
struct domain;
struct vcpu;

/* Xen's internal "run the hypercall again": the public header only numbers it for the hypervisor
 * itself. */
#ifndef XEN_ERESTART
#define XEN_ERESTART 85
#endif
#define ERESTART_INTERNAL XEN_ERESTART

#define HYPERCALL_NUMBER_ARG 5u /* arch_hypercall_arg(v, 5): the call's number (x16, r12) */

#define XL_VERSION_MAJOR 4u /* of Xen's ABI, as XENVER_version tells it */
#define XL_VERSION_MINOR 17u
#if XL_DEBUG
#define XL_EXTRAVERSION ".0-xen-lite-dbg" /* 16 bytes are all there is */
#else
#define XL_EXTRAVERSION ".0-xen-lite"
#endif

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
long do_hypfs_op(unsigned cmd, uint64_t path, uint64_t path_bytes, uint64_t data,
                 uint64_t bytes); /* hypfs.c */
long do_vm_assist(unsigned cmd, unsigned type);
long do_multicall(uint64_t list, unsigned count);        /* hypercall.c */
long hypercall_call(unsigned nr, const uint64_t arg[5]); /* by number, for multicall; -XEN_ENOSYS */
/* May domain `d` (tools of `by`) have HVM parameter `index` written? 0, -XEN_EPERM, -XEN_EINVAL.
 * hvm_op.c */
int hvm_param_may_set(const struct domain *d, const struct domain *by, uint32_t index);

/*
 * A preemptible loop asks after each piece of some 40,000 instructions at most: work or an
 * interrupt is pending on this CPU, or the hypercall has had its time (interrupts are masked in
 * EL2, and only the return to the guest looks at them).  Because it asks after a piece and not
 * before, a call makes progress even when there is always something pending.
 */
bool hypercall_preempt_check(void);
extern uint64_t preempt_call_start[];
extern uint64_t preempt_longest_ticks[];
static inline void preempt_note_length(uint64_t nr, uint64_t ticks)
{
    if (ticks > __atomic_load_n(&preempt_longest_ticks[nr], __ATOMIC_RELAXED))
        __atomic_store_n(&preempt_longest_ticks[nr], ticks, __ATOMIC_RELAXED);
}
#define HYPERCALL_COUNT 43u /* one more than the highest number that is known */
/* The longest time that a call of number `nr` kept its CPU, from the call to its result or to its
 * restart. */
uint64_t hypercall_longest_ns(unsigned nr);
void hypercall_forget_longest(void);

/*
 * records.c: XEN_DOMCTL_gethvmcontext / sethvmcontext.  The caller has paused the domain.
 * save: *bytes is the room, then what was used; -XEN_ENOSPC with a size that is enough. `buf` is
 * aligned to 8. load: everything is validated before anything is changed; -XEN_EINVAL malformed,
 * -XEN_EOPNOTSUPP another kind of machine, each with a line in the log; afterwards unpausing the
 * domain runs it.
 */
int context_save(struct domain *d, uint8_t *buf, uint32_t *bytes);
int context_load(struct domain *d, const uint8_t *buf, uint32_t bytes);

/* console.c */
void console_init(const char *cmdline); /* after uart_probe and cmdline_parse: says who speaks */
void console_input(void); /* UART receive interrupt: takes all that is there; any CPU */
/*
 * Copy from the log ring to dst.  `incremental`: from *index if that is newer than the oldest kept.
 * *index: where the reader stands afterwards.  `clear`: forget what is in the ring.  Returns bytes
 * copied.
 */
uint32_t log_read_ring(char *dst, uint32_t max, uint32_t *index, bool incremental, bool clear);
void log_write_raw(const char *s,
                   size_t n); /* UART only, as is but '\n' made "\r\n"; one call is not torn */
void console_write_guest(struct domain *d, const char *s,
                         size_t n); /* into the log by lines with "(dN) " before */
uint32_t console_take_input(char *dst, uint32_t max); /* typed characters for the control domain */
void log_force(void); /* from now on output goes on although somebody holds the lock: panic */
/* debug_keys.c */
void debug_key(char key); /* xl debug-keys, or typed after three Ctrl-A */
void debug_keys_dump_all(void);
extern const char *const exit_names[]; /* EXIT_*; perfc.c */
/* panic.c: a CPU that sees this set must call panic_stop_cpu(); guest_prepare() asks. */
extern bool panic_in_progress;
_Noreturn void panic_stop_cpu(void);

/* cmdline.c: xen-lite's options */
enum { DIRTY_AUTO, DIRTY_SW, DIRTY_HW };
struct cmdline {
    uint64_t dom0_mem_bytes; /* 0: not given */
    unsigned dom0_max_vcpus; /* 0: not given */
    char dtuart[64];         /* empty: the device tree's stdout-path */
    bool vlpt;
    int dirty_mode;   /* DIRTY_* */
    bool split_eager; /* of logged domains, blocks: in the background; else on the first write */
    bool noreboot;
    enum { LOGLVL_ERR, LOGLVL_WARN, LOGLVL_INFO, LOGLVL_ALL } loglvl, guest_loglvl;
    bool sync_console;
    char text[1024]; /* as given, for XENVER_commandline */
};
extern struct cmdline cmdline;
void cmdline_parse(
    const char *s); /* unknown options and bad values are warnings; the default stays */
/* dirty=: may change while domains run (hypfs.c); a log that is on keeps what it was turned on
 * with. */
bool cmdline_set_dirty(const char *s); /* false: none of auto, sw, hw */
const char *cmdline_dirty(void);
#endif
