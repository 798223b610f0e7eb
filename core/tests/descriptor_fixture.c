/* SPDX-License-Identifier: MIT */
#include "descriptor_fixture.h"

#include <string.h>

#define PML4        0x1000ull
#define MEMORY_INFO (2u << 7 | 3u << 15 | 1u << 22 | 1u << 27) /* 64-bit addresses, DS */

char *descriptor_memory;
static struct ept ept;

int descriptor_setup(void **state)
{
    int result = exit_setup(state);

    descriptor_memory = platform_pages_allocate(DESCRIPTOR_BYTES / PAGE_SIZE, PAGE_SIZE);
    if (ept_create(&ept, &exit_capability) ||
        !ept_map(&ept, 0, platform_physical(descriptor_memory), DESCRIPTOR_BYTES, EPT_ALL))
        return -1;
    guest.ept = &ept;
    for (uint64_t table = PML4; table < PML4 + 0x2000; table += 0x1000)
        *(uint64_t *)(descriptor_memory + table) = (table + 0x1000) | 7;
    *(uint64_t *)(descriptor_memory + PML4 + 0x2000) = 0x87;
    exit_field(VMCS_GUEST_CR3, PML4);
    exit_field(VMCS_GUEST_GDTR_BASE, DESCRIPTOR_GDT);
    exit_field(VMCS_GUEST_GDTR_LIMIT, 0x3ff);
    exit_field(VMCS_GUEST_DS_LIMIT, UINT32_MAX);
    exit_field(VMCS_GUEST_DS_ACCESS_RIGHTS, 0xc093);
    return result;
}

int descriptor_teardown(void **state)
{
    ept_destroy(&ept);
    platform_pages_free(descriptor_memory, DESCRIPTOR_BYTES / PAGE_SIZE);
    return simulated_cpu_teardown(state);
}

void descriptor_put(uint64_t offset, uint16_t limit, uint64_t base)
{
    memcpy(descriptor_memory + DESCRIPTOR_DATA + offset, &limit, 2);
    memcpy(descriptor_memory + DESCRIPTOR_DATA + offset + 2, &base, 8);
}

enum exit_outcome descriptor_take(uint32_t reason, unsigned instruction, uint64_t more,
                                  uint64_t displacement)
{
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    exit_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE, 0);
    exit_field(VMCS_EXIT_INSTRUCTION_INFO, MEMORY_INFO | instruction << 28 | more);
    return exit_take(reason, displacement);
}

void descriptor_expect(uint32_t information, uint32_t error)
{
    expect_field(VMCS_ENTRY_INTERRUPTION_INFO, information);
    expect_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE, error);
    expect_unchanged();
}

void descriptor_expect_gp(void)
{
    descriptor_expect(0x80000b0d, 0);
}
