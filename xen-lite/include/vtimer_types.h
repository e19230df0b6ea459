/* SPDX-License-Identifier: BSD-2-Clause */
/* Types: a vCPU's timers.  vtimer.h has the functions. */
#ifndef XL_VTIMER_TYPES_H
#define XL_VTIMER_TYPES_H

#include "cpu_types.h"

struct vtimer {
    uint64_t virt_cval, phys_cval;
    uint32_t virt_ctl, phys_ctl, cntkctl;
    struct timer virt_soft, phys_soft;
};
enum vtimer_reg { VTIMER_CNTP_CTL, VTIMER_CNTP_CVAL, VTIMER_CNTP_TVAL, VTIMER_CNTPCT };

#endif
