/* SPDX-License-Identifier: MIT */
/* SGDT, SIDT, LGDT and LIDT: the registers, by operands of every kind and size. */
#include "descriptor_fixture.h"

#include <string.h>

enum {
    SGDT = 0,
    SIDT = 1,
    LGDT = 2,
    LIDT = 3,
};

static enum exit_outcome take(unsigned instruction, uint64_t more, uint64_t displacement)
{
    return descriptor_take(EXIT_REASON_GDTR_OR_IDTR, instruction, more, displacement);
}

static enum vmcs_field base_of(unsigned instruction)
{
    return instruction & 1 ? VMCS_GUEST_IDTR_BASE : VMCS_GUEST_GDTR_BASE;
}

static enum vmcs_field limit_of(unsigned instruction)
{
    return instruction & 1 ? VMCS_GUEST_IDTR_LIMIT : VMCS_GUEST_GDTR_LIMIT;
}

/* What lies in memory, and whether the bytes around it are as they were. */
static void stored(uint16_t limit, uint64_t base, size_t bytes)
{
    uint8_t wanted[32];

    memset(wanted, 0xcc, sizeof(wanted));
    memcpy(wanted + 8, &limit, 2);
    memcpy(wanted + 10, &base, bytes);
    assert_memory_equal(descriptor_memory + DESCRIPTOR_DATA, wanted, sizeof(wanted));
}

static void stores(void **state)
{
    (void)state;
    for (unsigned instruction = SGDT; instruction <= SIDT; instruction++) {
        exit_field(base_of(instruction), 0xffff800012345678);
        exit_field(limit_of(instruction), 0xabc0 + instruction);
        memset(descriptor_memory + DESCRIPTOR_DATA, 0xcc, 32);
        assert_int_equal(take(instruction, 0, DESCRIPTOR_DATA + 8), EXIT_RESUME);
        expect_completed();
        stored((uint16_t)(0xabc0 + instruction), 0xffff800012345678, 8);

        /* 32 bits outside of 64-bit mode, also with 16-bit operands */
        for (unsigned wide = 0; wide < 2; wide++) {
            exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b);
            memset(descriptor_memory + DESCRIPTOR_DATA, 0xcc, 32);
            assert_int_equal(take(instruction, wide << 11, DESCRIPTOR_DATA + 8), EXIT_RESUME);
            expect_completed();
            stored((uint16_t)(0xabc0 + instruction), 0x12345678, 4);
        }
        exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa09b);
    }
}

static void loads(void **state)
{
    (void)state;
    for (unsigned instruction = LGDT; instruction <= LIDT; instruction++) {
        descriptor_put(8, 0x1234, 0xffff7fff87654321);
        assert_int_equal(take(instruction, 0, DESCRIPTOR_DATA + 8), EXIT_RESUME);
        descriptor_expect_gp(); /* not canonical */
        descriptor_put(8, 0x1234, 0xffff800087654321);
        assert_int_equal(take(instruction, 0, DESCRIPTOR_DATA + 8), EXIT_RESUME);
        expect_field(base_of(instruction), 0xffff800087654321);
        expect_field(limit_of(instruction), 0x1234);
        expect_completed();

        exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b);
        for (unsigned wide = 0; wide < 2; wide++) { /* 16-bit operands: 24 bits of base */
            assert_int_equal(take(instruction, wide << 11, DESCRIPTOR_DATA + 8), EXIT_RESUME);
            expect_field(base_of(instruction), wide ? 0x87654321 : 0x654321);
            expect_field(limit_of(instruction), 0x1234);
            expect_completed();
        }
        exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa09b);
    }
}

/* A CPU that can do five levels takes a wider base, whatever CR4.LA57 is. */
static void wider_bases(void **state)
{
    (void)state;
    descriptor_put(8, 0x7f, 0x00ff800087654321);
    assert_int_equal(take(LGDT, 0, DESCRIPTOR_DATA + 8), EXIT_RESUME);
    descriptor_expect_gp();
    exit_capability.cr4_fixed1 |= CR4_LA57;
    assert_int_equal(take(LGDT, 0, DESCRIPTOR_DATA + 8), EXIT_RESUME);
    expect_field(VMCS_GUEST_GDTR_BASE, 0x00ff800087654321);
    expect_field(VMCS_GUEST_GDTR_LIMIT, 0x7f);
    expect_completed();
}

/* The CPU has checked it before; no register of the guest's depends on that. */
static void users_load_nothing(void **state)
{
    (void)state;
    descriptor_put(8, 0x7f, 0x1000);
    for (uint64_t level = 1; level < 4; level++) {
        exit_field(VMCS_GUEST_SS_ACCESS_RIGHTS, 0xc093 | level << 5);
        assert_int_equal(take(LIDT, 0, DESCRIPTOR_DATA + 8), EXIT_RESUME);
        descriptor_expect_gp();
        assert_int_equal(take(SIDT, 0, DESCRIPTOR_DATA + 8), EXIT_RESUME);
        expect_completed();
    }
}

static void pages(void **state)
{
    (void)state;
    for (unsigned instruction = SGDT; instruction <= LIDT; instruction++) {
        bool write = instruction < LGDT;
        assert_int_equal(take(instruction, 0, 0x200000), EXIT_RESUME);
        descriptor_expect(0x80000b0e, write ? 2 : 0);
        assert_int_equal(simulated_cpu.cr2, 0x200000);
        assert_int_equal(take(instruction, 0, 1ull << 63), EXIT_RESUME);
        descriptor_expect_gp();
        assert_int_equal(take(instruction, 0, DESCRIPTOR_BYTES - 4), EXIT_STOP);
        expect_stop(STOP_UNHANDLED, DESCRIPTOR_BYTES,
                    "descriptor-table register: operand in memory that EPT does not map");
        expect_unchanged();
    }
}

/* CPL 3, CR0.AM and RFLAGS.AC together; the base must be aligned, that is the limit must not. */
static void alignment(void **state)
{
    (void)state;
    for (unsigned set = 0; set < 8; set++)
        for (uint64_t offset = 0; offset < 8; offset++) {
            exit_field(VMCS_GUEST_SS_ACCESS_RIGHTS, set & 1 ? 0xc0f3 : 0xc093);
            exit_field(VMCS_GUEST_CR0, 0x80000033 | (set & 2 ? CR0_AM : 0));
            exit_field(VMCS_GUEST_RFLAGS, 2 | (set & 4 ? RFLAGS_AC : 0));
            assert_int_equal(take(SGDT, 0, DESCRIPTOR_DATA + offset), EXIT_RESUME);
            if (set == 7 && offset != 6)
                descriptor_expect(0x80000b11, 0);
            else
                expect_completed();
        }
}

/* Outside 64-bit mode, the segment must let it be written. */
static void segments(void **state)
{
    (void)state;
    exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b);
    exit_field(VMCS_GUEST_DS_LIMIT, DESCRIPTOR_DATA + 13);
    assert_int_equal(take(SGDT, 0, DESCRIPTOR_DATA + 8), EXIT_RESUME);
    expect_completed();
    assert_int_equal(take(SGDT, 0, DESCRIPTOR_DATA + 9), EXIT_RESUME);
    descriptor_expect_gp();
    static const struct {
        uint32_t rights;
        bool reads, writes;
    } kinds[] = {{0xc093, true, true},
                 {0xc091, true, false},
                 {0xc09b, true, false},
                 {0xc099, false, false},
                 {0x1c093, false, false}};
    descriptor_put(8, 0x7f, 0x1000);
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        exit_field(VMCS_GUEST_DS_ACCESS_RIGHTS, kinds[i].rights);
        assert_int_equal(take(SIDT, 0, DESCRIPTOR_DATA + 8), EXIT_RESUME);
        assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO) == 0, kinds[i].writes);
        assert_int_equal(take(LIDT, 1 << 11, DESCRIPTOR_DATA + 8), EXIT_RESUME);
        assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO) == 0, kinds[i].reads);
    }
}

/* Whatever the information says: nothing but what a guest's own access could do. */
static void random_information(void **state)
{
    uint64_t seed = 21;
    for (int i = 0; i < 4000; i++) {
        descriptor_teardown(state);
        assert_int_equal(descriptor_setup(state), 0);
        exit_field(VMCS_EXIT_INSTRUCTION_INFO, (uint32_t)random_bits(&seed));
        if (i % 2)
            exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b);
        exit_take(i & 4 ? EXIT_REASON_GDTR_OR_IDTR : EXIT_REASON_LDTR_OR_TR,
                  random_bits(&seed) >> random_below(&seed, 64));
        assert_int_equal(simulated_cpu.faults, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        descriptor_test(stores),      descriptor_test(loads),
        descriptor_test(wider_bases), descriptor_test(users_load_nothing),
        descriptor_test(pages),       descriptor_test(alignment),
        descriptor_test(segments),    descriptor_test(random_information),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
