/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies to and from guest memory, page by page: find the page and take a reference, copy, mark it
 * dirty AFTER the write (dirty.c says why), drop the reference.
 *
 * The arguments of a hypercall are mostly in one page, and translating a guest virtual address
 * costs more than the copy.  So the last translation is kept within one hypercall.  A guest that
 * changes its own map meanwhile, on another vCPU, races with the hypercall in any case.  The page
 * itself is looked up and referenced for each copy.
 */
#include "abi.h"
#include "arch.h"
#include "cpu.h"
#include "dirty.h"
#include "domain_types.h"
#include "guest_mem.h"
#include "lib.h"
#include "mm.h"
#include "p2m.h"

enum direction { FROM_GUEST, TO_GUEST, CLEAR_GUEST };

static void mark_written(struct domain *d, ipa_t ipa, struct page *p, enum p2m_type type)
{
    if (type == P2M_RAM)
        dirty_mark_ram(d, ipa, p);
    else if (type != P2M_SHARED)
        dirty_mark_page(p);
}

/* Inside one page. */
static bool copy_piece(struct domain *d, ipa_t ipa, void *buf, size_t bytes, enum direction dir)
{
    enum p2m_type type;
    struct page *p = p2m_get_page(d, ipa, dir != FROM_GUEST, &type);
    if (!p)
        return false;
    uint8_t *page = page_map(p), *guest = page + (ipa.v & (PAGE_SIZE - 1));
    if (dir == FROM_GUEST)
        memcpy(buf, guest, bytes);
    else if (dir == TO_GUEST)
        memcpy(guest, buf, bytes);
    else if (bytes == PAGE_SIZE)
        arch_clear_pages(guest, 1, false);
    else
        memset(guest, 0, bytes);
    page_unmap(p, page);
    if (dir != FROM_GUEST)
        mark_written(d, ipa, p, type);
    page_put(p);
    return true;
}

static size_t piece_bytes(uint64_t addr, size_t bytes)
{
    size_t room = (size_t)(PAGE_SIZE - (addr & (PAGE_SIZE - 1)));
    return MIN(bytes, room);
}

static struct translation {
    bool kept, valid, write;
    uint64_t gva;
    ipa_t ipa;
} last[MAX_CPUS]; /* only the CPU itself uses its entry */

void guest_mem_begin_call(void) { last[cpu_id()] = (struct translation){ .kept = true }; }
void guest_mem_end_call(void) { last[cpu_id()].kept = false; }

static bool translate(uint64_t gva, bool write, ipa_t *ipa)
{
    struct translation *t = &last[cpu_id()];
    uint64_t page = gva & PAGE_MASK;
    if (!t->kept)
        return arch_gva_to_ipa(GVA(gva), write, ipa) == 0;
    if (!t->valid || t->gva != page || (write && !t->write)) {
        t->valid = arch_gva_to_ipa(GVA(page), write, &t->ipa) == 0;
        t->gva = page;
        t->write = write;
    }
    *ipa = IPA(t->ipa.v | (gva & (PAGE_SIZE - 1)));
    return t->valid;
}

static size_t copy_gva(uint8_t *buf, uint64_t gva, size_t bytes, enum direction dir)
{
    struct domain *d = current_vcpu()->domain;
    while (bytes) {
        size_t n = piece_bytes(gva, bytes);
        ipa_t ipa;
        if (!translate(gva, dir != FROM_GUEST, &ipa) || !copy_piece(d, ipa, buf, n, dir))
            break;
        gva += n;
        bytes -= n;
        if (buf)
            buf += n;
    }
    return bytes;
}

size_t copy_from_guest(void *dst, uint64_t gva, size_t bytes)
{
    return copy_gva(dst, gva, bytes, FROM_GUEST);
}
size_t clear_guest(uint64_t gva, size_t bytes) { return copy_gva(NULL, gva, bytes, CLEAR_GUEST); }
/* The buffer is only read: the cast lets one loop serve both directions. */
size_t copy_to_guest(uint64_t gva, const void *src, size_t bytes)
{
    return copy_gva((uint8_t *)(uintptr_t)src, gva, bytes, TO_GUEST);
}

static int copy_ipa(struct domain *d, uint8_t *buf, uint64_t ipa, size_t bytes, enum direction dir)
{
    while (bytes) {
        size_t n = piece_bytes(ipa, bytes);
        if (!copy_piece(d, IPA(ipa), buf, n, dir))
            return -XEN_EFAULT;
        ipa += n;
        bytes -= n;
        buf += n;
    }
    return 0;
}

int copy_from_ipa(struct domain *d, void *dst, ipa_t ipa, size_t bytes)
{
    return copy_ipa(d, dst, ipa.v, bytes, FROM_GUEST);
}
int copy_to_ipa(struct domain *d, ipa_t ipa, const void *src, size_t bytes)
{
    return copy_ipa(d, (uint8_t *)(uintptr_t)src, ipa.v, bytes, TO_GUEST);
}
