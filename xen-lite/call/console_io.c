/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CONSOLEIO_*: the control domain's console is the UART itself.  Lines from other guests go to the
 * log.  public/xen.h
 */
#include "types.h"
#include <xen/xen.h>
#include "domain.h"
#include "hypercall.h"

#define PIECE_BYTES 128u

static long console_write(struct domain *d, unsigned count, uint64_t buffer)
{
    char piece[PIECE_BYTES];

    while (count) {
        unsigned n = MIN(count, PIECE_BYTES);
        if (copy_from_guest(piece, buffer, n))
            return -XEN_EFAULT;
        if (d->privileged)
            log_write_raw(piece, n);
        else
            console_write_guest(d, piece, n);
        count -= n;
        buffer += n;
        if (count && hypercall_preempt_check()) {
            /* Preempted: the argument registers are set to the rest. */
            arch_hypercall_set_arg(current_vcpu(), 1, count);
            arch_hypercall_set_arg(current_vcpu(), 2, buffer);
            return -XEN_ERESTART;
        }
    }
    return 0;
}

static long console_read(unsigned count, uint64_t buffer)
{
    char piece[PIECE_BYTES];
    unsigned done = 0;

    /*
     * Write to the whole buffer first, because characters that are taken from the ring cannot be
     * put back.
     */
    if (clear_guest(buffer, MIN(count, PIECE_BYTES)))
        return -XEN_EFAULT;
    while (done < count) {
        uint32_t n = console_take_input(piece, MIN(count - done, PIECE_BYTES));
        if (!n)
            break;
        if (copy_to_guest(buffer + done, piece, n))
            return -XEN_EFAULT;
        done += n;
    }
    return (long)done;
}

long do_console_io(unsigned cmd, unsigned count, uint64_t buffer)
{
    struct domain *d = current_vcpu()->domain;

    if (count > INT32_MAX)
        return -XEN_EINVAL;
    switch (cmd) {
    case CONSOLEIO_write: return console_write(d, count, buffer);
    case CONSOLEIO_read: return d->privileged ? console_read(count, buffer) : -XEN_EPERM;
    default: return -XEN_ENOSYS;
    }
}
