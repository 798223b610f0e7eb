/* SPDX-License-Identifier: MIT */
#include "walk_model.h"

#include <string.h>

#define BITS(high, low) ((~0ull >> (63 - (high))) & ~0ull << (low))

static uint64_t entry_of(uint64_t physical, unsigned bytes)
{
    uint64_t entry = 0;
    memcpy(&entry, walk_host(physical), bytes);
    return entry;
}

/* How the bits of a linear address are cut up: first bits of the tables, topmost first. */
static const uint8_t shifts_32[] = {22, 12}, shifts_pae[] = {21, 12},
                     shifts_long[] = {48, 39, 30, 21, 12};

static struct walk_outcome denied(struct walk_outcome o, enum guest_reached reached,
                                  uint64_t address, uint32_t error)
{
    o.reached = reached;
    o.fault = (struct guest_fault){.address = address, .error = error};
    return o;
}

/* Table 4-1 and figure 4-12: what goes into any error code of this access. */
static uint32_t access_bits(const struct walk_machine *m, unsigned access, bool user)
{
    bool shows_fetch = m->mode.cr4 & CR4_SMEP || (m->mode.cr4 & CR4_PAE && m->mode.efer & EFER_NXE);
    return (access & GUEST_WRITE ? 2u : 0) | (user ? 4u : 0) |
           (access & GUEST_FETCH && shows_fetch ? 16u : 0);
}

static uint64_t reserved_bits(const struct walk_machine *m, unsigned shift, bool large)
{
    bool is_long = m->mode.efer & EFER_LMA;
    uint64_t reserved = is_long ? BITS(51, 0) : BITS(62, 0);
    reserved &= m->physical_bits < 52 ? BITS(62, m->physical_bits) : BITS(62, 52);
    if (!is_long)
        reserved |= BITS(62, 52);
    if (!(m->mode.efer & EFER_NXE))
        reserved |= 1ull << 63;
    if (shift > 30 || (shift == 30 && !m->pages_1g))
        reserved |= 1ull << 7;
    if (large && shift == 30)
        reserved |= BITS(29, 13);
    if (large && shift == 21)
        reserved |= BITS(20, 13);
    return reserved;
}

static bool allowed(const struct walk_machine *m, unsigned access, bool user, bool u, bool w,
                    bool x)
{
    if (access & GUEST_FETCH) {
        if (user)
            return u && x;
        return u ? x && !(m->mode.cr4 & CR4_SMEP) : x;
    }
    bool smap = m->mode.cr4 & CR4_SMAP && (access & GUEST_SYSTEM || !(m->mode.rflags & RFLAGS_AC));
    if (user)
        return u && (w || !(access & GUEST_WRITE));
    if (u && smap)
        return false;
    return !(access & GUEST_WRITE) || w || !(m->mode.cr0 & CR0_WP);
}

static struct walk_outcome data_at(struct walk_outcome o, unsigned access)
{
    unsigned need = access & GUEST_WRITE   ? EPT_WRITE
                    : access & GUEST_FETCH ? EPT_EXECUTE
                                           : EPT_READ;
    return walk_allows(o.physical) & need ? o : denied(o, GUEST_OUTSIDE, o.physical, 0);
}

struct walk_outcome walk_model(const struct walk_machine *m, uint64_t linear, unsigned access)
{
    struct walk_outcome o = {.reached = GUEST_REACHED, .physical = linear};
    bool is_long = m->mode.efer & EFER_LMA, pae = m->mode.cr4 & CR4_PAE;
    bool user = m->mode.cpl == 3 && !(access & GUEST_SYSTEM);
    bool u = true, w = true, x = true;
    uint32_t error = access_bits(m, access, user);
    const uint8_t *shifts = !pae ? shifts_32 : !is_long ? shifts_pae : shifts_long;
    unsigned first = is_long && !(m->mode.cr4 & CR4_LA57) ? 1 : 0, last = is_long ? 5 : 2;
    unsigned bytes = pae ? 8 : 4;
    uint64_t table = m->mode.cr3 & (pae ? BITS(51, 12) : BITS(31, 12));

    if (!(m->mode.cr0 & CR0_PG))
        return data_at(o, access);
    if (is_long) {
        uint64_t upper = linear & BITS(63, m->mode.cr4 & CR4_LA57 ? 56 : 47);
        if (upper && upper != BITS(63, m->mode.cr4 & CR4_LA57 ? 56 : 47))
            return denied(o, GUEST_NOT_CANONICAL, 0, 0);
    } else if (pae) {
        if (!(m->pdpte[linear >> 30 & 3] & 1))
            return denied(o, GUEST_PAGE_FAULT, linear, error);
        table = m->pdpte[linear >> 30 & 3] & BITS(51, 12);
    }
    for (unsigned i = first; i < last; i++) {
        uint64_t at = table + (linear >> shifts[i] & (4096 / bytes - 1)) * bytes;
        if (!(walk_allows(at) & EPT_READ))
            return denied(o, GUEST_OUTSIDE, at, 0);
        uint64_t entry = entry_of(at, bytes);
        if (!(entry & 1))
            return denied(o, GUEST_PAGE_FAULT, linear, error);
        bool large = i + 1 < last && entry & 0x80 && (pae || m->mode.cr4 & CR4_PSE);
        uint64_t frame = entry & (pae ? BITS(51, 12) : BITS(31, 12));
        if (pae) {
            if (entry & reserved_bits(m, shifts[i], large))
                return denied(o, GUEST_PAGE_FAULT, linear, error | 9);
        } else if (large) {
            frame = (entry & BITS(31, 22)) | (entry & BITS(20, 13)) << 19;
            if (entry & 1u << 21 || frame & BITS(63, m->physical_bits))
                return denied(o, GUEST_PAGE_FAULT, linear, error | 9);
        }
        u &= entry >> 2 & 1;
        w &= entry >> 1 & 1;
        x &= !(pae && entry >> 63);
        o.visit[o.visited].physical = at;
        o.visit[o.visited++].flags = 0x20;
        table = frame;
        if (large || i + 1 == last) {
            o.visit[o.visited - 1].flags |= access & GUEST_WRITE ? 0x40 : 0;
            o.physical = (frame & ~BITS(shifts[i] - 1, 0)) | (linear & BITS(shifts[i] - 1, 0));
            break;
        }
    }
    if (!allowed(m, access, user, u, w, x))
        return denied(o, GUEST_PAGE_FAULT, linear, error | 1);
    for (unsigned i = 0; i < o.visited; i++)
        if ((*walk_host(o.visit[i].physical) & o.visit[i].flags) != o.visit[i].flags &&
            !(walk_allows(o.visit[i].physical) & EPT_WRITE))
            return denied(o, GUEST_OUTSIDE, o.visit[i].physical, 0);
    return data_at(o, access);
}
