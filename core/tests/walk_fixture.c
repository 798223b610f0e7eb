/* SPDX-License-Identifier: MIT */
#include "walk_fixture.h"

#include <string.h>

struct ept walk_ept;
uint8_t *walk_page[WALK_PAGES];

static unsigned rights_of(unsigned page)
{
    return page == WALK_HOLE         ? 0
           : page == WALK_READ_ONLY  ? EPT_READ | EPT_EXECUTE
           : page == WALK_NO_EXECUTE ? EPT_READ | EPT_WRITE
                                     : EPT_ALL;
}

void walk_memory_make(void)
{
    static const struct vmx_capability capability = {.ept_vpid =
                                                         EPT_CAP_WALK_4 | EPT_CAP_WRITE_BACK};

    assert_null(ept_create(&walk_ept, &capability));
    for (unsigned i = 0; i < WALK_PAGES; i++) {
        walk_page[i] = NULL;
        if (!rights_of(i))
            continue;
        walk_page[i] = platform_pages_allocate(1, PAGE_SIZE);
        uint64_t number = i == WALK_FAR ? WALK_FAR_PAGE : i;
        assert_true(ept_map(&walk_ept, number * PAGE_SIZE, platform_physical(walk_page[i]),
                            PAGE_SIZE, (enum ept_access)rights_of(i)));
    }
}

void walk_memory_free(void)
{
    for (unsigned i = 0; i < WALK_PAGES; i++)
        platform_pages_free(walk_page[i], 1);
    ept_destroy(&walk_ept);
}

static unsigned page_at(uint64_t physical)
{
    uint64_t number = physical / PAGE_SIZE;
    return number == WALK_FAR_PAGE ? WALK_FAR : number < WALK_FAR ? (unsigned)number : WALK_HOLE;
}

uint8_t *walk_host(uint64_t physical)
{
    uint8_t *page = walk_page[page_at(physical)];
    return page ? page + physical % PAGE_SIZE : NULL;
}

unsigned walk_allows(uint64_t physical)
{
    return rights_of(page_at(physical));
}

void walk_entry(unsigned page, unsigned index, uint64_t entry)
{
    memcpy(walk_page[page] + 8 * index, &entry, 8);
}

void walk_entry_32(unsigned page, unsigned index, uint32_t entry)
{
    memcpy(walk_page[page] + 4 * index, &entry, 4);
}

uint64_t walk_entry_at(unsigned page, unsigned index)
{
    uint64_t entry;
    memcpy(&entry, walk_page[page] + 8 * index, 8);
    return entry;
}

void walk_mode_set(const struct walk_mode *mode)
{
    *simulated_field(VMCS_GUEST_CR0) = mode->cr0;
    *simulated_field(VMCS_GUEST_CR3) = mode->cr3;
    *simulated_field(VMCS_GUEST_CR4) = mode->cr4;
    *simulated_field(VMCS_GUEST_EFER) = mode->efer;
    *simulated_field(VMCS_GUEST_RFLAGS) = mode->rflags;
    *simulated_field(VMCS_GUEST_SS_ACCESS_RIGHTS) = 0x93 | mode->cpl << 5;
    *simulated_field(VMCS_GUEST_CS_ACCESS_RIGHTS) = 0x9b | (mode->long_code ? 1u << 13 : 1u << 14);
}
