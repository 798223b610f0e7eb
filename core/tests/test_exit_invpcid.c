/* SPDX-License-Identifier: MIT */
/* INVPCID, and with it the memory operands that VM-exit instruction information describes. */
#include "exit_fixture.h"

#include "../vmx/registers.h"
#include "../x86/control_registers.h"

#include <string.h>

#define GUEST_BYTES 0x5000ull
#define PML4        0x1000ull
#define DATA        0x4000ull /* the descriptor lies in this page */
#define TABLE_FLAGS 7ull

/* Instruction information: 64-bit addresses, DS, neither base nor index; type in RDX. */
#define INFO      (2u << 7 | 3u << 15 | 1u << 22 | 1u << 27 | RDX << 28)
#define RDX       2u
#define NO_INDEX  (1u << 22)
#define NO_BASE   (1u << 27)
#define FS        4u
#define PF        0x80000b0eu
#define SS        0x80000b0cu
#define WITH_PCID (0x2020 | CR4_PCIDE)

static struct ept ept;
static char *memory; /* the guest's, from 0 on */

/* The first 2 MiB mapped to themselves, of which EPT gives the guest five pages. */
static int invpcid_setup(void **state)
{
    int result = exit_setup(state);

    memory = platform_pages_allocate(GUEST_BYTES / PAGE_SIZE, PAGE_SIZE);
    if (ept_create(&ept, &exit_capability) ||
        !ept_map(&ept, 0, platform_physical(memory), GUEST_BYTES, EPT_ALL))
        return -1;
    guest.ept = &ept;
    for (uint64_t table = PML4; table < PML4 + 0x2000; table += 0x1000)
        *(uint64_t *)(memory + table) = (table + 0x1000) | TABLE_FLAGS;
    *(uint64_t *)(memory + PML4 + 0x2000) = 0x80 | TABLE_FLAGS;
    exit_field(VMCS_GUEST_CR3, PML4);
    exit_field(VMCS_EXIT_INSTRUCTION_INFO, INFO);
    return result;
}

static int invpcid_teardown(void **state)
{
    ept_destroy(&ept);
    platform_pages_free(memory, GUEST_BYTES / PAGE_SIZE);
    return simulated_cpu_teardown(state);
}

static void describe(uint64_t at, uint64_t pcid, uint64_t address)
{
    memcpy(memory + at, &pcid, 8);
    memcpy(memory + at + 8, &address, 8);
}

static enum exit_outcome take(uint64_t type, uint64_t displacement)
{
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    exit_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE, 0);
    guest.rdx = type;
    return exit_take(EXIT_REASON_INVPCID, displacement);
}

static void invalidates(uint64_t type, uint64_t displacement)
{
    assert_int_equal(take(type, displacement), EXIT_RESUME);
    expect_completed();
    assert_int_equal(cost.invalidations, 1);
}

static void faults(uint64_t type, uint64_t displacement, uint32_t information, uint32_t error)
{
    assert_int_equal(take(type, displacement), EXIT_RESUME);
    expect_field(VMCS_ENTRY_INTERRUPTION_INFO, information);
    expect_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE, error);
    expect_unchanged();
    assert_int_equal(cost.invalidations, 0);
}

static void refuses(uint64_t type)
{
    faults(type, DATA, 0x80000b0d, 0);
}

static void types_and_descriptors(void **state)
{
    (void)state;
    describe(DATA, 0, 0x7fffffffffff);
    for (uint64_t type = 0; type < 4; type++)
        invalidates(type, DATA);
    refuses(4);
    refuses(1ull << 32);
    refuses(UINT64_MAX);
    describe(DATA, 0, 0x800000000000); /* not canonical: matters to type 0 alone */
    refuses(0);
    invalidates(1, DATA);
    invalidates(3, DATA);
    for (int bit = 12; bit < 64; bit++) {
        describe(DATA, 1ull << bit, 0);
        for (uint64_t type = 0; type < 4; type++)
            refuses(type);
    }
    describe(DATA, 0xfff, 0); /* a PCID, without PCIDs and with */
    refuses(0);
    refuses(1);
    invalidates(2, DATA);
    exit_field(VMCS_GUEST_CR4, WITH_PCID);
    for (uint64_t type = 0; type < 4; type++)
        invalidates(type, DATA);
}

/* Base, index, scale, displacement and address size, each once; then all at random. */
static void addresses(void **state)
{
    uint64_t seed = 11;
    (void)state;
    for (int i = 0; i < 2000; i++) {
        uint64_t at = DATA + random_below(&seed, PAGE_SIZE - 16);
        unsigned base = random_below(&seed, 16), index = random_below(&seed, 16);
        unsigned scale = random_below(&seed, 4), size = 1 + random_below(&seed, 2);
        bool with_base = random_below(&seed, 2), with_index = random_below(&seed, 2);
        if (base == RDX || index == RDX || index == REGISTER_RSP || base == index)
            continue;
        uint64_t base_value = random_bits(&seed), index_value = random_bits(&seed);
        vcpu_set_register(&guest, base, base_value);
        vcpu_set_register(&guest, index, index_value);
        uint64_t displacement =
            at - (with_base ? base_value : 0) - (with_index ? index_value << scale : 0);
        if (size == 1) /* 32-bit addresses wrap at 4 GiB */
            displacement += random_bits(&seed) << 32;
        exit_field(VMCS_EXIT_INSTRUCTION_INFO, scale | size << 7 | 3u << 15 | index << 18 |
                                                   (with_index ? 0 : NO_INDEX) | base << 23 |
                                                   (with_base ? 0 : NO_BASE) | RDX << 28);
        describe(at, 0, 0);
        invalidates(2, displacement);
        describe(at, 1ull << 63, 0); /* it was this one */
        faults(2, displacement, 0x80000b0d, 0);
        describe(at, 0, 0);
    }
}

static void segments(void **state)
{
    (void)state;
    for (unsigned segment = 0; segment < 6; segment++) {
        exit_field((enum vmcs_field)(VMCS_GUEST_ES_BASE + 2 * segment), 0x40);
        exit_field((enum vmcs_field)(VMCS_GUEST_ES_LIMIT + 2 * segment), DATA + 0x1f);
        exit_field((enum vmcs_field)(VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * segment),
                   segment == 1 ? 0xa09b : 0xc093);
        exit_field(VMCS_EXIT_INSTRUCTION_INFO, (INFO & ~(7u << 15)) | segment << 15);
        describe(DATA + 0x10, 1, 0);
        describe(DATA + 0x50, 1, 0);
        describe(segment >= FS ? DATA + 0x50 : DATA + 0x10, 0, 0); /* 64-bit mode: two bases */
        invalidates(1, DATA + 0x10);
        uint32_t expected_fault = segment == 2 ? SS : 0x80000b0d;
        faults(1, 0x8000000000000000, expected_fault, 0); /* not canonical */
    }
}

static void segments_outside_of_64_bit_mode(void **state)
{
    (void)state;
    exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b);
    exit_field(VMCS_GUEST_DS_BASE, 0xffffff00);
    exit_field(VMCS_GUEST_DS_LIMIT, DATA + 0x11f);
    exit_field(VMCS_GUEST_DS_ACCESS_RIGHTS, 0xc093);
    exit_field(VMCS_EXIT_INSTRUCTION_INFO, (INFO & ~(7u << 7)) | 1u << 7);
    invalidates(0xfeedbeef00000002, DATA + 0x110);   /* 32 bits of the type; the base wraps */
    faults(2, DATA + 0x111, 0x80000b0d, 0);          /* beyond the limit by one */
    exit_field(VMCS_GUEST_DS_ACCESS_RIGHTS, 0xc097); /* expand-down: above the limit */
    exit_field(VMCS_GUEST_DS_LIMIT, DATA + 0x10f);
    invalidates(2, DATA + 0x110);
    faults(2, DATA + 0x10f, 0x80000b0d, 0);
    exit_field(VMCS_GUEST_DS_ACCESS_RIGHTS, 0x1c093); /* unusable */
    faults(2, DATA + 0x110, 0x80000b0d, 0);
    exit_field(VMCS_GUEST_DS_ACCESS_RIGHTS, 0xc099); /* code that cannot be read */
    faults(2, DATA + 0x110, 0x80000b0d, 0);
}

static void pages(void **state)
{
    (void)state;
    faults(2, 0x200000, PF, 0); /* not mapped */
    assert_int_equal(simulated_cpu.cr2, 0x200000);
    faults(2, 0x1ffff8 + 0x40000000, PF, 0);
    assert_int_equal(simulated_cpu.cr2, 0x1ffff8 + 0x40000000);
    assert_int_equal(take(2, GUEST_BYTES), EXIT_STOP); /* mapped to what EPT does not give */
    expect_stop(STOP_UNHANDLED, GUEST_BYTES, "INVPCID: descriptor outside of guest memory");
    expect_unchanged();
    assert_int_equal(take(2, GUEST_BYTES - 8), EXIT_STOP); /* half of it */
    expect_unchanged();
}

/* Whatever the information says: nothing but what a guest's own access could do. */
static void random_information(void **state)
{
    uint64_t seed = 12;
    for (int i = 0; i < 5000; i++) {
        uint32_t information = (uint32_t)random_bits(&seed);
        invpcid_teardown(state);
        assert_int_equal(invpcid_setup(state), 0);
        exit_field(VMCS_EXIT_INSTRUCTION_INFO, information);
        if (i % 2)
            exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b);
        take(random_below(&seed, 6), random_bits(&seed) >> random_below(&seed, 64));
        assert_int_equal(simulated_cpu.faults, 0);
    }
}

#define invpcid_test(function) \
    cmocka_unit_test_setup_teardown(function, invpcid_setup, invpcid_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        invpcid_test(types_and_descriptors),
        invpcid_test(addresses),
        invpcid_test(segments),
        invpcid_test(segments_outside_of_64_bit_mode),
        invpcid_test(pages),
        invpcid_test(random_information),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
