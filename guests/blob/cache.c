/* SPDX-License-Identifier: MIT */
/* Caches and translations, written back or made invalid. */
#include "row.h"

/* INVPCID's descriptor: PCID 0, and an address that nothing uses. */
static __attribute__((used, aligned(16))) uint64_t descriptor[2] = {0, GUEST_DEMAND_BASE};

#define ADDRESS "mov $0x4000000, %%edi"
_Static_assert(GUEST_DEMAND_BASE == 0x4000000, "as above");

ROW_CODE(wbinvd, "", "wbinvd")
ROW_CODE(invd, "", "invd")
ROW_CODE(invlpg, ADDRESS, "invlpg (%%rdi)")
ROW_CODE(invpcid, "mov $descriptor, %%edi\n\txor %%eax, %%eax", "invpcid (%%rdi), %%rax")

ROWS = {
    {
        .name = "wbinvd",
        CODE(wbinvd),
        .description = "caches written back and invalidated",
        .instruction = "WBINVD",
        .exits = {IF_CONTROL(WBINVD, SECONDARY_CONTROL_WBINVD_EXITING)},
    },
    {
        .name = "invd",
        CODE(invd),
        .description = "INVD, of which the core makes a WBINVD",
        .instruction = "INVD",
        .exits = {ALWAYS(INVD)},
    },
    {
        .name = "invlpg",
        CODE(invlpg),
        .description = "translations of a page invalidated",
        .instruction = "INVLPG [RDI]",
        .exits = {IF_CONTROL(INVLPG, PRIMARY_CONTROL_INVLPG_EXITING)},
    },
    {
        .name = "invpcid",
        CODE(invpcid),
        .description = "translations of a page of PCID 0 invalidated",
        .instruction = "INVPCID RAX, [RDI]",
        .exits = {IF_CONTROL(INVPCID, PRIMARY_CONTROL_INVLPG_EXITING, SECONDARY_CONTROL_INVPCID)},
        .requires = ROW_REQUIRES_INVPCID,
    },
};
