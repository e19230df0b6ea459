/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Three domains for tests of hypercalls: dom0 and two guests, two vCPUs each, on the fake machine
 * with the real page allocator and a guest-physical map that is a plain array with the contracts of
 * p2m.h.  Guest virtual addresses are pointers of the test; addresses below WORLD_BAD fault.
 */
#ifndef WORLD_H
#define WORLD_H
#include "lib.h"
#include "domain.h"
#include "hypercall.h"
#include "fake.h"

#define WORLD_GFNS      0x44000u /* as far as the end of the fake machine's RAM */
#define WORLD_BAD       4096u
#define GUEST_RAM       256u /* gfns 256..319 of a guest are its memory */
#define GUEST_RAM_PAGES 64u

extern struct domain *world[3];       /* ids 0, 1, 2 */
extern unsigned world_injected[3][2]; /* event interrupts by domain, vCPU */
extern unsigned world_unblocked[3][2];
extern unsigned world_vuart_events;
extern unsigned world_dirty[3][WORLD_GFNS]; /* marks */
extern bool world_p2m_fails;                /* the next p2m_map says -ENOMEM */

void world_start(void);
void world_end(
    void); /* everything is given back: fails the test when a page or a reference is not */
void world_be(unsigned dom, unsigned vcpu); /* whose hypercall */
void world_kill(unsigned dom);              /* as domain_kill orders the teardown */
struct page *world_page(unsigned dom,
                        uint64_t gfn); /* what is mapped there, or NULL; no reference */
enum p2m_type world_type(unsigned dom, uint64_t gfn);
static inline uint64_t gva(const void *p) { return (uint64_t)(uintptr_t)p; }
#endif
