/* SPDX-License-Identifier: BSD-2-Clause */
/* Access to guest memory.  guest_mem.c */
#ifndef XL_GUEST_MEM_H
#define XL_GUEST_MEM_H

#include "types.h"
struct domain;

/*
 * Copies by guest-virtual address of the current vCPU, through its stage 1 and stage 2 (hypercall
 * arguments).  They mark written pages dirty, respect read-only mappings, and return the number of
 * bytes NOT copied (0: success).
 */
size_t copy_from_guest(void *dst, uint64_t gva, size_t bytes);
size_t copy_to_guest(uint64_t gva, const void *src, size_t bytes);
size_t clear_guest(uint64_t gva, size_t bytes);
/*
 * Between these two calls on one CPU, the copies keep the last translation.  This is safe because
 * the guest's vCPU does not run between them.
 */
void guest_mem_begin_call(void);
void guest_mem_end_call(void);
/*
 * Copies by guest-physical address of any domain.  0, -XEN_EFAULT; after an error, a part may have
 * been written.
 */
int copy_from_ipa(struct domain *d, void *dst, ipa_t ipa, size_t bytes);
int copy_to_ipa(struct domain *d, ipa_t ipa, const void *src, size_t bytes);

#endif
