/* SPDX-License-Identifier: BSD-2-Clause */
/* Access to guest memory.  guest_mem.c */
#ifndef XL_GUEST_MEM_H
#define XL_GUEST_MEM_H

#include "types.h"
struct domain;

/*
 * `gva` is an address of the current vCPU, translated by its stage 1 and stage 2 (hypercall
 * handles).  All copies mark the pages that they write as dirty, respect read-only mappings, and
 * return the number of bytes NOT copied (0 is success).
 */
size_t copy_from_guest(void *dst, uint64_t gva, size_t bytes);
size_t copy_to_guest(uint64_t gva, const void *src, size_t bytes);
size_t clear_guest(uint64_t gva, size_t bytes);
/*
 * Between these two calls, on the same CPU, the last translation is kept: the vCPU does not run
 * meanwhile.
 */
void guest_mem_begin_call(void);
void guest_mem_end_call(void);
/*
 * By guest-physical address of any domain.  0 or -EFAULT; after -EFAULT, part of the data may have
 * been written.
 */
int copy_from_ipa(struct domain *d, void *dst, ipa_t ipa, size_t bytes);
int copy_to_ipa(struct domain *d, ipa_t ipa, const void *src, size_t bytes);

#endif
