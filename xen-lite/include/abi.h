/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers of Xen's ABI that its public headers leave to the hypervisor. */
#ifndef XL_ABI_H
#define XL_ABI_H

#include <xen/errno.h>
#include "types.h"

/*
 * Internal in Xen: repeat the hypercall.  Xen's public header defines the number only for the
 * hypervisor itself.
 */
#ifndef XEN_ERESTART
#define XEN_ERESTART 85
#endif

#define XL_VERSION_MAJOR 4u /* Xen ABI version that XENVER_version returns */
#define XL_VERSION_MINOR 17u
#if XL_DEBUG
#define XL_EXTRAVERSION ".0-xen-lite-dbg" /* the ABI has 16 bytes for it */
#else
#define XL_EXTRAVERSION ".0-xen-lite"
#endif

#endif
