/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers of Xen's ABI that its public headers leave to the hypervisor. */
#ifndef XL_ABI_H
#define XL_ABI_H

#include <xen/errno.h>
#include "types.h"

/*
 * Xen's internal result "repeat the hypercall".  The public header has its number for the
 * hypervisor only.
 */
#ifndef XEN_ERESTART
#define XEN_ERESTART 85
#endif

#define XL_VERSION_MAJOR 4u /* of Xen's ABI, as XENVER_version reports it */
#define XL_VERSION_MINOR 17u
#if XL_DEBUG
#define XL_EXTRAVERSION ".0-xen-lite-dbg" /* at most 16 bytes */
#else
#define XL_EXTRAVERSION ".0-xen-lite"
#endif

#endif
