/* SPDX-License-Identifier: MIT */
#include "mmio_fixture.h"

#include <string.h>

struct ept mmio_ept;
uint8_t *mmio_memory;
uint8_t mmio_device[2 * PAGE_SIZE];
struct mmio_log_entry mmio_log[64];
unsigned mmio_log_count;
enum mmio_result mmio_answer;
int mmio_answers_left;

static struct mmio table;

enum mmio_result mmio_fixture_handler(struct vcpu *vcpu, void *context, uint64_t offset,
                                      unsigned bytes, bool write, uint64_t *value)
{
    uint8_t *registers = context;

    assert_ptr_equal(vcpu, &guest);
    assert_in_range(offset + bytes, 1, PAGE_SIZE);
    if (mmio_answer == MMIO_REFUSED && mmio_answers_left-- <= 0)
        return MMIO_REFUSED;
    if (write)
        memcpy(registers + offset, value, bytes);
    else
        memcpy(value, registers + offset, bytes);
    if (!write && bytes < 8)
        *value |= UINT64_MAX << 8 * bytes; /* does not count */
    if (mmio_log_count < COUNT_OF(mmio_log)) {
        uint64_t counted = bytes < 8 ? *value & ~(UINT64_MAX << 8 * bytes) : *value;
        mmio_log[mmio_log_count++] = (struct mmio_log_entry){offset, counted, bytes, write};
    }
    if (write && bytes < 8)
        assert_int_equal(*value >> 8 * bytes, 0);
    return mmio_answer == MMIO_REFUSED ? MMIO_DONE : mmio_answer;
}

uint64_t *mmio_entry(uint64_t linear)
{
    return (uint64_t *)(mmio_memory + MMIO_TABLES + 0x3000) + linear / PAGE_SIZE;
}

static void page_tables(void)
{
    uint64_t *tables = (uint64_t *)(mmio_memory + MMIO_TABLES);

    tables[0] = (MMIO_TABLES + 0x1000) | 7;
    tables[512] = (MMIO_TABLES + 0x2000) | 7;
    tables[1024] = (MMIO_TABLES + 0x3000) | 7;
    for (uint64_t page = 0; page < 512; page++)
        *mmio_entry(page * PAGE_SIZE) = page * PAGE_SIZE | 7;
}

int mmio_setup(void **state)
{
    exit_setup(state);
    mmio_memory = platform_pages_allocate(MMIO_MEMORY / PAGE_SIZE, PAGE_SIZE);
    if (ept_create(&mmio_ept, &exit_capability) ||
        !ept_map(&mmio_ept, 0, platform_physical(mmio_memory), MMIO_MEMORY, EPT_ALL))
        return -1;
    memset(mmio_device, 0, sizeof(mmio_device));
    mmio_log_count = 0;
    mmio_answer = MMIO_DONE;
    table = (struct mmio){0};
    if (!mmio_add(&table, MMIO_DEVICE, PAGE_SIZE, mmio_fixture_handler, mmio_device) ||
        !mmio_add(&table, MMIO_SECOND, PAGE_SIZE, mmio_fixture_handler, mmio_device + PAGE_SIZE))
        return -1;
    page_tables();
    guest.ept = &mmio_ept;
    guest.mmio = &table;
    exit_field(VMCS_GUEST_CR3, MMIO_TABLES);
    exit_field(VMCS_GUEST_RIP, MMIO_CODE);
    exit_field(VMCS_GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_RF);
    exit_field(VMCS_EXIT_INSTRUCTION_LENGTH, 99); /* undefined at EPT violations */
    return 0;
}

int mmio_teardown(void **state)
{
    if (mmio_ept.demand)
        demand_destroy(mmio_ept.demand);
    ept_destroy(&mmio_ept);
    platform_pages_free(mmio_memory, MMIO_MEMORY / PAGE_SIZE);
    return simulated_cpu_teardown(state);
}

void mmio_code_at(uint64_t at, const void *bytes, size_t count)
{
    memcpy(mmio_memory + at, bytes, count);
    exit_field(VMCS_GUEST_RIP, at);
}

enum exit_outcome mmio_take_again(uint64_t linear, unsigned access)
{
    exit_field(VMCS_GUEST_LINEAR_ADDRESS, linear);
    exit_field(VMCS_GUEST_PHYSICAL_ADDRESS,
               (*mmio_entry(linear % 0x200000) & 0xffffffffff000) | linear % PAGE_SIZE);
    return exit_take(EXIT_REASON_EPT_VIOLATION, access | VIOLATION_LINEAR | VIOLATION_FINAL);
}

enum exit_outcome mmio_take(const char *bytes, size_t count, uint64_t linear, unsigned access)
{
    mmio_code_at(MMIO_CODE, bytes, count);
    return mmio_take_again(linear, access);
}
