/* SPDX-License-Identifier: MIT */
/* What a guest that has the machine is told of its memory, and what of it is mapped, and how. */
#include "../image/machine_map.h"

#include "../../core/tests/tests.h"
#include "../../core/vmx/ept_entry.h"

#define MIB 0x100000ull
#define GIB 0x40000000ull

static const struct memory_range core = {126 * MIB, 144 * MIB};
static const struct boot_memory firmware[] = {
    {{0, 0x9f000}, LOAD_RAM},
    {{0x9f000, 0xa0000}, LOAD_RESERVED},
    {{0xe8000, MIB}, LOAD_RESERVED},
    {{MIB, 0x1fff0000}, LOAD_RAM},
    {{0x1fff0000, 0x1fff3800}, LOAD_ACPI},
    {{0xfffc0000, 4 * GIB}, LOAD_RESERVED},
};
static struct load_range ranges[LOAD_RANGES_MAX];
static unsigned count;
static struct ept ept;

static int make(void **state)
{
    static struct vmx_capability capability;
    simulated_cpu_setup(state);
    vmx_capability_read(&capability);
    count = machine_memory(firmware, COUNT_OF(firmware), core, ranges);
    return ept_create(&ept, &capability) ? -1 : 0;
}

static int unmake(void **state)
{
    ept_destroy(&ept);
    return simulated_cpu_teardown(state);
}

/* The type that the ranges give an address: RAM only if nothing else says otherwise. */
static uint32_t type_of(uint64_t address)
{
    uint32_t type = 0;
    for (unsigned i = 0; i < count; i++)
        if (address >= ranges[i].start && address < ranges[i].end) {
            assert_int_equal(type, 0); /* they do not overlap, as the firmware's do not */
            type = ranges[i].type;
        }
    return type;
}

static void the_core_is_reserved(void **state)
{
    (void)state;
    assert_int_equal(count, COUNT_OF(firmware) + 2);
    assert_int_equal(type_of(core.start - 1), LOAD_RAM);
    assert_int_equal(type_of(core.start), LOAD_RESERVED);
    assert_int_equal(type_of(core.end - 1), LOAD_RESERVED);
    assert_int_equal(type_of(core.end), LOAD_RAM);
    assert_int_equal(type_of(0x1fff0000), LOAD_ACPI);
    assert_int_equal(type_of(0), LOAD_RAM);
    assert_int_equal(type_of(0xa0000), 0);
    assert_int_equal(machine_ram(ranges, count),
                     0x9f000 + 0x1fff0000 - MIB - (core.end - core.start));
}

static void too_many_ranges(void **state)
{
    static struct boot_memory many[LOAD_RANGES_MAX];
    (void)state;
    for (unsigned i = 0; i < LOAD_RANGES_MAX; i++)
        many[i] = (struct boot_memory){{i * GIB, i * GIB + MIB}, LOAD_RAM};
    assert_int_equal(machine_memory(many, LOAD_RANGES_MAX - 1, core, ranges), LOAD_RANGES_MAX);
    assert_int_equal(machine_memory(many, LOAD_RANGES_MAX, core, ranges), 0);
}

/* The entry that maps an address; 0: none does. */
static uint64_t entry_of(uint64_t address)
{
    const uint64_t *table = ept.root;
    for (int level = EPT_LEVELS - 1;; level--) {
        uint64_t entry = table[ept_index(address, level)];
        if (!(entry & EPT_ALL) || level == 0 || entry & EPT_ENTRY_LARGE)
            return entry;
        table = ept_table_of(entry);
    }
}

static unsigned memory_type(uint64_t address)
{
    return entry_of(address) >> 3 & 7;
}

static void expect_identity(uint64_t address, enum ept_memory_type type)
{
    uint64_t host;
    assert_true(ept_translate(&ept, address, &host));
    assert_int_equal(host, address);
    assert_int_equal(memory_type(address), type);
    assert_int_equal(entry_of(address) & EPT_ALL, EPT_ALL);
}

static void everything_but_the_core_is_mapped(void **state)
{
    uint64_t host;
    (void)state;
    assert_true(machine_map(&ept, ranges, count, core, 40));
    expect_identity(0, EPT_WRITE_BACK);
    expect_identity(0x9efff, EPT_WRITE_BACK);
    expect_identity(0x9f000, EPT_UNCACHEABLE);
    expect_identity(0xb8000, EPT_UNCACHEABLE);
    expect_identity(MIB, EPT_WRITE_BACK);
    expect_identity(core.start - 1, EPT_WRITE_BACK);
    expect_identity(core.end, EPT_WRITE_BACK);
    expect_identity(0x1fff0000, EPT_WRITE_BACK);
    expect_identity(0x1fff3fff, EPT_WRITE_BACK); /* the rest of the tables' last page */
    expect_identity(0x1fff4000, EPT_UNCACHEABLE);
    expect_identity(0xfee00000, EPT_UNCACHEABLE);
    expect_identity((1ull << 40) - 1, EPT_UNCACHEABLE);
    assert_false(ept_translate(&ept, 1ull << 40, &host));
    for (uint64_t page = core.start; page < core.end; page += PAGE_SIZE)
        assert_false(ept_translate(&ept, page, &host));
}

static void memory_runs_out(void **state)
{
    (void)state;
    simulated_pages_fail(2);
    assert_false(machine_map(&ept, ranges, count, core, 40));
}

#define machine_test(function) cmocka_unit_test_setup_teardown(function, make, unmake)

int main(void)
{
    const struct CMUnitTest tests[] = {
        machine_test(the_core_is_reserved),
        machine_test(too_many_ranges),
        machine_test(everything_but_the_core_is_mapped),
        machine_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
